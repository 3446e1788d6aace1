"""The search over vectors: exact, the same whatever else is there, and bounded."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memex_semantic.numeric.diverse import groups, spread
from memex_semantic.numeric.matrix import AROUND, Matrix, rows_of

from memex import pack_vector

DIM = 4
VECTORS = st.lists(st.integers(-3, 3), min_size=DIM, max_size=DIM)
# seq -> its vectors; few numbers, so that many are equal.
ENTRIES = st.dictionaries(st.integers(1, 40), st.lists(VECTORS, max_size=3), max_size=25)


def matrix_of(entries) -> Matrix:
    matrix = Matrix(DIM)
    matrix.extend((seq, b"".join(map(pack_vector, entries[seq]))) for seq in sorted(entries))
    return matrix


def question_of(*vectors):
    return rows_of([pack_vector(vector) for vector in vectors], DIM)


def cosine(one, other) -> float:
    lengths = math.hypot(*one) * math.hypot(*other)
    return sum(a * b for a, b in zip(one, other, strict=True)) / lengths if lengths else 0.0


def expected(entries, asked, upto: int, beside: float) -> dict[int, float]:
    near = {
        seq: max(cosine(vector, question) for vector in vectors for question in asked)
        for seq, vectors in entries.items()
        if vectors and seq <= upto
    }

    def around(seq: int) -> float:
        return max(0.0, *(near.get(other, 0.0) for other in range(seq - AROUND, seq + AROUND + 1)))

    return {seq: own + beside * around(seq) for seq, own in near.items()}


@settings(deadline=None)
@given(
    ENTRIES,
    st.lists(VECTORS, min_size=1, max_size=3),
    st.integers(0, 45),
    st.integers(1, 30),
    st.sampled_from([0.0, 0.5]),
)
def test_the_nearest_are_what_a_plain_loop_finds(entries, asked, upto, top, beside):
    found = matrix_of(entries).nearest(question_of(*asked), upto=upto, top=top, beside=beside)
    wanted = expected(entries, asked, upto, beside)
    assert len(found) == min(top, len(wanted))
    for seq, score in found.items():
        assert score == pytest.approx(wanted[seq], abs=2e-6)
    assert list(found) == sorted(found, key=lambda seq: (-found[seq], -seq))
    least = min(found.values(), default=0.0)
    assert all(score <= least + 4e-6 for seq, score in wanted.items() if seq not in found)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(1, 400), st.sampled_from([1, 7, 50]))
def test_later_messages_change_no_score_and_no_rank(seed, more, top):
    chance = np.random.default_rng(seed)
    rows = chance.standard_normal((700, DIM)).astype("<f4")
    rows[chance.integers(0, 700, 200)] = rows[0]  # ties
    entries = [(seq, row.tobytes()) for seq, row in enumerate(rows, 1)]
    asked = rows_of([rows[5].tobytes()], DIM)
    short, long = Matrix(DIM), Matrix(DIM)
    short.extend(entries[:300])
    long.extend(entries[: 300 + more])
    wanted = short.nearest(asked, upto=300, top=top, beside=0.5)
    assert list(long.nearest(asked, upto=300, top=top, beside=0.5).items()) == list(wanted.items())


@settings(deadline=None)
@given(ENTRIES, st.integers(0, 40))
def test_it_may_be_filled_bit_by_bit(entries, cut):
    whole, parts = matrix_of(entries), Matrix(DIM)
    for wanted in (range(1, cut + 1), range(cut + 1, 41)):
        parts.extend((seq, b"".join(map(pack_vector, entries[seq]))) for seq in wanted if seq in entries)
    asked = question_of([1, 2, -1, 0])
    assert len(parts) == len(whole)
    assert parts.seqs == whole.seqs == [seq for seq in sorted(entries) if entries[seq]]
    assert parts.nearest(asked, upto=99, top=9) == whole.nearest(asked, upto=99, top=9)


def test_nothing_is_found_where_nothing_is():
    matrix = Matrix(DIM)
    assert matrix.nearest(question_of([1, 0, 0, 0]), upto=9, top=9) == {}
    matrix.extend([(1, b""), (2, pack_vector([0, 0, 0, 0]))])
    assert matrix.nearest(question_of([1, 0, 0, 0]), upto=9, top=9) == {2: 0.0}
    assert matrix.nearest(question_of([1, 0, 0, 0]), upto=1, top=9) == {}
    assert matrix.nearest(rows_of([], DIM), upto=9, top=9) == {}


@settings(deadline=None)
@given(ENTRIES, VECTORS, st.integers(0, 45))
def test_the_deviation_is_that_of_all_cosines(entries, asked, upto):
    cosines = [cosine(vector, asked) for seq in sorted(entries) if seq <= upto for vector in entries[seq]]
    found = matrix_of(entries).deviation(question_of(asked), upto=upto)
    assert found == pytest.approx(statistics.pstdev(cosines) if cosines else 0.0, abs=2e-6)


def test_the_deviation_of_a_long_thread_is_of_a_part_and_does_not_change():
    rows = np.random.default_rng(1).standard_normal((5000, DIM)).astype("<f4")
    matrix = Matrix(DIM)
    matrix.extend((seq, row.tobytes()) for seq, row in enumerate(rows[:4000], 1))
    asked = question_of([1, 2, 0, 0])
    before = matrix.deviation(asked, upto=4000)
    assert before == pytest.approx(0.5, abs=0.05)
    matrix.extend((seq, row.tobytes()) for seq, row in enumerate(rows[4000:], 4001))
    assert matrix.deviation(asked, upto=4000) == before
    assert matrix.deviation(rows_of([], DIM), upto=9) == 0.0


def test_an_answer_near_its_question_counts():
    matrix = matrix_of({1: [[0, 0, 0, 1]], 5: [[1, 0, 0, 0]], 6: [[0, 1, 0, 0]], 10: [[0, 1, 0, 0]]})
    found = matrix.nearest(question_of([1, 0, 0, 0]), upto=10, top=9, beside=0.5)
    assert found == {5: 1.5, 6: 0.5, 1: 0.5, 10: 0.0}


# -- maximal marginal relevance and groups ----------------------------------------------------------


def test_without_diversity_the_order_stays():
    matrix = matrix_of({1: [[1, 0, 0, 0]], 2: [[1, 0, 0, 1]], 3: [[0, 1, 0, 0]]})
    scores = {1: 0.9, 2: 0.8, 3: 0.5}
    assert list(spread(matrix, scores, 0.0)) == [1, 2, 3]


def test_with_diversity_the_same_again_comes_last():
    matrix = matrix_of({1: [[1, 0, 0, 0]], 2: [[1, 0, 0, 0]], 3: [[0, 1, 0, 0]], 4: [[0, 0, 1, 0]]})
    scores = {1: 0.9, 2: 0.89, 3: 0.5, 4: 0.6}
    found = spread(matrix, scores, 0.5)
    assert list(found) == [1, 4, 3, 2]
    assert list(found.values()) == sorted(found.values(), reverse=True)


@settings(deadline=None)
@given(
    st.dictionaries(st.integers(1, 40), st.tuples(VECTORS, st.floats(0.01, 1)), min_size=1, max_size=12),
    st.sampled_from([0.0, 0.3, 0.7, 1.0]),
)
def test_all_are_chosen_the_best_first_and_every_score_can_be_ranked(given_, diversity):
    matrix = matrix_of({seq: [vector] for seq, (vector, _) in given_.items()})
    scores = {seq: score for seq, (_, score) in given_.items()}
    found = spread(matrix, scores, diversity)
    assert sorted(found) == sorted(scores)
    assert scores[next(iter(found))] == max(scores.values())
    assert all(score > 0 for score in found.values())
    assert list(found.values()) == sorted(found.values(), reverse=True)
    grouped = groups(matrix, scores, 0.8)
    assert sorted(seq for group in grouped for seq in group) == sorted(scores)
    assert [group[0] for group in grouped] == sorted(
        (group[0] for group in grouped), key=lambda seq: (-scores[seq], -seq)
    )


def test_groups_hold_what_is_alike():
    matrix = matrix_of({1: [[1, 0, 0, 0]], 2: [[0, 1, 0, 0]], 3: [[3, 0, 0, 1]], 4: [[0, 2, 0, 0]]})
    assert groups(matrix, {1: 0.9, 2: 0.8, 3: 0.5, 4: 0.4}, 0.9) == [[1, 3], [2, 4]]
    assert groups(matrix, {}, 0.9) == []
