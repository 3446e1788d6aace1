"""The index of words can be left out, made later, and is made anew when words change."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from memex_sqlite import check, word_index
from memex_sqlite.store import SqliteStore

import memex
from memex import BadSetting, Memex, Message, StoreError, searchable


def words(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    try:
        connection.execute("CREATE VIRTUAL TABLE temp.v USING fts5vocab (main, word_index, row)")
        return [term for (term,) in connection.execute("SELECT term FROM temp.v ORDER BY term")]
    finally:
        connection.close()


def test_without_an_index_nothing_of_it_is_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with SqliteStoreAt(path, index="none") as store:
        store.append("t", [Message.user("the kraken sleeps")])
        assert searchable(store) is None
        for ask in (lambda: store.search("kraken"), lambda: store.find("t", ["kraken"], upto=1, limit=1)):
            with pytest.raises(StoreError, match="index='words'"):
                ask()
        assert store.forget("t", []).places["index"] == 0
        connection = sqlite3.connect(path)
        assert connection.execute(
            "SELECT count(*) FROM sqlite_master WHERE name LIKE 'word%'"
        ).fetchone() == (0,)
        connection.close()


def test_policies_find_words_without_an_index(tmp_path: Path) -> None:
    with Memex({"use": "sqlite", "path": str(tmp_path / "x.db"), "index": "none"}, chain=[]) as memory:
        thread = memory.thread("t")
        thread.append([Message.user(text) for text in ("the kraken sleeps", "nothing", "a kraken wakes")])
        assert [p.seqs for p in thread.log().find(["kraken"])] == [(3, 1)]
        with pytest.raises(StoreError, match="cannot search"):
            thread.search("kraken")


def test_the_file_keeps_what_was_said_last(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with SqliteStoreAt(path, index="none") as store:
        store.append("t", [Message.user("the kraken sleeps"), Message.user("gone", id="gone")])
        store.forget("t", ["gone"])
    with SqliteStoreAt(path) as store:
        assert not store.indexed
    with SqliteStoreAt(path, index="words") as store:
        assert [hit.entry.seq for hit in store.search("kraken")] == [1]
        assert store.check() == []
    with SqliteStoreAt(path) as store:
        store.append("t", [Message.user("more krakens")])
        assert store.search("krak*", thread="t")[0].entry.seq in (1, 3)
    with SqliteStoreAt(path, index="none") as store:
        assert not store.indexed
        assert store.check() == []


def test_an_index_that_is_removed_meanwhile_is_not_missed(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with SqliteStoreAt(path) as store:
        store.append("t", [Message.user("one")])
        SqliteStore(str(path), index="none").close()
        store.append("t", [Message.user("two")])
        assert not store.indexed
        SqliteStore(str(path), index="words").close()
        store.append("t", [Message.user("three")])
        assert [hit.entry.seq for hit in store.search("two three", match="any")] == [3, 2]
        assert store.check() == []


def test_an_index_of_other_words_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.db"
    with SqliteStoreAt(path) as store:
        store.append("t", [Message.user("Kraken"), Message.user("gone", id="gone")])
    monkeypatch.setattr(word_index, "TERMS", memex.TERMS + 1)
    monkeypatch.setattr(word_index, "words_of", lambda message: message.text.lower() + "x")
    monkeypatch.setattr(check, "terms", lambda text: [word + "x" for word in memex.terms(text)])
    with SqliteStoreAt(path) as store:
        assert words(path) == ["gonex", "krakenx"]
        store.forget("t", ["gone"])
        assert words(path) == ["krakenx"]
        assert store.check() == []


def test_an_index_that_lost_words_is_found_out(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with SqliteStoreAt(path) as store:
        store.append("t", [Message.user("kraken"), Message.user("anchor")])
        connection = sqlite3.connect(path)
        connection.execute(
            "INSERT INTO word_index (word_index, rowid, words) VALUES ('delete', (1<<32)+1, 'kraken')"
        )
        connection.execute("INSERT INTO word_index (rowid, words) VALUES ((1<<32)+1, 'other')")
        connection.commit()
        connection.close()
        (told,) = store.check()
        assert "does not hold the words" in told


def test_another_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="trigram"):
        SqliteStore(str(tmp_path / "x.db"), index="trigram")  # type: ignore[arg-type]


class SqliteStoreAt(SqliteStore):
    """A store that is closed at the end of a block."""

    def __init__(self, path: Path, **settings: object) -> None:
        super().__init__(str(path), durability="fast", **settings)  # type: ignore[arg-type]

    def __enter__(self) -> SqliteStoreAt:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
