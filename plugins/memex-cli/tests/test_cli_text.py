"""Small pieces: what is safe on a terminal, chains in words, names of messages, tables."""

from __future__ import annotations

import json
import unicodedata

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memex_cli.references import message_reference
from memex_cli.tables import show_table

from memex import ConfigError, parse_chain
from memex.commands import one_line, safe, safe_json

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def _steers(char: str) -> bool:
    return (
        unicodedata.category(char) in ("Cc", "Cs")
        or char in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    )


@settings(deadline=None)
@given(st.text(alphabet=st.characters()))
def test_no_text_can_steer_a_terminal(text: str) -> None:
    assert not [char for char in safe(text) if _steers(char) and char not in "\n\t"]
    assert not [char for char in one_line(text) if _steers(char)]


def test_what_is_harmless_stays() -> None:
    text = "plain\ttext\nwith 日本語, עברית and é"
    assert safe(text) == text


def test_escapes_can_be_seen() -> None:
    assert safe("\x1b[2Jgone\r\n\u202eback\x9b") == "\\x1b[2Jgone\n\\u202eback\\x9b"


def test_one_line_is_shortened() -> None:
    assert one_line("a\n b   c", 4) == "a b…"
    assert one_line("a\n b   c") == "a b c"


@settings(deadline=None)
@given(_JSON)
def test_json_is_harmless_and_says_the_same(value: object) -> None:
    text = safe_json(value)
    assert json.loads(text) == value
    assert not [char for char in text if _steers(char)]


@pytest.mark.parametrize(
    ("text", "chain"),
    [
        ("fifo", ["fifo"]),
        (" recall ,fifo, ", ["recall", "fifo"]),
        ("fifo:0.5", ["fifo:0.5"]),
        ('recall, {use = "fifo", low_water = 0.5}', ["recall", {"use": "fifo", "low_water": 0.5}]),
        ('["recall", {use="fifo", words=["a,b", "}"]}]', ["recall", {"use": "fifo", "words": ["a,b", "}"]}]),
        ("[recall, 'fifo']", ["recall", "fifo"]),
    ],
)
def test_chains_are_read(text: str, chain: list[object]) -> None:
    assert parse_chain(text) == chain


@pytest.mark.parametrize("text", ["", " ", ",", "[]", "a,,b", "{use = }", "{", "[a, b"])
def test_chains_that_name_nothing_are_refused(text: str) -> None:
    if text == "[a, b":  # a name that no plugin has: the host says so
        assert parse_chain(text) == ["[a, b"]
        return
    with pytest.raises(ConfigError, match="--chain"):
        parse_chain(text)


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("12", 12),
        ("#12", 12),
        ("id:12", "12"),
        ("0123456789abcdef01234567", "0123456789abcdef01234567"),
        ("123456789012345678901234", "123456789012345678901234"),
        ("-1", "-1"),
        ("१२", "१२"),
    ],
)
def test_messages_are_named_by_number_or_id(text: str, reference: str | int) -> None:
    assert message_reference(text) == reference


def test_a_number_that_is_none_is_refused() -> None:
    with pytest.raises(click.BadParameter, match="#x"):
        message_reference("#x")


def test_plain_tables_are_aligned_also_in_wide_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(("name", "n"), [("日本", 5), ("a\x1b[1m", 1_000), ("x" * 200, "")], right=["n"])
    first, second, third, fourth = capsys.readouterr().out.splitlines()
    assert first.endswith("   n")
    assert second == f"日本{' ' * 196}     5"
    assert third == f"a\\x1b[1m{' ' * 192}  1000"
    assert fourth == "x" * 200
