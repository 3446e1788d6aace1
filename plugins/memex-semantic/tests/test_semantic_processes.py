"""With a real store and real processes: stored once, whoever embeds, and nothing of what is forgotten."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tiny_embedders import Offers, Words

from memex import Memex, Message, expand, vector_store
from memex.testing import evict_oldest

for needed in ("memex_sqlite", "memex_jsonl"):
    pytest.importorskip(needed, reason=f"needs pip install {needed.replace('_', '-')}")
SEMANTIC = {"use": "semantic", "embedder": "given:words-1"}
WHEN = datetime(2026, 1, 1, tzinfo=UTC)
MESSAGES = [
    Message.user(f"Box {number} came in today.", id=f"m{number}", created=WHEN) for number in range(400)
]

APPENDS = """
import sys
sys.path.insert(0, {here!r})
from tiny_embedders import Offers, Words
from test_semantic_processes import MESSAGES, SEMANTIC
from memex import Memex

embedder = Words()
with Memex(sys.argv[1], chain=[SEMANTIC], plugins=[Offers(embedder)]) as memory:
    print("ready", flush=True)
    sys.stdin.readline()
    memory.thread("t").append(MESSAGES)  # which is nothing new for all but the first
    memory.thread("t").append("mine: " + sys.argv[2])
    assert memory.work[0].wait(60)
    assert not memory.problems, memory.problems
print(len(embedder.asked))
"""


def kept(memory):
    store = vector_store(memory.store)
    assert store is not None
    return {one.space.embedder: one.messages for one in store.vector_spaces()}


@pytest.fixture(params=["sqlite:{}/chats.db", "jsonl:{}/chats"])
def path(request, tmp_path):
    return request.param.format(tmp_path)


def test_what_several_processes_embed_at_once_is_stored_once(path):
    program = APPENDS.format(here=str(Path(__file__).parent))
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, path, str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(3)
    ]
    try:
        for process in running:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in running:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        said = [process.communicate(timeout=120)[0] for process in running]
    finally:
        for process in running:
            process.kill()
            process.wait()
    assert [process.returncode for process in running] == [0, 0, 0]
    assert sum(int(count) for count in said) >= len(MESSAGES) + 3
    with Memex(path, chain=[]) as memory:
        assert memory.thread("t").info.head == len(MESSAGES) + 3
        assert kept(memory) == {"words-1": len(MESSAGES) + 3}
        assert memory.store.check() == []


@pytest.mark.parametrize("elsewhere", [True, False])
@pytest.mark.parametrize("whole", [True, False])
def test_a_message_that_is_forgotten_while_its_batch_is_under_way_has_no_vector(path, elsewhere, whole):
    """Forgotten by this memory or by another one of the same file; alone or with its thread."""

    class Gated(Words):
        begun, gate = threading.Event(), threading.Event()

        def embed(self, texts):
            self.begun.set()
            assert self.gate.wait(30)
            return super().embed(texts)

    embedder = Gated()
    with (
        Memex(path, chain=[SEMANTIC, evict_oldest], budget=400, plugins=[Offers(embedder)]) as memory,
        Memex(path, chain=[], disable=["semantic"]) as other,
    ):
        memory.thread("t").append([Message.user("The door is red."), *MESSAGES])
        assert embedder.begun.wait(30)
        (other if elsewhere else memory).thread("t").forget(None if whole else [1])
        if whole:
            memory.thread("t").append([Message.user("The cat is at sea."), *MESSAGES[:60]])
        embedder.gate.set()
        assert memory.work[0].wait(60)
        assert kept(memory) == {"words-1": 61 if whole else len(MESSAGES)}
        window = memory.thread("t").window("cat?")
        assert (1 in expand(window.plan.recalled())) == whole
        assert memory.store.check() == []
        assert not memory.problems
