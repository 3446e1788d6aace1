"""What an operation costs does not grow with the thread: counted in bytes and calls, never in seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import pytest
from memex_jsonl import files, lines
from memex_jsonl.store import JsonlStore

from memex import Message

LONG = 5000
MESSAGE = 400


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("long") / "x"
    store = JsonlStore(str(folder), durability="fast")
    for thread, count in (("long", LONG), ("short", 20)):
        store.append(thread, [Message.user(f"number {n} " + "x" * 200, id=f"m{n}") for n in range(count)])
    for number in range(2000):
        store.put_plan("long", number, b"{}")
    JsonlStore(str(folder)).append("long", [Message.system("synced")])
    return folder


class Spent:
    """Bytes read and written, and lines parsed."""

    read = written = parsed = 0


@pytest.fixture
def spent(monkeypatch: pytest.MonkeyPatch) -> Callable[[], object]:
    real_read, real_write, real_mark = files._read, files._write, lines._MARKS.decode

    @contextmanager
    def count() -> Iterator[Spent]:
        spent = Spent()

        def read(fd: int, size: int, at: int) -> bytes:
            data = real_read(fd, size, at)
            spent.read += len(data)
            return data

        def write(fd: int, data: bytes, at: int) -> int:
            spent.written += len(data)
            return real_write(fd, data, at)

        class Marks:
            @staticmethod
            def decode(line: bytes) -> lines.Mark:
                spent.parsed += 1
                return real_mark(line)

        with monkeypatch.context() as patch:
            patch.setattr(files, "_read", read)
            patch.setattr(files, "_write", write)
            patch.setattr(lines, "_MARKS", Marks)
            yield spent

    return count


def test_an_append_to_a_long_thread(folder: Path, spent: Callable[[], Spent]) -> None:
    store = JsonlStore(str(folder))
    store.append("long", [Message.user("warm")])
    with spent() as cost:  # type: ignore[attr-defined]
        store.append("long", [Message.user("one more")])
    assert cost.parsed <= 1
    assert cost.read < 2000
    assert cost.written < 400


def test_a_cold_process_parses_no_message_but_the_last(folder: Path, spent: Callable[[], Spent]) -> None:
    """It reads the index, 24 bytes for each message, and what it is asked for."""
    with spent() as cost:  # type: ignore[attr-defined]
        store = JsonlStore(str(folder))
        assert len(list(islice(store.entries("long", reverse=True), 20))) == 20
        store.append("long", [Message.user("one more")])
    assert cost.parsed < 5
    assert cost.read < 24 * (LONG + 100) + 64 * MESSAGE + 50_000
    with spent() as cost:  # type: ignore[attr-defined]
        store = JsonlStore(str(folder))
        assert [entry.seq for entry in store.get("long", ["m17"])] == [18]
        assert [entry.message.text for entry in store.entries("long", roles={"system"})] == ["synced"]
    assert cost.parsed < 5


def test_what_another_process_appended_is_all_that_is_read(folder: Path, spent: Callable[[], Spent]) -> None:
    store, other = JsonlStore(str(folder)), JsonlStore(str(folder))
    for one in (store, other):
        one.append("long", [Message.user("warm")])
    other.open_thread("long")
    store.append("long", [Message.user("news")])
    with spent() as cost:  # type: ignore[attr-defined]
        assert next(other.entries("long", reverse=True)).message.text == "news"
    assert cost.parsed == 1
    assert cost.read < 24 * MESSAGE


def test_a_fork_copies_nothing(folder: Path, spent: Callable[[], Spent]) -> None:
    store = JsonlStore(str(folder))
    store.open_thread("long")
    with spent() as cost:  # type: ignore[attr-defined]
        store.fork("long", f"fork {len(list(store.threads()))}")
    assert cost.written < 1000


def test_plans_are_read_from_the_end(folder: Path, spent: Callable[[], Spent]) -> None:
    store = JsonlStore(str(folder))
    with spent() as cost:  # type: ignore[attr-defined]
        assert next(store.plans("long")).number >= 2000
    newest = cost.read
    with spent() as cost:  # type: ignore[attr-defined]
        store.put_plan("long", 1, b"{}")
    assert newest < 24 * (LONG + 100) + 90_000
    assert cost.read < 90_000
    assert cost.written < 200


def test_one_plan_of_many_is_found_without_the_others(folder: Path, spent: Callable[[], Spent]) -> None:
    store = JsonlStore(str(folder), durability="fast")
    for _ in range(3000):
        store.put_plan("short", 1, b'{"of": "' + b"x" * 300 + b'"}')
    size = 3000 * 370
    for number in (1, 2, 77, 1500, 2999, 3000):
        with spent() as cost:  # type: ignore[attr-defined]
            assert next(store.plans("short", before=number + 1)).number == number
        assert cost.read < size / 4
    assert [plan.number for plan in store.plans("short", before=1000)] == list(range(999, 0, -1))
