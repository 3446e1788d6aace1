"""The log: append-only, gapless, atomic, idempotent, and read from either end."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from itertools import islice

import pytest

from memex import (
    Conflict,
    InvalidMessage,
    MemexError,
    Message,
    Store,
    StoreUnavailable,
    UnknownThread,
    encode_message,
)
from memex._message import Role
from memex.testing._store.case import StoreCase, fill, log_of, messages_of, texts_of, user


class LogPromises(StoreCase):
    """append, entries, get, open_thread, threads."""

    def test_is_a_store(self, store: Store) -> None:
        """It has every method of the protocol, and its namespace's name."""
        assert isinstance(store, Store)
        assert store.namespace == "default"

    def test_a_thread_is_opened_once(self, store: Store) -> None:
        """Opening makes an empty thread, and opening again finds the same one."""
        first = store.open_thread("a")
        assert (first.id, first.head, first.parent, first.forked_at) == ("a", 0, None, None)
        assert first.created.tzinfo is not None
        assert store.open_thread("a") == first == store.open_thread("a", create=False)

    def test_unknown_threads_are_errors(self, store: Store) -> None:
        """Asking for a thread that is not there makes none."""
        asked = (
            lambda: store.open_thread("no", create=False),
            lambda: list(store.entries("no")),
            lambda: store.get("no", ["x"]),
            lambda: store.get_state("no", "key"),
            lambda: store.put_state("no", "key", b"value"),
            lambda: store.put_plan("no", 0, b"plan"),
            lambda: list(store.plans("no")),
            lambda: store.fork("no", "new"),
            lambda: store.forget("no"),
            lambda: store.forget("no", ["x"]),
        )
        for ask in asked:
            with pytest.raises(UnknownThread):
                ask()
        assert list(store.threads()) == []

    def test_threads_come_by_id(self, store: Store) -> None:
        """Every thread is listed once, in the order of its id's characters, with its head."""
        for thread in ("b", "a", "ä", "B", "a b", "10", "9"):
            store.append(thread, [user(thread), user("more")])
        listed = list(store.threads())
        assert [info.id for info in listed] == sorted(["b", "a", "ä", "B", "a b", "10", "9"])
        assert all(info == store.open_thread(info.id) and info.head == 2 for info in listed)

    def test_messages_get_their_places_in_order(self, store: Store) -> None:
        """The store numbers messages from 1 without gaps, across appends."""
        first, second = [user("one"), user("two")], [user("three")]
        done = store.append("a", first)
        assert [entry.seq for entry in done.entries] == [1, 2]
        assert (done.head, done.new) == (2, 2)
        again = store.append("a", second)
        assert ([entry.seq for entry in again.entries], again.head, again.new) == ([3], 3, 1)
        assert [entry.message for entry in done.entries] == first
        assert messages_of(store, "a") == first + second

    def test_order_is_the_logs_not_the_clocks(self, store: Store) -> None:
        """An older ``created`` does not move a message."""
        new = user("newer")
        old = user("older").replace(created=new.created.replace(year=1999))
        store.append("a", [new, old])
        assert messages_of(store, "a") == [new, old]

    def test_an_empty_batch_opens_the_thread(self, store: Store) -> None:
        """Nothing is appended, and the thread is there."""
        done = store.append("a", [])
        assert (done.entries, done.head, done.new) == ((), 0, 0)
        assert [info.id for info in store.threads()] == ["a"]

    def test_token_counts_are_kept(self, store: Store) -> None:
        """What a message costs comes back with it, and under which counter."""
        store.append("a", [user("one"), user("two")], tokens=[3, 4], counter="script-1")
        store.append("a", [user("three")])
        kept = [(entry.tokens, entry.counter) for entry in log_of(store, "a")]
        assert kept == [(3, "script-1"), (4, "script-1"), (0, None)]

    def test_token_counts_must_fit_the_batch(self, store: Store) -> None:
        """As many counts as messages, or nothing is stored."""
        with pytest.raises(InvalidMessage):
            store.append("a", [user("one"), user("two")], tokens=[3], counter="script-1")
        assert list(store.threads()) == []

    def test_the_same_message_is_stored_once(self, store: Store) -> None:
        """Sent again byte for byte, it keeps its place and its count; new ones go on at the end."""
        old = fill(store, "a", 3)
        new = user("new")
        done = store.append("a", [old[1], new, old[0]], tokens=[9, 9, 9], counter="other")
        assert [entry.seq for entry in done.entries] == [2, 4, 1]
        assert (done.head, done.new) == (4, 1)
        assert messages_of(store, "a") == [*old, new]
        assert [entry.counter for entry in log_of(store, "a")] == [None, None, None, "other"]

    def test_the_same_id_with_other_content_conflicts(self, store: Store) -> None:
        """Nothing of the batch is stored, however small the difference."""
        old = fill(store, "a", 2)
        for changed in (
            old[1].replace(parts=user("changed").parts),
            old[1].replace(meta={"note": 1}),
            old[1].replace(status="incomplete"),
            old[1].replace(role="user"),
        ):
            with pytest.raises(Conflict):
                store.append("a", [user("before"), changed, user("after")])
            assert messages_of(store, "a") == old

    def test_a_batch_cannot_repeat_an_id(self, store: Store) -> None:
        """Not even with the same content; the thread is not opened for it."""
        message = user("twice")
        with pytest.raises(Conflict):
            store.append("a", [message, user("between"), message])
        assert list(store.threads()) == []

    def test_the_same_id_in_two_threads_is_two_messages(self, store: Store) -> None:
        """Ids are unique in a thread, not beyond."""
        store.append("a", [user("one", "x")])
        store.append("b", [user("two", "x")])
        assert store.get("a", ["x"])[0].message.text == "one"
        assert store.get("b", ["x"])[0].message.text == "two"

    def test_compare_and_swap(self, store: Store) -> None:
        """With ``expect``, a batch is stored only if the thread has not moved on."""
        assert store.append("a", [user("one")], expect=0).head == 1
        for stale in (0, 2, 7):
            with pytest.raises(Conflict):
                store.append("a", [user("late")], expect=stale)
        with pytest.raises(Conflict):
            store.append("b", [user("early")], expect=1)
        assert store.append("a", [user("two")], expect=1).head == 2
        assert [info.id for info in store.threads()] == ["a"]

    def test_entries_by_range(self, store: Store) -> None:
        """Both ends are inside; what lies outside the log is left out."""
        fill(store, "a", 10)

        def seqs(start: int = 1, stop: int | None = None, *, reverse: bool = False) -> list[int]:
            return [entry.seq for entry in store.entries("a", start, stop, reverse=reverse)]

        assert seqs(3, 5) == [3, 4, 5]
        assert seqs(3, 5, reverse=True) == [5, 4, 3]
        assert seqs(8) == [8, 9, 10]
        assert seqs(8, None, reverse=True) == [10, 9, 8]
        assert seqs(4, 4) == [4]
        assert seqs(9, 99) == [9, 10]
        assert seqs(11) == seqs(5, 4) == seqs(1, 0) == []
        assert seqs(-3, 2) == seqs(0, 2) == [1, 2]

    def test_entries_by_role(self, store: Store) -> None:
        """Only the roles that are asked for, in the same order and places."""
        roles: list[Role] = ["system", "user", "assistant", "tool", "developer", "user", "system"]
        store.append("a", [Message.of(role, role) for role in roles])
        asked: list[set[Role]] = [{"system"}, {"system", "developer"}, {"user", "tool"}, {"system", "user"}]
        for wanted in [*asked, set(roles)]:
            places = [seq for seq, role in enumerate(roles, 1) if role in wanted]
            assert [entry.seq for entry in store.entries("a", roles=wanted)] == places
            back = store.entries("a", 2, 6, roles=wanted, reverse=True)
            assert [entry.seq for entry in back] == [seq for seq in reversed(places) if 2 <= seq <= 6]
        assert list(store.entries("a", roles=())) == []

    def test_a_long_thread_is_whole_in_both_directions(self, store: Store) -> None:
        """However a store reads ahead, nothing is lost or doubled."""
        fill(store, "a", 1300)
        assert [entry.seq for entry in store.entries("a")] == list(range(1, 1301))
        assert [entry.seq for entry in store.entries("a", reverse=True)] == list(range(1300, 0, -1))

    def test_reading_goes_as_far_as_the_reader(self, store: Store) -> None:
        """Taking ten of two thousand messages does not fetch the rest."""
        store.append("a", [user(f"{number} " + "x" * 2000) for number in range(2000)])

        def memory_for(count: int) -> int:
            tracemalloc.start()
            kept = list(islice(store.entries("a", reverse=True), count))
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert len(kept) == count
            return peak

        memory_for(1)
        assert memory_for(10) < memory_for(2000) / 5

    def test_entries_is_an_iterator_that_ends(self, store: Store) -> None:
        """Messages that come while it is read are for the next reader."""
        fill(store, "a", 40)
        reader = store.entries("a")
        assert isinstance(reader, Iterator)
        for count, _ in enumerate(reader, 1):
            assert count <= 40
            store.append("a", [user("meanwhile")])
        assert store.open_thread("a").head == 80

    def test_get_by_id(self, store: Store) -> None:
        """In the order asked, without the missing ones, at their places."""
        messages = fill(store, "a", 5)
        ids = [messages[3].id, "missing", messages[0].id, "\ud800", "", messages[4].id]
        assert [entry.seq for entry in store.get("a", ids)] == [4, 1, 5]
        assert store.get("a", [messages[1].id])[0].message == messages[1]
        assert store.get("a", []) == []
        many = fill(store, "b", 300)
        assert texts_of(store.get("b", [message.id for message in many])) == [m.text for m in many]

    def test_what_is_read_cannot_change_what_is_stored(self, store: Store) -> None:
        """Nothing that a caller holds reaches the log."""
        meta = {"tags": ["kept"]}
        message = user("said").replace(meta=meta)
        before = encode_message(message)
        store.append("a", [message])
        meta["tags"].append("added later")
        for read in (log_of(store, "a")[0].message, store.get("a", [message.id])[0].message):
            for change in (lambda m=read: m.meta.update(x=1), lambda m=read: setattr(m, "role", "tool")):
                with pytest.raises((TypeError, AttributeError)):
                    change()
        assert encode_message(log_of(store, "a")[0].message) == before

    def test_closing_twice_is_allowed(self, store: Store) -> None:
        """And whatever is asked afterwards is an error of memex."""
        fill(store, "a", 2)
        other = self.open_store_like(store)
        other.close()
        other.close()
        for ask in (
            lambda: other.append("a", [user("late")]),
            lambda: list(other.entries("a")),
            lambda: other.open_thread("a"),
            lambda: list(other.threads()),
        ):
            with pytest.raises(MemexError) as failed:
                ask()
            assert isinstance(failed.value, StoreUnavailable)
        assert store.open_thread("a").head == 2

    def open_store_like(self, store: Store) -> Store:
        """Return a second view of the same namespace, which may be closed by itself."""
        return store.within(store.namespace)
