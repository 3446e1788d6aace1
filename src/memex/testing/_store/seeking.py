"""Seeking: messages from many places of a thread, read in one look."""

from __future__ import annotations

import pytest

from memex import Media, Message, SeekingStore, UnknownThread
from memex.testing._store.case import StoreCase, fill, log_of, user


class SeekPromises(StoreCase):
    """entries_at."""

    def test_places_come_in_log_order(self, seekable: SeekingStore) -> None:
        """Each once, whatever the order asked in; what is not in the thread is left out."""
        fill(seekable, "a", 9)
        log = log_of(seekable, "a")
        assert seekable.entries_at("a", [7, 2, 3, 7]) == [log[1], log[2], log[6]]
        assert seekable.entries_at("a", range(-2, 30)) == log
        assert seekable.entries_at("a", [0, -1, 10, 1 << 40, -(1 << 70)]) == []
        assert seekable.entries_at("a", []) == []

    def test_many_places_at_once(self, seekable: SeekingStore) -> None:
        """Hundreds are read as one is, counts included."""
        messages = [user(f"message {number}") for number in range(1_500)]
        seekable.append("a", messages, tokens=range(1_500), counter="script-1")
        wanted = [*range(1, 1_500, 2), 1_500]
        assert seekable.entries_at("a", wanted) == [e for e in seekable.entries("a") if e.seq in set(wanted)]

    def test_everything_of_a_message_comes_with_it(self, seekable: SeekingStore) -> None:
        """Pictures, names and notes as well."""
        picture = Media(kind="image", source="base64", value="aGVsbG8gd29ybGQ=", media_type="image/png")
        named = Message.user("look", name="Ada", meta={"topic": "art"})
        seekable.append("a", [Message.user(picture), named, Message.assistant("I see", status="incomplete")])
        assert [e.message for e in seekable.entries_at("a", [1, 2, 3])] == [
            e.message for e in seekable.entries("a")
        ]

    def test_a_fork_seeks_in_what_it_shares(self, seekable: SeekingStore) -> None:
        """Each place is that of the fork's own log, also of a fork of a fork."""
        fill(seekable, "a", 6)
        seekable.fork("a", "b", 4)
        seekable.append("b", [user("b5"), user("b6")])
        seekable.fork("b", "c", 5)
        seekable.append("c", [user("c6")])
        for thread in ("a", "b", "c"):
            log = log_of(seekable, thread)
            assert seekable.entries_at(thread, [6, 5, 4, 1, 7]) == [log[0], *log[3:]]

    def test_what_was_forgotten_is_a_tombstone(self, seekable: SeekingStore) -> None:
        """As :meth:`memex.Store.entries` gives it, in every thread that shared it."""
        fill(seekable, "a", 5)
        before = seekable.entries_at("a", [2, 4])
        seekable.fork("a", "b")
        seekable.forget("a", [before[0].message.id])
        for thread in ("a", "b"):
            found = seekable.entries_at(thread, [2, 4])
            assert found == [entry for entry in log_of(seekable, thread) if entry.seq in (2, 4)]
            assert [entry.message.status for entry in found] == ["forgotten", "complete"]

    def test_an_unknown_thread_cannot_be_sought_in(self, seekable: SeekingStore) -> None:
        """Neither one that is not there nor one of another namespace."""
        fill(seekable, "a", 2)
        other = seekable.within("other")
        assert hasattr(other, "entries_at")
        for store, thread in ((seekable, "no"), (other, "a")):
            with pytest.raises(UnknownThread):
                store.entries_at(thread, [1])
        seekable.forget("a")
        with pytest.raises(UnknownThread):
            seekable.entries_at("a", [1])
