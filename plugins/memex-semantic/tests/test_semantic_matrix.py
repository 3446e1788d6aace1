"""The search over vectors: exact, the same whatever else is there, and bounded."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memex_semantic.numeric import matrix as searching
from memex_semantic.numeric.coarse import Coarse, product_of_bytes
from memex_semantic.numeric.diverse import groups, spread
from memex_semantic.numeric.matrix import AROUND, Matrix, rows_of, unit

from memex import pack_vector

DIM = 4
VECTORS = st.lists(st.integers(-3, 3), min_size=DIM, max_size=DIM)
# seq -> its vectors; few numbers, so that many are equal.
ENTRIES = st.dictionaries(st.integers(1, 40), st.lists(VECTORS, max_size=3), max_size=25)


@pytest.fixture(scope="module", params=["by numpy alone", "after a look at bytes"], autouse=True)
def _how(request):
    """Run every test as short threads are searched, and as long ones are."""
    if request.param == "by numpy alone":
        yield
        return
    pytest.importorskip("numkong", reason="needs pip install 'memex-semantic[large]'")
    patch = pytest.MonkeyPatch()
    patch.setattr(searching, "WORTH", 1)
    yield
    patch.undo()


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


# -- a look at bytes --------------------------------------------------------------------------------


def by_loop(rows, others):
    return rows.astype(np.int64) @ others.astype(np.int64).T


def clustered(chance, count, dimension):
    """Vectors as a model makes them, many of them close to each other; some are equal, one is nothing."""
    middles = chance.standard_normal((5, dimension))
    rows = middles[chance.integers(0, 5, count)] + 0.2 * chance.standard_normal((count, dimension))
    rows[chance.integers(0, count, count // 10)] = rows[0]
    rows[count // 2] = 0
    return unit(rows.astype(np.float32))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.sampled_from([3, 32, 384]))
def test_no_vector_is_further_off_than_a_look_says(seed, asked, dimension):
    chance = np.random.default_rng(seed)
    rows, questions = clustered(chance, 300, dimension), clustered(chance, asked, dimension)
    coarse = Coarse(dimension, by_loop)
    for start in range(0, 300, 90):
        coarse.extend(rows[start : min(200, start + 90)] if start < 200 else rows[:0])
    coarse.extend(rows[200:])
    look = coarse.look(questions, 250)
    exact = (rows[:250].astype(np.float64) @ questions.astype(np.float64).T).max(axis=1)
    assert np.abs(look.scores - exact).max() <= look.off
    assert look.off < 0.05


@settings(deadline=None, max_examples=25)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 3),
    st.integers(1, 500),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.booleans(),
)
def test_with_a_look_and_without_the_ranking_is_the_same(seed, asked, top, beside, alike):
    chance = np.random.default_rng(seed)
    make = clustered if alike else lambda c, n, d: unit(c.standard_normal((n, d), np.float32))
    rows, questions = make(chance, 2500, 32), make(chance, asked, 32)
    seqs = np.sort(chance.integers(1, 3000, 2500))  # several vectors of some, none of others
    plain, looked = Matrix(32), Matrix(32)
    with pytest.MonkeyPatch.context() as patch:
        for matrix, worth in ((plain, 10_000), (looked, 1)):
            patch.setattr(searching, "WORTH", worth)
            patch.setattr(searching, "product_of_bytes", lambda: by_loop)
            by_seq: dict[int, bytes] = {}
            for seq, row in zip(seqs.tolist(), rows, strict=True):
                by_seq[seq] = by_seq.get(seq, b"") + row.tobytes()
            first = dict(list(by_seq.items())[:700])
            matrix.extend(first.items())
            matrix.nearest(questions, upto=5000, top=top, beside=beside)
            matrix.extend((seq, data) for seq, data in by_seq.items() if seq not in first)
        patch.setattr(searching, "WORTH", 1)
        found = looked.nearest(questions, upto=2800, top=top, beside=beside)
        assert looked._coarse is not None
        patch.setattr(searching, "WORTH", 10_000)
        wanted = plain.nearest(questions, upto=2800, top=top, beside=beside)
    assert plain._coarse is None
    assert list(found.items()) == list(wanted.items())


def test_what_multiplies_wrongly_is_not_used(monkeypatch):
    numkong = pytest.importorskip("numkong", reason="needs pip install 'memex-semantic[large]'")
    assert product_of_bytes() is not None
    for broken in (lambda rows, packed: np.zeros((len(rows), 3), np.int32), None):
        product_of_bytes.cache_clear()
        with monkeypatch.context() as patch:
            patch.setattr(numkong, "dots_packed", broken)
            assert product_of_bytes() is None
    product_of_bytes.cache_clear()


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
