"""Rankings of several policies, and the one step that selects from them."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from fractions import Fraction

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


def fused(*rankings):
    """Return what messages are worth beside the best, by the rule: half of the odds are those of the product.

    Each ranking is its weight and how many times likelier than the unnamed it finds what it names.
    """
    seqs = sorted({seq for _, odds in rankings for seq in odds})
    weights = [weight for weight, _ in rankings]
    alone = [{seq: odds.get(seq, 1.0) ** weight for seq in seqs} for weight, odds in rankings]
    agreeing = math.sqrt(sum(weights) ** 2 / sum(weight**2 for weight in weights))
    parts = [(0.5, {seq: math.prod(own[seq] for own in alone) ** (1 / agreeing) for seq in seqs})]
    parts += [(0.5 * weight / sum(weights), own) for weight, own in zip(weights, alone, strict=True)]
    worth = {seq: sum(share * part[seq] / sum(part.values()) for share, part in parts) for seq in seqs}
    return {seq: pytest.approx(value / max(worth.values()), abs=1e-3) for seq, value in worth.items()}


def test_a_rankers_messages_are_quoted_by_a_step_of_its_own():
    window = thread_of(likes("a", {7: 3.0, 9: 2.0})).window("What was on line 7?")
    assert recalled(window) == [7, 9]
    assert steps(window) == ["opening", "a", "select", "evict_oldest"]


def test_two_rankings_are_one_selection():
    thread = thread_of(likes("a", {7: 2.0, 9: 1.2}), likes("b", {9: 50.0, 11: 20.0}))
    window = thread.window("?")
    assert steps(window).count("select") == 1
    assert thread.explain(9).detail == {"worth": 1, "a": 1.2, "b": 50.0}
    worth = fused((1.0, {7: 2 / 1.2, 9: 1.0}), (1.0, {9: 2.5, 11: 1.0}))
    assert thread.explain(7).detail == {"worth": worth[7], "a": 2.0}


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
    worth = fused((3.0, one), (1.0, other))
    assert [row.detail["worth"] for row in map(thread.explain, (7, 9))] == [1, worth[9]]


def test_what_one_ranking_alone_is_sure_of_is_not_lost():
    words = dict.fromkeys(range(10, 40), 30.0) | {50: 1.0}
    meaning = dict.fromkeys(range(10, 40), 5.0) | {50: 40.0}
    thread = thread_of(likes("words", words), likes("meaning", meaning))
    thread.window("?")
    product = (40 / (30 * 5)) ** 0.5**0.5
    worth = thread.explain(50).detail["worth"]
    assert worth == fused((1.0, words), (1.0, meaning))[50]
    assert worth > 1.2 * product


def test_worths_may_be_as_far_apart_as_numbers_are():
    far = {7: 1e-300, 8: 1.0, 9: 1e300}
    thread = thread_of(likes("a", far, weight=50.0), likes("b", far, weight=5e-324), likes("c", {8: 1.0}))
    assert recalled(thread.window("?")) == [9]
    assert thread.explain(9).detail["worth"] == 1


def test_what_is_not_named_has_the_worth_that_a_ranking_says():
    def says(window):
        window = window.rank(Ranking(name="a", scores={7: 1.0, 9: 3.0}))
        return window.rank(Ranking(name="b", scores={7: 8.0}, unnamed=1.0))

    thread = thread_of(ranker(says))
    thread.window("?")
    assert thread.explain(7).detail["worth"] == 1
    assert thread.explain(9).detail["worth"] == fused((1.0, {7: 1.0, 9: 3.0}), (1.0, {7: 8.0}))[9]


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


NO_SCORES = (
    *({0: 1.0}, {900: 1.0}, {1: 0.0}, {1: -1.0}, {1: math.nan}, {1: math.inf}, {1: 10**400}),
    *({"1": 1.0}, {1.0: 1.0}, {1: "2"}, {1: None}, {1: 1j}, [1, 2]),
)


@pytest.mark.parametrize("scores", NO_SCORES)
def test_a_ranking_that_makes_no_sense_is_refused_by_name(scores):
    with pytest.raises((PolicyFailed, PolicyViolation), match="ranking 'a'"):
        thread_of(likes("a", scores)).window("?")


def test_what_is_quoted_after_the_eviction_takes_only_what_is_free():
    @ranker
    def first_lines(window):
        return window.rank(Ranking(name="a", scores=dict.fromkeys(range(1, min(60, window.log.head)), 2.0)))

    chain = [evict_oldest, first_lines]
    thread = Memex(ScratchStore(), chain=chain, budget=1_500).thread("t")
    quoted = 0
    for number in range(1, 300):
        thread.append(Message.user(f"Line {number} of the harbour's log."))
        window = thread.window()
        quoted += len(recalled(window))
        assert window.tokens <= window.limit
    assert quoted > 50
    assert all(found.same for found in thread.replay())


@pytest.mark.parametrize("weight", [0.0, -1.0, math.nan, math.inf, 1e300, "1", None])
def test_a_weight_that_makes_no_sense_is_refused_by_name(weight):
    with pytest.raises(PolicyViolation, match=r"policy a .*ranking 'a'"):
        thread_of(likes("a", {7: 1.0}, weight=weight)).window("?")


def test_numbers_may_be_of_any_kind():
    plain = thread_of(likes("a", {7: 2.0, 9: 1.5}, weight=0.5)).window("?")
    other = thread_of(likes("a", {7: Fraction(2), 9: Fraction(3, 2)}, weight=Fraction(1, 2))).window("?")
    assert other.plan.steps == plain.plan.steps


def test_numbers_may_be_those_of_numpy():
    numpy = pytest.importorskip("numpy", reason="needs numpy, which memex-semantic brings")
    scores = dict(zip(numpy.array([7, 9]), numpy.array([2.0, 1.5], numpy.float32), strict=True))
    thread = thread_of(likes("a", scores, weight=numpy.float32(0.5)))
    assert recalled(thread.window("?")) == [7, 9]
    assert thread.explain(9).detail["a"] == 1.5


def test_plans_with_rankings_replay():
    thread = thread_of(likes("a", {7: 2.0, 9: 1.2}), likes("b", {9: 5.0}))
    for number in range(3):
        thread.window(f"Question {number}")
        thread.append(f"Question {number}")
    assert [replayed.same for replayed in thread.replay()] == [True] * 3
