"""Forks: two threads that share a beginning and go on by themselves."""

from __future__ import annotations

import pytest

from memex import Conflict, Store, ThreadExists, UnknownMessage, UnknownThread
from memex.testing._store.case import StoreCase, fill, messages_of, user


class ForkPromises(StoreCase):
    """fork, and what state and plans do with it."""

    def test_a_fork_shares_up_to_its_point(self, store: Store) -> None:
        """It has the messages up to ``at`` with their numbers, and says where it comes from."""
        messages = fill(store, "a", 5)
        info = store.fork("a", "b", 3)
        assert (info.id, info.head, info.parent, info.forked_at) == ("b", 3, "a", 3)
        assert store.open_thread("b") == info
        assert messages_of(store, "b") == messages[:3]
        assert [entry.seq for entry in store.entries("b", 2, reverse=True)] == [3, 2]
        assert store.fork("a", "c").head == 5
        assert [info.id for info in store.threads()] == ["a", "b", "c"]

    def test_both_go_on_by_themselves(self, store: Store) -> None:
        """What is appended to one is not in the other, also under the same id."""
        shared = fill(store, "a", 3)
        store.fork("a", "b", 2)
        in_a, in_b = user("on in a", "same"), user("on in b", "same")
        assert store.append("b", [in_b]).head == 3
        assert store.append("a", [in_a]).head == 4
        assert messages_of(store, "a") == [*shared, in_a]
        assert messages_of(store, "b") == [*shared[:2], in_b]
        assert store.get("b", ["same"])[0].seq == 3

    def test_ids_are_unique_over_what_is_shared(self, store: Store) -> None:
        """A shared message sent again keeps its place; with other content it conflicts."""
        shared = fill(store, "a", 4)
        store.fork("a", "b", 2)
        done = store.append("b", [shared[1]])
        assert ([entry.seq for entry in done.entries], done.new, done.head) == ([2], 0, 2)
        with pytest.raises(Conflict):
            store.append("b", [shared[0].replace(name="other")])
        assert store.append("b", [shared[3].replace(name="free here")]).head == 3
        assert store.get("b", [shared[2].id]) == []

    def test_fork_at_the_beginning(self, store: Store) -> None:
        """At 0, nothing is shared but the state."""
        fill(store, "a", 2)
        store.put_state("a", "k", b"v")
        info = store.fork("a", "b", 0)
        assert (info.head, info.forked_at) == (0, 0)
        assert list(store.entries("b")) == []
        assert store.append("b", [user("one")]).head == 1
        assert store.get_state("b", "k") == b"v"

    def test_forks_of_forks(self, store: Store) -> None:
        """Each sees its line of parents, also when it leaves before its parent's own part."""
        a = fill(store, "a", 4)
        store.fork("a", "b", 3)
        b = fill(store, "b", 3)
        store.fork("b", "c", 5)
        c = fill(store, "c", 1)
        store.fork("c", "d", 2)
        d = fill(store, "d", 1)
        assert messages_of(store, "b") == a[:3] + b
        assert messages_of(store, "c") == a[:3] + b[:2] + c
        assert messages_of(store, "d") == a[:2] + d
        assert store.open_thread("d").parent == "c"
        assert [entry.seq for entry in store.entries("c", 3, 5, reverse=True)] == [5, 4, 3]
        fill(store, "a", 2)
        assert messages_of(store, "c") == a[:3] + b[:2] + c

    def test_roles_are_found_across_the_fork(self, store: Store) -> None:
        """A system message of the parent is the fork's too, one after the fork point is not."""
        first = user("rule one").replace(role="system")
        store.append("a", [first, user("x")])
        store.fork("a", "b")
        second, third = user("rule two").replace(role="system"), user("rule three").replace(role="developer")
        store.append("a", [second])
        store.append("b", [third])
        rules = store.entries("b", roles={"system", "developer"})
        assert [entry.message for entry in rules] == [first, third]
        back = store.entries("a", roles={"system"}, reverse=True)
        assert [entry.message for entry in back] == [second, first]

    def test_wrong_forks_are_errors(self, store: Store) -> None:
        """An unknown thread, a taken id, a point outside: nothing is made."""
        fill(store, "a", 2)
        store.open_thread("taken")
        with pytest.raises(UnknownThread):
            store.fork("no", "b")
        for taken in ("taken", "a"):
            with pytest.raises(ThreadExists):
                store.fork("a", taken)
        for outside in (-1, 3):
            with pytest.raises(UnknownMessage):
                store.fork("a", "b", outside)
        assert [info.id for info in store.threads()] == ["a", "taken"]

    def test_state_is_copied(self, store: Store) -> None:
        """Afterwards each has its own."""
        store.open_thread("a")
        store.put_state("a", "k", b"before")
        store.fork("a", "b")
        store.put_state("a", "k", b"in a")
        store.put_state("b", "other", b"in b")
        assert (store.get_state("a", "k"), store.get_state("b", "k")) == (b"in a", b"before")
        assert store.get_state("a", "other") is None

    def test_plans_are_shared_up_to_the_fork(self, store: Store) -> None:
        """A fork goes on with its parent's numbers, and sees no plan made after its point."""
        fill(store, "a", 6)
        assert [store.put_plan("a", head, f"a{head}".encode()) for head in (2, 4, 6)] == [1, 2, 3]
        store.fork("a", "b", 4)
        assert [(p.number, p.head, p.body) for p in store.plans("b")] == [(2, 4, b"a4"), (1, 2, b"a2")]
        assert store.put_plan("b", 4, b"b4") == 3
        assert store.put_plan("a", 6, b"a6 again") == 4
        assert [p.body for p in store.plans("b")] == [b"b4", b"a4", b"a2"]
        assert [p.body for p in store.plans("b", before=3)] == [b"a4", b"a2"]
        assert [p.body for p in store.plans("a")] == [b"a6 again", b"a6", b"a4", b"a2"]
        store.fork("b", "c", 3)
        assert [p.body for p in store.plans("c")] == [b"a2"]
        assert store.put_plan("c", 3, b"c3") == 2

    def test_a_fork_sees_no_plan_made_after_it(self, store: Store) -> None:
        """Also when the parent has not moved on, so that numbers never meet."""
        fill(store, "a", 1)
        store.put_plan("a", 1, b"a1")
        store.fork("a", "b")
        store.put_plan("a", 1, b"a1 again")
        assert store.put_plan("b", 1, b"b1") == 2
        assert [(p.number, p.body) for p in store.plans("b")] == [(2, b"b1"), (1, b"a1")]
