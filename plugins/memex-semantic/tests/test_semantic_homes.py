"""Threads of one name in different stores: no vector of one is ever ranked, kept or erased for another."""

from __future__ import annotations

import gc
import weakref

import pytest
from memex_semantic.policy import semantic
from tiny_embedders import Words

from memex import Memex, Message, expand
from memex.testing import ScratchStore, evict_oldest

CHATTER = [Message.user(f"Box {number} came in today.") for number in range(60)]


def memory_of(policy, store=None):
    return Memex(store or ScratchStore(), chain=[policy, evict_oldest], budget=400, answer_tokens=50)


def recalled(window):
    return list(expand(window.plan.recalled()))


def alone(question, *said):
    """Return what a policy that nobody shares recalls."""
    with memory_of(semantic(Words())) as memory:
        for some in said:
            memory.thread("t").append(some)
        return recalled(memory.thread("t").window(question, record=False))


@pytest.fixture
def policy():
    return semantic(Words())


def test_one_policy_in_two_memories_ranks_each_by_its_own_vectors(policy):
    with memory_of(policy) as one, memory_of(policy) as two:
        one.thread("t").append([Message.user("The door is red."), *CHATTER])
        two.thread("t").append([Message.user("The cat is at sea."), *CHATTER[:30]])
        two.thread("t").append([Message.user("The door is red."), *CHATTER[30:]])
        assert recalled(one.thread("t").window("red door?", record=False))[:1] == [1]
        found = recalled(two.thread("t").window("red door?", record=False))
        assert 32 in found
        assert found == alone("red door?", list(two.thread("t").messages()))
        for memory in (two, one):
            memory.thread("t").append("cat?")
            memory.thread("t").window()
        assert all(found.same for memory in (one, two) for found in memory.thread("t").replay())


def test_one_policy_in_two_namespaces_of_a_store(policy):
    store = ScratchStore()
    with memory_of(policy, store) as one, memory_of(policy, store.within("tenant")) as two:
        one.thread("t").append([Message.user("The door is red."), *CHATTER])
        assert 1 in recalled(one.thread("t").window("red door?"))
        said = [*CHATTER[:40], Message.user("The door is red."), *CHATTER[40:]]
        two.thread("t").append(said)
        assert recalled(two.thread("t").window("red door?")) == alone("red door?", said)


def test_what_one_memory_forgets_the_other_keeps_and_does_not_count(policy):
    with memory_of(policy) as one, memory_of(policy) as two:
        for memory in (one, two):
            memory.thread("t").append([Message.user("The door is red."), *CHATTER])
            assert 1 in recalled(memory.thread("t").window("red door?", record=False))
        receipt = one.thread("t").forget([1])
        assert receipt.places["semantic: vectors"] == 1
        assert 1 not in recalled(one.thread("t").window("red door?"))
        assert 1 in recalled(two.thread("t").window("red door?"))


def test_a_policy_that_a_memory_made_serves_another_one_too(keeping_store):
    from tiny_embedders import Offers

    embedder = Words()
    spec = {"use": "semantic", "embedder": "given:words-1"}
    other = ScratchStore()
    with Memex(keeping_store, chain=[spec, evict_oldest], budget=400, plugins=[Offers(embedder)]) as one:
        one.thread("t").append([Message.user("The door is red."), *CHATTER])
        assert 1 in recalled(one.thread("t").window("red door?"))
        with memory_of(next(iter(one.chain)).policy, other) as two:
            said = [Message.user("The cat is at sea."), *CHATTER[:40], Message.user("A door."), *CHATTER[40:]]
            two.thread("t").append(said)
            for question in ("red door?", "cat?"):
                found = recalled(two.thread("t").window(question, record=False))
                assert found == alone(question, said)


def test_vectors_go_with_their_store(policy):
    embedder = Words()
    policy = semantic(embedder)
    store = ScratchStore()
    with memory_of(policy, store) as memory:
        memory.thread("t").append(CHATTER)
        memory.thread("t").window("red door?")
    asked = len(embedder.asked)
    with memory_of(policy, store) as memory:  # the same object, opened again: nothing is made anew
        memory.thread("t").window("red door?")
    assert len(embedder.asked) == asked
    gone = weakref.ref(store)
    del store, memory
    gc.collect()
    assert gone() is None
    with memory_of(policy) as memory:
        memory.thread("t").append(CHATTER)
        memory.thread("t").window("red door?")
    assert len(embedder.asked) > asked


def test_what_another_process_forgot_is_noticed_where_vectors_are_held(policy):
    store = ScratchStore()
    with memory_of(policy, store) as memory:
        thread = memory.thread("t")
        thread.append([Message.user("The door is red."), *CHATTER])
        assert 1 in recalled(thread.window("red door?", record=False))
        store.forget("t", [next(thread.messages()).id])
        assert 1 not in recalled(thread.window("red door?", record=False))


def test_a_new_thread_of_the_same_name_is_noticed_where_vectors_are_held(policy):
    store = ScratchStore()
    with memory_of(policy, store) as memory:
        thread = memory.thread("t")
        thread.append([Message.user("The door is red."), *CHATTER])
        assert 1 in recalled(thread.window("red door?", record=False))
        store.forget("t")
        said = [Message.user("The cat is at sea."), *CHATTER[:40], Message.user("A door."), *CHATTER[40:]]
        store.append("t", said)
        for question in ("red door?", "cat?"):
            found = recalled(memory.thread("t").window(question, record=False))
            assert found == alone(question, said)
