"""The forms of a word that are looked up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memex_recall.forms import forms
from memex_recall.policy import recall

from memex import Memex, Message, terms
from memex.testing import ScratchStore, evict_oldest


@pytest.mark.parametrize(
    "family",
    [
        ("camp", "camps", "camped", "camping"),
        ("city", "cities"),
        ("study", "studies", "studied", "studying"),
        ("hike", "hikes", "hiked", "hiking"),
        ("stop", "stops", "stopped", "stopping"),
        ("box", "boxes", "boxed", "boxing"),
        ("play", "plays", "played", "playing"),
        ("go", "going"),
    ],
)
def test_each_form_finds_the_others(family: tuple[str, ...]):
    for word in family:
        if len(word) > 2:
            assert {form for form in family if len(form) > 2} <= set(forms(word)), word


@pytest.mark.parametrize("word", ["bus", "class", "news", "sing", "red", "us"])
def test_a_word_that_looks_inflected_keeps_what_it_is(word: str):
    assert forms(word)[0] == word
    assert not {"bu", "clas", "s", "r", "u"} & set(forms(word))


@pytest.mark.parametrize("word", ["7264", "a7731", "kundigung2", "デプ", "касса"])
def test_numbers_codes_and_other_scripts_have_one_form(word: str):
    assert forms(word) == (word,)


@given(st.text(max_size=40))
def test_every_term_has_itself_as_first_form_and_few_others(text: str):
    for word in terms(text):
        found = forms(word)
        assert found[0] == word
        assert len(found) <= 24
        assert len(set(found)) == len(found)


def test_another_form_of_a_word_is_found():
    with Memex(ScratchStore(), chain=[recall(), evict_oldest], budget=4_000) as memory:
        thread = memory.thread("t")
        thread.append(
            [Message.user("We camped by the lake."), *(Message.user(f"Crate {n}.") for n in range(1_000))]
        )
        assert thread.window("Where did we go camping?").plan.recalled()[0][0] == 1
