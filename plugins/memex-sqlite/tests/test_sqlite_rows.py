"""A message taken apart into columns is the same message again, and the common ones stay small."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memex_sqlite.rows import draft, message_of
from memex_sqlite.store import SqliteStore

from memex import Media, Message, Origin, Text, Usage, encode_message
from memex.testing import strategies

PICTURE = base64.b64encode(bytes(range(256)) * 16).decode()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(str(tmp_path / "x.db"), durability="fast")
    yield store
    assert store.check() == []
    store.close()


def rows(tmp_path: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(tmp_path / "x.db")
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def picture(value: str = PICTURE) -> Media:
    return Media(kind="image", source="base64", value=value, media_type="image/png")


@given(strategies.messages())
def test_every_message_comes_back_to_the_byte(message: Message) -> None:
    made = draft(message)
    assert encode_message(message_of(*made.columns, made.blobs)) == encode_message(message)


@settings(max_examples=2_000)
@given(st.integers(-(10**16), 10**16))
def test_a_time_is_exact_to_the_microsecond(created: int) -> None:
    made = message_of("m", 0, created, "said", None)
    assert made.created == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=created)


@pytest.mark.parametrize(
    "created",
    [
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=timezone(timedelta(hours=-12))),
        datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=9))),
        datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2026, 3, 1, 12),  # noqa: DTZ001 - told without a zone
    ],
    ids=str,
)
def test_times_of_every_zone_and_year(created: datetime) -> None:
    message = Message.user("said", created=created)
    assert encode_message(message_of(*draft(message).columns)) == encode_message(message)


def test_what_most_messages_have_is_in_columns(tmp_path: Path, store: SqliteStore) -> None:
    store.append("t", [Message.user("plain"), Message.assistant("ok", origin=Origin("o", "m"))])
    store.append("t", [Message.user("hello", usage=Usage(input_tokens=1)), Message.user("a\0b")])
    found = rows(tmp_path, "SELECT text, json IS NULL, typeof(id), length(id) FROM messages ORDER BY place")
    texts = [("plain", 1), ("ok", 0), ("hello", 0), (None, 0)]
    assert found == [(*text, "blob", 12) for text in texts]
    assert [m.message.text for m in store.entries("t")] == ["plain", "ok", "hello", "a\0b"]


def test_an_id_of_hexadecimal_letters_is_not_another_of_bytes(store: SqliteStore) -> None:
    ids = ["0" * 24, "A" * 24, "a" * 24, "a" * 23, "a" * 25, "0x" + "a" * 22]
    for one in ids:
        store.append("t", [Message.user(f"said as {one}", id=one)])
    assert [entry.message.text for entry in store.get("t", ids)] == [f"said as {one}" for one in ids]


def test_a_picture_is_kept_once_and_apart(tmp_path: Path, store: SqliteStore) -> None:
    said = [Message.user([Text("look"), picture()]), Message.tool("c", [picture(), picture()])]
    store.append("t", said)
    store.append("u", [Message.user([picture()])])
    assert [entry.message for entry in store.entries("t")] == said
    assert rows(tmp_path, "SELECT length(data) FROM blobs") == [(4096,)]
    assert rows(tmp_path, "SELECT max(length(json)) < 400 FROM messages") == [(1,)]
    assert store.append("t", [said[1]]).new == 0
    assert store.forget("t", [said[0].id, said[1].id]).places["messages"] == 2
    assert store.forget("u").places["blobs"] == 1
    assert rows(tmp_path, "SELECT count(*) FROM blobs") == [(0,)]


@pytest.mark.parametrize(
    "value", ["sha256:" + "0" * 64, "sha256:", PICTURE + "=", PICTURE[:-2], "ab=c" * 400]
)
def test_what_only_looks_like_base64_or_like_a_reference_is_left_as_it_is(
    store: SqliteStore, value: str
) -> None:
    said = Message.user([picture(value), picture()])
    store.append("t", [said])
    assert next(store.entries("t")).message == said


def test_a_missing_picture_is_reported(tmp_path: Path, store: SqliteStore) -> None:
    store.append("t", [Message.user([picture()], id="m")])
    connection = sqlite3.connect(tmp_path / "x.db")
    connection.execute("DELETE FROM blobs")
    connection.commit()
    connection.close()
    found = store.check()
    assert "1 pictures or files are missing" in found
    store.forget("t")


def test_the_views_are_for_people(tmp_path: Path, store: SqliteStore) -> None:
    at = datetime(2026, 3, 1, 9, 30, 0, 250_000, tzinfo=UTC)
    gone = Message.user("secret", id="gone", created=at)
    store.append("harbour", [Message.system("rule", created=at, id="a" * 24)], tokens=[3], counter="c")
    store.append("harbour", [gone, Message.assistant([Text("one"), picture(), Text("two")], id="x")])
    store.put_plan("harbour", 1, b'{"plan": 1}')
    store.fork("harbour", "what if", 2)
    store.forget("harbour", ["gone"])
    assert rows(tmp_path, "SELECT namespace, thread, head, forked_from, forked_at FROM readable_threads") == [
        ("default", "harbour", 3, None, None),
        ("default", "what if", 2, "harbour", 2),
    ]
    seen = rows(
        tmp_path,
        "SELECT thread, seq, role, text, status, id, tokens, counter FROM readable_messages ORDER BY seq",
    )
    assert seen == [
        ("harbour", 1, "system", "rule", "complete", "a" * 24, 3, "c"),
        ("harbour", 2, "user", None, "forgotten", "gone", 0, None),
        ("harbour", 3, "assistant", "one\ntwo", "complete", "x", 0, None),
    ]
    assert rows(tmp_path, "SELECT created FROM readable_messages LIMIT 1") == [("2026-03-01 09:30:00.250",)]
    assert rows(tmp_path, "SELECT thread, number, plan FROM readable_plans") == [
        ("harbour", 1, '{"plan": 1}')
    ]
