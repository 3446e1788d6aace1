"""Where little is found, the best messages lead further; and words that nobody said count."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memex_recall import further as looking
from memex_recall.policy import recall
from memex_recall.ranking import rank
from memex_recall.together import rank_together

from memex import Log, Memex, Message
from memex.testing import ScratchStore, evict_oldest

RELAX = "Throwing clay at the kiln helps me relax."
CLAY = "Fresh clay came in, two sacks of it."
KILN = "Someone left the kiln open."
QUESTION = "How does she relax?"


def chatter(count, start=0):
    return [f"Crate {number} stands in hall {number % 7}." for number in range(start, start + count)]


def thread_of(*texts):
    chain = [recall(), evict_oldest]
    thread = Memex(ScratchStore(), chain=chain, budget=1_500, answer_tokens=300).thread("t")
    thread.append([text if isinstance(text, Message) else Message.user(text) for text in texts])
    return thread


def ranked(thread, question, **more):
    log = thread.log()
    return {r.entry.seq: r for r in rank(log, question, upto=more.pop("upto", log.head), **more)}


def test_messages_that_speak_of_what_the_best_speak_of_come_after_what_was_found():
    found = ranked(thread_of(RELAX, *chatter(40), CLAY, *chatter(40, 40), KILN, *chatter(20, 80)), QUESTION)
    assert found[1].further is None
    for led_to in (42, 83):
        assert 0 < found[led_to].further <= 1
        assert 1 < found[led_to].score <= math.e < found[1].score
        assert found[led_to].score > found[60].score, "a crate has nothing to do with clay"


def test_the_plan_says_how_much_of_their_words_a_message_holds():
    thread = thread_of(RELAX, *chatter(40), CLAY, *chatter(40, 40), KILN, *chatter(200, 80))
    thread.window(QUESTION)
    assert 0 < thread.explain(42).detail["further"] <= 1
    assert "further" not in thread.explain(1).detail


def test_where_enough_is_found_it_is_looked_no_further():
    fours = [f"Relax, hall {number}." for number in range(looking.FEW)]
    found = ranked(thread_of(RELAX, *fours, *chatter(40), CLAY, *chatter(40, 40), KILN), QUESTION)
    assert len(found) >= looking.FEW
    assert all(one.further is None for one in found.values())


def test_system_text_is_not_led_to_and_a_word_that_most_messages_hold_leads_nowhere():
    rule = Message.system("Speak of clay and of the kiln.")
    often = ["Clay again."] * 60
    found = ranked(thread_of(RELAX, *chatter(40), rule, *chatter(40, 40), *often), QUESTION)
    assert 42 not in found
    assert found.keys().isdisjoint(range(83, 143)), "they hold nothing but clay, and that is everywhere"


def test_nothing_found_leads_nowhere():
    assert ranked(thread_of(RELAX, *chatter(40), CLAY), "zzyzx?") == {}


def test_what_is_looked_up_is_bounded(monkeypatch):
    asked = []
    find = Log.find

    def watched(log, words, *, limit):
        asked.append((len(words), limit))
        return find(log, words, limit=limit)

    monkeypatch.setattr(Log, "find", watched)
    long = " ".join(f"word{number}" for number in range(5_000))
    ranked(thread_of(*[f"relax {long} {n}" for n in range(8)], *chatter(40)), QUESTION)
    [_, (words, places)] = asked
    assert 0 < words <= looking._LOOKED_UP
    assert places == looking._PLACES


@given(st.lists(st.sampled_from([RELAX, CLAY, KILN, "The clay is dry.", "The hall is wet."]), max_size=15))
def test_a_few_later_messages_change_nothing(later):
    said = [RELAX, *chatter(40), CLAY, *chatter(40, 40), KILN, "Dry hall, open crate."]
    before, after = thread_of(*said), thread_of(*said, *later)
    scores = [{s: r.score for s, r in ranked(t, QUESTION, upto=len(said)).items()} for t in (before, after)]
    assert scores[0] == scores[1]


@pytest.mark.parametrize("missing", ["zzyzx", "zzyzx, xyzzy"])
def test_a_word_that_nobody_said_makes_all_less_sure_and_changes_no_order(missing):
    thread = thread_of(*chatter(40), "The lighthouse door is green.", "A lighthouse.", *chatter(40, 40))
    sure, unsure = (ranked(thread, f"What of the lighthouse door {more}?") for more in ("", missing))
    assert list(sure) == list(unsure)
    assert all(unsure[seq].score < one.score for seq, one in sure.items() if one.further is None)


def test_in_several_threads_it_is_unheard_where_no_thread_has_it():
    memory = Memex(ScratchStore(), chain=[recall(), evict_oldest])
    for name, said in (("one", "The green lighthouse."), ("other", "The red padlock.")):
        memory.thread(name).append([Message.user(text) for text in (*chatter(40), said)])
    logs = [(memory.thread(name).log(), 41) for name in ("one", "other")]
    for word, heard in (("padlock", True), ("zzyzx", False)):
        with_word, without = (rank_together(logs, f"lighthouse {more}?")[0][41] for more in (word, ""))
        assert with_word < without
        assert (with_word < without / 50) is heard, "one that was said elsewhere counts in full"
