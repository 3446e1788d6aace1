"""Forgetting: a tombstone in place of a message, in every thread that shares it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from memex import Conflict, Message, SearchableStore, Store, UnknownMessage
from memex.testing._store.case import StoreCase, fill, log_of, messages_of, user


def tombstone(message: Message) -> Message:
    """Return what is left of a message: its id and role, at the beginning of time."""
    return Message(
        role=message.role, id=message.id, status="forgotten", created=datetime(1970, 1, 1, tzinfo=UTC)
    )


class ForgetPromises(StoreCase):
    """forget."""

    def test_a_message_becomes_a_tombstone(self, store: Store) -> None:
        """Its id, role and place stay; everything else goes. The others are as they were."""
        gone = Message.tool("call", "secret", id="x", meta={"secret": 1}, name="secret", parent="secret")
        around = [user("before"), user("after")]
        store.append("a", [around[0], gone, around[1]], tokens=[1, 2, 3], counter="c")
        receipt = store.forget("a", ["x"])
        assert (receipt.thread, receipt.messages, receipt.whole_thread, receipt.forks) == (
            "a",
            (2,),
            False,
            (),
        )
        assert receipt.places["messages"] == 1
        assert messages_of(store, "a") == [around[0], tombstone(gone), around[1]]
        assert [(entry.tokens, entry.counter) for entry in log_of(store, "a")] == [
            (1, "c"),
            (0, None),
            (3, "c"),
        ]
        assert store.get("a", ["x"])[0].message == tombstone(gone)
        assert [entry.seq for entry in store.entries("a", roles={"tool"})] == [2]

    def test_the_log_goes_on(self, store: Store) -> None:
        """The newest message forgotten, the next one still gets the next number."""
        messages = fill(store, "a", 2)
        store.forget("a", [messages[1].id])
        assert [entry.seq for entry in store.append("a", [user("next")]).entries] == [3]

    def test_a_forgotten_message_cannot_come_back(self, store: Store) -> None:
        """Under its id neither the same text nor another is taken; nothing is stored."""
        messages = fill(store, "a", 2)
        store.forget("a", [messages[0].id])
        for again in (messages[0], messages[0].replace(parts=user("other").parts)):
            with pytest.raises(Conflict):
                store.append("a", [user("new"), again])
        assert messages_of(store, "a") == [tombstone(messages[0]), messages[1]]

    def test_forgetting_again_is_allowed(self, store: Store) -> None:
        """And changes nothing; so does forgetting nothing."""
        messages = fill(store, "a", 2)
        store.forget("a", [messages[0].id])
        store.fork("a", "b")
        receipt = store.forget("a", [messages[0].id, messages[0].id])
        assert (receipt.messages, receipt.places["messages"], receipt.forks) == ((1,), 0, ())
        assert store.forget("a", []).messages == ()
        assert messages_of(store, "a") == [tombstone(messages[0]), messages[1]]

    def test_an_unknown_message_is_an_error(self, store: Store) -> None:
        """And then nothing is forgotten."""
        messages = fill(store, "a", 2)
        for unknown in ("missing", "", "\ud800"):
            with pytest.raises(UnknownMessage):
                store.forget("a", [messages[0].id, unknown])
        assert messages_of(store, "a") == messages

    def test_every_fork_loses_it(self, store: Store) -> None:
        """From either side of the fork; a fork that left earlier is not touched."""
        messages = fill(store, "a", 4)
        store.fork("a", "b", 3)
        store.fork("b", "c", 2)
        store.fork("a", "early", 1)
        own = fill(store, "b", 1)
        receipt = store.forget("b", [messages[1].id, own[0].id])
        assert (receipt.messages, receipt.forks) == ((2, 4), ("a", "c"))
        for thread in ("a", "b", "c"):
            assert messages_of(store, thread)[1] == tombstone(messages[1])
        assert messages_of(store, "a")[2:] == messages[2:]
        assert messages_of(store, "b")[3] == tombstone(own[0])
        assert messages_of(store, "early") == messages[:1]
        with pytest.raises(Conflict):
            store.append("c", [messages[1]])

    def test_a_message_after_the_fork_point_is_not_in_the_fork(self, store: Store) -> None:
        """It cannot be forgotten from there."""
        messages = fill(store, "a", 3)
        store.fork("a", "b", 1)
        with pytest.raises(UnknownMessage):
            store.forget("b", [messages[2].id])

    def test_a_whole_thread(self, store: Store) -> None:
        """It is no longer listed, and its id is free for a new, empty thread."""
        messages = fill(store, "a", 3)
        store.put_state("a", "k", b"v")
        store.put_plan("a", 3, b"plan")
        receipt = store.forget("a")
        assert (receipt.messages, receipt.whole_thread, receipt.forks) == ((1, 2, 3), True, ())
        assert receipt.places["messages"] == 3
        assert list(store.threads()) == []
        assert store.open_thread("a").head == 0
        assert store.get_state("a", "k") is None
        assert list(store.plans("a")) == []
        assert store.put_plan("a", 0, b"first") == 1
        assert [entry.seq for entry in store.append("a", messages).entries] == [1, 2, 3]

    def test_forks_of_a_forgotten_thread_keep_tombstones(self, store: Store) -> None:
        """What they shared is gone, what is theirs stays, and a new thread of the id is a stranger."""
        shared = fill(store, "a", 3)
        store.put_plan("a", 1, b"plan of a")
        store.fork("a", "b", 2)
        own = fill(store, "b", 1)
        store.fork("b", "c")
        assert store.put_plan("b", 3, b"plan of b") == 2
        receipt = store.forget("a")
        assert (receipt.whole_thread, receipt.forks) == (True, ("b", "c"))
        left = [tombstone(shared[0]), tombstone(shared[1]), own[0]]
        fill(store, "a", 5)
        for thread in ("b", "c"):
            assert messages_of(store, thread) == left
        info = store.open_thread("b", create=False)
        assert (info.head, info.parent, info.forked_at) == (3, None, None)
        assert store.open_thread("c").parent == "b"
        assert [(plan.number, plan.body) for plan in store.plans("b")] == [(2, b"plan of b")]
        with pytest.raises(Conflict):
            store.append("c", [shared[0]])
        assert store.fork("b", "d", 1).head == 1
        assert messages_of(store, "d") == left[:1]
        # What nobody else has is its own, also where it was shared with the forgotten thread.
        assert (store.forget("c").messages, store.forget("b").messages) == ((), (1, 2, 3))

    def test_forgetting_a_fork_leaves_its_parent_alone(self, store: Store) -> None:
        """Only what was its own is erased, in its own forks too."""
        shared = fill(store, "a", 2)
        store.fork("a", "b")
        own = fill(store, "b", 2)
        store.fork("b", "c", 3)
        receipt = store.forget("b")
        assert (receipt.messages, receipt.forks) == ((3, 4), ("c",))
        assert messages_of(store, "a") == shared
        assert messages_of(store, "c") == [*shared, tombstone(own[0])]
        info = store.open_thread("c", create=False)
        assert (info.parent, info.forked_at) == ("a", 2)
        assert store.forget("c", [shared[0].id]).forks == ("a",)
        store.forget("a")
        assert messages_of(store, "c") == [*map(tombstone, shared), tombstone(own[0])]
        store.forget("c")
        assert list(store.threads()) == []

    def test_forgotten_words_are_not_found(self, searchable: SearchableStore) -> None:
        """Neither by searching nor by finding, in no fork."""
        gone = user("the kraken sleeps")
        searchable.append("a", [gone, user("the kraken wakes")])
        searchable.fork("a", "b")
        receipt = searchable.forget("b", [gone.id])
        assert receipt.places["index"] == 1
        for thread in (None, "a", "b"):
            assert searchable.search("sleeps", thread=thread) == []
            assert len(searchable.search("kraken", thread=thread)) == 1
        for thread in ("a", "b"):
            found = searchable.find(thread, ["kraken", "sleeps"], upto=9, limit=9)
            assert [postings.seqs for postings in found] == [(2,), ()]
        searchable.forget("a")
        assert searchable.search("kraken") == searchable.search("kraken", thread="b") == []
