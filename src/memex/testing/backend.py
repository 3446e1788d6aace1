"""What every backend must be: one well-formed stream, stored once, whatever happens to it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

import msgspec
import pytest

from memex._assemble import Assembly
from memex._backend import Backend, Capabilities, Event, Request, Tool
from memex._driving import events_of
from memex._errors import BackendError
from memex._memex import Memex
from memex._message import Message, Origin
from memex._parts import Reasoning, Text
from memex._thread import Thread
from memex.testing._scratch import ScratchStore
from memex.testing._talks import QUESTION, long_talk
from memex.testing.policy import evict_oldest

_SIGNATURE = "signed-by-another-model"


class BackendContract:
    """The tests of a backend. Subclass it and say how the backend is made.

    ::

        class TestParrot(BackendContract):
            def make_backend(self):
                return Parrot()

    A backend that needs a server is tested against a local one that plays it.

    Attributes:
        deterministic: Whether it answers the same request with the same words.
    """

    deterministic: ClassVar[bool] = True

    def make_backend(self) -> Backend:
        """Return a new backend that answers."""
        raise NotImplementedError(f"{type(self).__name__}.make_backend() returns the backend to be tested")

    def make_failing_backend(self) -> Backend | None:
        """Return a backend whose call fails: a wrong key, a server that is down. None if none can."""
        return None

    def sent_by(self, backend: Backend) -> str:  # noqa: ARG002 - for those who override it
        """Return what the backend last sent to its model, as text; empty where it sends nothing."""
        return ""

    def history(self) -> Sequence[Message]:
        """Return what was said before; the answer to :meth:`question` takes several text events."""
        return long_talk(6)

    def question(self) -> str:
        """Return what is asked."""
        return QUESTION

    @pytest.fixture(autouse=True)
    def _backends_are_closed(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Keep what a test makes until its end, and close it: a garbage collector leaves connections open."""
        made: list[Backend] = []
        make = self.make_backend

        def kept() -> Backend:
            made.append(make())
            return made[-1]

        monkeypatch.setattr(self, "make_backend", kept)
        yield
        for backend in made:
            backend.close()

    # -- the stream ----------------------------------------------------------------------------

    def test_it_says_what_it_is(self) -> None:
        """It has a name, a model and capabilities; they are where a plan says the window went."""
        backend = self.make_backend()
        assert backend.name
        assert isinstance(backend.name, str)
        assert isinstance(backend.model, str)
        assert isinstance(backend.capabilities, Capabilities)

    def test_events_are_well_formed(self) -> None:
        """Each sets the field of its kind; ``finish`` comes once, last."""
        check_events(self.make_backend().stream(self._request()))

    def test_usage_is_told(self) -> None:
        """Prompt and output tokens are in the usage; no figure is negative."""
        usage = assembled(self.make_backend().stream(self._request())).usage
        assert usage is not None, "there was no usage, neither as an event nor on the finish"
        assert min(usage.prompt_tokens, usage.output_tokens) > 0, f"{usage} counts nothing"
        figures = [value for value in msgspec.structs.astuple(usage) if isinstance(value, int)]
        assert min(figures) >= 0, f"{usage} is negative"

    def test_generate_gives_what_stream_gives(self) -> None:
        """The whole answer at once is the same answer."""
        request = self._request()
        streamed = assembled(self.make_backend().stream(request))
        whole = assembled(check_events(events_of(self.make_backend(), request, whole=True)))
        assert whole.finish == streamed.finish
        if self.deterministic:
            assert whole.parts == streamed.parts
            assert whole.usage == streamed.usage

    def test_a_request_without_messages_fails_clearly_or_is_answered(self) -> None:
        """No raw error of an SDK comes out."""
        try:
            check_events(self.make_backend().stream(Request(messages=(), answer_tokens=50)))
        except BackendError:
            return

    def test_an_answer_that_is_too_long_says_so(self) -> None:
        """With room for one token the answer ends with ``length``, unless it is that short."""
        answer = assembled(self.make_backend().stream(self._request(answer_tokens=1)))
        output = answer.usage.output_tokens if answer.usage else 0
        assert answer.finish == "length" or output <= 1, f"{output} tokens, and it ended with {answer.finish}"

    # -- in a turn -----------------------------------------------------------------------------

    def test_the_reply_is_stored_once(self) -> None:
        """After a turn the thread has the question and one whole answer, stamped with its origin."""
        backend = self.make_backend()
        thread = self._thread(backend)
        before = thread.info.head
        reply = thread.send(self.question())
        new = list(thread.messages())[before:]
        assert [message.role for message in new] == ["user", "assistant"]
        assert new[1] == reply.message
        assert (reply.message.status, reply.text == "") == ("complete", False)
        assert reply.message.origin is not None
        assert reply.message.origin.provider == backend.name

    def test_streaming_stores_what_was_streamed(self) -> None:
        """The words of the events are the words of the stored answer."""
        thread = self._thread(self.make_backend())
        words = "".join(event.text for event in thread.stream(self.question()))
        assert next(thread.messages(reverse=True)).text == words

    def test_leaving_the_stream_early_stores_an_incomplete_answer(self) -> None:
        """What was read is kept, and never passes for a whole answer."""
        thread = self._thread(self.make_backend())
        stream = thread.stream(self.question())
        first = next(event for event in stream if event.text)
        stream.close()  # type: ignore[attr-defined]  # a generator, as for loops leave it
        last = next(thread.messages(reverse=True))
        assert (last.role, last.status, last.text) == ("assistant", "incomplete", first.text)

    def test_the_asynchronous_twins_do_the_same(self) -> None:
        """``asend`` and ``astream`` give and store what ``send`` and ``stream`` do."""
        plain = self._thread(self.make_backend()).send(self.question())

        async def both() -> tuple[str, str]:
            reply = await self._thread(self.make_backend()).asend(self.question())
            thread = self._thread(self.make_backend())
            words = [event.text async for event in thread.astream(self.question())]
            assert "".join(words) == next(thread.messages(reverse=True)).text
            assert reply.message.status == plain.message.status
            return reply.text, "".join(words)

        sent, streamed = asyncio.run(both())
        if self.deterministic:
            assert sent == streamed == plain.text

    def test_leaving_the_asynchronous_stream_early_stores_an_incomplete_answer(self) -> None:
        """As with the blocking one."""
        thread = self._thread(self.make_backend())

        async def leave() -> str:
            stream = thread.astream(self.question())
            async for event in stream:
                if event.text:
                    await stream.aclose()  # type: ignore[attr-defined]  # an async generator
                    return event.text
            return ""

        first = asyncio.run(leave())
        last = next(thread.messages(reverse=True))
        assert (last.role, last.status, last.text) == ("assistant", "incomplete", first)

    def test_no_part_of_another_model_is_sent(self) -> None:
        """A thought that another model signed stays out, and the plan says so."""
        backend = self.make_backend()
        thread = self._thread(backend)
        stranger = Origin("someone-else", "their-model")
        thought = Reasoning("Lighthouse doors, hm.", signature=_SIGNATURE)
        seq = thread.append(Message.assistant([thought, Text("Let me see.")], origin=stranger))[0].seq
        reply = thread.send(self.question())
        assert [(part.seq, part.part) for part in reply.plan.left_out] == [(seq, "reasoning")]
        assert _SIGNATURE not in reply.text + self.sent_by(backend)

    def test_a_tool_may_be_offered(self) -> None:
        """A request with tools is answered; a backend that calls none ignores them."""
        reply = self._thread(self.make_backend()).send(self.question(), tools=[Tool("look", "Looks it up.")])
        assert reply.text or reply.tool_calls

    # -- failing and closing -------------------------------------------------------------------

    def test_a_failure_is_typed_and_loses_nothing(self) -> None:
        """It raises a :class:`~memex.BackendError`, and the question is stored."""
        backend = self.make_failing_backend()
        if backend is None:
            pytest.skip("override make_failing_backend(): a backend whose call fails, as with a wrong key")
        with pytest.raises(BackendError):
            list(backend.stream(self._request()))
        thread = self._thread(backend)
        with pytest.raises(BackendError):
            thread.send(self.question())
        stored = [m for m in thread.messages() if m.status == "complete"]
        assert stored[-1].text == self.question()

    def test_closing_twice_is_allowed(self) -> None:
        """Also after an answer, and before any."""
        fresh, used = self.make_backend(), self.make_backend()
        list(used.stream(self._request()))
        for backend in (fresh, used):
            backend.close()
            backend.close()

    # -- what the tests share ------------------------------------------------------------------

    def _request(self, answer_tokens: int = 500) -> Request:
        messages = (*self.history(), Message.user(self.question()))
        return Request(messages=messages, answer_tokens=answer_tokens, thread="t")

    def _thread(self, backend: Backend) -> Thread:
        thread = Memex(ScratchStore(), backend=backend, chain=[evict_oldest]).thread("t")
        thread.append(self.history())
        return thread


def check_events(events: Iterable[object]) -> list[Event]:
    """Return the events of an answer that is well formed and ended as it should."""
    seen: list[Event] = []
    for event in events:
        assert isinstance(event, Event), f"a {type(event).__name__} is no event"
        assert not seen or seen[-1].kind != "finish", f"{event.kind} came after the finish"
        filled = event.kind == "start" or getattr(event, event.kind) not in ("", None)
        assert filled, f"{event} has no {event.kind}"
        assert event.kind != "error", f"it ended with an error: {event.error}"
        assert event.kind != "start" or not seen, "start came after another event"
        seen.append(event)
    assert seen, "there was no event"
    assert seen[-1].kind == "finish", f"the last event is {seen[-1].kind}, not finish: this looks truncated"
    return seen


def assembled(events: Iterable[Event]) -> Assembly:
    """Return what the events of an answer add up to."""
    assembly = Assembly()
    for event in events:
        assembly.feed(event)
    return assembly
