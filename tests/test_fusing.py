"""What several rankings together find a message worth."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memex._fusing import fuse

SCORES = st.dictionaries(st.integers(1, 12), st.floats(1e-6, 1e6), max_size=8)
RANKINGS = st.lists(st.tuples(st.floats(0.01, 20), SCORES, st.floats(1e-3, 1e3)), max_size=4)


def product(rankings):
    """Return the logarithm of what all of them multiplied say, as long as they agree."""
    weights = [weight for weight, _, _ in rankings]
    agreeing = math.sqrt(sum(weights) ** 2 / sum(weight**2 for weight in weights))
    places = {place for _, scores, _ in rankings for place in scores}
    return {
        place: sum(weight * math.log(scores.get(place, least) / least) for weight, scores, least in rankings)
        / agreeing
        for place in places
    }


@given(st.floats(0.01, 20), SCORES, st.floats(1e-3, 1e3))
def test_one_ranking_says_what_it_says(weight, scores, least):
    wanted = {place: weight * math.log(score / least) for place, score in scores.items()}
    assert fuse([(weight, scores, least)]) == pytest.approx(wanted, abs=1e-6)


@given(RANKINGS)
def test_half_is_the_product_and_the_whole_stays_what_it_is(rankings):
    found = fuse(rankings)
    wanted = product(rankings) if rankings else {}
    assert found.keys() == wanted.keys()
    assert all(found[place] >= wanted[place] - math.log(2) - 1e-9 for place in wanted)
    if found:
        top = max(*found.values(), *wanted.values())
        total, multiplied = (sum(math.exp(v - top) for v in odds.values()) for odds in (found, wanted))
        assert total == pytest.approx(multiplied, rel=1e-6)


@given(RANKINGS)
def test_the_order_of_rankings_does_not_matter(rankings):
    assert fuse(rankings[::-1]) == pytest.approx(fuse(rankings), abs=1e-6)


def test_what_one_is_sure_of_comes_before_what_both_find_middling():
    middling = dict.fromkeys(range(10, 40), 30.0)
    words, meaning = middling | {50: 1.0}, dict.fromkeys(range(10, 40), 5.0) | {50: 140.0}
    worth = fuse([(1.0, words, 1.0), (1.0, meaning, 1.0)])
    multiplied = product([(1.0, words, 1.0), (1.0, meaning, 1.0)])
    assert multiplied[50] < multiplied[10]
    assert worth[50] > worth[10]


def test_messages_may_stand_in_several_threads():
    found = fuse([(1.0, {("a", 3): 4.0}, 1.0), (1.0, {("b", 3): 4.0}, 1.0)])
    assert found[("a", 3)] == found[("b", 3)] > 0
