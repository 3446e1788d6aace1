"""The laws, attacked from outside: a state machine that drives a real memory in any order.

What a window must be is worked out here anew, from the messages alone; nothing private is used.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

import msgspec
from doubles import Scripted, answer
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from window_model import (
    Seen,
    broken_pairs,
    fresh_tokens,
    goes_on,
    must_stay,
    newest_question,
    replaced,
    standing_texts,
)

from memex import (
    BackendError,
    BudgetExceeded,
    Derived,
    Entry,
    Event,
    Memex,
    Message,
    Provider,
    Reasoning,
    ScriptCounter,
    Thread,
    ToolCall,
    Unavailable,
    Window,
    encode_message,
    expand,
    hookimpl,
)

PHRASES = (
    "Where is the key of the lighthouse?",
    "The key hangs behind the door of the harbour office.",
    "Die Überfahrt nach Sylt kostet zwölf Euro, hin und zurück.",
    "灯台の鍵は港の事務所にあります。",
    "مفتاح المنارة في مكتب الميناء",
    "Ключ от маяка лежит на столе",
    '{"key": [1, 2, 3], "door": null}',
    "⚓🚢",
    " ",
)
COUNTER = ScriptCounter()
FIFO = [
    {"use": "fifo"},
    {"use": "fifo", "low_water": 0.3},
    {"use": "fifo", "low_water": 1.0},
    {"use": "fifo", "keep": 150},
    {"use": "fifo", "by": "messages", "keep": 4},
    {"use": "fifo", "by": "turns", "keep": 2, "low_water": 0.9},
]
CALL_IDS = st.sampled_from(["a", "b", "c"])
TEXTS = st.builds(
    lambda phrases, times: " ".join(phrases * times),
    st.lists(st.sampled_from(PHRASES), min_size=1, max_size=3),
    st.sampled_from([1, 1, 1, 2, 8]),
)
CHAINS = st.sampled_from(
    [[f] for f in FIFO]
    + [["recall", f] for f in FIFO]
    + [[f, "recall"] for f in FIFO]
    + [["recall", "clear-results", f] for f in FIFO]
)
PLACES = st.integers(1, 60)
SIGNED = Event(kind="part", part=Reasoning("so it is", signature="proof"))
CALLS = Event(kind="tool_call", tool_call=ToolCall(id="a", name="look", arguments="{}"))
SCRIPTS: dict[str, tuple[Event | BaseException, ...]] = {
    "whole": answer("It hangs ", "behind the door."),
    "thought": (answer()[0], SIGNED, *answer("yes")[1:]),
    "calls": (*answer("wait")[:-1], CALLS, Event(kind="finish", finish="tool_calls")),
    "nothing": answer(),
    "too long": (*answer("and then")[:-1], Event(kind="finish", finish="length")),
    "cut off": answer("It ha")[:-1],
    "cut off in a call": (*answer("hm")[:-1], CALLS),
    "error": (*answer("It")[:-1], Event(kind="error", error="overloaded")),
    "down": (Unavailable("nobody answers"),),
    "foreign": (Event(kind="text", text="It"), ValueError("a bug of the backend")),
}


class Clearing:
    @hookimpl
    def memex_policies(self):
        return [
            Provider("clear-results", "doubles:clear_results", "Shortens results of tools", default=False)
        ]


class WholeMemory(RuleBasedStateMachine):
    """One memory, a few threads that are forks of each other, and what is known of them."""

    @initialize(kind=st.sampled_from(["inmemory", "sqlite"]), chain=CHAINS, budget=st.integers(200, 900))
    def start(self, kind: str, chain: list[Any], budget: int) -> None:
        self.folder = tempfile.mkdtemp()
        self.on_disk = kind == "sqlite"
        self.logs: dict[str, list[bytes]] = {"t": []}
        self.pins: dict[str, set[int]] = {"t": set()}
        self.seen: dict[str, list[Seen]] = {"t": []}
        self.name = "t"
        self.backend = Scripted()
        self.store: Any = {"use": f"sqlite:{self.folder}/chats.db", "durability": "fast"}
        self.store = self.store if self.on_disk else "inmemory:"
        self.open(chain, budget)

    def open(self, chain: list[Any], budget: int) -> None:
        self.chain = chain
        self.memory = Memex(
            self.store,
            backend=self.backend,
            chain=chain,
            budget=budget,
            counter=COUNTER,
            plugins=[Clearing()],
        )

    def teardown(self) -> None:
        if hasattr(self, "memory"):
            if self.sound:
                self.check_replay()
            assert self.memory.store.check() == []
            self.memory.close()
            shutil.rmtree(self.folder)

    @property
    def thread(self) -> Thread:
        return self.memory.thread(self.name)

    @property
    def log(self) -> list[Message]:
        return list(self.thread.messages())

    def append(self, *messages: Message) -> None:
        stored = self.thread.append(messages)
        assert [e.seq for e in stored] == [len(self.logs[self.name]) + i + 1 for i in range(len(messages))]
        self.logs[self.name] += map(encode_message, messages)

    def learn(self) -> None:
        """Take down what a turn has stored by itself."""
        known = self.logs[self.name]
        known += [encode_message(m) for m in self.log[len(known) :]]

    # -- what is said --------------------------------------------------------------------------

    @rule(texts=st.lists(TEXTS, min_size=1, max_size=3))
    def talk(self, texts: list[str]) -> None:
        self.append(*(m for text in texts for m in (Message.user(text), Message.assistant(text[::-1]))))

    @rule(role=st.sampled_from(["system", "developer", "user", "assistant"]), text=TEXTS)
    def say(self, role: Any, text: str) -> None:
        self.append(Message.of(role, text[:200] if role in ("system", "developer") else text))

    @rule(role=st.sampled_from(["system", "user", "assistant", "tool"]))
    def say_nothing(self, role: Any) -> None:
        self.append(Message(role=role))

    @rule(ids=st.lists(CALL_IDS, min_size=1, max_size=3), text=TEXTS)
    def call(self, ids: list[str], text: str) -> None:
        calls = [
            ToolCall(id=i, name="look", arguments=msgspec.json.encode({"at": text}).decode()) for i in ids
        ]
        self.append(Message.assistant(calls))

    @rule(ids=st.lists(CALL_IDS, min_size=1, max_size=3), text=TEXTS, together=st.booleans())
    def result(self, ids: list[str], text: str, together: bool) -> None:
        results = [Message.tool(i, text) for i in ids]
        if together:
            results = [results[0].replace(parts=tuple(p for m in results for p in m.parts))]
        self.append(*results)

    @rule(ids=st.lists(CALL_IDS, min_size=1, max_size=3, unique=True), text=TEXTS, question=TEXTS)
    def exchange(self, ids: list[str], text: str, question: str) -> None:
        self.append(Message.user(question))
        self.call(ids, "x")
        self.append(*(Message.tool(i, text) for i in reversed(ids)))

    # -- what is done --------------------------------------------------------------------------

    @rule(at=PLACES, pinned=st.sampled_from([True, True, False]))
    def pin(self, at: int, pinned: bool) -> None:
        if self.logs[self.name]:
            seq = 1 + at % len(self.logs[self.name])
            self.thread.pin(seq, pinned=pinned)
            (self.pins[self.name].add if pinned else self.pins[self.name].discard)(seq)

    @precondition(lambda self: len(self.logs) < 4)
    @rule(at=PLACES)
    def fork(self, at: int) -> None:
        last = at % (len(self.logs[self.name]) + 1)
        new = f"t{len(self.logs)}"
        self.thread.fork(new, at=last)
        self.logs[new] = self.logs[self.name][:last]
        self.pins[new] = {seq for seq in self.pins[self.name] if seq <= last}
        self.seen[new] = [seen for seen in self.seen[self.name] if seen.head <= last]
        self.name = new

    @rule(which=st.integers(0, 3))
    def go_on_elsewhere(self, which: int) -> None:
        self.name = sorted(self.logs)[which % len(self.logs)]

    @rule(at=PLACES)
    def forget(self, at: int) -> None:
        if self.logs[self.name]:
            seq = 1 + at % len(self.logs[self.name])
            gone = self.log[seq - 1]
            receipt = self.thread.forget([seq])
            blank = self.log[seq - 1]
            assert (blank.id, blank.role, blank.status, blank.parts) == (gone.id, gone.role, "forgotten", ())
            for name in {self.name, *receipt.forks}:
                self.logs[name][seq - 1] = encode_message(list(self.memory.thread(name).messages())[seq - 1])
            for name, seen in self.seen.items():
                if name in {self.name, *receipt.forks}:
                    for one in seen:
                        one.lost |= seq <= one.head + (one.asked is not None)

    @precondition(lambda self: self.on_disk)
    @rule(chain=st.none() | CHAINS, budget=st.integers(200, 900))
    def reopen(self, chain: list[Any] | None, budget: int) -> None:
        old = self.memory.budget.total
        self.memory.close()
        self.open(chain or self.chain, budget if chain else old)

    # -- windows -------------------------------------------------------------------------------

    @rule(question=st.none() | TEXTS, record=st.booleans(), stored=st.booleans())
    def look(self, question: str | None, record: bool, stored: bool) -> None:
        asked = None if question is None else Message.user(question)
        try:
            window = self.thread.window(asked, record=record)
        except BudgetExceeded as error:
            self.check_refusal(error, asked)
            return
        self.check(window, asked, record=record)
        if asked and stored:
            self.append(asked)

    @rule(at=CALL_IDS, text=TEXTS)
    def look_with_a_result(self, at: str, text: str) -> None:
        asked = Message.tool(at, text)
        try:
            self.check(self.thread.window(asked), asked, record=True)
        except BudgetExceeded as error:
            self.check_refusal(error, asked)

    @rule(text=TEXTS, script=st.sampled_from(sorted(SCRIPTS)))
    def send(self, text: str, script: str) -> None:
        self.backend.events = SCRIPTS[script]
        before, asked = len(self.logs[self.name]), len(self.backend.requests)
        again = goes_on(self.log, Message.user(text))
        try:
            with suppress(BackendError):
                self.thread.send(text)
        except BudgetExceeded as error:
            assert len(self.backend.requests) == asked
            self.learn()
            self.check_refusal(error, None)
            return
        finally:
            self.learn()
        stored = self.log[before:]
        if not again:  # what is asked again stands once
            assert stored.pop(0).text == text
        assert [m.role for m in stored] in ([], ["assistant"])
        assert all(m.status == "complete" for m in stored) == (
            script in ("whole", "thought", "calls", "nothing", "down")
        )
        self.check_sent()

    def check_sent(self) -> None:
        """A turn hands out no window when it fails: its plan and its request are looked at."""
        plan, request = self.thread.plan(), self.backend.requests[-1]
        log = {e.seq: e for e in self.thread.entries()}
        items: list[Entry | Derived] = []
        said = list(request.messages)
        for placed in plan.window:
            if placed.seqs is None:
                block = said[len(items)]
                items.append(Derived(placed.derived, block, placed.covers, COUNTER.count_message(block)))
            else:
                items += [log[seq] for seq in expand([placed.seqs])]
        assert [m.id for m in said] == [item.message.id for item in items]
        self.check_items(items, plan, self.log[: plan.head], None)
        self.record(items, plan, asked=None)

    def check(self, window: Window, asked: Message | None, *, record: bool) -> None:
        log = self.log
        assert window.tokens == sum(map(COUNTER.count_message, window.messages))
        self.check_items(window.items, window.plan, log, asked)
        window.to_openai()
        window.to_anthropic()
        for seq in range(1, len(log) + 1):
            told = self.thread.explain(seq, plan=window.plan)
            assert (told.fate == "kept") == (seq in window), str(told)
            assert (told.fate == "forgotten") == (log[seq - 1].status == "forgotten")
        assert str(window.plan)
        if record:
            assert self.thread.plan().to_bytes() == window.plan.to_bytes()
            self.record(window.items, window.plan, asked=asked)

    def check_items(
        self, items: Sequence[Entry | Derived], plan: Any, log: list[Message], asked: Message | None
    ) -> None:
        """Hold a window against the laws; ``asked`` stands after the log."""
        self.sound = False  # until the step is done
        whole = [*log, asked] if asked else log
        entries = [item for item in items if isinstance(item, Entry)]
        seqs = [entry.seq for entry in entries]
        pins = self.pins[self.name]
        assert seqs == sorted(set(seqs))
        assert all(entry.message == whole[entry.seq - 1] for entry in entries)
        tokens = sum(COUNTER.count_message(item.message) for item in items)
        assert tokens == plan.tokens
        assert tokens <= plan.limit
        assert plan.limit == plan.total - plan.answer or plan.anchor.credit  # the backend counts 7, always
        assert (plan.total, plan.answer) == (self.memory.budget.total, self.memory.budget.answer)
        for item in items:
            if isinstance(item, Derived):
                assert set(expand(item.covers)) <= set(range(1, len(log) + 1)) - set(seqs)
        assert {seq for seq in pins if log[seq - 1].status != "forgotten"} <= set(seqs)
        assert standing_texts(log) <= standing_texts([entry.message for entry in entries])
        newest = newest_question(whole)
        assert newest is None or newest in seqs
        assert not (replaced(whole) - pins) & set(seqs)
        stubs = {seq for item in items if getattr(item, "kind", "") == "stub" for seq in expand(item.covers)}
        broken = broken_pairs(whole, stubs | set(seqs), pins)
        assert not broken, broken
        before = self.seen[self.name][-1] if self.seen[self.name] else None
        assert (plan.fresh_tokens, plan.stable) == fresh_tokens(before, items, COUNTER)

    def check_refusal(self, error: BudgetExceeded, asked: Message | None) -> None:
        """What does not fit must be what has to stay, or the chain must end with what adds to it."""
        assert error.needed > error.limit >= self.memory.budget.prompt
        log = self.log
        whole = [*log, asked] if asked else log
        least = must_stay(whole, self.pins[self.name])
        tokens = sum(COUNTER.count_message(whole[seq - 1]) for seq in least)
        assert tokens > error.limit or self.chain[-1] == "recall"

    def record(self, items: Iterable[Entry | Derived], plan: Any, *, asked: Message | None) -> None:
        self.seen[self.name].append(Seen(tuple(items), plan.head, asked))

    # -- always --------------------------------------------------------------------------------

    @invariant()
    def check_log(self) -> None:
        self.sound = True
        for name, log in getattr(self, "logs", {}).items():
            assert [encode_message(m) for m in self.memory.thread(name).messages()] == log

    @rule()
    def check_replay(self) -> None:
        for name, seen in self.seen.items():
            thread = self.memory.thread(name)
            replayed = list(thread.replay())
            assert len(replayed) == len(seen)
            assert sorted(thread.pins) == sorted(self.pins[name])
            for number, (one, found) in enumerate(zip(seen, replayed, strict=True), 1):
                assert found.number == number
                assert found.same or found.why
                stored = one.stored_in(list(thread.messages()))
                assert found.same or one.lost or not stored, str(found)
                assert stored or not found.same, "a question that was never stored cannot be replayed"


TestWholeMemory = WholeMemory.TestCase
TestWholeMemory.settings = settings(
    deadline=None,
    max_examples=40,
    stateful_step_count=25,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
