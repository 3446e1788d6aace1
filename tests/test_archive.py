"""Archives: what one store had, any other gets, to the byte; and nothing is half written."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from memex_inmemory.store import InMemoryStore
from memex_sqlite.store import SqliteStore

from memex import (
    BadSetting,
    Conflict,
    InvalidMessage,
    Media,
    Message,
    Store,
    StoreDamaged,
    StoreUnavailable,
    ThreadExists,
    UnknownThread,
    read_archive,
    verify_archive,
    write_archive,
)
from memex.testing import strategies
from memex.testing._scratch import ScratchStore

WHEN = datetime(2026, 1, 1, tzinfo=UTC)
PICTURE = b64encode(bytes(range(256)) * 8).decode()
NAMES = ["made.zip", "made"]
Open = Callable[[Path], Store]
STORES: dict[str, Open] = {
    "inmemory": lambda _: InMemoryStore(),
    "sqlite": lambda folder: SqliteStore(str(folder / "chats.db")),
}
PAIRS = [(source, target) for source in STORES for target in STORES]


def seen(store: Store) -> dict[str, Any]:
    """Return all that can be seen of a store."""
    return {
        info.id: (
            info,
            list(store.entries(info.id)),
            list(store.plans(info.id)),
            store.image(info.id),
        )
        for info in store.threads()
    }


@pytest.fixture
def store() -> Store:
    """Three threads: one with everything, a fork of it, and one without anything."""
    store = InMemoryStore(namespace="team")
    picture = Message.user(
        [Media(kind="image", source="base64", value=PICTURE, media_type="image/png")], id="p"
    )
    store.append("a/../ü", [Message.user(f"message {n}", id=f"m{n}") for n in range(5)], tokens=range(5))
    store.append("a/../ü", [picture, Message.tool("call", picture.parts, id="q")], tokens=[9, 9], counter="c")
    store.put_state("a/../ü", "memex/pins", b"[1,2]")
    store.put_state("a/../ü", "bytes", b"\x00\xff")
    for number in range(3):
        store.put_plan("a/../ü", number, b'{"number": %d}' % number)
    store.fork("a/../ü", "b", 4)
    store.append("b", [Message.user("on", id="on"), picture])
    store.put_plan("b", 5, b"not JSON")
    store.forget("b", ["m1", "on"])
    store.open_thread("empty")
    return store


# -- without loss ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_what_is_read_is_what_was_written(store: Store, tmp_path: Path, name: str) -> None:
    written = write_archive(store, tmp_path / name, created=WHEN)
    assert (written.namespace, written.created) == ("team", WHEN)
    assert [info.id for info in written.threads] == ["a/../ü", "b", "empty"]
    assert (written.messages, written.plans, written.blobs) == (9, 4, 1)
    assert verify_archive(tmp_path / name) == written
    other = InMemoryStore()
    restored = read_archive(tmp_path / name, other)
    assert (restored.threads, restored.skipped, restored.messages) == (written.threads, (), 9)
    assert seen(other) == seen(store)
    assert list(tmp_path.iterdir()) == [tmp_path / name]


@st.composite
def histories(draw: st.DrawFn) -> Callable[[Store], None]:
    """What happens to a store: the same whenever it is done."""
    steps: list[Callable[[Store], Any]] = []
    heads: dict[str, int] = {}
    ids: dict[str, list[str]] = {}
    for step in range(draw(st.integers(0, 12))):
        kinds = (
            ["append", "append", "state", "plan", "fork", "forget", "forget_thread"] if heads else ["append"]
        )
        kind = draw(st.sampled_from(kinds))
        thread = draw(st.sampled_from(sorted(heads))) if heads else "线 程"
        if kind == "append":
            thread = draw(st.sampled_from(sorted({*heads, "a", "../b"})))
            said = [m.replace(id=f"s{step}-{m.id}") for m in draw(strategies.conversations(max_turns=1))]
            if draw(st.booleans()):
                media = Media(kind="image", source="base64", value=PICTURE, media_type="image/png")
                said.append(Message.user([media], id=f"s{step}-p"))
            tokens = draw(st.none() | st.just(list(range(len(said)))))
            counter = draw(st.sampled_from([None, "c"])) if tokens is not None else None
            steps.append(_step("append", thread, said, tokens=tokens, counter=counter))
            heads[thread] = heads.get(thread, 0) + len(said)
            ids.setdefault(thread, []).extend(message.id for message in said)
        elif kind == "state":
            value = draw(st.binary(max_size=9) | st.sampled_from([b"[1,2]", b'{"a": "\xc3\xa9"}']))
            steps.append(_step("put_state", thread, draw(st.sampled_from(["k", "memex/pins"])), value))
        elif kind == "plan":
            body = draw(st.binary(max_size=9) | st.just(b'{"plan":1}'))
            steps.append(_step("put_plan", thread, heads[thread], body))
        elif kind == "fork":
            at = draw(st.integers(0, heads[thread]))
            steps.append(_step("fork", thread, f"fork {step}", at))
            heads[f"fork {step}"], ids[f"fork {step}"] = at, ids[thread][:at]
        elif kind == "forget" and ids[thread]:
            steps.append(_step("forget", thread, [draw(st.sampled_from(ids[thread]))]))
        elif kind == "forget_thread":
            steps.append(_step("forget", thread))
            del heads[thread], ids[thread]
    return lambda store: [step(store) for step in steps]  # type: ignore[return-value]


def _step(method: str, *arguments: Any, **named: Any) -> Callable[[Store], Any]:
    return lambda store: getattr(store, method)(*arguments, **named)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_any_history_goes_from_any_store_to_any_other(
    source: str, target: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(history=histories(), name=st.sampled_from(NAMES))
    def travel(history: Callable[[Store], None], name: str) -> None:
        folder = tmp_path_factory.mktemp("travel")
        (folder / "to").mkdir()
        here, there = STORES[source](folder), STORES[target](folder / "to")
        scratch, flat = ScratchStore(), InMemoryStore()
        try:
            history(here)
            written = write_archive(here, folder / name, created=WHEN)
            assert verify_archive(folder / name) == written
            assert read_archive(folder / name, there).threads == written.threads
            assert seen(there) == seen(here)
            assert there.check() == []
            write_archive(there, folder / f"again-{name}", created=WHEN)
            assert contents(folder / f"again-{name}") == contents(folder / name)
            read_archive(folder / name, scratch)
            write_archive(scratch, folder / f"flat-{name}")
            read_archive(folder / f"flat-{name}", flat)
            for info in here.threads():
                for other in (scratch, flat):  # which share nothing, and say the same
                    assert list(other.entries(info.id)) == list(here.entries(info.id))
                    assert other.image(info.id).state == here.image(info.id).state
                assert list(scratch.plans(info.id)) == list(here.plans(info.id))
        finally:
            here.close()
            there.close()

    travel()


def contents(path: Path) -> Any:
    if path.is_file():
        return path.read_bytes()
    files = sorted(file for file in path.rglob("*") if file.is_file())
    return [(file.relative_to(path), file.read_bytes()) for file in files]


def test_a_picture_that_is_sent_twice_is_there_once(store: Store, tmp_path: Path) -> None:
    write_archive(store, tmp_path / "made")
    (blob,) = (tmp_path / "made" / "blobs").iterdir()
    assert b64encode(blob.read_bytes()).decode() == PICTURE
    assert PICTURE not in (tmp_path / "made/threads/000001/messages.jsonl").read_text()


def test_the_files_can_be_read_without_memex(store: Store, tmp_path: Path) -> None:
    """Lines of JSON, state that is JSON as JSON, and a digest that ``sha256sum -c`` reads."""
    import hashlib
    import json

    write_archive(store, tmp_path / "made")
    folder = tmp_path / "made"
    lines = (folder / "threads/000001/messages.jsonl").read_text().splitlines()
    assert json.loads(lines[0])["message"]["parts"] == [{"type": "text", "text": "message 0"}]
    state = [json.loads(line) for line in (folder / "threads/000001/state.jsonl").read_text().splitlines()]
    assert state == [{"key": "bytes", "base64": "AP8="}, {"key": "memex/pins", "json": [1, 2]}]
    digest, _, name = (folder / "manifest.sha256").read_text().strip().partition("  ")
    assert (name, digest) == ("manifest.json", hashlib.sha256((folder / name).read_bytes()).hexdigest())


# -- which threads -----------------------------------------------------------------------------


def test_a_fork_brings_what_it_was_forked_from(store: Store, tmp_path: Path) -> None:
    written = write_archive(store, tmp_path / "b.zip", threads=["b"])
    assert [info.id for info in written.threads] == ["a/../ü", "b"]
    write_archive(store, tmp_path / "all.zip")
    other = InMemoryStore()
    assert [info.id for info in read_archive(tmp_path / "all.zip", other, threads=["b"]).threads] == [
        "a/../ü",
        "b",
    ]
    for call in (
        lambda: write_archive(store, tmp_path / "x.zip", threads=["nobody"]),
        lambda: read_archive(tmp_path / "all.zip", InMemoryStore(), threads=["nobody"]),
    ):
        with pytest.raises(UnknownThread, match="nobody"):
            call()
    assert not (tmp_path / "x.zip").exists()


def test_parents_come_before_their_forks_whatever_they_are_called(tmp_path: Path) -> None:
    store = InMemoryStore()
    store.append("z", [Message.user("one")])
    store.fork("z", "m")
    store.fork("m", "a")
    written = write_archive(store, tmp_path / "made")
    assert [info.id for info in written.threads] == ["z", "m", "a"]


def test_threads_that_are_there_are_refused_skipped_or_stored_under_other_names(
    store: Store, tmp_path: Path
) -> None:
    write_archive(store, tmp_path / "made.zip")
    other = InMemoryStore()
    mine = Message.user("mine")
    other.append("empty", [mine])
    with pytest.raises(ThreadExists, match="'empty'"):
        read_archive(tmp_path / "made.zip", other)
    assert [info.id for info in other.threads()] == ["empty"]
    restored = read_archive(tmp_path / "made.zip", other, existing="skip")
    assert ([info.id for info in restored.threads], restored.skipped) == (["a/../ü", "b"], ("empty",))
    assert [entry.message for entry in other.entries("empty")] == [mine]
    again = read_archive(tmp_path / "made.zip", other, existing="skip")
    assert (again.threads, again.messages) == ((), 0)
    renamed = read_archive(tmp_path / "made.zip", other, rename=lambda name: f"old/{name}")
    assert [info.id for info in renamed.threads] == ["old/a/../ü", "old/b", "old/empty"]
    assert renamed.threads[1].parent == "old/a/../ü"
    assert [entry.message for entry in other.entries("old/b")] == [
        entry.message for entry in store.entries("b")
    ]


def test_a_fork_is_put_on_a_skipped_thread_only_if_that_is_the_same(store: Store, tmp_path: Path) -> None:
    write_archive(store, tmp_path / "made")
    write_archive(store, tmp_path / "only", threads=["a/../ü"])
    same = InMemoryStore()
    read_archive(tmp_path / "only", same)
    same.append("a/../ü", [Message.user("it went on")])
    same.put_plan("a/../ü", 8, b"later")
    assert [info.id for info in read_archive(tmp_path / "made", same, existing="skip").threads] == [
        "b",
        "empty",
    ]
    assert list(same.entries("b")) == list(store.entries("b"))
    assert list(same.plans("b")) == list(store.plans("b"))
    for change in (
        lambda other: other.forget("a/../ü", ["m0"]),
        lambda other: (other.forget("a/../ü"), other.append("a/../ü", [Message.user("other")])),
    ):
        other = InMemoryStore()
        read_archive(tmp_path / "only", other)
        change(other)
        with pytest.raises(Conflict, match="'b'"):
            read_archive(tmp_path / "made", other, existing="skip")
        assert [info.id for info in other.threads()] == ["a/../ü"]


def test_names_that_make_no_sense(store: Store, tmp_path: Path) -> None:
    write_archive(store, tmp_path / "made")
    other = InMemoryStore()
    with pytest.raises(BadSetting, match="both"):
        read_archive(tmp_path / "made", other, rename=lambda _: "one")
    with pytest.raises(InvalidMessage):
        read_archive(tmp_path / "made", other, rename=lambda name: f"{name}\n")
    with pytest.raises(BadSetting, match="existing"):
        read_archive(tmp_path / "made", other, existing="overwrite")  # type: ignore[arg-type]
    with pytest.raises(BadSetting, match="time zone"):
        write_archive(store, tmp_path / "x", created=datetime(2026, 1, 1))  # noqa: DTZ001
    assert list(other.threads()) == []


# -- whole or not at all -----------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_what_is_there_is_not_overwritten_unless_asked(store: Store, tmp_path: Path, name: str) -> None:
    write_archive(store, tmp_path / name)
    before = contents(tmp_path / name)
    with pytest.raises(BadSetting, match="there already"):
        write_archive(InMemoryStore(), tmp_path / name)
    assert contents(tmp_path / name) == before
    write_archive(InMemoryStore(), tmp_path / name, overwrite=True)
    assert verify_archive(tmp_path / name).threads == ()
    assert list(tmp_path.iterdir()) == [tmp_path / name]


def test_a_folder_of_something_else_is_never_overwritten(store: Store, tmp_path: Path) -> None:
    for name in ("home", "home.zip"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "letter.txt").write_text("dear")
        with pytest.raises(BadSetting):
            write_archive(store, tmp_path / name, overwrite=True)
        assert (tmp_path / name / "letter.txt").read_text() == "dear"


@pytest.mark.parametrize("name", NAMES)
def test_a_failure_leaves_what_was_there(store: Store, tmp_path: Path, name: str) -> None:
    class Broken(InMemoryStore):
        def entries(self, thread: str, *args: Any, **kwargs: Any) -> Any:
            yield from super().entries(thread, 1, 1)
            raise StoreUnavailable("the disk is gone")

    write_archive(store, tmp_path / name)
    before = contents(tmp_path / name)
    broken = Broken()
    broken.append("t", [Message.user("x"), Message.user("y")])
    for target in (tmp_path / name, tmp_path / f"new-{name}"):
        with pytest.raises(StoreUnavailable, match="the disk is gone"):
            write_archive(broken, target, overwrite=True)
    assert contents(tmp_path / name) == before
    assert list(tmp_path.iterdir()) == [tmp_path / name]


@pytest.mark.parametrize("name", NAMES)
def test_a_disk_that_is_full(
    store: Store, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreUnavailable, match="No space left"):
        write_archive(store, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", NAMES)
def test_where_nothing_can_be_written(store: Store, tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreUnavailable, match="missing"):
        write_archive(store, tmp_path / "missing" / name)
    with pytest.raises(StoreUnavailable, match="no such archive"):
        verify_archive(tmp_path / name)


def test_a_name_that_is_none(store: Store) -> None:
    with pytest.raises(BadSetting, match="no name"):
        write_archive(store, "a\0b")
    with pytest.raises(StoreUnavailable, match="no such archive"):
        verify_archive("a\0b")


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
@pytest.mark.parametrize("name", NAMES)
def test_only_the_owner_may_read_it(store: Store, tmp_path: Path, name: str) -> None:
    write_archive(store, tmp_path / name)
    assert (tmp_path / name).stat().st_mode & 0o077 == 0


def test_threads_stored_before_one_that_fails_are_taken_back(store: Store, tmp_path: Path) -> None:
    class Full(InMemoryStore):
        def restore(self, image: Any, *args: Any) -> Any:
            if image.info.id == "empty":
                raise StoreUnavailable("the disk is full")
            return super().restore(image, *args)

    write_archive(store, tmp_path / "made")
    other = Full()
    with pytest.raises(StoreUnavailable, match="full") as caught:
        read_archive(tmp_path / "made", other)
    assert list(other.threads()) == []
    assert caught.value.__notes__ == ["2 threads that were stored before were taken back"]
    other.forget = lambda thread: (_ for _ in ()).throw(StoreUnavailable("gone"))  # type: ignore[method-assign,assignment]
    with pytest.raises(StoreUnavailable, match="full") as caught:
        read_archive(tmp_path / "made", other)
    assert caught.value.__notes__ == ["these threads were stored and could not be taken back: b, a/../ü"]


def test_threads_may_come_and_go_while_an_archive_is_written(store: Store, tmp_path: Path) -> None:
    """One that is forgotten before its turn is left out; its forks come without it."""

    class Busy(InMemoryStore):
        busy = True

        def image(self, thread: str) -> Any:
            if thread == "a" and busy.busy:
                busy.busy = False
                self.forget("b")
                self.append("a", [Message.user("more")])
            return super().image(thread)

    busy = Busy()
    busy.append("a", [Message.user("x"), Message.user("y")])
    busy.fork("a", "b")
    busy.append("b", [Message.user("z")])
    busy.fork("b", "c")
    written = write_archive(busy, tmp_path / "made")
    assert [(info.id, info.head, info.parent) for info in written.threads] == [("a", 3, None), ("c", 3, "a")]
    other = InMemoryStore()
    read_archive(tmp_path / "made", other)
    assert seen(other) == seen(busy)


@pytest.mark.parametrize("lost", ["message 2", "message 3", "plan 1", "plan 2"])
def test_a_store_that_lacks_something_is_not_copied(tmp_path: Path, lost: str) -> None:
    class Lossy(InMemoryStore):
        def entries(self, *args: Any, **kwargs: Any) -> Any:
            found = super().entries(*args, **kwargs)
            return (entry for entry in found if f"message {entry.seq}" != lost)

        def plans(self, *args: Any, **kwargs: Any) -> Any:
            return (plan for plan in super().plans(*args, **kwargs) if f"plan {plan.number}" != lost)

    store = Lossy()
    store.append("a", [Message.user(str(n)) for n in range(3)])
    for n in range(3):
        store.put_plan("a", n, b"{}")
    with pytest.raises(StoreDamaged, match="the store lacks"):
        write_archive(store, tmp_path / "made.zip")
    assert list(tmp_path.iterdir()) == []


def test_progress_is_told(tmp_path: Path) -> None:
    store = InMemoryStore()
    store.append("a", [Message.user(str(n)) for n in range(2500)])
    told: list[tuple[int, int]] = []
    write_archive(store, tmp_path / "a.zip", progress=lambda *step: told.append(step))
    assert told == [(1000, 2500), (2000, 2500), (2500, 2500)]
    told.clear()
    read_archive(tmp_path / "a.zip", InMemoryStore(), progress=lambda *step: told.append(step))
    assert told[0] == (1000, 5000)
    assert told[-1] == (5000, 5000)
    assert told == sorted(told)


def test_what_progress_raises_is_not_taken_for_damage(tmp_path: Path) -> None:
    store = InMemoryStore()
    store.append("a", [Message.user(str(n)) for n in range(1000)])
    write_archive(store, tmp_path / "a.zip")

    def stop(done: int, total: int) -> None:
        raise ValueError("enough")

    other = InMemoryStore()
    for call in (
        lambda: verify_archive(tmp_path / "a.zip", progress=stop),
        lambda: read_archive(tmp_path / "a.zip", other, progress=stop),
        lambda: write_archive(store, tmp_path / "b.zip", progress=stop),
    ):
        with pytest.raises(ValueError, match="enough"):
            call()
    assert list(other.threads()) == []
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_long_threads_are_streamed(tmp_path: Path) -> None:
    """Ten times the messages do not take ten times the memory, on the way out or in."""
    script = """
import resource, sys
from memex import Entry, Message, ThreadImage, ThreadInfo, read_archive, write_archive
from memex._message import now

class Endless:
    namespace = "n"
    def __init__(self, count): self.info = ThreadInfo("t", count, now())
    def threads(self): yield self.info
    def image(self, thread): return ThreadImage(self.info, 0, 0, {})
    def plans(self, thread, before=None): return iter(())
    def entries(self, thread, start, stop):
        for seq in range(start, stop + 1):
            yield Entry(seq, Message.user("word " * 50, id=f"m{seq}"), 50, "c")
    def open_thread(self, thread, create=True):
        from memex import UnknownThread
        raise UnknownThread(thread)
    def restore(self, image, entries, plans):
        assert sum(1 for _ in entries) == image.info.head
        return image.info

for count in (2_000, 20_000):
    name = f"{sys.argv[1]}/{count}.zip"
    write_archive(Endless(count), name)
    read_archive(name, Endless(0))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    )
    small, large = map(int, done.stdout.split())
    # 18,000 messages of 350 bytes would be 6 MB as bytes and far more as objects.
    assert large - small < 4_000, (small, large)
