"""Plain JSONL in and out: nothing is lost, ids follow from the file, a bad line is named."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memex_cli.jsonl import BadLine, plain_line, read_messages

from memex import Message, Reasoning, Text

_TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20)
_OWN = st.dictionaries(st.sampled_from(["session", "dia_id", "x"]), _TEXT | st.integers(-9, 9) | st.none())
_CREATED = st.sampled_from(
    [
        *("2026-01-08T08:47:00Z", "2026-01-08T08:47:00.123456+02:00", "2026-01-08T08:47:00", "2026-01-08"),
        *("1:56 pm on 8 May, 2023", "", "2023", 1_700_000_000, 1_700_000_000.5, None, True, 1e30),
    ]
)


@st.composite
def lines(draw: st.DrawFn) -> list[dict[str, Any]]:
    made = []
    for index in range(draw(st.integers(0, 5))):
        role = draw(st.sampled_from(["system", "user", "assistant", "tool"]))
        line: dict[str, Any] = {"role": role, "content": draw(_TEXT)}
        if role == "assistant" and draw(st.booleans()):
            call = {"name": "look", "arguments": draw(_TEXT)}
            line["tool_calls"] = [{"id": f"c{index}", "type": "function", "function": call}]
            line["content"] = None
        if role == "tool":
            line["tool_call_id"] = f"c{index - 1}"
        elif draw(st.booleans()):
            line["name"] = "Mara"
        if draw(st.booleans()):
            line["created"] = draw(_CREATED)
        made.append(line | draw(_OWN))
    return made


def _file(items: list[dict[str, Any]]) -> list[bytes]:
    return [json.dumps(item).encode() + b"\n" for item in items]


@settings(deadline=None)
@given(lines())
def test_what_was_imported_is_exported_as_it_was(items: list[dict[str, Any]]) -> None:
    again = []
    for message in read_messages(_file(items), "t"):
        written, left_out = plain_line(message)
        assert not left_out
        again += written
    for line, item in zip(again, items, strict=True):
        if "created" not in item:
            del line["created"]  # when it was imported
        assert line == item


@settings(deadline=None)
@given(lines())
def test_ids_follow_from_thread_place_and_content(items: list[dict[str, Any]]) -> None:
    def ids(thread: str, file: list[bytes]) -> list[str]:
        return [message.id for message in read_messages(file, thread)]

    first = ids("t", _file(items))
    assert len(set(first)) == len(items)
    assert ids("t", [b"\n", *_file(items), b"  \n"]) == first, "blank lines are not messages"
    assert not set(ids("other", _file(items))) & set(first)
    moved = ids("t", _file([{"role": "user", "content": "?"}, *items]))[1:]
    assert all(now != then for now, then in zip(moved, first, strict=True))


@pytest.mark.parametrize(
    ("created", "moment"),
    [
        ("2026-01-08T08:47:00Z", datetime(2026, 1, 8, 8, 47, tzinfo=UTC)),
        ("2026-01-08T10:47:00+02:00", datetime(2026, 1, 8, 8, 47, tzinfo=UTC)),
        ("2026-01-08T08:47:00", datetime(2026, 1, 8, 8, 47, tzinfo=UTC)),
        (1_767_862_020, datetime(2026, 1, 8, 8, 47, tzinfo=UTC)),
    ],
)
def test_times_are_understood(created: object, moment: datetime) -> None:
    (message,) = read_messages(_file([{"role": "user", "content": "", "created": created}]), "t")
    assert message.created == moment
    assert message.created.tzinfo is not None


def test_a_time_in_words_is_kept() -> None:
    words = "1:56 pm on 8 May, 2023"
    (message,) = read_messages(_file([{"role": "user", "content": "hi", "created": words}]), "t")
    assert message.meta["created"] == words


def test_fields_of_the_users_own_are_kept_out_of_what_a_model_gets() -> None:
    (message,) = read_messages(_file([{"role": "user", "content": "hi", "dia_id": "D1:3"}]), "t")
    assert dict(message.meta) == {"dia_id": "D1:3"}
    assert not message.extra


def test_memexs_own_lines_come_back_whole() -> None:
    message = Message.assistant(
        [Reasoning("hm", signature="s"), Text("yes")], meta={"a": [1]}, status="incomplete"
    )
    from memex import encode_message

    (again,) = read_messages([encode_message(message)], "t")
    assert again == message


def test_what_the_shape_cannot_carry_is_told() -> None:
    written, left_out = plain_line(Message.assistant([Reasoning("hm", signature="s"), Text("yes")]))
    assert written[0]["content"] == "yes"
    assert [part.part for part in left_out] == ["reasoning"]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (b'{"role": "user", "content": "x"', "not JSON"),
        (b'{"role": \n', "not JSON (Expecting value at character 10)"),
        ('{"role": "user"}'.encode("utf-16"), "not UTF-8"),
        (b"[1, 2]", "a list instead of a message"),
        (b'"hello"', "a bare value"),
        (b'{"content": "x"}', "'role' is missing"),
        (b'{"role": "king", "content": "x"}', "'role' is 'king'"),
        (b'{"role": "user"}', "'content' is missing"),
        (b'{"role": "tool", "content": "x"}', "'tool_call_id'"),
        (b'{"role": "user", "content": 5}', "content"),
        (b'{"role": "user", "content": "\\ud800"}', "surrogate"),
        (b'{"role": "user", "content": "x", "score": NaN}', "NaN is no JSON number"),
        (b'{"role": "user", "content": "x", "big": 99999999999999999999999}', "64 bits"),
        (b'{"role": "user", "content": "\xff"}', "not UTF-8"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"parts": [{"type": "text"}], "role": "user"}', "wrong shape"),
        (b'{"parts": [], "role": "user", "id": ""}', "message id"),
    ],
)
def test_a_bad_line_is_named(line: bytes, what: str) -> None:
    file = [b'{"role": "user", "content": "good"}\n'] * 7_811 + [line]
    with pytest.raises(BadLine, match=r"^line 7,812: .*; nothing was imported$") as caught:
        list(read_messages(file, "t"))
    assert what in str(caught.value)
    assert "message 0" not in str(caught.value)


def test_a_byte_order_mark_is_no_content() -> None:
    (message,) = read_messages([b'\xef\xbb\xbf{"role": "user", "content": "x"}'], "t")
    assert message.text == "x"
