"""What makes ranking quick changes no figure: it is compared with the plain way."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from memex_recall import ranking, together
from memex_recall.places import Word

words = st.lists(
    st.builds(
        lambda number, seqs, weight: Word(f"w{number}", sorted(seqs), weight),
        st.integers(0, 9),
        st.sets(st.integers(1, 120) | st.integers(1, 4_000), min_size=1, max_size=60),
        st.floats(0.05, 9.0),
    ),
    max_size=7,
)


def plainly_promising(words, upto, pool):
    """Look at every message and at every word, as the rule says it."""
    rarest = ranking._rarest(words)
    found = []
    for seq in range(1, upto + 1):
        worth = beside = 0.0
        for word in rarest:
            away = min(abs(place - seq) for place in word.seqs)
            if away <= ranking._ROUGH:
                worth += word.weight * ranking._DECAY**away
            if any(place // ranking._BLOCK == seq // ranking._BLOCK for place in word.seqs):
                beside += word.weight
        if worth >= ranking._LEAST:
            found.append((worth + ranking._SESSION / ranking._NEAR * beside, seq))
    return sorted(seq for _, seq in sorted(found)[-pool:])


@given(words, st.integers(1, 400), st.integers(1, 40))
def test_the_most_promising_messages_are_those_of_the_plain_way(words, upto, pool):
    assert ranking.promising(ranking.roughly(words, upto), (), pool) == plainly_promising(words, upto, pool)


def test_of_equals_the_newest_are_read():
    word = Word("w", list(range(16, 8_000, 16)), 2.0)
    assert ranking.promising(ranking.roughly([word], 10_000), (), 5) == [7_920, 7_936, 7_952, 7_968, 7_984]


@given(st.lists(st.tuples(words, st.integers(1, 400)), max_size=8), st.integers(1, 60))
def test_no_thread_that_is_set_aside_holds_one_of_the_best(threads, most):
    """Which are looked at is told by bounds; who is among the best must not be."""
    every, sizes = [words for words, _ in threads], [upto for _, upto in threads]
    plainly = sorted(
        ((worth, -at, seq), at)
        for at, (words, upto) in enumerate(threads)
        for seq, worth in ranking.roughly(words, upto).items()
    )[-most:]
    _, pools = together._pools(every, sizes, most)
    assert pools == [sum(at == number for _, at in plainly) for number in range(len(threads))]


def test_threads_of_common_words_are_not_looked_at():
    common, rare = Word("a", [3, 9], 0.5), Word("b", list(range(1, 400)), 4.0)
    rough, pools = together._pools([[common], [rare], [], [common]], [400] * 4, 300)
    assert pools == [0, 300, 0, 0]
    assert set(rough) == {1}
