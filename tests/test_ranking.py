"""Rankings of several policies, and the one step that selects from them."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from memex import Memex, Message, PolicyFailed, PolicyViolation, Ranking, Text, expand, ranker
from memex.testing import ScratchStore, evict_oldest


def likes(name, scores, *, weight=1.0, marked=True):
    """Return a policy that gives these messages these scores."""

    def policy(window):
        return window.rank(Ranking(name=name, scores=scores, weight=weight))

    policy.__name__ = name
    return ranker(policy) if marked else policy


def thread_of(*chain, count=200):
    thread = Memex(ScratchStore(), chain=[*chain, evict_oldest], budget=1_500).thread("t")
    thread.append([Message.user(f"Line {n} of the harbour's log.") for n in range(1, count + 1)])
    return thread


def recalled(window):
    return list(expand(window.plan.recalled()))


def steps(window):
    return [step.policy for step in window.plan.steps]


def test_a_rankers_messages_are_quoted_by_a_step_of_its_own():
    window = thread_of(likes("a", {7: 3.0, 9: 2.0})).window("What was on line 7?")
    assert recalled(window) == [7, 9]
    assert steps(window) == ["opening", "a", "select", "evict_oldest"]


def test_two_rankings_are_one_selection():
    thread = thread_of(likes("a", {7: 2.0, 9: 1.2}), likes("b", {9: 50.0, 11: 20.0}))
    window = thread.window("?")
    assert steps(window).count("select") == 1
    assert thread.explain(9).detail == {"worth": 1, "a": 1.2, "b": 50.0}
    assert thread.explain(7).detail == {
        "worth": pytest.approx((2 / 1.2 / 2.5) ** 0.5**0.5, abs=1e-3),
        "a": 2.0,
    }


def test_leaving_one_out_is_the_other_alone():
    assert recalled(thread_of(likes("b", {9: 50.0, 11: 20.0})).window("?")) == [9, 11]


def test_a_ranker_without_the_mark_counts_the_same():
    marked = thread_of(likes("a", {7: 2.0}), likes("b", {9: 1.0})).window("?")
    unmarked = thread_of(likes("a", {7: 2.0}, marked=False), likes("b", {9: 1.0}, marked=False)).window("?")
    assert unmarked.messages[-2].text == marked.messages[-2].text
    assert steps(unmarked).count("select") == 2


def test_what_another_policy_quoted_stays():
    def quotes_three(window):
        return window.recall(window.log.at([3]))

    window = thread_of(likes("a", {7: 2.0}), quotes_three, likes("b", {9: 1.0})).window("?")
    assert recalled(window) == [3, 7, 9]


def test_a_weight_decides_between_two():
    one, other = {7: 2.0, 8: 1.0}, {9: 4.0, 8: 1.0}
    thread = thread_of(likes("a", one, weight=3.0), likes("b", other))
    thread.window("?")
    assert [row.detail["worth"] for row in map(thread.explain, (7, 9))] == [1, pytest.approx(0.578, abs=1e-3)]


def test_what_is_not_named_has_the_worth_that_a_ranking_says():
    def says(window):
        window = window.rank(Ranking(name="a", scores={7: 1.0, 9: 3.0}))
        return window.rank(Ranking(name="b", scores={7: 8.0}, unnamed=1.0))

    thread = thread_of(ranker(says))
    thread.window("?")
    assert thread.explain(7).detail["worth"] == 1
    assert thread.explain(9).detail["worth"] == pytest.approx((3 / 8) ** 0.5**0.5, abs=1e-3)


@pytest.mark.parametrize("unnamed", [0.0, -1.0, math.nan, math.inf])
def test_what_is_not_named_is_worth_a_number_above_zero(unnamed):
    def says(window):
        return window.rank(Ranking(name="a", scores={7: 1.0}, unnamed=unnamed))

    with pytest.raises((PolicyFailed, PolicyViolation), match="ranking 'a'"):
        thread_of(says).window("?")


def talk(*messages):
    thread = Memex(ScratchStore(), chain=[likes("a", {2: 1.0, 3: 1.0}), evict_oldest], budget=1_500).thread(
        "t"
    )
    thread.append([*messages, *(Message.user(f"Line {n} of the harbour's log.") for n in range(200))])
    return thread


def worths(thread, question):
    thread.window(question)
    return [thread.explain(seq).detail["worth"] for seq in (2, 3)]


def test_who_is_named_in_the_question_is_heard():
    said = [Message.user("Good morning.", name=name) for name in ("piet", "mara", "piet")]
    said[1], said[2] = (m.replace(parts=(Text(f"It was late, {n}."),)) for n, m in enumerate(said[1:]))
    assert worths(talk(*said), "What did Mara say?")[0] > worths(talk(*said), "What did Mara say?")[1]
    assert worths(talk(*said), "What did Piet say?")[0] < worths(talk(*said), "What did Piet say?")[1]
    assert worths(talk(*said), "What was said?") == [1, 1]


def test_what_opens_a_session_is_worth_more():
    day = datetime(2024, 5, 4, 9, tzinfo=UTC)
    said = [Message.user(f"Number {n}.", created=day + timedelta(hours=5 * (n > 1))) for n in range(3)]
    first, opening = worths(talk(*said), "What was said?")
    assert first < opening == 1


def test_nothing_ranked_changes_nothing():
    window = thread_of(likes("a", {})).window("?")
    assert not window.derived
    assert steps(window) == ["opening", "a", "evict_oldest"]


@pytest.mark.parametrize("scores", [{0: 1.0}, {900: 1.0}, {1: 0.0}, {1: -1.0}, {1: math.nan}, {1: math.inf}])
def test_a_ranking_that_makes_no_sense_is_refused_by_name(scores):
    with pytest.raises((PolicyFailed, PolicyViolation), match="ranking 'a'"):
        thread_of(likes("a", scores)).window("?")


def test_plans_with_rankings_replay():
    thread = thread_of(likes("a", {7: 2.0, 9: 1.2}), likes("b", {9: 5.0}))
    for number in range(3):
        thread.window(f"Question {number}")
        thread.append(f"Question {number}")
    assert [replayed.same for replayed in thread.replay()] == [True] * 3
