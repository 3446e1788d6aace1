"""State and plans: what is kept beside the messages."""

from __future__ import annotations

from itertools import islice

import pytest

from memex import Conflict, Store, StoredPlan
from memex.testing._store.case import StoreCase, fill


class NotePromises(StoreCase):
    """get_state, put_state, put_plan, plans."""

    def test_state_is_swapped_only_for_what_is_expected(self, store: Store) -> None:
        """Compare-and-swap: a value, or none at all, that is not there any more is a conflict."""
        store.open_thread("a")
        with pytest.raises(Conflict):
            store.put_state("a", "k", b"new", expect=b"old")
        store.put_state("a", "k", b"one", expect=None)
        for wrong in (None, b"", b"two"):
            with pytest.raises(Conflict):
                store.put_state("a", "k", b"two", expect=wrong)
        assert store.get_state("a", "k") == b"one"
        store.put_state("a", "k", b"two", expect=b"one")
        store.put_state("a", "k", None, expect=b"two")
        assert store.get_state("a", "k") is None

    def test_state_is_what_was_put_last(self, store: Store) -> None:
        """Any bytes; None removes, and removing nothing is allowed."""
        store.open_thread("a")
        assert store.get_state("a", "k") is None
        store.put_state("a", "k", None)
        for value in (b"one", b"", b"\x00\xff" * 1000, b"last"):
            store.put_state("a", "k", value)
            assert store.get_state("a", "k") == value
        store.put_state("a", "k", None)
        assert store.get_state("a", "k") is None

    def test_state_belongs_to_a_thread_and_a_key(self, store: Store) -> None:
        """No other thread and no other key sees it."""
        for thread in ("a", "b"):
            store.open_thread(thread)
        store.put_state("a", "k", b"v")
        assert store.get_state("a", "K") is None
        assert store.get_state("b", "k") is None

    def test_plans_are_numbered_from_one(self, store: Store) -> None:
        """Without gaps in a thread, whatever other threads do; newest first when read."""
        fill(store, "a", 3)
        fill(store, "b", 1)
        assert [store.put_plan("a", head, f"plan {head}".encode()) for head in (1, 2, 2, 3)] == [1, 2, 3, 4]
        assert store.put_plan("b", 1, b"\x00\xff") == 1
        assert list(store.plans("a")) == [
            StoredPlan(4, 3, b"plan 3"),
            StoredPlan(3, 2, b"plan 2"),
            StoredPlan(2, 2, b"plan 2"),
            StoredPlan(1, 1, b"plan 1"),
        ]
        assert list(store.plans("b")) == [StoredPlan(1, 1, b"\x00\xff")]

    def test_plans_before_a_number(self, store: Store) -> None:
        """Only lower numbers; none below the first."""
        store.open_thread("a")
        for number in range(1, 131):
            assert store.put_plan("a", 0, str(number).encode()) == number
        assert [plan.number for plan in store.plans("a")] == list(range(130, 0, -1))
        assert [plan.number for plan in store.plans("a", before=100)] == list(range(99, 0, -1))
        assert [plan.number for plan in islice(store.plans("a", before=500), 2)] == [130, 129]
        assert list(store.plans("a", before=1)) == list(store.plans("a", before=0)) == []
