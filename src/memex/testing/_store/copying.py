"""Copying: a thread of one store becomes the same thread in another."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from memex import (
    Conflict,
    Entry,
    InvalidMessage,
    Media,
    Message,
    SearchableStore,
    Store,
    ThreadExists,
    ThreadImage,
    UnknownThread,
    read_archive,
    verify_archive,
    write_archive,
)
from memex.testing._store.case import StoreCase, fill, log_of, user
from memex.testing._store.forgetting import tombstone


def copy_thread(source: Store, target: Store, thread: str) -> None:
    """Copy a thread whose parent is in the target already."""
    image = source.image(thread)
    own = source.entries(thread, (image.info.forked_at or 0) + 1)
    plans = [plan for plan in source.plans(thread) if plan.number > image.plan_base]
    target.restore(image, own, plans[::-1])


def copy_all(source: Store, target: Store) -> None:
    """Copy every thread, parents before their forks."""
    waiting = {info.id: info.parent for info in source.threads()}
    while waiting:
        for thread in [one for one, parent in waiting.items() if parent not in waiting]:
            copy_thread(source, target, thread)
            del waiting[thread]


class CopyPromises(StoreCase):
    """image and restore."""

    @pytest.fixture
    def other(self, tmp_path: Path) -> Iterator[Store]:
        """Give a second, empty store, which must be sound when the test is over."""
        folder = tmp_path / "other"
        folder.mkdir()
        store = self.open_store(folder)
        try:
            yield store
            assert store.check() == []
        finally:
            store.close()

    def test_a_copy_is_the_same(self, store: Store, other: Store) -> None:
        """Messages, counts, tombstones, state, plans, time and parents."""
        messages = fill(store, "a", 4)
        store.append("a", [Message.system("rule")], tokens=[7], counter="c")
        store.put_state("a", "k", b"\x00v")
        store.put_plan("a", 2, b"a1")
        store.fork("a", "b", 3)
        store.put_plan("a", 5, b"a2")
        store.put_plan("b", 3, b"b2")
        store.append("b", [user("on in b")])
        store.open_thread("empty")
        store.forget("b", [messages[1].id])
        copy_all(store, other)
        assert list(other.threads()) == list(store.threads())
        assert other.get_state("a", "k") == other.get_state("b", "k") == b"\x00v"
        for thread in ("a", "b", "empty"):
            assert log_of(other, thread) == log_of(store, thread)
            assert list(other.plans(thread)) == list(store.plans(thread))
            assert other.image(thread) == store.image(thread)
        assert [entry.seq for entry in other.entries("a", roles={"system"})] == [5]
        assert other.append("b", [user("next")]).head == 5
        assert other.put_plan("b", 5, b"b3") == 3
        with pytest.raises(Conflict):
            other.append("a", [messages[1]])

    @pytest.mark.parametrize("name", ["all", "all.zip"])
    def test_an_archive_holds_the_same(self, store: Store, other: Store, tmp_path: Path, name: str) -> None:
        """Written, verified and read it gives the same threads; from them comes the same archive."""
        picture = Media(kind="image", source="base64", value=b64encode(bytes(1500)).decode())
        messages = fill(store, "a", 4)
        store.append(
            "a", [Message.user([picture]), Message.tool("call", [picture])], tokens=[7, 8], counter="c"
        )
        store.put_state("a", "k", b"\x00v")
        store.put_state("a", "线", b"[1]")
        store.put_plan("a", 2, b"a1")
        store.fork("a", "../b", 5)
        store.put_plan("a", 5, b'{"a": 2}')
        store.put_plan("../b", 3, b"\xff")
        store.append("../b", [user("on in b")])
        store.open_thread("empty")
        store.forget("../b", [messages[1].id])
        written = write_archive(store, tmp_path / name)
        assert (verify_archive(tmp_path / name), written.blobs) == (written, 1)
        assert read_archive(tmp_path / name, other).threads == written.threads
        assert list(other.threads()) == list(store.threads())
        for thread in ("a", "../b", "empty"):
            assert log_of(other, thread) == log_of(store, thread)
            assert list(other.plans(thread)) == list(store.plans(thread))
            assert other.image(thread) == store.image(thread)
        for thread in ("a", "../b"):
            assert other.get_state(thread, "k") == b"\x00v"
            assert other.get_state(thread, "线") == b"[1]"
        with pytest.raises(ThreadExists):
            read_archive(tmp_path / name, other)
        again = write_archive(other, tmp_path / f"again-{name}", created=written.created)
        assert again == written

    def test_a_copy_shares_as_its_model_did(self, store: Store, other: Store) -> None:
        """What is forgotten in a copied thread its copied forks lose too."""
        messages = fill(store, "a", 3)
        store.fork("a", "b", 2)
        copy_all(store, other)
        assert other.forget("b", [messages[0].id]).forks == ("a",)
        assert log_of(other, "a")[0].message == tombstone(messages[0])

    def test_forks_of_a_forgotten_thread_are_copied(self, store: Store, other: Store) -> None:
        """With their tombstones, and what they share with the thread before it."""
        shared = fill(store, "a", 3)
        store.put_plan("a", 1, b"a1")
        store.fork("a", "b", 2)
        store.put_plan("b", 2, b"b2")
        store.put_plan("a", 2, b"a2")
        own = fill(store, "b", 2)
        store.fork("b", "c", 3)
        store.fork("b", "early", 1)
        fill(store, "c", 1)
        store.forget("b")
        copy_all(store, other)
        assert list(other.threads()) == list(store.threads())
        for thread in ("a", "c", "early"):
            assert log_of(other, thread) == log_of(store, thread)
            assert list(other.plans(thread)) == list(store.plans(thread))
        assert log_of(other, "c")[2].message == tombstone(own[0])
        assert other.forget("a", [shared[0].id]).forks == ("c", "early")

    def test_the_words_of_a_copy_are_found(self, searchable: SearchableStore, other: Store) -> None:
        """By search and by find, but for those of tombstones."""
        gone = user("kraken forgotten")
        searchable.append("a", [user("the kraken sleeps"), gone])
        searchable.forget("a", [gone.id])
        copy_all(searchable, other)
        assert isinstance(other, SearchableStore)
        assert [hit.entry.seq for hit in other.search("kraken")] == [1]
        assert other.find("a", ["kraken"], upto=2, limit=9)[0].seqs == (1,)

    def test_nothing_is_restored_twice_or_without_its_parent(self, store: Store, other: Store) -> None:
        """A thread that is there stays as it is."""
        fill(store, "a", 2)
        store.fork("a", "b")
        with pytest.raises(UnknownThread):
            copy_thread(store, other, "b")
        copy_thread(store, other, "a")
        other.append("a", [user("more")])
        with pytest.raises(ThreadExists):
            copy_thread(store, other, "a")
        assert [(info.id, info.head) for info in other.threads()] == [("a", 3)]

    def test_what_is_incomplete_is_refused_whole(self, store: Store, other: Store) -> None:
        """A missing message, one too many, an id twice, a missing plan, an error of the source."""
        fill(store, "a", 3)
        store.put_plan("a", 1, b"one")
        image, entries, (plan,) = store.image("a"), log_of(store, "a"), list(store.plans("a"))
        again = msgspec.structs.replace(entries[0], seq=3)
        late = msgspec.structs.replace(plan, number=2)
        extra = msgspec.structs.replace(entries[2], seq=4, message=user("extra"))
        wrong: list[tuple[ThreadImage, Sequence[Entry], Sequence[object]]] = [
            (image, entries[:2], []),
            (image, entries[1:], []),
            (image, [*entries, extra], []),
            (image, [*entries[:2], again], []),
            (image, entries, [late]),
        ]
        for given in wrong:
            with pytest.raises(InvalidMessage):
                other.restore(*given)  # type: ignore[arg-type]
        with pytest.raises(ZeroDivisionError):
            other.restore(image, (entries[1 // (2 - number)] for number in range(3)))
        assert list(other.threads()) == []
        other.restore(image, entries, [plan])
        assert log_of(other, "a") == entries
