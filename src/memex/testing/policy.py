"""What every policy must be: it acts, and it keeps the laws whatever the conversation."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memex._entry import Entry
from memex._errors import BudgetExceeded
from memex._memex import Memex
from memex._message import Message
from memex._parts import Media
from memex._plan import Plan
from memex._serial import encode_message
from memex._thread import Thread
from memex._window import Window
from memex.testing._policy.beside import BesideOthers
from memex.testing._scratch import ScratchStore
from memex.testing._talks import QUESTION, long_talk
from memex.testing.strategies import conversations

Policy = Callable[[Window], Window]
_CODE = re.compile(r"[a-z][a-z0-9-]*\Z")


def evict_oldest(window: Window) -> Window:
    """Drop the oldest messages of a window that is over its limit, down to half of it.

    The contract ends every chain with it, so that a policy that only adds can be tested too.
    """
    over = window.tokens - window.limit // 2
    gone: list[Entry] = []
    for unit in window.droppable_units if window.room < 0 else ():
        if over <= 0:
            break
        gone.extend(unit.entries)
        over -= sum(entry.tokens for entry in unit.entries)
    return window.drop(gone, reason="over-budget")


class PolicyContract(BesideOthers):
    """The laws of a window, tested on one policy. Subclass it and say how the policy is made.

    ::

        class TestFifo(PolicyContract):
            def make_policy(self):
                return fifo()

    Attributes:
        budget: Tokens of a call in the long conversations.
        fresh_share: How much of all the tokens sent over sixty turns may be fresh. A policy that
            moves the beginning of the window at every turn sends nearly all of them again.
    """

    budget: ClassVar[int] = 2_000
    fresh_share: ClassVar[float] = 0.5

    def make_policy(self) -> Policy:
        """Return a new policy with the settings to be tested."""
        raise NotImplementedError(f"{type(self).__name__}.make_policy() returns the policy to be tested")

    def history(self) -> Sequence[Message]:
        """Return a conversation in which the policy must act when :meth:`question` is asked.

        By default 120 turns with tools, far more than the budget; one fact is said early on.
        """
        return long_talk(120, tools=True)

    def question(self) -> str:
        """Return the question to ask at the end of :meth:`history`, by default for that fact."""
        return QUESTION

    # -- it does something ---------------------------------------------------------------------

    def test_it_differs_from_doing_nothing(self) -> None:
        """Where it must act, the window it returns is not the one it was given: it changed or ranked."""
        seen: list[tuple[Window, Window]] = []
        policy = self.make_policy()

        def watched(window: Window) -> Window:
            seen.append((window, policy(window)))
            return seen[-1][1]

        self._thread(self.history(), chain=[watched, evict_oldest]).window(self.question())
        given, returned = seen[0]
        assert (returned.messages, returned.rankings) != (given.messages, given.rankings), (
            "it returned the window as it was given; if it should act on another conversation than "
            "history() and question() give, override them"
        )

    def test_every_change_has_a_reason(self) -> None:
        """Reasons are short codes, because people count and filter them."""
        plan = self._thread(self.history()).window(self.question()).plan
        for change in plan.steps[1].changes:
            assert _CODE.match(change.reason), f"the reason {change.reason!r} is no short code like 'too-old'"
            assert change.seqs or change.elsewhere, f"the change {change.reason!r} names no message"

    # -- laws 1 to 3 ---------------------------------------------------------------------------

    def test_the_log_is_untouched(self) -> None:
        """A window is a view: every message is byte for byte what it was."""
        thread = self._thread(self.history())
        before = [encode_message(message) for message in thread.messages()]
        for _ in range(3):
            thread.window(self.question())
        assert [encode_message(message) for message in thread.messages()] == before

    def test_the_budget_is_kept_at_every_turn(self) -> None:
        """Prompt and answer together never cost more than the budget."""
        for plan in self._plans(long_talk(40, tools=True)):
            assert plan.tokens + plan.answer <= plan.total, f"plan {plan.number} is over the budget"

    def test_what_is_protected_stays(self) -> None:
        """System text, pins and the newest question are in every window."""
        thread = self._thread(self.history())
        pin = thread.pin(4).seq
        standing = {e.seq for e in thread.entries() if e.message.role in ("system", "developer")}
        for question in (self.question(), "And then?"):
            window = thread.window(question)
            assert standing | {pin} <= window.seqs, "the system message or the pinned message is gone"
            assert window.messages[-1].text == question, "the newest question is gone"

    def test_it_fails_clearly_when_nothing_can_fit(self) -> None:
        """A question longer than the budget is refused by the host, not a crash of the policy."""
        with pytest.raises(BudgetExceeded):
            self._thread(self.history()).window("word " * 5 * self.budget)

    # -- laws 4 and 5, on conversations that nobody would think of -------------------------------

    def test_the_laws_hold_on_any_conversation(self) -> None:
        """Exchanges with tools stay whole, order is the log's, and the window can be sent.

        The host checks the rest after each step, and names the law that was broken.
        """
        memory = self._memory()
        plain = Memex(memory.store, chain=[evict_oldest])
        names = iter(range(1_000_000))

        @settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
        @given(conversations(max_turns=6), st.integers(min_value=80, max_value=1_500))
        def check(messages: list[Message], budget: int) -> None:
            name = f"t{next(names)}"
            thread = memory.thread(name, budget=budget)
            thread.append(messages)
            try:
                window = thread.window()
            except BudgetExceeded:
                with pytest.raises(BudgetExceeded):  # it would fit without the policy
                    plain.thread(name, budget=budget).window(record=False)
                return
            assert [e.seq for e in window.entries] == sorted(window.seqs)
            for unit in window.units:
                assert unit.whole or any(e.seq in window.protected for e in unit.entries), (
                    f"half an exchange with a tool: {[e.seq for e in unit.entries]}"
                )
            json.dumps(window.to_openai())

        check()

    def test_it_takes_windows_without_words(self) -> None:
        """No message, no user, no text: none of it makes a policy fail."""
        memory = self._memory()
        memory.thread("empty").window()
        picture = Message.user([Media(kind="image", source="url", value="https://example.org/a.png")])
        talks = [[picture], [Message.assistant("Hello?")], [Message.system("Be kind.")], [Message.user("")]]
        for number, talk in enumerate(talks):
            thread = memory.thread(f"t{number}", budget=20_000)  # a picture may cost thousands
            thread.append(talk)
            window = thread.window()
            assert all(message in talk for message in window.messages)

    # -- law 6 ---------------------------------------------------------------------------------

    def test_the_window_only_grows_at_its_tail_between_evictions(self) -> None:
        """Without a drop, a window begins with all of the last one, up to what was recalled."""
        plans = self._plans(long_talk(40))
        for before, plan in pairwise(plans):
            if any(change.kind not in ("recall", "rank") for step in plan.steps for change in step.changes):
                continue
            kept = _messages_before_recalled(before)
            assert plan.stable >= kept, (
                f"plan {plan.number} shares {plan.stable} messages with the last one, which had {kept} "
                "before its recalled ones; nothing was dropped, so all of them should be there"
            )

    def test_few_tokens_are_fresh(self) -> None:
        """Over sixty turns most of what is sent was sent before, so that a cache can serve it."""
        plans = self._plans(long_talk(60))
        fresh, sent = sum(p.fresh_tokens for p in plans), sum(p.tokens for p in plans)
        print(f"fresh tokens: {fresh:,} of {sent:,} sent over {len(plans)} turns, {fresh / sent:.0%}")  # noqa: T201
        assert fresh <= self.fresh_share * sent, f"{fresh:,} of {sent:,} tokens were fresh"

    # -- law 7 ---------------------------------------------------------------------------------

    def test_plans_replay_byte_for_byte(self) -> None:
        """A plan is a function of the log, the settings and the counter, and of nothing else."""
        thread = self._thread([])
        _hold(thread, long_talk(30, tools=True))
        different = [str(replayed) for replayed in thread.replay() if not replayed.same]
        assert not different, "\n".join(different)

    def test_threads_do_not_mix(self) -> None:
        """A policy that has seen other threads decides as a new one does, also when shared."""
        alone = self._thread(self.history(), name="mine").window(self.question())
        memory = self._memory()
        threads = [memory.thread(name) for name in ("other", "mine", "third")]
        for number, thread in enumerate(threads):
            thread.append(self.history() if thread.id == "mine" else long_talk(50, seed=number + 5))
        threads[0].window(self.question())  # so that there is something to mix, whichever comes first below
        with ThreadPoolExecutor(len(threads)) as pool:
            windows = list(pool.map(lambda thread: thread.window(self.question()), threads))
        assert windows[1].plan.to_bytes() == alone.plan.to_bytes()

    # -- what the tests share ------------------------------------------------------------------

    def _memory(self, chain: Iterable[Policy] | None = None) -> Memex:
        links = [self.make_policy(), evict_oldest] if chain is None else list(chain)
        return Memex(ScratchStore(), chain=links, budget=self.budget)

    def _thread(
        self, messages: Sequence[Message], *, name: str = "t", chain: Iterable[Policy] | None = None
    ) -> Thread:
        thread = self._memory(chain).thread(name)
        thread.append(messages)
        return thread

    def _plans(self, messages: Sequence[Message]) -> list[Plan]:
        return _hold(self._thread([]), messages)


def _hold(thread: Thread, messages: Sequence[Message]) -> list[Plan]:
    """Hold a conversation and return the plan of each turn: one for every message of the user."""
    plans, said = [], []
    for message in messages:
        said.append(message)
        if message.role == "user":
            thread.append(said)
            plans.append(thread.window().plan)
            said = []
    return plans


def _messages_before_recalled(plan: Plan) -> int:
    count = 0
    for placed in plan.window:
        if placed.derived == "recall":
            break
        count += 1 if placed.seqs is None else placed.seqs[1] - placed.seqs[0] + 1
    return count
