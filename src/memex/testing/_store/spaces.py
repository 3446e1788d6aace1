"""Namespaces: a store object reaches one, and nothing of another leaks into it."""

from __future__ import annotations

from pathlib import Path

import pytest

from memex import Conflict, SearchableStore, Store, UnknownThread
from memex.testing._store.case import StoreCase, fill, messages_of, user


class SpacePromises(StoreCase):
    """within, and the namespace that a store is opened with."""

    def test_the_same_ids_in_two_namespaces_are_two_things(self, store: Store) -> None:
        """Threads, messages, state and plans of the same ids never meet."""
        other = store.within("other")
        assert (store.namespace, other.namespace) == ("default", "other")
        for place, word in ((store, "mine"), (other, "theirs")):
            place.append("t", [user(word, "m1"), user("second", "m2")])
            place.put_state("t", "k", word.encode())
            place.put_plan("t", 2, word.encode())
            place.fork("t", "f", 1)
        for place, word in ((store, "mine"), (other, "theirs")):
            assert messages_of(place, "t")[0].text == messages_of(place, "f")[0].text == word
            assert place.get("t", ["m1"])[0].message.text == word
            assert place.get_state("t", "k") == word.encode()
            assert [plan.body for plan in place.plans("t")] == [word.encode()]
            assert [info.id for info in place.threads()] == ["f", "t"]
        with pytest.raises(Conflict):
            other.append("t", [user("mine", "m1")])
        assert other.check() == []

    def test_what_one_has_the_other_has_not(self, store: Store) -> None:
        """Not by name, not by listing, not by forking, not by forgetting."""
        fill(store, "secret", 3)
        other = store.within("other")
        assert list(other.threads()) == []
        for ask in (
            lambda: other.open_thread("secret", create=False),
            lambda: list(other.entries("secret")),
            lambda: other.fork("secret", "mine"),
            lambda: other.forget("secret"),
        ):
            with pytest.raises(UnknownThread):
                ask()
        other.open_thread("secret")
        assert other.forget("secret").messages == ()
        assert store.open_thread("secret", create=False).head == 3

    def test_forgetting_stays_inside(self, store: Store) -> None:
        """The other namespace's thread of the same id keeps its text."""
        other = store.within("other")
        for place in (store, other):
            place.append("t", [user("said", "m1")])
            place.fork("t", "f")
        receipt = store.forget("t", ["m1"])
        assert receipt.forks == ("f",)
        store.forget("f")
        assert [m.text for m in messages_of(other, "t") + messages_of(other, "f")] == ["said", "said"]

    def test_searching_stays_inside(self, searchable: SearchableStore) -> None:
        """Neither a hit nor a posting comes from another namespace."""
        other = searchable.within("other")
        assert isinstance(other, SearchableStore)
        searchable.append("t", [user("the kraken sleeps")])
        other.append("t", [user("nothing here"), user("a kraken wakes")])
        assert [hit.entry.message.text for hit in searchable.search("kraken")] == ["the kraken sleeps"]
        assert [hit.entry.message.text for hit in other.search("kraken")] == ["a kraken wakes"]
        assert other.search("sleeps") == searchable.search("wakes", thread="t") == []
        assert searchable.find("t", ["kraken"], upto=9, limit=9)[0].seqs == (1,)
        assert other.find("t", ["kraken"], upto=9, limit=9)[0].seqs == (2,)

    def test_a_namespace_is_found_again(self, store: Store, folder: Path) -> None:
        """Opened by its name, on the same folder, it is the one that ``within`` gave."""
        self.need_persistence()
        messages = fill(store.within("tenant 7"), "t", 2)
        again = self.open_store(folder, "tenant 7")
        try:
            assert again.namespace == "tenant 7"
            assert messages_of(again, "t") == messages
            assert list(again.within("default").threads()) == []
        finally:
            again.close()
