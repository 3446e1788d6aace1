"""Threads that fork and forget: whatever happens, quotes are real, said once, and can be made again."""

from __future__ import annotations

import msgspec
from doubles import WordCounter
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from memex import BudgetExceeded, Memex, Message, Window

WORDS = ("harbour", "lighthouse", "padlock", "vermilion", "Ottoline", "slipway", "tariff", "ferry")
SAID = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6)
MAKE = {"user": Message.user, "assistant": Message.assistant, "system": Message.system}
AT = st.integers(min_value=0, max_value=400)
CHAINS = (
    [{"use": "recall", "threads": "all"}, "fifo"],
    [{"use": "recall", "threads": "all", "most": 2, "share": 0.6}, "fifo"],
    [{"use": "recall", "threads": ["t0", "t1", "t2"]}, {"use": "fifo", "by": "messages", "keep": 3}],
)


class Said(msgspec.Struct, eq=False):
    """A message that several threads may hold: one object for all of them."""

    text: str
    role: str
    gone: bool = False


class Threads(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.memory = Memex("inmemory:", counter=WordCounter())
        self.logs: dict[str, list[Said]] = {}
        self.shares: dict[str, tuple[str | None, int]] = {}
        self.valid: set[tuple[str, int]] = set()
        self.count = 0
        for at in range(3):  # so that there is something to find from the first step on
            self.open()
            self.say(at, [[word, WORDS[at]] for word in WORDS], "user")

    def teardown(self) -> None:
        for name in self.logs:
            for replayed in self.memory.thread(name).replay():
                assert replayed.same or (name, replayed.number) not in self.valid, str(replayed)
        self.memory.close()

    def pick(self, at: int) -> str:
        return list(self.logs)[at % len(self.logs)]

    # -- what happens --------------------------------------------------------------------------

    @precondition(lambda self: len(self.logs) < 6)
    @rule()
    def open(self) -> None:
        name = f"t{self.count}"
        self.count += 1
        self.memory.thread(name)
        self.logs[name], self.shares[name] = [], (None, 0)

    @rule(at=AT, said=st.lists(SAID, min_size=1, max_size=5), role=st.sampled_from([*MAKE]))
    def say(self, at: int, said: list[list[str]], role: str) -> None:
        name = self.pick(at)
        for words in said:
            self.count += 1
            text = f"Number{self.count} {' '.join(words)}."
            self.memory.thread(name).append([MAKE[role](text)])
            self.logs[name].append(Said(text, role))

    @precondition(lambda self: len(self.logs) < 6)
    @rule(at=AT, upto=AT)
    def fork(self, at: int, upto: int) -> None:
        parent = self.pick(at)
        head = upto % (len(self.logs[parent]) + 1)
        name = f"t{self.count}"
        self.count += 1
        self.memory.thread(parent).fork(name, at=head)
        self.logs[name], self.shares[name] = self.logs[parent][:head], (parent, head)
        # It replays the plans that it shares.
        self.valid |= {(name, number) for owner, number in self.valid if owner == parent}

    @rule(at=AT, seq=AT)
    def forget(self, at: int, seq: int) -> None:
        name = self.pick(at)
        if self.logs[name]:
            place = seq % len(self.logs[name])
            self.memory.thread(name).forget([place + 1])
            self.logs[name][place].gone = True
            self.valid.clear()

    @precondition(lambda self: len(self.logs) > 2)
    @rule(at=AT)
    def forget_thread(self, at: int) -> None:
        name = self.pick(at)
        parent, shared = self.shares.pop(name)
        self.memory.thread(name).forget()
        for said in self.logs.pop(name)[shared:]:
            said.gone = True
        for fork, (other, upto) in self.shares.items():
            if other == name:
                self.shares[fork] = (parent, min(upto, shared))
        self.valid.clear()

    @rule(at=AT, words=SAID, chain=st.sampled_from(CHAINS), budget=st.integers(min_value=60, max_value=600))
    def ask(self, at: int, words: list[str], chain: list[object], budget: int) -> None:
        name = self.pick(at)
        self.say(list(self.logs).index(name), [words], "user")
        thread = self.memory.thread(name, chain=chain, budget=budget)
        try:
            window = thread.window()
        except BudgetExceeded:
            return
        self.check(name, window)
        assert [r.why for r in thread.replay(window.plan.number)] == [""]
        self.valid.add((name, window.plan.number))

    # -- what must hold ------------------------------------------------------------------------

    def check(self, name: str, window: Window) -> None:
        own = self.logs[name]
        assert window.tokens == sum(map(window.counter.count_message, window.messages)) <= window.limit
        said = [own[seq - 1] for seq in window.seqs]
        for derived in window.derived:
            text = derived.message.text
            for place in derived.places:
                if isinstance(place, int):
                    said.append(own[place - 1])
                else:
                    assert self.logs[place[0]][place[1] - 1] not in own
                    said.append(self.logs[place[0]][place[1] - 1])
                    assert said[-1].role != "system"
                assert f"> {said[-1].text}" in text
            part = derived.message.parts[0]
            for thread, seq, start, end, _ in part.meta.get("elsewhere", ()):
                assert text[start:end] == f"> {self.logs[thread][seq - 1].text}"
        assert len(said) == len(set(map(id, said)))
        seen = " ".join(message.text for message in window.messages)
        assert not any(said.gone for said in said)
        assert not any(said.text in seen for log in self.logs.values() for said in log if said.gone)

    @invariant()
    def plans_hold_no_text(self) -> None:
        for name in self.logs:
            for plan in self.memory.store.plans(name):
                assert b"Number" not in plan.body


Threads.TestCase.settings = settings(
    deadline=None,
    max_examples=60,
    stateful_step_count=30,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestThreads = Threads.TestCase
