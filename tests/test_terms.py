"""Terms: the words that stores and rankers agree on."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from memex import terms
from memex.testing import strategies


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("متى النشر؟", "النشر"),
        ("कब तैनात किया।", "किया"),
        ("מה שלום־עולם׃", "עולם"),
        ("Where is Łódź?", "łodz"),
        ("いつデプロイ？", "デプ"),
        ("ไปไหน฿100", "100"),
    ],
)
def test_punctuation_is_not_part_of_a_word(asked, said):
    assert said in terms(asked)


def test_marks_are_part_of_a_word():
    assert terms("हिन्दी") == ["हिन्दी"]
    assert len(terms("مُحَمَّد")) == 1


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("İstanbul", "istanbul"),  # the Turkish capital keeps its dot when it is folded
        ("ISPARTA", "ısparta"),
        ("ёлка", "елка"),
        ("за\u0301мок", "замок"),
        ("كِتَابٌ", "كتاب"),
        ("كتـــاب", "كتاب"),
        ("أحمد", "احمد"),
        ("کتاب یک", "كتاب يك"),  # Persian letters, and the Arabic ones for them
        ("שָׁלוֹם", "שלום"),
        ("٧٢٦٤ und ७२६४", "7264 und 7264"),
        ("Silben\u00adtrennung", "Silbentrennung"),
        ("نمی\u200cخواهم", "نمیخواهم"),
        ("葛\U000e0100飾区", "葛飾区"),
    ],
)
def test_what_not_everybody_writes_makes_no_other_word(said, asked):
    assert terms(said) == terms(asked)


def test_letters_that_only_look_marked_stay():
    assert terms("йод їжак ў") == ["йод", "їжак", "ў"]
    assert terms("مؤمن") == ["مؤمن"]


def test_case_width_and_accents_are_folded():
    assert terms("ÜBER Café ＡＢＣ straße") == ["uber", "cafe", "abc", "strasse"]


def test_unspaced_scripts_become_pairs():
    assert terms("東京都 水") == ["東京", "京都", "水"]


@settings(deadline=None)
@given(strategies.texts())
def test_terms_of_terms_are_the_same(text):
    found = terms(text)
    assert terms(" ".join(found)) == found
