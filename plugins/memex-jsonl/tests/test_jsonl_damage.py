"""Torn tails are cut off; anything else that is not what was written is told, and never read as right."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memex_jsonl import index, lines
from memex_jsonl.store import JsonlStore

from memex import Message, StoreDamaged, UnknownThread

BATCHES = ([0], [1, 2, 3], [4], [5, 6], [7])
TEXTS = [f"kraken {number} é " + "word " * number for number in range(8)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "x"
    store = JsonlStore(str(folder))
    for batch in BATCHES:
        store.append("t", [Message.user(TEXTS[number], id=f"m{number}") for number in batch])
    store.put_plan("t", 8, b'{"a":1}')
    store.put_plan("t", 8, b"\xff")
    store.put_state("t", "k", b"v")
    return folder


class Copy:
    """A copy of the folder, to be damaged."""

    def __init__(self, whole: Path, *, indexed: bool) -> None:
        self.folder = Path(tempfile.mkdtemp()) / "x"
        shutil.copytree(whole, self.folder)
        (self.log,) = self.folder.glob("*/t-????????????????????????????????.jsonl")
        self.index = self.log.with_suffix(".idx")
        self.plans = self.log.with_suffix(".plans.jsonl")
        self.state = self.log.with_suffix(".state.json")
        if not indexed:
            self.index.unlink()

    def texts(self) -> list[str]:
        store = JsonlStore(str(self.folder))
        found = [entry.message.text for entry in store.entries("t")]
        assert store.open_thread("t", create=False).head == len(found)
        return found

    def remove(self) -> None:
        shutil.rmtree(self.folder.parent)


@pytest.fixture(params=[True, False], ids=["indexed", "no index"])
def copy(request: pytest.FixtureRequest, whole: Path) -> Iterator[Copy]:
    made = Copy(whole, indexed=request.param)
    yield made
    made.remove()


@settings(max_examples=150, deadline=None)
@given(indexed=st.booleans(), data=st.data())
def test_a_write_that_was_cut_short_is_taken_back(whole: Path, indexed: bool, data: st.DataObject) -> None:
    """However much of it came, in order or with a page of zeros in it."""
    copy = Copy(whole, indexed=indexed)
    texts = data.draw(st.lists(st.text(max_size=40), min_size=1, max_size=3))
    other = JsonlStore(str(copy.folder))
    size = copy.log.stat().st_size
    other.append("t", [Message.user(text) for text in texts])
    written = copy.log.read_bytes()
    tail = written[size:]
    if data.draw(st.booleans()):
        tail = tail[: data.draw(st.integers(0, len(tail) - 1))]
    else:
        first = data.draw(st.integers(0, len(tail) - 1))
        last = data.draw(st.integers(first + 1, len(tail)))
        tail = tail[:first] + bytes(last - first) + tail[last:]
    copy.log.write_bytes(written[:size] + tail)
    if indexed:  # as it was when the writer died
        copy.index.write_bytes(copy.index.read_bytes()[: 24 * (1 + len(TEXTS))])
    else:
        copy.index.unlink()
    assert copy.texts() == TEXTS
    store = JsonlStore(str(copy.folder))
    assert store.check() == []
    assert store.append("t", [Message.user("next")]).head == len(TEXTS) + 1
    assert copy.texts() == [*TEXTS, "next"]
    assert store.check() == JsonlStore(str(copy.folder)).check() == []
    copy.remove()


@settings(max_examples=200, deadline=None)
@given(indexed=st.booleans(), data=st.data())
def test_no_damage_is_ever_read_as_if_it_were_right(whole: Path, indexed: bool, data: st.DataObject) -> None:
    """Bytes flipped, overwritten or cut anywhere: told, or what was acknowledged is there.

    Without its index nobody knows whether the last batch was ever acknowledged, nor whether a thread
    was of which the first batch is not whole.
    """
    copy = Copy(whole, indexed=indexed)
    written = copy.log.read_bytes()
    at = data.draw(st.integers(0, len(written) - 1))
    if data.draw(st.booleans()):
        damaged = written[:at]
    else:
        other = data.draw(
            st.binary(min_size=1, max_size=9).filter(lambda new: written[at : at + len(new)] != new)
        )
        damaged = written[:at] + other + written[at + len(other) :]
    copy.log.write_bytes(damaged)
    try:
        found = copy.texts()
    except StoreDamaged:
        assert any("t-" in line for line in JsonlStore(str(copy.folder)).check())
        assert copy.log.read_bytes() == damaged
    except UnknownThread:
        assert not indexed
        assert len(damaged) < written.index(b'"seq":2') or b"\0" in damaged
    else:
        assert not indexed or found == TEXTS
        assert found == TEXTS[: len(found)]
        if damaged != written[:at]:
            assert len(found) >= len(TEXTS) - len(BATCHES[-1]) or b"\0" in damaged
    copy.remove()


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_an_index_never_makes_an_answer_wrong(whole: Path, data: st.DataObject) -> None:
    """Cut, flipped, of another log, or with a right checksum and wrong places."""
    copy = Copy(whole, indexed=True)
    kept = copy.index.read_bytes()
    match data.draw(st.sampled_from(["cut", "flip", "garbage", "forged"])):
        case "cut":
            copy.index.write_bytes(kept[: data.draw(st.integers(0, len(kept)))])
        case "flip":
            at = data.draw(st.integers(0, len(kept) - 1))
            copy.index.write_bytes(
                kept[:at] + bytes([kept[at] ^ data.draw(st.integers(1, 255))]) + kept[at + 1 :]
            )
        case "garbage":
            copy.index.write_bytes(data.draw(st.binary(max_size=200)))
        case "forged":
            (line, *_) = copy.log.read_bytes().split(b"\n")
            log = lines.header_in(line, "").log
            right = index.read_index(copy.index, log)
            assert right is not None
            at = data.draw(st.integers(0, len(TEXTS) - 2))
            right.places[at] += data.draw(st.integers(1, 50)) << 8
            copy.index.unlink()
            index.extend_index(copy.index, log, 0, right.places, right.hashes, synced=True)
            assert any("index differs" in told for told in JsonlStore(str(copy.folder)).check())
    assert copy.texts() == TEXTS
    store = JsonlStore(str(copy.folder))
    assert [entry.seq for entry in store.get("t", ["m3", "m7", "m0"])] == [4, 8, 1]
    assert store.append("t", [Message.user("next")]).head == len(TEXTS) + 1
    assert copy.texts() == [*TEXTS, "next"]
    assert store.check() == []
    copy.remove()


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_power_cut_takes_the_newest_of_what_was_fast(data: st.DataObject) -> None:
    """Pages that were never written, anywhere behind what was synced: what is before them stays."""
    folder = Path(tempfile.mkdtemp())
    store = JsonlStore(str(folder / "x"), durability="fast")
    for number in range(12):
        store.append("t", [Message.user(TEXTS[number % 8], id=f"m{number}"), Message.user("x" * 50)])
        store.put_plan("t", number, b'{"a":1}')
    (log,) = folder.glob("x/*/t-????????????????????????????????.jsonl")
    kept = {}
    for path, synced in ((log, 2), (log.with_suffix(".plans.jsonl"), 1)):
        written = path.read_bytes()
        start = len(b"".join(written.splitlines(keepends=True)[: 1 + synced]))
        first = data.draw(st.integers(start, len(written)))
        last = data.draw(st.integers(first, len(written)))
        end = data.draw(st.integers(last, len(written)))
        path.write_bytes((written[:first] + bytes(last - first) + written[last:])[:end])
        kept[path] = written[:first].count(b"\n") - 1
    if data.draw(st.booleans()):
        log.with_suffix(".idx").unlink()
    again = JsonlStore(str(folder / "x"), durability="fast")
    found = list(again.entries("t"))
    assert len(found) >= kept[log] // 2 * 2
    assert [entry.seq for entry in found] == list(range(1, len(found) + 1))
    assert [entry.message.text for entry in found[::2]] == [TEXTS[n % 8] for n in range(len(found) // 2)]
    number = again.put_plan("t", 0, b'{"b":1}')
    assert number >= kept[log.with_suffix(".plans.jsonl")]
    assert [plan.number for plan in again.plans("t")] == list(range(number, 0, -1))
    assert again.append("t", [Message.user("next")]).head == len(found) + 1
    assert again.check() == []
    shutil.rmtree(folder)


def test_an_older_log_beside_a_newer_index_is_told(copy: Copy) -> None:
    written = copy.log.read_bytes()
    indexed = copy.index.exists()
    JsonlStore(str(copy.folder)).append("t", [Message.user("newer")])
    copy.log.write_bytes(written)
    with pytest.raises(StoreDamaged, match=r"remove t-.*\.idx"):
        copy.texts()
    with pytest.raises(StoreDamaged):
        JsonlStore(str(copy.folder)).append("t", [Message.user("lost")])
    copy.index.unlink()
    assert copy.texts() == TEXTS
    assert indexed in (True, False)


def test_what_was_read_once_is_checked_again(copy: Copy) -> None:
    store = JsonlStore(str(copy.folder))
    assert len(list(store.entries("t"))) == 8
    written = copy.log.read_bytes()
    at = written.index(b"kraken 3")
    copy.log.write_bytes(written[:at] + b"KRAKEN 3" + written[at + 8 :])
    with pytest.raises(StoreDamaged, match="message 4 is not what was written"):
        store.get("t", ["m3"])
    assert [entry.seq for entry in store.entries("t", 1, 3)] == [1, 2, 3]
    assert any("message 4" in line for line in store.check())


@pytest.mark.parametrize("part", ["plans", "state"])
def test_damaged_notes_are_told(copy: Copy, part: str) -> None:
    path: Path = getattr(copy, part)
    data = path.read_bytes()
    path.write_bytes(data.replace(b'"a":1', b'"a":2').replace(b'"v"', b'"w"'))
    store = JsonlStore(str(copy.folder))
    ask = {"plans": lambda: list(store.plans("t")), "state": lambda: store.get_state("t", "k")}[part]
    with pytest.raises(StoreDamaged, match=part):
        ask()
    assert any(part in line for line in store.check())
    assert len(list(store.entries("t"))) == 8


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_plan_that_was_cut_short_is_taken_back(whole: Path, data: st.DataObject) -> None:
    copy = Copy(whole, indexed=True)
    size = copy.plans.stat().st_size
    JsonlStore(str(copy.folder)).put_plan("t", 8, data.draw(st.sampled_from([b'{"x":"y"}', b"", b"z" * 99])))
    written = copy.plans.read_bytes()
    copy.plans.write_bytes(written[: data.draw(st.integers(size, len(written) - 1))])
    store = JsonlStore(str(copy.folder))
    assert [plan.number for plan in store.plans("t")] == [2, 1]
    assert store.put_plan("t", 8, b"again") == 3
    assert [plan.body for plan in store.plans("t")] == [b"again", b"\xff", b'{"a":1}']
    copy.remove()


def test_check_names_what_is_wrong(tmp_path: Path) -> None:
    store = JsonlStore(str(tmp_path / "x"))
    for thread in ("a", "b", "fine"):
        store.append(thread, [Message.user(f"kraken {number}") for number in range(5)])
    store.fork("a", "of-a", 2)
    assert store.check() == []
    (space,) = [path for path in (tmp_path / "x").iterdir() if path.is_dir()]
    (b,) = space.glob("b-*.jsonl")
    b.write_bytes(b.read_bytes().replace(b"kraken 2", b"kraken 7"))
    for path in space.glob("a-*"):
        path.rename(space / "taken-away") if path.suffix == ".jsonl" else path.rename(space / path.name)
    found = "\n".join(JsonlStore(str(tmp_path / "x")).check())
    assert "message 3" in found
    assert "'a' that it was forked from is missing" in found
    assert "belongs to no thread" in found
    assert "fine" not in found


def test_damage_is_told_at_once_while_the_namespace_is_held(tmp_path: Path) -> None:
    """A parent that is missing must not make a fork, or a check, wait for its own lock."""
    store = JsonlStore(str(tmp_path / "x"), timeout=60)
    store.append("a", [Message.user("said")])
    store.fork("a", "b")
    store.put_plan("b", 1, b"plan")
    for path in tmp_path.glob("x/*/a-*"):
        path.unlink()
    asked: list[str] = []

    def ask() -> None:
        asked.extend(store.check())
        try:
            store.fork("b", "c")
        except StoreDamaged as error:
            asked.append(str(error))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()
    assert len(asked) == 2
    assert all("missing" in line for line in asked)
