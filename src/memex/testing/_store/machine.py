"""A store and a model of it, side by side, through random histories."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from memex import (
    Conflict,
    Message,
    Store,
    VectorSpace,
    encode_message,
    pack_vector,
    read_archive,
    searchable,
    searchable_text,
    seeking,
    spanning,
    terms,
    vector_store,
    write_archive,
)
from memex.testing import strategies
from memex.testing._store.case import StoreCase, messages_of, user
from memex.testing._store.copying import copy_all
from memex.testing._store.model import Model
from memex.testing._store.spanning import found_one_by_one

_ROOTS = ("a", "线 程")
_FORKS = ("b", "../b", "O'Neil", "B", "b ")
_WORDS = ("deploy", "friday", "kraken", "café", "部署", "O'Neil", "NULL", "\x00", "💥")
# Mostly few words, so that they meet again in other messages; now and then anything at all.
_FEW_WORDS = st.lists(st.sampled_from(_WORDS), max_size=5).map(" ".join)
_TEXTS = st.one_of(_FEW_WORDS, _FEW_WORDS, strategies.texts())
_SPACES = (VectorSpace("e", 2), VectorSpace("e", 2, "query"), VectorSpace("线", 1))
_ROLES = st.sampled_from(["system", "user", "assistant", "tool", "developer"])
_BATCHES = st.lists(st.builds(Message.of, _ROLES, _TEXTS), min_size=1, max_size=4)


class StoreMachine(RuleBasedStateMachine):
    """Does the same to a store and to a :class:`Model`, and compares all that can be seen."""

    case: ClassVar[StoreCase]

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="memex-"))
        self.store = self.case.open_store(self.folder)
        self.left = [(self.store, self.folder)]
        self.model = Model()

    def teardown(self) -> None:
        """Find nothing wrong with the data, and leave nothing behind."""
        try:
            assert self.store.check() == []
        finally:
            for store, folder in self.left:
                store.close()
                shutil.rmtree(folder, ignore_errors=True)

    @rule(data=st.data())
    def open_thread(self, data: st.DataObject) -> None:
        """Open a thread, new or not."""
        name = self._thread_or_new(data)
        self.store.open_thread(name)
        self.model.thread(name)

    @rule(data=st.data(), batch=_BATCHES, counted=st.booleans(), swap=st.booleans())
    def append(self, data: st.DataObject, batch: list[Message], counted: bool, swap: bool) -> None:
        """Append new messages."""
        name = self._thread_or_new(data)
        head = len(self.model.threads[name].cells) if name in self.model.threads else 0
        tokens = [len(message.text) for message in batch] if counted else [0] * len(batch)
        done = self.store.append(
            name, batch, tokens=tokens if counted else None, expect=head if swap else None
        )
        places = self.model.append(name, batch, tokens)
        assert [entry.seq for entry in done.entries] == places
        assert (done.head, done.new) == (head + len(batch), len(batch))

    @rule(data=st.data(), batch=_BATCHES)
    def send_again(self, data: st.DataObject, batch: list[Message]) -> None:
        """Append new messages among some that may be there already, in this thread or another."""
        name = self._thread_or_new(data)
        cells = [cell for thread in self.model.threads.values() for cell in thread.cells]
        others = [cell.message for cell in cells if cell.message.status != "forgotten"]
        if others:
            known = data.draw(st.lists(st.sampled_from(others), max_size=4))
            batch = data.draw(st.permutations([*batch, *known]))
        if self.model.conflicts(name, batch):
            self._refused(name, batch)
        else:
            done = self.store.append(name, batch)
            assert [entry.seq for entry in done.entries] == self.model.append(name, batch, [0] * len(batch))

    @precondition(lambda self: self._messages())
    @rule(data=st.data(), text=_TEXTS)
    def change(self, data: st.DataObject, text: str) -> None:
        """Append other content under an id that is there: refused, and nothing is stored."""
        name, message_id = data.draw(st.sampled_from(self._messages()))
        self._refused(name, [user("before"), user(f"changed {text}", message_id)])

    @rule(data=st.data(), wrong=st.integers(1, 3))
    def swap_too_late(self, data: st.DataObject, wrong: int) -> None:
        """Append to a thread that has moved on: refused."""
        name = self._thread_or_new(data)
        head = len(self.model.threads[name].cells) if name in self.model.threads else 0
        self._refused(name, [user("late")], expect=head + wrong)

    @precondition(lambda self: self.model.threads and not self.model.threads.keys() >= set(_FORKS))
    @rule(data=st.data())
    def fork(self, data: st.DataObject) -> None:
        """Fork a thread at some message."""
        name = self._thread(data)
        new = next(name for name in _FORKS if name not in self.model.threads)
        at = data.draw(st.integers(0, len(self.model.threads[name].cells)))
        info = self.store.fork(name, new, at)
        fork = self.model.fork(name, new, at)
        assert (info.id, info.head, info.parent, info.forked_at) == fork.line

    @precondition(lambda self: self.model.threads)
    @rule(data=st.data(), key=st.sampled_from(["k", "线"]), value=st.none() | st.binary(max_size=9))
    def put_state(self, data: st.DataObject, key: str, value: bytes | None) -> None:
        """Keep or remove a value."""
        name = self._thread(data)
        self.store.put_state(name, key, value)
        if value is None:
            self.model.threads[name].state.pop(key, None)
        else:
            self.model.threads[name].state[key] = value

    @precondition(lambda self: self.model.threads)
    @rule(data=st.data(), value=st.none() | st.binary(max_size=9), expect=st.none() | st.binary(max_size=2))
    def swap_state(self, data: st.DataObject, value: bytes | None, expect: bytes | None) -> None:
        """Change a value only if it is what was expected."""
        name = self._thread(data)
        state = self.model.threads[name].state
        if data.draw(st.booleans()):
            expect = state.get("k")
        if state.get("k") != expect:
            with pytest.raises(Conflict):
                self.store.put_state(name, "k", value, expect=expect)
            return
        self.store.put_state(name, "k", value, expect=expect)
        state.pop("k", None)
        if value is not None:
            state["k"] = value

    @precondition(lambda self: self.model.threads)
    @rule(data=st.data(), body=st.binary(max_size=9))
    def put_plan(self, data: st.DataObject, body: bytes) -> None:
        """Keep a plan of the thread as it is now."""
        name = self._thread(data)
        head = len(self.model.threads[name].cells)
        assert self.store.put_plan(name, head, body) == self.model.put_plan(name, body)

    @precondition(lambda self: vector_store(self.store) is not None and bool(self._messages()))
    @rule(data=st.data(), space=st.sampled_from(_SPACES), number=st.floats(width=32))
    def put_vectors(self, data: st.DataObject, space: VectorSpace, number: float) -> None:
        """Keep vectors of some messages, there or not."""
        assert (store := vector_store(self.store)) is not None
        name, _ = data.draw(st.sampled_from(self._messages()))
        ids = data.draw(st.lists(st.sampled_from([*self.model.threads[name].ids, "not there"]), max_size=4))
        windows = [data.draw(st.integers(0, 2)) for _ in ids]
        vector = pack_vector([number] * space.dimension)
        entries = {message_id: vector * count for message_id, count in zip(ids, windows, strict=True)}
        assert store.put_vectors(name, space, entries) == self.model.put_vectors(name, space, entries)

    @precondition(lambda self: vector_store(self.store) is not None)
    @rule(space=st.sampled_from(_SPACES))
    def drop_vectors(self, space: VectorSpace) -> None:
        """Erase a space."""
        assert (store := vector_store(self.store)) is not None
        assert store.drop_vectors(space) == self.model.drop_vectors(space)

    @precondition(lambda self: self._messages())
    @rule(data=st.data())
    def forget_messages(self, data: st.DataObject) -> None:
        """Forget some messages of one thread."""
        name, _ = data.draw(st.sampled_from(self._messages()))
        ids = data.draw(st.lists(st.sampled_from(self.model.threads[name].ids), max_size=3, unique=True))
        seqs = tuple(sorted(self.model.threads[name].ids.index(message_id) + 1 for message_id in ids))
        receipt = self.store.forget(name, ids)
        assert (receipt.messages, receipt.whole_thread) == (seqs, False)
        assert receipt.forks == self.model.forget(name, ids)

    @precondition(lambda self: self.model.threads)
    @rule(data=st.data())
    def forget_thread(self, data: st.DataObject) -> None:
        """Forget a whole thread."""
        name = self._thread(data)
        thread = self.model.threads[name]
        shared = thread.origin[1]
        receipt = self.store.forget(name)
        assert receipt.messages == tuple(range(shared + 1, len(thread.cells) + 1))
        assert receipt.forks == self.model.forget_thread(name)

    @precondition(lambda self: self.case.persistent)
    @rule()
    def reopen(self) -> None:
        """Close the store and open it again."""
        self.store.close()
        self._open()

    @precondition(lambda self: self.case.persistent)
    @rule()
    def crash(self) -> None:
        """Open the store again without having closed it: nobody says goodbye to a dead process."""
        self._open()

    @rule(archived=st.booleans())
    def copy(self, archived: bool) -> None:
        """Copy everything to a new, empty store, straight or by an archive, and go on with that one."""
        source, self.folder = self.store, Path(tempfile.mkdtemp(prefix="memex-"))
        self._open()
        if archived:
            write_archive(source, self.folder / "copy.zip")
            read_archive(self.folder / "copy.zip", self.store)
        else:
            copy_all(source, self.store)
        self.model.forget_vectors()

    @invariant()
    def the_threads_are_the_same(self) -> None:
        """The store lists what the model has, with the same heads and parents."""
        listed = [(info.id, info.head, info.parent, info.forked_at) for info in self.store.threads()]
        assert listed == [self.model.threads[name].line for name in sorted(self.model.threads)]

    @invariant()
    def the_logs_are_the_same(self) -> None:
        """Each thread holds the same messages, at the same places, with the same counts."""
        for name, thread in self.model.threads.items():
            stored = [(entry.seq, entry.message, entry.tokens) for entry in self.store.entries(name)]
            wanted = [(seq, cell.message, cell.tokens) for seq, cell in enumerate(thread.cells, 1)]
            assert stored == wanted
            if (able := seeking(self.store)) is not None:
                found = able.entries_at(name, range(len(wanted) + 1, -1, -2))
                assert [(e.seq, e.message, e.tokens) for e in found] == [
                    one for one in wanted if (len(wanted) + 1 - one[0]) % 2 == 0
                ]
        if (wide := spanning(self.store)) is not None:
            read = wide.entries_in({name: range(99) for name in [*self.model.threads, "no"]})
            logs = {name: list(self.store.entries(name)) for name in self.model.threads}
            assert read == logs

    @invariant()
    def the_notes_are_the_same(self) -> None:
        """Each thread has the same state and plans."""
        for name, thread in self.model.threads.items():
            for key in ("k", "线"):
                assert self.store.get_state(name, key) == thread.state.get(key)
            stored = [(plan.number, plan.head, plan.body) for plan in self.store.plans(name)]
            assert stored == [(plan.number, plan.head, plan.body) for plan in reversed(thread.plans)]

    @invariant()
    def the_words_are_the_same(self) -> None:
        """Each word is found where it is, and nowhere else."""
        if (store := searchable(self.store)) is None:
            return
        words = terms(" ".join(_WORDS))
        if (wide := spanning(self.store)) is not None:
            heads = {name: len(thread.cells) - 1 for name, thread in self.model.threads.items()}
            assert wide.find_in(heads, words, limit=3) == found_one_by_one(store, heads, words, 3)
        for name, thread in self.model.threads.items():
            held = [set(terms(searchable_text(cell.message))) for cell in thread.cells]
            upto = max(0, len(held) - 1)
            for found in store.find(name, words, upto=upto, limit=3):
                seqs = [seq for seq in range(upto, 0, -1) if found.term in held[seq - 1]]
                assert list(found.seqs) == seqs[:3]
            hits = store.search("deploy", thread=name, limit=1000)
            assert sorted(hit.entry.seq for hit in hits) == [
                seq for seq, words_of in enumerate(held, 1) if "deploy" in words_of
            ]

    @invariant()
    def the_vectors_are_the_same(self) -> None:
        """Each message has the vectors it was given, in every thread that shares it."""
        if (store := vector_store(self.store)) is None:
            return
        for name, thread in self.model.threads.items():
            for space in _SPACES:
                held = [
                    (seq, c.vectors[space]) for seq, c in enumerate(thread.cells, 1) if space in c.vectors
                ]
                assert list(store.vectors(name, space)) == held
                bare = [
                    seq
                    for seq, cell in enumerate(thread.cells, 1)
                    if space not in cell.vectors and cell.message.status != "forgotten"
                ]
                assert list(store.without_vectors(name, space)) == bare

    def _open(self) -> None:
        self.store = self.case.open_store(self.folder)
        self.left.append((self.store, self.folder))

    def _thread(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted(self.model.threads)))

    def _thread_or_new(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted({*self.model.threads, *_ROOTS})))

    def _messages(self) -> list[tuple[str, str]]:
        return [(name, one) for name in sorted(self.model.threads) for one in self.model.threads[name].ids]

    def _refused(self, name: str, batch: list[Message], expect: int | None = None) -> None:
        with pytest.raises(Conflict):
            self.store.append(name, batch, expect=expect)


def send_conversations(case: StoreCase, store: Store) -> None:
    """Append conversations with every kind of part, and expect each back to the byte."""

    @settings(max_examples=case.examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(strategies.conversations())
    def send(conversation: list[Message]) -> None:
        store.open_thread("t")
        store.forget("t")
        store.append("t", conversation)
        sent = [encode_message(message) for message in conversation]
        assert [encode_message(message) for message in messages_of(store, "t")] == sent
        assert messages_of(store, "t") == conversation
        assert store.append("t", conversation).new == 0

    send()


def compare(case: StoreCase, histories: int, steps: int) -> None:
    """Lead the store of ``case`` and a model through random histories of at most so many steps."""
    run_state_machine_as_test(
        type("Machine", (StoreMachine,), {"case": case}),
        settings=settings(
            max_examples=histories,
            stateful_step_count=steps,
            deadline=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
