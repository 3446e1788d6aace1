"""Looking into many threads at once gives what looking into each gives, and asks the store once."""

from __future__ import annotations

import pytest
from memex_inmemory.store import InMemoryStore

from memex import Memex, Message, UnknownThread, spanning
from memex.testing import ScratchStore, evict_oldest

WORDS = ("kraken", "anchor", "nowhere")
THREADS = [*(f"t{number}" for number in range(7)), "fork"]


class Counted(InMemoryStore):
    """Writes down what it is asked."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def find(self, thread, terms, **how):
        self.calls.append("find")
        return super().find(thread, terms, **how)

    def find_in(self, heads, terms, **how):
        self.calls.append("find_in")
        return super().find_in(heads, terms, **how)

    def entries(self, thread, *places, **how):
        self.calls.append("entries")
        return super().entries(thread, *places, **how)

    def entries_at(self, thread, seqs):
        self.calls.append("entries_at")
        return super().entries_at(thread, seqs)

    def entries_in(self, places):
        self.calls.append("entries_in")
        return super().entries_in(places)


def memory_of(store):
    memory = Memex(store, chain=[evict_oldest], budget=1_500, answer_tokens=300)
    for number in range(7):
        said = [f"The kraken {at} of {number}." for at in range(number)] + ["An anchor.", "Nothing."]
        memory.thread(f"t{number}").append([Message.user(text) for text in said])
    memory.thread("t6").fork("fork", at=3).append("The kraken of a fork.")
    memory.thread("t6").forget([2])
    memory.thread("mine").append("My own kraken.")
    return memory


def asked(memory, ask, **how):
    """Return what a policy gets that asks something of its log and of the others."""
    got = []

    def policy(window):
        got.append(ask(window.log, window.log.others(**how)))
        return window

    memory.thread("mine", chain=[policy, evict_oldest]).window("Where?", record=False)
    return got[0]


def one_by_one(logs, words=WORDS):
    return [[postings for postings in log.find(words) if postings.seqs] for log in logs]


@pytest.mark.parametrize("kind", ["inmemory", "sqlite", "jsonl", "scratch"])
def test_words_are_found_as_each_log_finds_them(kind, tmp_path):
    where = {"inmemory": "inmemory:", "scratch": ScratchStore()}
    with memory_of(where.get(kind, f"{kind}:{tmp_path / 'store'}")) as memory:
        assert (spanning(memory.store) is not None) == (kind in ("inmemory", "sqlite"))

        def ask(log, others):
            logs = [log, *others]
            found = log.find_in(logs, WORDS)
            assert found == one_by_one(logs)
            assert [[p.seqs for p in some] for some in log.find_in(logs, ["kraken"], limit=1)][-2:] == [
                [(6,)],
                [(4,)],
            ]
            return {
                one.thread: [(p.term, p.seqs) for p in some] for one, some in zip(logs, found, strict=True)
            }

        found = asked(memory, ask)
        assert set(found) == {"mine", *THREADS}
        assert found["mine"] == [("kraken", (1,))]
        assert found["t0"] == [("anchor", (1,))]
        assert found["t6"] == [("kraken", (6, 5, 4, 3, 1)), ("anchor", (7,))]
        shared = (2, 1) if kind == "scratch" else (1,)  # that one copies what a fork shares
        assert found["fork"] == [("kraken", (4, 3, *shared))]


def test_the_store_is_asked_once():
    store = Counted()
    memory = memory_of(store)

    def ask(log, others):
        logs = [log, *others]
        store.calls.clear()
        log.find_in(logs, WORDS)
        log.read_ahead((one, [3, 1, 99]) for one in logs)
        calls = [*store.calls]
        store.calls.clear()
        read = {one.thread: [entry.seq for entry in one.at([3, 1, 99])] for one in logs}
        log.read_ahead((one, [1, 3]) for one in logs)
        assert store.calls == []
        return calls, read

    calls, read = asked(memory, ask)
    assert calls == ["find_in", "entries_in"]
    assert read == {
        "mine": [1],
        "t0": [1],
        "fork": [1, 3],
        **{f"t{number}": [1, 3] for number in range(1, 7)},
    }


def test_what_was_forgotten_is_not_read_ahead():
    memory = memory_of("inmemory:")

    def ask(log, others):
        log.read_ahead((one, [1, 2, 3]) for one in others)
        return {one.thread: [entry.seq for entry in one.at([1, 2, 3])] for one in others}

    read = asked(memory, ask, threads=["t6", "fork", "t5"])
    assert read == {"t6": [1, 3], "fork": [1, 3], "t5": [1, 2, 3]}


def test_a_thread_that_is_forgotten_meanwhile_takes_nothing_from_the_others():
    memory = memory_of("inmemory:")

    def ask(log, others):
        memory.store.forget("t6")
        logs = [log, *others]
        found = log.find_in(logs, WORDS)
        assert found == one_by_one(logs)
        log.read_ahead((one, [1]) for one in logs)
        return {one.thread: (bool(some), len(one.at([1]))) for one, some in zip(logs, found, strict=True)}

    got = asked(memory, ask)
    assert got.pop("t6") == (False, 0)
    assert got.pop("fork") == (True, 0)  # what it shared was forgotten with the thread
    assert set(got.values()) == {(True, 1)}


def test_its_own_thread_that_is_gone_says_so():
    memory = memory_of("inmemory:")

    def ask(log, others):
        memory.store.forget("mine")
        log.read_ahead([(log, [1]), (others[0], [1])])
        with pytest.raises(UnknownThread):
            log.at([1])
        return others[0].at([1])

    assert asked(memory, ask)


def test_logs_that_are_none_of_the_others_are_asked_by_themselves():
    """Neither another namespace's nor another head's, whatever the thread is called."""
    memory, stranger = memory_of("inmemory:"), Memex("inmemory:", chain=[evict_oldest])
    stranger.thread("t5").append([Message.user("An anchor here."), Message.user("And a kraken.")])

    def ask(log, others):
        logs = [stranger.thread("t5").log(), *others, memory.thread("t6").log(2), log]
        found = log.find_in(logs, WORDS)
        assert found == one_by_one(logs)
        log.read_ahead((one, [1]) for one in logs)
        return [[p.seqs for p in some] for some in found], [one.at([1])[0].message.text for one in logs]

    found, read = asked(memory, ask, threads=["t5", "t6"])
    assert found == [[(2,), (1,)], [(5, 4, 3, 2, 1), (6,)], [(6, 5, 4, 3, 1), (7,)], [(1,)], [(1,)]]
    assert read[0] == "An anchor here."
    assert read[1] == read[2].replace("of 6", "of 5")


def test_only_what_the_log_holds_is_found():
    """A log ends at its head, also where the thread has gone on."""
    memory = memory_of("inmemory:")

    def ask(log, others):
        memory.thread("t1").append("A kraken that came later.")
        log.read_ahead((one, [1, 4]) for one in others)
        return log.find_in(others, ["kraken"]), [entry.seq for one in others for entry in one.at([1, 4])]

    found, read = asked(memory, ask, threads=["t1"])
    assert [[p.seqs for p in some] for some in found] == [[(1,)]]
    assert read == [1]
