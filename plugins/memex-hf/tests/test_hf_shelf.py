"""The shelf and its tree, with lanes whose rows say what they are: no torch, no model."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memex_hf.radix import Radix, shared
from memex_hf.shelf import Shelf

ROW = 10  # bytes


class Rows(list):
    """Rows of their own: each is the sequence up to its token, as keys and values are functions of it."""

    @property
    def nbytes(self):
        return ROW * len(self)

    def split(self, at):
        return Rows(self[:at]), Rows(self[at:])


class State:
    def __init__(self, ids):
        self.ids = list(ids)
        self.nbytes = 3 * ROW


class Lane:
    def __init__(self, room, stateless):
        self.stateless = stateless
        self.ids, self.rows, self.room = [], [], room
        self.busy, self.used = False, 0
        self.seen = []  # the state: what the model has read

    @property
    def nbytes(self):
        return ROW * max(self.room, len(self.rows))

    def run(self, ids):
        assert self.seen == self.ids, "it goes on from a state that is not the end of its rows"
        for token in ids:
            self.ids.append(token)
            self.rows.append(tuple(self.ids))
        self.seen = list(self.ids)

    def take(self, ids, rows, start, stop):
        source = rows.rows if isinstance(rows, Lane) else rows
        self.rows.extend(source[start:stop])
        self.ids.extend(ids)
        assert len(self.rows) == len(self.ids)
        if self.stateless:
            self.seen = list(self.ids)

    def cut(self, length):
        del self.rows[length:], self.ids[length:]
        self.seen = list(self.ids)  # only a model without a state is cut

    def copy(self, start, stop):
        return Rows(self.rows[start:stop])

    def freeze(self, spans):
        frozen = [self.copy(start, stop) for start, stop in spans]
        self.rows, self.room = [], 0
        return frozen

    def state(self):
        return State(self.seen)

    def put_state(self, state):
        self.seen = list(state.ids)


class Workshop:
    def __init__(self, croppable):
        self.croppable = croppable

    def lane(self, room):
        return Lane(room, self.croppable)

    def bytes_for(self, room):
        return ROW * room


def shelf(budget=10**6, croppable=True, most_lanes=8):
    return Shelf(Workshop(croppable), budget, most_lanes)


def turn(kept, prompt, answer=(), cuts=()):
    """Hold one turn as an engine does, and return how much of the prompt was known."""
    lane = kept.lend(prompt, len(prompt) + len(answer))
    known = len(lane.ids)
    assert known < len(prompt)
    assert lane.ids == list(prompt[:known])
    assert lane.rows == [tuple(prompt[: at + 1]) for at in range(known)]
    for at in [*sorted(cut for cut in cuts if known < cut < len(prompt)), len(prompt)]:
        lane.run(prompt[len(lane.ids) : at])
        kept.record(lane, cuts, state=at in cuts)
    lane.run(answer)
    kept.give_back(lane, [*cuts, len(prompt)])
    check(kept)
    return known


def check(kept):
    """Every node's rows are those of its tokens, and the bytes are what they are."""
    cold = 0
    for node in kept.tree.nodes():
        path, above = [], node
        while above.parent is not None:
            path = [*above.ids, *path]
            above = above.parent
        assert node.parent.children[node.ids[0]] is node
        rows = (
            node.kept.rows
            if hasattr(node.kept, "rows")
            else node.kept.lane.rows[node.kept.start : node.kept.stop]
        )
        assert list(rows) == [tuple(path[: node.start + at + 1]) for at in range(len(node.ids))]
        cold += node.kept.nbytes
        if node.state is not None:
            assert node.state.ids == path
            cold += node.state.nbytes
    assert kept.nbytes == cold + sum(lane.nbytes for lane in kept.lanes)


# -- the tree ----------------------------------------------------------------------------------------


class Letters(str):
    __slots__ = ()

    def split(self, at):
        return Letters(self[:at]), Letters(self[at:])


@given(st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=12), max_size=20))
def test_a_tree_finds_the_longest_beginning_it_was_given(sequences):
    tree = Radix()
    for ids in sequences:
        node, at = tree.reach(ids)
        if at < len(ids):
            tree.add(node, ids[at:], Letters("".join(map(str, ids[at:]))))
    for ids in sequences:
        found = tree.match(ids)
        assert sum(count for _, count in found) == len(ids)
        assert "".join(str(node.kept)[:count] for node, count in found) == "".join(map(str, ids))
    for probe in ([0], [1, 1, 1], [2, 0, 2, 0]):
        longest = max((shared(ids, probe) for ids in sequences), default=0)
        assert sum(count for _, count in tree.match(probe)) == longest


def test_only_a_leaf_can_be_taken_out_and_only_inside_can_be_cut():
    tree = Radix()
    first = tree.add(tree.root, [1, 2, 3], Letters("123"))
    last = tree.add(first, [4], Letters("4"))
    with pytest.raises(ValueError, match="leaf"):
        tree.remove(first)
    with pytest.raises(ValueError, match="cannot be split at 3"):
        tree.split(first, 3)
    tree.remove(last)
    tree.remove(first)
    assert list(tree.nodes()) == []


@given(st.lists(st.integers(0, 1), max_size=30), st.lists(st.integers(0, 1), max_size=30), st.integers(0, 10))
def test_shared_counts_as_one_by_one(known, ids, at):
    at = min(at, len(ids))
    expected = 0
    while expected < min(len(known), len(ids) - at) and known[expected] == ids[at + expected]:
        expected += 1
    assert shared(known, ids, at) == expected


# -- turns -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("croppable", [True, False])
def test_a_conversation_goes_on_in_its_lane_without_a_copy(croppable):
    kept = shelf(croppable=croppable)
    assert turn(kept, [1, 2, 3], [4, 5]) == 0
    assert turn(kept, [1, 2, 3, 4, 5, 6], [7]) == 5
    assert turn(kept, [1, 2, 3, 4, 5, 6, 7, 8]) == 7
    assert kept.tally.copied == 0
    assert len(kept.lanes) == 1


def test_the_last_token_is_always_computed():
    kept = shelf()
    turn(kept, [1, 2, 3], [4])
    assert turn(kept, [1, 2, 3]) == 2


def test_a_fork_shares_what_it_has_and_copies_when_it_goes_another_way():
    kept = shelf()
    turn(kept, [1, 2, 3, 4, 5, 6, 7, 8], [9, 9])
    turn(kept, [1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 10])
    assert kept.tally.copied == 0
    assert turn(kept, [1, 2, 3, 4, 5, 20]) == 5
    assert turn(kept, [1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 10, 11]) == 11  # the first one lost nothing


def test_a_system_text_is_kept_once_for_all():
    kept = shelf(most_lanes=2)
    system = list(range(100, 150))
    turn(kept, [*system, 0], cuts=[50])
    for thread in range(1, 20):
        assert turn(kept, [*system, thread], [thread], cuts=[50]) == 50
    nodes = [node for node in kept.tree.nodes() if node.ids[0] == 100]
    assert [len(node.ids) for node in nodes] == [50]


def test_what_cannot_be_cropped_goes_on_from_a_state():
    kept = shelf(croppable=False)
    turn(kept, [1, 2, 3, 4, 5], [6], cuts=[3])
    assert turn(kept, [1, 2, 3, 4, 9]) == 3, "the state where a message ended"
    assert turn(kept, [1, 2, 8]) == 0, "between two states there is nothing to go on from"
    assert turn(kept, [1, 2, 3, 4, 5, 6, 7]) == 6


def test_few_states_are_kept_on_one_way():
    kept = shelf(croppable=False)
    ids = [1]
    for token in range(2, 40):
        turn(kept, ids, [token])
        ids = [*ids, token, 100 + token]
    assert sum(node.state is not None for node in kept.tree.nodes()) <= 5


def test_a_lane_that_failed_takes_nothing_with_it_that_lies_elsewhere():
    kept = shelf()
    turn(kept, [1, 2, 3, 4], [5])
    lane = kept.lend([9, 9, 9], 5)
    lane.run([9, 9])
    kept.record(lane)
    kept.throw_away(lane)
    check(kept)
    assert kept.known([9, 9, 9]) == 0
    assert kept.known([1, 2, 3, 4, 5, 6]) == 5


def test_the_least_recently_used_goes_first():
    kept = shelf(budget=ROW * 60, most_lanes=1)
    for thread in range(1, 5):
        turn(kept, [thread] * 10, [0])
    turn(kept, [1] * 10 + [0, 7])
    turn(kept, [5] * 20)
    assert kept.nbytes <= kept.budget
    assert kept.known([1] * 10 + [0, 8]) > 0
    assert kept.known([2] * 10 + [0, 8]) == 0


prompts = st.lists(st.integers(0, 2), min_size=1, max_size=14)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.tuples(prompts, st.lists(st.integers(0, 2), max_size=4), st.integers(1, 12)), max_size=25),
    st.booleans(),
    st.sampled_from([ROW * 30, ROW * 80, 10**6]),
    st.integers(1, 3),
)
def test_any_turns_in_any_order_find_true_rows_within_the_budget(turns, croppable, budget, most_lanes):
    kept = shelf(budget, croppable, most_lanes)
    for prompt, answer, cut in turns:
        turn(kept, prompt, answer, [cut])
        assert kept.nbytes <= max(budget, ROW * 18)


@settings(deadline=None, max_examples=60)
@given(st.lists(prompts, min_size=2, max_size=6), st.booleans())
def test_lanes_that_are_busy_at_once_do_not_disturb_each_other(sequences, croppable):
    kept = shelf(ROW * 60, croppable, 2)
    lanes = []
    for ids in sequences:
        lane = kept.lend(ids, 20)
        lanes.append((ids, lane))
        for token in ids[len(lane.ids) :]:
            lane.run([token])
            kept.record(lane, state=token == 0)
            check(kept)
    for ids, lane in lanes:
        assert lane.ids == ids
        assert lane.rows == [tuple(ids[: at + 1]) for at in range(len(ids))]
        kept.give_back(lane)
        check(kept)
