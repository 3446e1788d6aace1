"""The contract of wrappers that remember the calls of an SDK's client."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal, get_args

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memex import Memex, Message
from memex.testing._scratch import ScratchStore
from memex.testing.wire import Behaviour, WireServer

Sends = Literal["new", "tail", "whole"]
Outcome = Literal["whole", "stream", "fails", "breaks", "ends early", "left", "calls"]
After = Literal["again", "keep both", "keep question", "drop"]

# A contract is inherited, so one function runs in several classes.
_UNCHECKED: Final = (HealthCheck.too_slow, HealthCheck.differing_executors)
_THREAD: Final = "talk"
_WORDS: Final = ("yes", "no", "go on")


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller does next.

    Attributes:
        words: What is said; few, so that the same is said again.
        sends: Only the new message, the end of the conversation, or all of it.
        system: Whether the system text goes with it.
        outcome: What becomes of the call.
        pieces: Pieces of a stream that come through.
        calls: How many tools are called.
        after: What the caller does after a call that gave no whole answer: makes it again, or says
            something else and keeps of it in their history what they have, the question, or nothing.
    """

    words: str
    sends: Sends
    system: bool
    outcome: Outcome
    pieces: int
    calls: int
    after: After


def steps() -> st.SearchStrategy[Step]:
    """Return steps of callers."""
    return st.builds(
        Step,
        words=st.sampled_from(_WORDS),
        sends=st.sampled_from(get_args(Sends)),
        system=st.booleans(),
        outcome=st.sampled_from(get_args(Outcome)),
        pieces=st.integers(0, 3),
        calls=st.integers(1, 2),
        after=st.sampled_from(get_args(After)),
    )


class DropInContract:
    """What a wrapper of an SDK's client must do. Inherit, say how the SDK is used, and run pytest.

    ::

        class TestRemember(DropInContract):
            def make_client(self, url, memory): return remember(parrot.Client(url), memory)
            def call(self, client, messages, *, thread, system, stream, leave_after): ...
            ...
    """

    def make_client(self, url: str, memory: Memex) -> Any:
        """Return a remembered client of the server at ``url`` that makes no retries of its own."""
        raise NotImplementedError(
            f"{type(self).__name__}.make_client() is what the contract asks of a wrapper"
        )

    def close_client(self, client: Any) -> None:
        """Close a client."""
        client.close()

    def call(
        self,
        client: Any,
        messages: list[Any],
        *,
        thread: str,
        system: str | None,
        stream: bool,
        leave_after: int | None,
    ) -> None:
        """Make a call, and read a stream to its end or leave it after so many pieces of text."""
        raise NotImplementedError(f"{type(self).__name__}.call() is what the contract asks of a wrapper")

    def user(self, text: str) -> Any:
        """Return what a user says, as a message of the SDK's."""
        raise NotImplementedError(f"{type(self).__name__}.user() is what the contract asks of a wrapper")

    def assistant(self, text: str) -> Any:
        """Return an answer."""
        raise NotImplementedError(f"{type(self).__name__}.assistant() is what the contract asks of a wrapper")

    def calling(self, ids: Sequence[str]) -> Any:
        """Return an answer that calls tools."""
        raise NotImplementedError(f"{type(self).__name__}.calling() is what the contract asks of a wrapper")

    def results(self, ids: Sequence[str]) -> list[Any]:
        """Return the messages that bring the results of tools, each ``"result of ID"``."""
        raise NotImplementedError(f"{type(self).__name__}.results() is what the contract asks of a wrapper")

    def answers(self, message: Any) -> Behaviour:
        """Return the behaviour of a server that answers with a message at once."""
        raise NotImplementedError(f"{type(self).__name__}.answers() is what the contract asks of a wrapper")

    def streams(self, pieces: Sequence[str], *, ends: Literal["whole", "broken", "early"]) -> Behaviour:
        """Return the behaviour of a server that streams pieces of text, then ends as it should or not."""
        raise NotImplementedError(f"{type(self).__name__}.streams() is what the contract asks of a wrapper")

    def fails(self) -> Behaviour:
        """Return the behaviour of a server that is busy."""
        raise NotImplementedError(f"{type(self).__name__}.fails() is what the contract asks of a wrapper")

    @given(st.lists(steps(), min_size=1, max_size=10))
    @settings(max_examples=40, deadline=None, suppress_health_check=_UNCHECKED)
    def test_the_thread_holds_what_was_really_said(self, talk: list[Step]) -> None:
        """Each message once, in order, and no half answer as a whole one, whatever the caller does."""
        with WireServer() as server, Memex(ScratchStore(), chain=[], budget=100_000) as memory:
            client = self.make_client(server.url, memory)
            try:
                _Talk(self, server, memory, client).run(talk)
            finally:
                self.close_client(client)


class _Talk:
    """A caller with a memory of their own, and what a thread has to hold because of them."""

    def __init__(self, contract: DropInContract, server: WireServer, memory: Memex, client: Any) -> None:
        self.contract = contract
        self.server = server
        self.thread = memory.thread(_THREAD)
        self.client = client
        self.history: list[Any] = []  # the caller's
        self.said: list[tuple[str, str, str]] = []  # what was really said
        self.number = 0
        self.kept = False  # whether the caller's history ends with a call that got no whole answer

    def run(self, talk: Sequence[Step]) -> None:
        """Play the steps one after the other."""
        steps = list(talk)
        for at, step in enumerate(steps):
            words = self.words_of(step)
            self.turn([self.contract.user(words)], [("user", words, "complete")], step, steps[at + 1 :])

    def turn(
        self, new: list[Any], saying: list[tuple[str, str, str]], step: Step, later: Sequence[Step]
    ) -> None:
        """Make a call, and again until it is answered or given up."""
        again = self.is_again(saying)
        self.said += self.system_of(step)
        self.said += [] if again else saying
        got = self.attempt(new, step, step.outcome)
        if got is None and step.after == "again":
            for other in later[:1]:
                self.said += self.system_of(other)
                got = self.attempt(new, msgspec.structs.replace(other, sends=step.sends), other.outcome)
        if got is not None:
            self.history += [*([] if again and self.kept else new), got[0]]
            self.kept = False
            if got[1]:
                brought = self.contract.results(got[1]), _results(got[1])
                if step.pieces == 0:  # the call that brings the results is made twice
                    self.turn(*brought, msgspec.structs.replace(step, outcome="fails", after="drop"), ())
                self.turn(*brought, msgspec.structs.replace(step, outcome="whole"), ())
        elif not (again and self.kept):
            self.kept = step.after.startswith("keep")
            self.history += {"keep both": [*new, *self.half()], "keep question": new}.get(step.after, [])

    def attempt(self, new: list[Any], step: Step, outcome: Outcome) -> tuple[Any, list[str]] | None:
        """Make one call; return the answer and the ids of its calls, None if there was none."""
        pieces = [f"{word} " for word in self.fresh(3)]
        came = pieces[: step.pieces]
        ids: list[str] = []
        contract, stream, leave = self.contract, outcome not in ("whole", "calls", "fails"), None
        match outcome:
            case "fails":
                behaviour = contract.fails()
            case "breaks" | "ends early":
                behaviour = contract.streams(came, ends="broken" if outcome == "breaks" else "early")
            case "left":
                behaviour, leave = contract.streams(pieces, ends="whole"), step.pieces
            case "stream":
                behaviour, came = contract.streams(pieces, ends="whole"), pieces
            case "calls":
                ids = self.fresh(step.calls)
                behaviour, came = contract.answers(contract.calling(ids)), []
            case _:
                behaviour, came = contract.answers(contract.assistant("".join(pieces))), pieces
        self.server.play(behaviour)
        self.call(new, step, stream=stream, leave=leave)
        if outcome in ("whole", "stream", "calls"):
            self.said.append(("assistant", "".join(came) or " ".join(ids), "complete"))
            self.check()
            return (contract.calling(ids) if ids else contract.assistant("".join(came))), ids
        if came and outcome != "fails":
            self.said.append(("assistant", "".join(came), "incomplete"))
        self.check()
        return None

    def call(self, new: list[Any], step: Step, *, stream: bool, leave: int | None) -> None:
        cut = {"new": len(self.history), "tail": max(0, len(self.history) - 3), "whole": 0}[step.sends]
        system = "Be brief." if step.system else None
        messages = [*self.history[cut:], *new]
        try:
            self.contract.call(
                self.client, messages, thread=_THREAD, system=system, stream=stream, leave_after=leave
            )
        except Exception as error:
            if type(error).__module__.startswith("memex"):  # all others are the SDK's own
                raise

    def system_of(self, step: Step) -> list[tuple[str, str, str]]:
        system = ("system", "Be brief.", "complete")
        return [system] if step.system and system not in self.said else []

    def words_of(self, step: Step) -> str:
        """Return what is said.

        A question that was given up is asked again at once or not at all before the next answer: whether
        it is then the same one or another, nobody could tell.
        """
        waiting = self.waiting()
        at_once = waiting[-1:] == [step.words] and (step.sends == "new" or not self.kept)
        return step.words if at_once or step.words not in waiting else self.fresh(1)[0]

    def waiting(self) -> list[str]:
        """Return the questions since the last whole answer."""
        waiting: list[str] = []
        for role, words, status in reversed(self.said):
            if role == "assistant" and status == "complete":
                break
            waiting += [words] if role == "user" else []
        return waiting[::-1]

    def is_again(self, saying: list[tuple[str, str, str]]) -> bool:
        """Tell whether this is the same call again: the same was asked and never answered."""
        spoken = [one for one in self.said if one[0] != "system"]
        while spoken and spoken[-1][2] == "incomplete":
            spoken.pop()
        return spoken[-len(saying) :] == saying

    def half(self) -> list[Any]:
        return [self.contract.assistant(self.said[-1][1])] if self.said[-1][2] == "incomplete" else []

    def fresh(self, count: int) -> list[str]:
        self.number += count
        return [f"n{number}" for number in range(self.number - count, self.number)]

    def check(self) -> None:
        """Compare the thread, and what was sent, with what was said."""
        held = [(m.role, _words(m), m.status) for m in self.thread.messages()]
        assert held == self.said
        assert not self.server.unexpected


def _results(ids: Sequence[str]) -> list[tuple[str, str, str]]:
    return [("tool", f"result of {one}", "complete") for one in ids]


def _words(message: Message) -> str:
    if message.tool_calls:
        return " ".join(call.id for call in message.tool_calls)
    results = [Message(role="tool", parts=result.parts).text for result in message.tool_results]
    return " ".join(results) or message.text
