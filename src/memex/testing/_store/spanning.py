"""Spanning: words found, and messages read, in many threads at one look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from memex import (
    InvalidMessage,
    Message,
    Postings,
    SpanningStore,
    Store,
    UnknownThread,
    searchable,
    seeking,
    spanning,
)
from memex.testing._store.case import StoreCase, fill, user


def found_one_by_one(
    store: Store, heads: Mapping[str, int], terms: Sequence[str], limit: int
) -> dict[str, list[Postings]]:
    """Return what asking each thread for words comes to."""
    able = searchable(store)
    assert able is not None, "a SpanningStore that has an index is a SearchableStore, too"
    found: dict[str, list[Postings]] = {}
    for thread, upto in heads.items():
        try:
            some = [p for p in able.find(thread, terms, upto=upto, limit=limit) if p.seqs]
        except UnknownThread:
            continue
        if some:
            found[thread] = some
    return found


class SpanPromises(StoreCase):
    """find_in and entries_in: the same as asking each thread."""

    def test_words_are_found_in_many_threads(self, spannable: SpanningStore) -> None:
        """Each up to its own message; what holds none of them is left out."""
        for thread, said in {
            "a": "the kraken sleeps",
            "b": "an anchor",
            "c": "nothing",
            "d": "kraken",
        }.items():
            spannable.append(thread, [user(said), user(f"{said} again"), user("later")])
        found = spannable.find_in({"b": 9, "a": 1, "c": 3, "d": 3}, ["kraken", "anchor", "no"], limit=9)
        assert found == {
            "a": [Postings("kraken", (1,))],
            "b": [Postings("anchor", (2, 1))],
            "d": [Postings("kraken", (2, 1))],
        }
        assert spannable.find_in({}, ["kraken"], limit=9) == {}
        assert spannable.find_in({"a": 3}, [], limit=9) == {}
        assert spannable.find_in({"a": 0, "b": -1}, ["kraken", "anchor"], limit=9) == {}

    def test_the_limit_is_one_for_each_word_and_thread(self, spannable: SpanningStore) -> None:
        """However often the threads between hold it, and however far apart those that were asked for are."""
        for number in range(12):
            times = 400 if number % 3 else 3
            spannable.append(f"t{number}", [user(f"kraken number{number}") for _ in range(times)])
        everywhere = {f"t{number}": 500 for number in range(12)}
        some = {"t0": 3, "t7": 150, "t9": 2, "t10": 400}
        for heads in (everywhere, some, {"t3": 1}, {"t1": 400, "t11": 399}):
            for limit in (0, 1, 5, 390, 1_000):
                words = ["kraken", "number7", "number0"]
                found = spannable.find_in(heads, words, limit=limit)
                assert found == found_one_by_one(spannable, heads, words, limit)

    def test_forks_find_what_they_share(self, spannable: SpanningStore) -> None:
        """Each by its own numbers, whether or not the thread that it was said in is asked, or still there."""
        spannable.append("a", [user(f"kraken {number}") for number in range(200)])
        for number, at in enumerate((3, 150, 150, 90)):
            spannable.fork("a", f"f{number}", at)
            spannable.append(f"f{number}", [user(f"anchor and kraken {one}") for one in range(number)])
        spannable.fork("f3", "g", 91)
        spannable.append("g", [user("kraken at last")])
        heads = {"g": 92, "f0": 9, "f3": 93, "f1": 120, "a": 100, "f2": 151}
        for forget in (None, "f3", "a"):
            if forget is not None:
                spannable.forget(forget)
            for limit in (1, 4, 100, 999):
                for some in (heads, {"g": 92, "f1": 2}):
                    found = spannable.find_in(some, ["anchor", "kraken"], limit=limit)
                    assert found == found_one_by_one(spannable, some, ["anchor", "kraken"], limit)

    def test_what_was_forgotten_is_not_found(self, spannable: SpanningStore) -> None:
        """Not a message, in no thread that shared it, and not a thread."""
        spannable.append("a", [user("kraken", "m1"), user("kraken", "m2")])
        spannable.append("c", [user("kraken")])
        spannable.fork("a", "b")
        spannable.forget("b", ["m1"])
        spannable.forget("c")
        heads = {"a": 2, "b": 2, "c": 1, "never": 1}
        only = [Postings("kraken", (2,))]
        assert spannable.find_in(heads, ["kraken"], limit=9) == {"a": only, "b": only}
        assert spannable.entries_in({"c": [1], "never": [1]}) == {}

    def test_any_string_may_be_a_word(self, spannable: SpanningStore) -> None:
        """One that no message can hold is in none; an id that cannot be one is refused."""
        fill(spannable, "a", 3)
        hostile = ["", '"', "a b", "*", "NOT", "message*", "\x00", "\ud800", "x" * 9_000, "message"]
        found = spannable.find_in({"a": 3}, hostile, limit=9)
        assert found == {"a": [Postings("message", (3, 2, 1))]}
        for ask in (
            lambda: spannable.find_in({"a": 3, "": 3}, ["message"], limit=9),
            lambda: spannable.entries_in({"a": [1], "\x00": [1]}),
        ):
            with pytest.raises(InvalidMessage):
                ask()

    def test_messages_are_read_from_many_threads(self, spannable: SpanningStore) -> None:
        """As each thread gives them: in log order, each once, tombstones too."""
        assert (able := seeking(spannable)) is not None, "a SpanningStore is a SeekingStore, too"
        spannable.append(
            "a", [Message.user("named", name="Ada"), *(user(f"message {n}") for n in range(400))]
        )
        for number in range(20):
            spannable.append(f"t{number}", [user(f"said {number}.{n}", f"m{n}") for n in range(number)])
        spannable.fork("t19", "f", 7)
        spannable.append("f", [user("of its own")])
        spannable.forget("t19", ["m3"])
        spannable.open_thread("empty")
        wanted = {f"t{number}": [*range(30)] for number in range(20)}
        wanted |= {"a": [9, 1, 9, 401, 402, 0, -5, *range(20, 380, 2)], "f": [3, 4, 8, 7, 9], "empty": [1]}
        found = spannable.entries_in({**wanted, "no": [1]})
        assert found == {thread: able.entries_at(thread, seqs) for thread, seqs in wanted.items()}
        assert [entry.message.status for entry in found["f"]] == [
            "complete",
            "forgotten",
            "complete",
            "complete",
        ]
        assert spannable.entries_in({}) == {}

    def test_looking_stays_in_its_namespace(self, spannable: SpanningStore) -> None:
        """Threads of the same names in another are other threads, and those of other names are not there."""
        other = spanning(spannable.within("other"))
        assert other is not None
        for number in range(3):
            spannable.append(f"t{number}", [user("kraken mine")])
            other.append(f"t{number}", [user("filler"), user("kraken theirs")])
        other.append("theirs", [user("kraken")])
        heads = {f"t{number}": 9 for number in range(3)} | {"theirs": 9}
        kraken = {name: [Postings("kraken", (1,))] for name in ("t0", "t1", "t2")}
        assert spannable.find_in(heads, ["kraken", "theirs"], limit=99) == kraken
        read = spannable.entries_in({name: [1, 2] for name in heads})
        assert {name: [e.message.text for e in some] for name, some in read.items()} == {
            name: ["kraken mine"] for name in kraken
        }

    def test_the_answer_is_that_of_asking_each(self, spannable: SpanningStore) -> None:
        """Whatever was said, forked and forgotten, for any words and heads."""
        # Hypothesis is of no use to the child processes that the other tests start.
        from memex.testing._store.spans import compare_spans

        compare_spans(spannable, self.examples)
