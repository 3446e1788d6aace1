"""Everything at once: processes and threads that append, read, fork, forget and search in one folder."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from memex_jsonl.store import JsonlStore

from memex import Message, UnknownThread

STEPS = 120
BUSY = """
import random, sys, threading
from memex import Conflict, Message, ThreadExists, UnknownMessage, UnknownThread
from memex_jsonl.store import JsonlStore

def busy(store, number, steps, failures):
    chance = random.Random(number)
    names = ["a", "b", "c", "d", "e"]
    try:
        for step in range(steps):
            name, other = chance.choice(names), chance.choice(names)
            act = chance.choice(["append"] * 6 + ["read"] * 6 + ["search", "find", "fork", "forget", "whole",
                                 "state", "plan", "list", "get", "check"])
            try:
                if act == "append":
                    count = chance.randrange(1, 4)
                    batch = [Message.user(f"kraken {number} {step} {n}") for n in range(count)]
                    done = store.append(name, batch)
                    assert [entry.message for entry in done.entries] == batch
                elif act == "read":
                    seqs = [entry.seq for entry in store.entries(name, reverse=bool(step % 2))]
                    assert sorted(seqs) == list(range(1, len(seqs) + 1)), seqs
                elif act == "search":
                    for hit in store.search("kraken", limit=50):
                        assert "kraken" in hit.entry.message.text
                elif act == "find":
                    store.find(name, ["kraken"], upto=10_000, limit=10)
                elif act == "fork":
                    store.fork(name, other)
                elif act == "forget":
                    ids = [entry.message.id for entry in store.entries(name)]
                    store.forget(name, chance.sample(ids, min(3, len(ids))))
                elif act == "whole":
                    store.forget(name)
                elif act == "state":
                    store.put_state(name, "k", str(step).encode())
                    store.get_state(name, "k")
                elif act == "plan":
                    store.put_plan(name, 0, b"plan")
                    next(store.plans(name), None)
                elif act == "list":
                    listed = [info.id for info in store.threads()]
                    assert listed == sorted(listed) and set(listed) <= set(names)
                elif act == "get":
                    store.get(name, [entry.message.id for entry in store.entries(name)][:5])
                elif act == "check":
                    assert store.check() == []
            except (Conflict, ThreadExists, UnknownMessage, UnknownThread):
                pass
    except BaseException as error:
        import traceback
        failures.append("".join(traceback.format_exception(error)))

failures = []
stores = [JsonlStore(sys.argv[1], durability="fast") for _ in range(2)]
threads = [
    threading.Thread(target=busy, args=(stores[n % 2], int(sys.argv[2]) * 10 + n, int(sys.argv[3]), failures))
    for n in range(3)
]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("\\n".join(failures))
sys.exit(bool(failures))
"""


def test_everything_at_once(tmp_path: Path) -> None:
    """Only what a thread that is gone, or there already, explains is ever refused."""
    children = [
        subprocess.Popen(
            [sys.executable, "-c", BUSY, str(tmp_path / "x"), str(number), str(STEPS)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for number in range(3)
    ]
    said = [child.communicate(timeout=300)[0] for child in children]
    assert [child.returncode for child in children] == [0] * 3, "\n".join(said)
    store = JsonlStore(str(tmp_path / "x"))
    assert store.check() == []
    for info in store.threads():
        assert len(list(store.entries(info.id))) == info.head
    for info in list(store.threads()):
        store.forget(info.id)
    assert list(store.threads()) == []
    (space,) = [path for path in (tmp_path / "x").iterdir() if path.is_dir()]
    assert sorted(path.name for path in space.iterdir()) == [".gate", ".lock", "namespace.json"]


def test_a_reader_meets_what_is_forgotten(tmp_path: Path) -> None:
    """Half way through a thread it goes on with tombstones; where the thread itself goes, it is told."""
    store, other = JsonlStore(str(tmp_path / "x")), JsonlStore(str(tmp_path / "x"))
    store.append("t", [Message.user(f"kraken {n}", id=f"m{n}") for n in range(60)])
    store.fork("t", "f", 50)
    for reader in (store.entries("t"), store.entries("f")):
        assert next(reader).message.text == "kraken 0"
        other.forget("f", ["m20", "m40"])
        found = {entry.message.id: entry.message.status for entry in reader}
        assert found["m40"] == "forgotten"
        assert found["m41"] == "complete"
    own, shared = store.entries("t"), store.entries("f")
    next(own)
    next(shared)
    other.forget("t")
    assert [entry.message.status for entry in shared][20:] == ["forgotten"] * 29
    with pytest.raises(UnknownThread, match="while it was read"):
        list(own)


def test_a_thread_may_go_on_from_a_fork_of_one_that_had_its_name(tmp_path: Path) -> None:
    """Its line of parents leads by its own file; nobody waits for himself there."""
    store = JsonlStore(str(tmp_path / "x"), timeout=1)
    store.append("a", [Message.user("first", id="m1")])
    store.fork("a", "b")
    store.append("b", [Message.user("second", id="m2")])
    store.forget("a")
    store.fork("b", "a")
    for one in (store, JsonlStore(str(tmp_path / "x"), timeout=1)):
        assert (
            one.append("a", [Message.user("more"), Message.user("second", id="m2").replace(**_same(one))]).new
            == 1
        )
        one.put_state("a", "k", b"v")
        one.put_plan("a", 3, b"plan")
    assert [entry.message.status for entry in store.entries("a", 1, 2)] == ["forgotten", "complete"]
    assert store.open_thread("a").parent == "b"
    assert store.forget("b").forks == ("a",)
    assert store.open_thread("a").parent is None
    assert store.check() == []


def _same(store: JsonlStore) -> dict[str, object]:
    return {"created": store.get("b", ["m2"])[0].message.created}


def test_two_that_go_on_from_each_others_names_never_wait_for_each_other(tmp_path: Path) -> None:
    """Writers of both, in two stores, each of which has to look at what the other has just written."""
    stores = [JsonlStore(str(tmp_path / "x"), durability="fast", timeout=30) for _ in range(2)]
    stores[0].append("a", [Message.user("first")])
    stores[0].fork("a", "b")
    stores[0].forget("a")
    stores[0].fork("b", "a")
    failures: list[Exception] = []

    def write(number: int) -> None:
        try:
            for step in range(150):
                stores[(number + step) % 2].append("ab"[number % 2], [Message.user("on")])
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert stores[1].open_thread("a").head == stores[1].open_thread("b").head == 301
