"""What an operation costs does not grow with the thread: counted in pages and rows, never in seconds."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from memex_sqlite import reading, search
from memex_sqlite.store import SqliteStore

from memex import Message


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(str(tmp_path / "x.db"), durability="fast")
    yield store
    store.close()


def journal_of_appends(store: SqliteStore, path: Path, count: int) -> int:
    """Return how many bytes ``count`` appends write."""
    with store._connections.alone() as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
    for _ in range(count):
        store.append("t", [Message.user("a few words that are in every message")])
    return path.with_name("x.db-wal").stat().st_size


def test_an_append_writes_as_much_into_a_long_thread(store: SqliteStore, tmp_path: Path) -> None:
    short = journal_of_appends(store, tmp_path / "x.db", 64)
    store.append("t", [Message.user(f"some words and number {number}") for number in range(5000)])
    long = journal_of_appends(store, tmp_path / "x.db", 64)
    assert long < 2 * short


def test_a_fork_writes_as_much_from_a_long_thread(store: SqliteStore, tmp_path: Path) -> None:
    store.append("t", [Message.user(f"some words and number {number}") for number in range(5000)])
    journal_of_appends(store, tmp_path / "x.db", 0)
    store.fork("t", "u")
    assert (tmp_path / "x.db-wal").stat().st_size < 10 * 4200


@pytest.mark.parametrize(("which", "reverse"), list(reading.PAGES))
def test_reading_never_sorts_and_uses_the_right_index(
    store: SqliteStore, which: Literal["all", "rules", "some"], reverse: bool
) -> None:
    values = (1, 2, *([] if which == "all" else [0] * 5), 10)
    with store._reading() as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {reading.PAGES[which, reverse]}", values).fetchall()
    (step,) = [row[3] for row in plan]
    assert ("messages_rules" if which == "rules" else "INTEGER PRIMARY KEY") in step
    assert "SEARCH" in step


def test_a_reader_reads_in_pages_that_fit(store: SqliteStore) -> None:
    assert reading.next_size(16, 100) == 32
    assert reading.next_size(512, 100) == 512
    assert reading.next_size(16, 1 << 20) == 1
    assert reading.next_size(1, 0) == 2


@pytest.mark.parametrize("match", ["all", "any"])
@pytest.mark.parametrize("thread", [None, "fork"])
def test_a_long_query_put_in_pieces_finds_the_same(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, match: Literal["all", "any"], thread: str | None
) -> None:
    words = ["deploy", "friday", "kraken", "anchor", "weather"]
    chance = random.Random(3)
    for number in range(60):
        said = " ".join([*chance.choices(words, k=chance.randrange(1, 9)), f"only{number}"])
        store.append("t", [Message.user(said)])
    store.fork("t", "fork", 40)
    store.append("fork", [Message.user("deploy friday kraken anchor weather and more")])

    def hits() -> list[tuple[int, float]]:
        found = store.search("deploy friday kraken anchor", match=match, thread=thread, limit=10)
        return [(hit.entry.seq, round(hit.score, 9)) for hit in found]

    whole = hits()
    monkeypatch.setattr(search, "_GROUP", 3)
    assert hits() == whole
    assert len(whole) >= 5
