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


def test_case_width_and_accents_are_folded():
    assert terms("ÜBER Café ＡＢＣ straße") == ["uber", "cafe", "abc", "strasse"]


def test_unspaced_scripts_become_pairs():
    assert terms("東京都 水") == ["東京", "京都", "水"]


@settings(deadline=None)
@given(strategies.texts())
def test_terms_of_terms_are_the_same(text):
    found = terms(text)
    assert terms(" ".join(found)) == found
