"""semantic in a memory: what is ranked, when it is embedded, what forgetting leaves, and replays."""

from __future__ import annotations

import os
import threading

import pytest
from memex_semantic.policy import semantic
from memex_semantic.sharing import embeddings_for
from tiny_embedders import Apart, Offers, Words

from memex import (
    BadSetting,
    Memex,
    Message,
    PluginError,
    Unavailable,
    UnknownProvider,
    expand,
)
from memex.testing import ScratchStore, evict_oldest

CHATTER = [Message.user(f"Box {number} came in today.") for number in range(60)]


def memory_of(embedder, store=None, budget=400, **settings):
    chain = [{"use": "semantic", "embedder": f"given:{embedder.name}", **settings}, evict_oldest]
    return Memex(
        store or ScratchStore(), chain=chain, budget=budget, answer_tokens=50, plugins=[Offers(embedder)]
    )


def recalled(window):
    return list(expand(window.plan.recalled()))


def test_what_is_near_is_quoted(keeping_store):
    with memory_of(Words(), keeping_store) as memory:
        thread = memory.thread("t")
        thread.append([Message.user("The door is red."), *CHATTER, Message.user("The cat is at sea.")])
        assert 1 in recalled(thread.window("Which colour has the door?"))
        assert "The door is red." in thread.window("red door").messages[-2].text


def test_the_plan_says_how_near():
    with memory_of(Words()) as memory:
        thread = memory.thread("t")
        thread.append([Message.user("The door is red."), *CHATTER])
        thread.window("red door?")
        found = thread.explain(1)
        assert (found.fate, found.by) == ("recalled", "select")
        assert found.detail["worth"] == 1.0
        assert found.detail["semantic"] > 1.0


def test_a_window_without_words_is_left_alone():
    with memory_of(Words()) as memory:
        thread = memory.thread("t")
        assert not recalled(thread.window(" "))
        thread.append(Message.assistant("Hello?"))
        assert not recalled(thread.window())


def test_what_is_stored_is_embedded_in_the_background(keeping_store):
    embedder = Words()
    with memory_of(embedder, keeping_store) as memory:
        thread = memory.thread("t")
        _ = memory.chain
        thread.append(CHATTER)
    # Closed: what was waiting is done.
    assert sorted(embedder.asked) == sorted(message.text for message in CHATTER)
    assert [one.messages for one in keeping_store.vector_spaces()] == [60]


def test_a_window_waits_for_what_is_not_embedded_yet(keeping_store):
    class Slow(Words):
        def __init__(self):
            super().__init__()
            self.go = threading.Event()

        def embed(self, texts):
            assert self.go.wait(30)
            return super().embed(texts)

    embedder = Slow()
    with memory_of(embedder, keeping_store) as memory:
        thread = memory.thread("t")
        thread.append([Message.user("The door is red."), *CHATTER])
        threading.Timer(0.05, embedder.go.set).start()
        assert 1 in recalled(thread.window("red door?"))
        assert len(embedder.asked) == len(set(embedder.asked))


def test_a_broken_embedder_costs_no_message_and_is_told(keeping_store):
    embedder = Words()
    embedder.down = True
    with memory_of(embedder, keeping_store) as memory:
        thread = memory.thread("t")
        _ = memory.chain
        thread.append("The door is red.")
        assert thread.info.head == 1
        with pytest.raises(PluginError, match="the model is down") as caught:
            thread.window("door?")
        assert isinstance(caught.value.__cause__, Unavailable)
        embedder.down = False
        thread.append(CHATTER)
        assert 1 in recalled(thread.window("red door?"))
        following_problems = [
            problem for problem in memory.problems if "the model is down" in problem.message
        ]
        assert following_problems


def test_a_bug_of_an_embedder_keeps_nobody_waiting(keeping_store):
    class Wrong(Words):
        def embed(self, texts):
            return [[1.0]] * len(texts)

    with memory_of(Wrong(), keeping_store) as memory:
        _ = memory.chain
        memory.thread("t").append("The door is red.")
    assert any("of 1 numbers, and says that they have 6" in problem.message for problem in memory.problems)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.filterwarnings("default")  # Python warns of forking beside threads, which is the point
def test_a_forked_child_waits_for_no_thread_of_its_parent(keeping_store):
    embedder = Words()
    begun, go = threading.Event(), threading.Event()
    embed = embedder.embed

    def slow(texts):
        begun.set()
        assert go.wait(30)
        return embed(texts)

    embedder.embed = slow
    with memory_of(embedder, keeping_store) as memory:
        thread = memory.thread("t")
        _ = memory.chain
        thread.append("The door is red.")
        assert begun.wait(30)
        child = os.fork()
        if child == 0:
            go.set()
            found = recalled(thread.window("red door?", record=False))
            memory.close()
            os._exit(0 if found == [] else 1)
        go.set()
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# -- forgetting -------------------------------------------------------------------------------------


@pytest.mark.parametrize("keeps", [True, False])
def test_what_is_forgotten_is_nowhere(keeps, make_keeping_store):
    store = make_keeping_store() if keeps else ScratchStore()
    embedder = Words()
    with memory_of(embedder, store) as memory:
        thread = memory.thread("t")
        thread.append([Message.user("The door is red."), *CHATTER])
        assert 1 in recalled(thread.window("red door?", record=False))
        receipt = thread.forget([1])
        places = {name: count for name, count in receipt.places.items() if "vectors" in name}
        assert places == ({"vectors": 1} if keeps else {"semantic: vectors": 1})
        assert 1 not in recalled(thread.window("red door?", record=False))
        embeddings = embeddings_for(f"given:{embedder.name}", 200, memory)
        assert 1 not in embeddings.matrix("t", store_reader(store), 61).seqs
        assert "The door is red." not in embeddings._asked
        thread.forget()
        assert embeddings._known["t"].matrix is None


def store_reader(store):
    return lambda start, stop: store.entries("t", start, stop)


def test_a_message_forgotten_while_it_is_embedded_leaves_no_vector(keeping_store):
    class Forgets(Words):
        def embed(self, texts):
            if "The door is red." in texts:
                memory.store.forget("t", [secret.id])  # as another process would
            return super().embed(texts)

    secret = Message.user("The door is red.")
    embedder = Forgets()
    with memory_of(embedder, keeping_store) as memory:
        thread = memory.thread("t")
        memory.store.append("t", [secret, *CHATTER])
        assert 1 not in recalled(thread.window("red door?"))
    assert [one.messages for one in keeping_store.vector_spaces()] == [60]


def test_what_another_process_forgot_is_noticed(keeping_store):
    with memory_of(Words(), keeping_store) as memory:
        thread = memory.thread("t")
        thread.append([Message.user("The door is red."), *CHATTER])
        assert 1 in recalled(thread.window("red door?", record=False))
        memory.store.forget("t", [next(thread.messages()).id])
        assert 1 not in recalled(thread.window("red door?", record=False))


# -- replay -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [Words, Apart])
def test_replays_are_the_same_in_another_process_and_later(make, keeping_store):
    embedder = make()
    with memory_of(embedder, keeping_store) as memory:
        thread = memory.thread("t")
        thread.append([Message.user("The door is red."), *CHATTER])
        thread.window("red door?")
        thread.append("red door?")
        thread.window()
        thread.append([Message.user(f"The door is red, {number}.") for number in range(40)])
        assert [str(one) for one in thread.replay()] == [f"plan {n}: same, byte for byte" for n in (1, 2)]
    again = make()
    with memory_of(again, keeping_store) as memory:
        assert all(one.same for one in memory.thread("t").replay())
    assert again.asked == []


def test_a_replay_without_its_vectors_says_why(keeping_store):
    embedder = Words()
    with memory_of(embedder, keeping_store) as memory:
        thread = memory.thread("t")
        thread.append([Message.user("The door is red."), *CHATTER, Message.user("red door?")])
        thread.window()
    for one in keeping_store.vector_spaces():
        keeping_store.drop_vectors(one.space)
    gone = Words()
    gone.down = True
    with memory_of(gone, keeping_store) as memory:
        (replayed,) = memory.thread("t").replay()
        assert not replayed.same
        assert "the model is down" in replayed.why


# -- settings ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ({"share": 0}, "share"),
        ({"weight": -1}, "weight"),
        ({"beside": 2}, "beside"),
        ({"diversity": 1.1}, "diversity"),
        ({"top": 0}, "top"),
        ({"piece": 2}, "piece"),
    ],
)
def test_settings_that_make_no_sense_are_named(setting, named):
    with pytest.raises(BadSetting, match=named):
        semantic(Words(), **setting)


def test_an_embedder_is_found_by_a_memory_or_given():
    with pytest.raises(BadSetting, match="by a memory only"):
        semantic("given")
    with pytest.raises(UnknownProvider, match="no-such"):
        Memex(ScratchStore(), chain=[{"use": "semantic", "embedder": "no-such"}])


def test_two_policies_of_one_memory_share_what_is_embedded():
    embedder = Words()
    one = {"use": "semantic", "embedder": "given:words-1"}
    with Memex(
        ScratchStore(), chain=[one, evict_oldest, one | {"top": 3}], budget=400, plugins=[Offers(embedder)]
    ) as memory:
        thread = memory.thread("t")
        thread.append([Message.user("The door is red."), *CHATTER])
        thread.window("red door?")
    assert len(embedder.asked) == len(set(embedder.asked))


def test_diversity_brings_what_is_different():
    said = [Message.user(f"The door is red, {number}.") for number in range(40)]
    for diversity, found in ((0.0, False), (0.6, True)):
        with memory_of(Words(), diversity=diversity, share=0.3, beside=0.0, sharpness=4.0) as memory:
            thread = memory.thread("t")
            thread.append([Message.user("The door and the cat."), *said, *CHATTER])
            assert (1 in recalled(thread.window("Tell me everything about the door."))) is found
