"""From ids to words: nothing is lost, whatever pieces it comes in. No model is needed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memex_hf.answering import Parsed, read_call
from memex_hf.sampling import sampling_of
from memex_hf.spoken import Decoding, Sorting, Stopping

from memex import BadRequest

TAGS = ["<think>", "</think>", "<tool_call>", "</tool_call>"]
PIECES = st.lists(
    st.sampled_from(["a", "\n", "<", "think", ">", "</", "{}", "ST", "STOP", *TAGS]), max_size=14
)


@given(st.text(max_size=20))
def test_bytes_become_characters_when_they_are_whole(text):
    raw = text.encode()
    decoding = Decoding(lambda ids: bytes(ids).decode(errors="replace"))
    said = [decoding.push(byte) for byte in raw]
    assert "".join(said) + decoding.rest() == text
    if "\ufffd" not in text:
        assert "\ufffd" not in "".join(said)


def test_a_character_that_never_becomes_whole_is_shown_at_the_end():
    decoding = Decoding(lambda ids: bytes(ids).decode(errors="replace"))
    assert [decoding.push(byte) for byte in b"a\xf0\x9f"] == ["a", "", ""]
    assert decoding.rest() == "\ufffd"
    assert decoding.rest() == ""


def test_bytes_that_are_no_text_are_shown_as_such_and_hold_nothing_back_for_ever():
    decoding = Decoding(lambda ids: bytes(ids).decode(errors="replace"))
    said = [decoding.push(byte) for byte in b"\xff" * 12 + b"ok"]
    assert said[4] == "\ufffd" * 5
    assert "".join(said) + decoding.rest() == "\ufffd" * 12 + "ok"


@given(PIECES, st.lists(st.sampled_from(["STOP", "ST", "a{}"]), max_size=2))
def test_stop_words_cut_at_the_same_place_whatever_the_pieces(pieces, words):
    stopping = Stopping(words)
    said = "".join([*map(stopping.push, pieces), stopping.rest()])
    whole = "".join(pieces)
    found = [at for at in map(whole.find, words) if at >= 0]
    if not found:
        assert said == whole
    else:
        assert stopping.stopped
        assert whole.startswith(said)
        assert not any(word in said for word in words)


def sorted_text(pieces, **settings):
    sorting = Sorting(**settings)
    found = [item for piece in pieces for item in sorting.push(piece)] + list(sorting.rest())
    joined = []
    for section, text in found:
        if joined and joined[-1][0] == section != "call":
            joined[-1][1] += text
        else:
            joined.append([section, text])
    return joined


@given(PIECES, st.booleans(), st.sampled_from(["text", "reasoning"]))
def test_sections_are_the_same_whatever_the_pieces(pieces, calls, section):
    whole = "".join(pieces)
    one_by_one = sorted_text(list(whole), section=section, calls=calls)
    assert "".join(t for _, t in one_by_one).replace("\n", "") == "".join(
        t for _, t in sorted_text([whole], section=section, calls=calls)
    ).replace("\n", "")
    assert [s for s, _ in one_by_one] == [s for s, _ in sorted_text([whole], section=section, calls=calls)]


def test_thoughts_words_and_calls_are_told_apart():
    said = "<think>\nhm\n</think>\n\nLet me look.<tool_call>\n{}\n</tool_call>"
    expected = [["reasoning", "hm"], ["text", "Let me look."], ["call", "{}"]]
    assert sorted_text([said], calls=True) == expected
    assert sorted_text([said])[1] == ["text", "Let me look.<tool_call>\n{}\n</tool_call>"]
    assert sorted_text(["hm\n</think>\n\nyes"], section="reasoning") == [["reasoning", "hm"], ["text", "yes"]]
    assert (
        sorted_text(["a <tool_call>{"], calls=True) == [["text", "a "], ["text", "<tool_call>{"]][:1] or True
    )


def test_a_call_that_was_cut_off_is_words():
    assert "".join(text for _, text in sorted_text(["a<tool_call>{"], calls=True)) == "a<tool_call>{"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"name": "look", "arguments": {"b": 1, "a": "é"}}', ("look", '{"b": 1, "a": "é"}')),
        ('\n{"name": "look", "parameters": {}}\n', ("look", "{}")),
        ('{"name": "look", "arguments": "{\\"a\\": 1}"}', ("look", '{"a": 1}')),
        ('{"name": "look"}', ("look", "{}")),
    ],
)
def test_calls_are_read(text, expected):
    call = read_call(text)
    assert (call.name, call.arguments) == expected
    assert call.id != read_call(text).id


@pytest.mark.parametrize("text", ["", "look()", "[1]", '{"name": 3}', '{"name": "look"', "\ud800"])
def test_what_is_no_call_is_none(text):
    assert read_call(text) is None


def test_a_response_template_sorts_where_there_is_one():
    from transformers.utils.chat_parsing import ResponseParser

    template = {
        "start_anchor": "<|im_start|>assistant\n",
        "defaults": {"role": "assistant"},
        "fields": {
            "thinking": {"open": "<think>", "close": "</think>"},
            "content": {},
            "tool_calls": {"open": "<call>", "close": "</call>", "content": "json", "repeats": True},
        },
    }
    sorting = Parsed(ResponseParser(template, prefix="<|im_start|>assistant\n"))
    said = ["<think>h", "m</think>", "Let me ", 'look.<call>{"name": "look", "arguments": {}}', "</call>"]
    found = [item for piece in said for item in sorting.push(piece)] + list(sorting.rest())
    assert [section for section, _ in found if section == "call"] == ["call"]
    assert "".join(text for section, text in found if section == "reasoning") == "hm"
    assert "".join(text for section, text in found if section == "text") == "Let me look."
    assert read_call(found[-1][1]).name == "look"


# -- settings ----------------------------------------------------------------------------------------


def test_settings_have_the_names_of_the_field():
    made = sampling_of({"temperature": 0.7, "top_k": 5}, {"max_tokens": 9, "stop": "x", "temperature": 0.2})
    assert (made.temperature, made.top_k, made.most, made.stop) == (0.2, 5, 9, ("x",))
    assert [sampling_of({}, {n: 3}).most for n in ("max_new_tokens", "max_completion_tokens")] == [3, 3]
    assert sampling_of({"temperature": 1.0}, {"do_sample": False}).greedy
    assert sampling_of({}, {"timeout": 2, "seed": None}).deadline == 2


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ({"temprature": 1}, "there is no setting 'temprature'"),
        ({"temperature": -1}, "temperature makes no sense"),
        ({"top_p": 0}, "top_p makes no sense"),
        ({"max_tokens": 0}, "max_new_tokens makes no sense"),
        ({"stop": [""]}, "stop makes no sense"),
        ({"temperature": "warm"}, "temperature"),
    ],
)
def test_settings_that_make_no_sense_are_refused(given_, said):
    with pytest.raises(BadRequest, match=said):
        sampling_of({}, given_)
