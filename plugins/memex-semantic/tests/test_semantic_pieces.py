"""What of a message is embedded: which text, and in how many pieces."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memex_semantic.pieces import MOST, pieces, pieces_of, without_names

from memex import Media, Message, Reasoning, ScriptCounter, Text, ToolCall, terms
from memex.testing import strategies


def test_a_short_message_is_one_piece_without_its_speaker():
    assert pieces_of(Message.user("  The door is red.\n"), 200) == ["The door is red."]
    assert pieces_of(Message.user("The door is red.", name="mara"), 200) == ["The door is red."]


@pytest.mark.parametrize(
    ("asked", "rest"),
    [
        ("When did Mara paint the door?", "When did paint the door?"),
        ("What is Mara's colour?", "What is colour?"),
        ("What is Mara\u2019s  colour,\nmara?", "What is colour, mara?"),
        ("What  did\nshe say?", "What  did\nshe say?"),
        ("Mara? Will?", "Mara? Will?"),
        ("will Will come?", "will come?"),
        ("Where is Jean Luc?", "Where is Luc?"),
    ],
)
def test_who_speaks_is_cut_out_of_a_question(asked, rest):
    assert without_names(asked, ["Mara", "Will", "Jean"]) == rest
    assert without_names(asked, []) == asked


@given(strategies.texts(), st.lists(strategies.texts(), max_size=3))
def test_a_question_never_loses_all_its_words(asked, names):
    rest = without_names(asked, names)
    assert bool(terms(rest)) == bool(terms(asked))
    assert set(rest.split()) <= set(asked.split())


def test_what_needs_not_be_found_has_none():
    picture = Media(kind="image", source="base64", value="aGk=", media_type="image/png")
    for message in (
        Message.system("Be kind."),
        Message.of("developer", "Be brief."),
        Message.user(""),
        Message.user(" \n"),
        Message.user([picture]),
        Message.assistant([Reasoning("Hm.")]),
        Message.user("x").replace(status="forgotten", parts=()),
    ):
        assert pieces_of(message, 200) == []


def test_what_tools_were_asked_and_gave_back_is_embedded():
    call = ToolCall(id="c", name="look", arguments='{"order": "A-7"}')
    assert pieces_of(Message.assistant([Text("Let me see."), call]), 200) == [
        'Let me see.\nlook\n{"order": "A-7"}'
    ]
    assert pieces_of(Message.tool("c", "It is in Trondheim."), 200) == ["It is in Trondheim."]


def test_a_long_text_is_cut_at_spaces_and_overlaps():
    words = [f"word{number}" for number in range(400)]
    found = pieces(" ".join(words), 100)
    assert len(found) > 4
    for before, after in pairwise(found):
        assert before.split()[-1] in after.split(), "the end of one is in the next"
    assert set(" ".join(found).split()) == set(words), "no word is cut in two or left out"


def test_a_script_without_spaces_has_shorter_pieces():
    chinese, english = "部署时间是星期五" * 200, "the deploy is on a friday " * 200
    longest = {text: max(map(len, pieces(text, 100))) for text in (chinese, english)}
    assert longest[chinese] < longest[english] / 2


def test_a_very_long_text_ends_somewhere():
    assert len(pieces("many words " * 100_000, 100)) == MOST


@given(strategies.texts(), st.integers(8, 60))
def test_pieces_are_of_the_text_and_none_is_empty(text, size):
    found = pieces(text, size)
    assert bool(found) == bool(text.strip())
    assert all(piece and piece == piece.strip() and piece in text for piece in found)
    if text.strip() and len(found) < MOST:
        assert text.strip().startswith(found[0])
        assert text.strip().endswith(found[-1])
    if len(found) > 1:
        assert max(map(ScriptCounter().count_text, found)) <= 4 * size
