"""Tool-call arguments: exact text, or an object that loses nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memex._codecs.arguments import WRAPPER, as_object, compact, is_exact, to_object, to_text
from memex._codecs.leftovers import same
from memex.testing.strategies import arguments, json_objects

QUICK = settings(deadline=None, max_examples=200)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{}", {}),
        ('{"b":1,"a":[true,null,1.5,"é"]}', {"b": 1, "a": [True, None, 1.5, "é"]}),
        (' { "a" : 1.50 }\n', {"a": 1.5}),
        ('{"a":"\\u00e9"}', {"a": "é"}),
        ('{"a":1E3}', {"a": 1000.0}),
        ('{"a":18446744073709551615}', {"a": 2**64 - 1}),
    ],
)
def test_a_json_object_becomes_that_object(text: str, value: dict[str, Any]) -> None:
    assert same(to_object(text), value)
    assert list(to_object(text)) == list(value)
    assert same(json.loads(to_text(value)), value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "not JSON",
        "[1]",
        '"text"',
        "5",
        "null",
        '{"a":1,"a":2}',
        '{"x":{"a":1,"a":1}}',
        '{"a":NaN}',
        '{"a":-Infinity}',
        '{"a":1e999}',
        '{"a":1e-999}',
        '{"a":-0}',
        '{"a":18446744073709551616}',
        '{"a":' + "9" * 5000 + "}",
        '{"a":0.12345678901234567890123}',
        '{"a":"\\ud800"}',
        '{"a":' * 95 + "1" + "}" * 95,
        '{"a":' * 100_000,
        "\ufeff{}",
        '{"a":1} {"b":2}',
    ],
)
def test_text_that_an_object_would_change_is_wrapped_whole(text: str) -> None:
    assert to_object(text) == {WRAPPER: text}
    assert to_text({WRAPPER: text}) == text


def test_a_wrapper_that_a_model_wrote_is_not_taken_for_ours() -> None:
    text = '{"memex_exact_arguments":"{"}'
    assert to_object(text) == {WRAPPER: text}
    assert to_text(to_object(text)) == text
    assert to_text({WRAPPER: "{}"}) == '{"memex_exact_arguments":"{}"}'
    assert to_object('{"memex_exact_arguments":"{}"}') == {WRAPPER: "{}"}
    assert to_text({WRAPPER: 5}) == '{"memex_exact_arguments":5}'


@QUICK
@given(
    text=arguments()
    | st.text(max_size=20)
    | st.recursive(arguments(), lambda s: s.map(lambda t: compact({WRAPPER: t})))
)
def test_text_to_object_and_back(text: str) -> None:
    back = to_text(to_object(text))
    value = as_object(text)
    assert back == (text if value is None else compact(value)) or back == text
    assert same(to_object(back), to_object(text))
    assert to_text(to_object(back)) == back


@QUICK
@given(value=json_objects() | arguments().map(lambda text: {WRAPPER: text}))
def test_object_to_text_and_back(value: dict[str, Any]) -> None:
    assert is_exact(value)
    assert same(to_object(to_text(value)), value)
    assert list(to_object(to_text(value))) == list(value)


def test_a_lone_surrogate_in_an_object_is_not_exact() -> None:
    assert not is_exact({"a": "\ud800"})
