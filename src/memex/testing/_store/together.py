"""Many at once: threads, store objects, processes, and a process that is killed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from memex import Conflict, Message, Store, searchable
from memex.testing._store.case import StoreCase, fill, log_of, messages_of, texts_of, user
from memex.testing._store.child import Appender


def at_once(count: int, work: Callable[[int], object]) -> None:
    """Run ``work(0)`` to ``work(count - 1)`` in threads that start together; raise what one raised."""
    barrier = threading.Barrier(count)
    failures: list[BaseException] = []

    def run(number: int) -> None:
        try:
            barrier.wait(30)
            work(number)
        except BaseException as error:  # noqa: BLE001 - it is raised again, in the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


class TogetherPromises(StoreCase):
    """Nothing is lost, doubled or torn when several write."""

    def test_threads_append_to_one_thread(self, store: Store) -> None:
        """Eight at once, 25 messages each: all there, gapless, each one's in its own order."""
        at_once(8, lambda n: [store.append("t", [user(f"{n} {i}")]) for i in range(25)])
        texts = texts_of(log_of(store, "t"))
        assert sorted(texts) == sorted(f"{n} {i}" for n in range(8) for i in range(25))
        for n in range(8):
            assert [text for text in texts if text.startswith(f"{n} ")] == [f"{n} {i}" for i in range(25)]

    def test_batches_stay_together(self, store: Store) -> None:
        """No other message comes between those of a batch."""
        at_once(6, lambda n: [store.append("t", _batch(n)) for _ in range(5)])
        texts = texts_of(log_of(store, "t"))
        assert len(texts) == 6 * 5 * 4
        assert all(len(set(texts[start : start + 4])) == 1 for start in range(0, len(texts), 4))

    def test_one_of_many_swaps_wins(self, store: Store) -> None:
        """With ``expect``, each head is taken by exactly one."""
        won: list[int] = []

        def swap(number: int) -> None:
            for head in range(5):
                try:
                    store.append("t", [user(f"{number}")], expect=head)
                    won.append(head)
                except Conflict:
                    pass

        at_once(6, swap)
        assert sorted(won) == list(range(len(won)))
        assert store.open_thread("t").head == len(won) > 0

    def test_one_message_sent_by_many_is_stored_once(self, store: Store) -> None:
        """All are told the same place."""
        message = user("once")
        places: list[int] = []
        at_once(6, lambda _: places.append(store.append("t", [message]).entries[0].seq))
        assert places == [1] * 6
        assert messages_of(store, "t") == [message]

    def test_readers_meet_writers(self, store: Store) -> None:
        """A reader sees a beginning of the log, never a hole, whatever is written and forked."""

        def work(number: int) -> None:
            for count in range(10):
                if number % 2:
                    store.append("t", _batch(number))
                    store.fork("t", f"fork {number} {count}")
                else:
                    seqs = [entry.seq for entry in store.entries("t")]
                    assert seqs == list(range(1, len(seqs) + 1))
                    assert len(seqs) % 4 == 0
                    assert all(info.head % 4 == 0 for info in store.threads())

        store.open_thread("t")
        at_once(6, work)
        assert len(log_of(store, "t")) == 3 * 10 * 4
        assert len(list(store.threads())) == 31

    def test_state_and_plans_by_many(self, store: Store) -> None:
        """Plans get numbers without gaps, state is one of those that were put."""
        store.open_thread("t")
        numbers: list[int] = []

        def work(number: int) -> None:
            for _ in range(5):
                numbers.append(store.put_plan("t", 0, b"plan"))
                store.put_state("t", "k", str(number).encode())

        at_once(6, work)
        assert sorted(numbers) == list(range(1, 31))
        assert store.get_state("t", "k") in {str(number).encode() for number in range(6)}

    def test_no_swap_of_state_is_lost(self, store: Store) -> None:
        """Each counts one up, as often as it takes: none of it is lost."""
        store.open_thread("t")

        def work(_: int) -> None:
            done = 0
            while done < 5:
                seen = store.get_state("t", "count")
                time.sleep(0.0005)  # let the others come between
                try:
                    store.put_state("t", "count", str(int(seen or b"0") + 1).encode(), expect=seen)
                    done += 1
                except Conflict:
                    pass

        at_once(6, work)
        assert store.get_state("t", "count") == b"30"


class LastingPromises(StoreCase):
    """What outlives the store object, for stores that say ``persistent``."""

    def test_everything_is_found_again(self, folder: Path) -> None:
        """Messages with their counts, forks, tombstones, state and plans."""
        self.need_persistence()
        store = self.open_store(folder)
        messages = fill(store, "a", 30)
        store.append("a", [user("counted")], tokens=[7], counter="c")
        store.fork("a", "b", 3)
        fill(store, "b", 2)
        store.forget("b", [messages[1].id])
        store.put_state("a", "k", b"v")
        store.put_plan("a", 3, b"plan")
        before = [list(store.threads()), log_of(store, "a"), log_of(store, "b"), list(store.plans("a"))]
        store.close()
        again = self.open_store(folder)
        try:
            after = [list(again.threads()), log_of(again, "a"), log_of(again, "b"), list(again.plans("a"))]
            assert after == before
            assert again.get_state("a", "k") == b"v"
            assert again.check() == []
            with pytest.raises(Conflict):
                again.append("b", [messages[1]])
        finally:
            again.close()

    def test_what_was_indexed_is_found_again(self, folder: Path) -> None:
        """Words of a store that was closed."""
        self.need_persistence()
        store = self.open_store(folder)
        store.append("a", [user("the kraken sleeps")])
        store.close()
        again = self.open_store(folder)
        try:
            if (able := searchable(again)) is None:
                pytest.skip(f"{type(again).__name__} offers no search() and find()")
            assert [hit.entry.seq for hit in able.search("kraken")] == [1]
            assert able.find("a", ["kraken"], upto=1, limit=1)[0].seqs == (1,)
        finally:
            again.close()

    def test_two_stores_on_one_folder(self, store: Store, folder: Path) -> None:
        """What one has written the other reads at once, and each goes on where the log is."""
        self.need_persistence()
        other = self.open_store(folder)
        try:
            store.append("t", [user("1")])
            assert texts_of(log_of(other, "t")) == ["1"]
            assert other.append("t", [user("2")]).head == 2
            assert store.append("t", [user("3")]).head == 3
            assert texts_of(log_of(other, "t")) == texts_of(log_of(store, "t")) == ["1", "2", "3"]
            stores = (store, other)
            at_once(4, lambda n: [stores[n % 2].append("t", [user("more")]) for _ in range(10)])
            assert len(log_of(store, "t")) == 43
        finally:
            other.close()

    def test_processes_on_a_new_folder(self, folder: Path) -> None:
        """Eight open it at the same moment and append 25 each: all are there, gapless."""
        self.need_persistence()
        appenders = [Appender(self, folder, "t", f"p{number}", 25) for number in range(8)]
        for appender in appenders:
            appender.start()
        acknowledged = [appender.acknowledged() for appender in appenders]
        assert [appender.end() for appender in appenders] == [0] * 8
        store = self.open_store(folder)
        try:
            ids = [message.id for message in messages_of(store, "t")]
            assert sorted(ids) == sorted(f"p{number}-{i}" for number in range(8) for i in range(25))
            for number, mine in enumerate(acknowledged):
                assert [one for one in ids if one.startswith(f"p{number}-")] == mine
            assert store.check() == []
        finally:
            store.close()

    def test_a_killed_process_loses_nothing_it_acknowledged(self, folder: Path) -> None:
        """Killed at any moment, as often as ``kills`` says; the store opens again and goes on."""
        self.need_persistence()
        promised: list[str] = []
        for round_ in range(self.kills):
            appender = Appender(self, folder, "t", f"r{round_}", 1_000_000)
            appender.start()
            promised += appender.acknowledged(3 + 7 * round_)
            appender.kill()
            promised += [one for one in appender.acknowledged() if one]
            appender.end()
            store = self.open_store(folder)
            try:
                ids = [message.id for message in messages_of(store, "t")]
                assert set(promised) <= set(ids)
                # At most the one message per round that was stored and not yet acknowledged.
                assert len(ids) <= len(promised) + round_ + 1
                assert store.check() == []
                if (able := searchable(store)) is not None:
                    seqs = able.find("t", ["kraken"], upto=len(ids), limit=len(ids))[0].seqs
                    assert len(seqs) == len(ids)
            finally:
                store.close()


def _batch(number: int) -> list[Message]:
    return [user(f"{number}") for _ in range(4)]
