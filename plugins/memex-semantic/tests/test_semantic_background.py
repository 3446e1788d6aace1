"""Embedding in the background: when it begins, what it never costs, and how it ends."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path

import memex_semantic
import pytest
from memex_semantic import following, models
from memex_semantic.following import MANY, following_of
from memex_semantic.policy import semantic
from tiny_embedders import Offers, Tiny, Words

from memex import Memex, Message, PluginError, Work
from memex.testing import ScratchStore, evict_oldest

MESSAGES = [Message.user(f"Box {number} came in today.") for number in range(3 * MANY)]
SEMANTIC = {"use": "semantic", "embedder": "given:words-1"}


class Gated(Words):
    """Answers when the gate is open; tells when it was asked."""

    def __init__(self):
        super().__init__()
        self.begun, self.gate = threading.Event(), threading.Event()

    def embed(self, texts):
        self.begun.set()
        assert self.gate.wait(30)
        return super().embed(texts)


def memory_of(embedder, store=None, chain=(SEMANTIC, evict_oldest), **settings):
    return Memex(
        ScratchStore() if store is None else store,
        chain=list(chain),
        budget=400,
        answer_tokens=50,
        plugins=[Offers(embedder)],
        **settings,
    )


def kept(store, thread=None):
    return sum(one.messages for one in store.vector_spaces(thread))


def running():
    return [one for one in threading.enumerate() if one.name == "memex-semantic"]


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    yield
    assert running() == []


@pytest.fixture
def at_hand(monkeypatch):
    """Have a tiny embedder stand where the default model is, and that on this machine."""
    embedder = Words()
    asked = []
    monkeypatch.setattr(models, "need_at_hand", asked.append)
    monkeypatch.setattr("memex_semantic.policy.need_at_hand", asked.append)
    monkeypatch.setattr("memex_semantic.transformer.TransformerEmbedder", lambda: embedder)
    embedder.asked_for_model = asked
    return embedder


# -- beginning --------------------------------------------------------------------------------------


def test_many_messages_are_embedded_once_in_batches_though_nobody_asked_yet(keeping_store, at_hand):
    with Memex(keeping_store) as memory:
        memory.thread("t").append(MESSAGES)
        (work,) = memory.work
        assert isinstance(work, Work)
        assert work.wait()
        assert work.progress() == (len(MESSAGES), len(MESSAGES))
        assert kept(keeping_store, "t") == len(MESSAGES)
        memory.thread("t").append("One more.")
        assert work.wait()
        assert kept(keeping_store, "t") == len(MESSAGES) + 1
    assert len(at_hand.asked) == len(MESSAGES) + 1


def test_a_line_that_a_program_stores_before_it_ends_is_left_to_the_first_question(keeping_store, at_hand):
    with Memex(keeping_store) as memory:
        for message in MESSAGES[: MANY - 1]:
            memory.thread("t").append(message)
    assert at_hand.asked == at_hand.asked_for_model == []
    with Memex(keeping_store, chain=[semantic(at_hand), evict_oldest], budget=400) as memory:
        memory.thread("t").window("red door?")
    assert len(at_hand.asked) >= MANY - 1


def test_where_the_model_is_not_at_hand_nothing_happens_and_nobody_asks_again(keeping_store, monkeypatch):
    asked = []

    def refuse(model):
        asked.append(model)
        raise PluginError("not on this machine", plugin="semantic")

    monkeypatch.setattr(models, "need_at_hand", refuse)
    with Memex(keeping_store) as memory:
        for number in range(3):
            memory.thread(f"t{number}").append(MESSAGES)
            assert memory.work[0].wait()
        assert memory.work[0].progress() == (0, 0)
        assert not [one for one in memory.problems if one.plugin == "semantic"]
    assert asked == [models.MODEL]
    assert kept(keeping_store) == 0


def test_only_threads_whose_chain_ranks_by_meaning_are_embedded(keeping_store):
    embedder = Words()
    with memory_of(embedder, keeping_store, chain=[evict_oldest]) as memory:
        memory.thread("apart").append(MESSAGES[:3])
        memory.thread("t", chain=[SEMANTIC]).append(MESSAGES[10:12])
        memory.thread("apart").append(MESSAGES[3:9])
        memory.work[0].wait()
        assert (kept(keeping_store, "t"), kept(keeping_store, "apart")) == (2, 0)
    with memory_of(embedder, keeping_store) as memory:
        memory.thread("other", chain=[evict_oldest]).append("secret")
    assert "secret" not in embedder.asked


def test_two_policies_of_one_chain_embed_by_each_embedder_once(keeping_store):
    one, two = Words(), Tiny("tiny-1")
    chain = [SEMANTIC, {"use": "semantic", "embedder": "given:tiny-1"}, SEMANTIC | {"top": 3}]
    with Memex(keeping_store, chain=chain, plugins=[Offers(one, two)]) as memory:
        memory.thread("t").append(MESSAGES)
        memory.work[0].wait()
        assert memory.work[0].progress() == (2 * len(MESSAGES), 2 * len(MESSAGES))
    assert len(one.asked) == len(two.asked) == len(MESSAGES)


def test_it_can_be_forbidden(keeping_store):
    embedder = Words()
    with memory_of(embedder, keeping_store, background=False) as memory:
        memory.thread("t").append(MESSAGES)
    assert embedder.asked == []


def test_an_older_host_that_hands_over_no_thread_is_put_up_with():
    memex_semantic.memex_message_stored()
    assert memex_semantic.memex_messages_forgotten(ScratchStoreWith("one").forget("t")) is None


class ScratchStoreWith(ScratchStore):
    def __init__(self, text):
        super().__init__()
        self.append("t", [Message.user(text)])


# -- what it never costs ----------------------------------------------------------------------------


def test_appending_waits_for_no_model(keeping_store):
    embedder = Gated()
    with memory_of(embedder, keeping_store) as memory:
        thread = memory.thread("t")
        thread.append(MESSAGES[:3])
        assert embedder.begun.wait(30)
        thread.append(MESSAGES[3:9])
        assert thread.info.head == 9
        assert kept(keeping_store) == 0
        embedder.gate.set()
    assert kept(keeping_store) == 9


def test_a_model_that_fails_is_left_alone_for_a_while_and_costs_no_message(keeping_store, monkeypatch):
    embedder = Words()
    embedder.down = True
    calls = []
    embed = embedder.embed
    embedder.embed = lambda texts: (calls.append(len(texts)), embed(texts))[1]
    with memory_of(embedder, keeping_store) as memory:
        thread = memory.thread("t")
        for message in MESSAGES[:20]:
            thread.append(message)
            memory.work[0].wait()
        assert (thread.info.head, len(calls)) == (20, 1)
        assert any("the model is down" in one.message for one in memory.problems)
        embedder.down = False
        thread.append(MESSAGES[20])
        memory.work[0].wait()
        assert kept(keeping_store) == 0
        clock = time.monotonic
        monkeypatch.setattr(time, "monotonic", lambda: clock() + following.REST)
        thread.append(MESSAGES[21])
        memory.work[0].wait()
        assert kept(keeping_store) == 22


def test_an_embedder_that_would_end_the_program_keeps_nobody_waiting(keeping_store):
    class Ends(Words):
        def embed(self, texts):
            raise SystemExit(3)

    with memory_of(Ends(), keeping_store) as memory:
        memory.thread("t").append(MESSAGES)
        assert memory.work[0].wait()
    assert any("SystemExit" in one.message for one in memory.problems)


def test_a_loop_goes_on_meanwhile(keeping_store):
    embedder = Gated()

    async def talk():
        async with Memex.aopen(
            keeping_store, chain=[SEMANTIC, evict_oldest], budget=400, plugins=[Offers(embedder)]
        ) as memory:
            thread = memory.thread("t")
            await thread.aappend(MESSAGES[:5])
            thread.append(MESSAGES[5:9])  # even blocking, it is done in a moment
            assert embedder.begun.wait(30)
            waiting = asyncio.create_task(thread.awindow("red door?"))
            await asyncio.sleep(0.01)
            assert not waiting.done()
            embedder.gate.set()
            await waiting
        return thread

    asyncio.run(talk())
    assert kept(keeping_store) == 9


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.filterwarnings("default")  # Python warns of forking beside threads, which is the point
def test_a_forked_child_embeds_for_itself_and_leaves_no_thread(keeping_store):
    embedder = Gated()
    with memory_of(embedder, keeping_store) as memory:
        thread = memory.thread("t")
        thread.append(MESSAGES[:3])
        assert embedder.begun.wait(30)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                embedder.gate.set()
                thread.append(MESSAGES[3])
                memory.close()
                code = 0 if kept(keeping_store) == 4 and not running() else 2
            finally:
                os._exit(code)
        embedder.gate.set()
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# -- forgetting -------------------------------------------------------------------------------------


@pytest.mark.parametrize("keeps", [True, False])
def test_forgetting_waits_for_no_model_and_what_was_under_way_is_not_kept(keeps, make_keeping_store):
    store = make_keeping_store() if keeps else ScratchStore()
    embedder = Gated()
    with memory_of(embedder, store) as memory:
        thread = memory.thread("t")
        thread.append([Message.user("The door is red."), *MESSAGES[:9]])
        assert embedder.begun.wait(30)
        thread.forget([1])
        embedder.gate.set()
        memory.work[0].wait()
        assert vectors_in_memory_or_store(memory, store) == list(range(2, 11))


def vectors_in_memory_or_store(memory, store):
    from memex_semantic.sharing import embeddings_for

    embeddings = embeddings_for("given:words-1", 200, memory)
    return [seq for seq, _ in embeddings._place.vectors("t", embeddings.space, 1, 99)]


@pytest.mark.parametrize("keeps", [True, False])
def test_a_new_thread_of_the_name_gets_no_vector_of_the_one_that_was_forgotten(keeps, make_keeping_store):
    store = make_keeping_store() if keeps else ScratchStore()
    embedder = Gated()
    with memory_of(embedder, store) as memory:
        memory.thread("t").append([Message.user("The door is red."), *MESSAGES[:9]])
        assert embedder.begun.wait(30)
        memory.thread("t").forget()
        thread = memory.thread("t")
        thread.append([Message.user("The cat is at sea."), *MESSAGES[9:12]])
        embedder.gate.set()
        memory.work[0].wait()
        assert vectors_in_memory_or_store(memory, store) == [1, 2, 3, 4]
        thread.append(MESSAGES[12:])
        assert thread.window("cat?", record=False).plan.recalled()[0][0] == 1


# -- ending -----------------------------------------------------------------------------------------


def test_closing_ends_between_two_calls_and_leaves_the_rest(keeping_store, monkeypatch):
    monkeypatch.setattr(following, "PATIENCE", 0.0)
    embedder = Gated()
    with memory_of(embedder, keeping_store) as memory:
        memory.thread("t").append(MESSAGES)
        assert embedder.begun.wait(30)
        threading.Timer(0.05, embedder.gate.set).start()
    assert running() == []
    assert len(embedder.asked) == embedder.batch
    assert kept(keeping_store) == 0  # a batch of messages is kept whole, and this was half of one
    with memory_of(embedder, keeping_store) as memory:
        memory.thread("t").window("red door?")
    assert kept(keeping_store) == len(MESSAGES)


def test_closing_waits_for_a_hanging_model_no_longer_than_it_says(keeping_store, monkeypatch):
    monkeypatch.setattr(following, "PATIENCE", 0.0)
    monkeypatch.setattr(following, "LAST_CALL", 0.05)
    embedder = Gated()
    with memory_of(embedder, keeping_store) as memory:
        memory.thread("t").append(MESSAGES)
        assert embedder.begun.wait(30)
    assert any("has not answered" in one.message for one in memory.problems)
    (left,) = running()
    embedder.gate.set()
    left.join(30)
    assert not left.is_alive()
    assert len(embedder.asked) == embedder.batch


def test_a_store_that_keeps_no_vectors_is_closed_at_once(monkeypatch):
    monkeypatch.setattr(following, "PATIENCE", 1e6)
    embedder = Gated()
    with memory_of(embedder) as memory:
        memory.thread("t").append(MESSAGES)
        assert embedder.begun.wait(30)
        assert not memory.work[0].lasting
        threading.Timer(0.05, embedder.gate.set).start()
    assert len(embedder.asked) == embedder.batch


def test_what_is_stopped_stays_stopped(keeping_store):
    embedder = Gated()
    with memory_of(embedder, keeping_store) as memory:
        memory.thread("t").append(MESSAGES)
        assert embedder.begun.wait(30)
        memory.work[0].stop()
        embedder.gate.set()
        assert memory.work[0].wait()
        done, total = memory.work[0].progress()
        assert (done, total) == (0, len(MESSAGES))
        memory.thread("t").append("One more.")
        assert memory.work[0].wait(0)
    assert len(embedder.asked) == embedder.batch


def test_a_memory_that_is_let_go_of_unclosed_is_let_go_of(keeping_store):
    memory = Memex(keeping_store)
    memory.thread("t").append("One line.")
    gone = weakref.ref(memory)
    del memory
    gc.collect()
    assert gone() is None


PROGRAM = """
import sys, threading, time
sys.path[:0] = [{here!r}]
from tiny_embedders import Offers, Words
from keeping_store import KeepingStore
from memex import Memex, Message

class Slow(Words):
    def embed(self, texts):
        print("asked", flush=True)
        asked.set()
        while threading.main_thread().is_alive():
            time.sleep(0.01)
        return super().embed(texts)

chain = [{{"use": "semantic", "embedder": "given:words-1"}}]
memory = Memex(KeepingStore(), chain=chain, plugins=[Offers(Slow())])
asked = threading.Event()
memory.thread("t").append([Message.user(f"Box {{n}}") for n in range(500)])
asked.wait(30)
"""


def test_a_program_that_ends_without_closing_ends():
    program = PROGRAM.format(here=str(Path(__file__).parent))
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert (done.stdout, done.stderr) == ("asked\n", "")


def test_a_memory_has_one_follower():
    with memory_of(Words()) as memory:
        assert memory.work == (following_of(memory),)
