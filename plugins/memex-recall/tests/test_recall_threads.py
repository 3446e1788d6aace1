"""recall in other threads: what is found there, on one scale with this thread's own, and what it may cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from memex_recall.policy import recall
from memex_recall.ranking import rank
from memex_recall.together import rank_together

from memex import BadSetting, Memex, Message
from memex.testing import ScratchStore, evict_oldest

FACT = "Ottoline wants the lighthouse door in vermilion."
QUESTION = "Which colour did Ottoline want for the lighthouse door?"


def memory_of(*, store=None, budget=1_500, **recall_settings):
    chain = [recall(**recall_settings), evict_oldest]
    return Memex(store or ScratchStore(), chain=chain, budget=budget, answer_tokens=300)


def say(memory, name, *texts):
    thread = memory.thread(name)
    thread.append([Message.user(text) for text in texts])
    return thread


def chatter(count, start=0):
    return [f"Crate {n} came in today and is in the north store." for n in range(start, start + count)]


def quoted(window):
    return [place for d in window.derived for place in d.places]


def test_by_default_no_other_thread_is_looked_at():
    memory = memory_of()
    say(memory, "other", FACT)
    window = memory.thread("mine").window(QUESTION)
    assert not window.derived
    assert not window.plan.beside


def test_all_threads_are_looked_into_from_an_empty_one():
    memory = memory_of(threads="all")
    say(memory, "other", *chatter(50), FACT, *chatter(50, 50))
    say(memory, "third", *chatter(100))
    window = memory.thread("mine").window(QUESTION)
    assert ("other", 51) in quoted(window)
    assert f"> {FACT}" in window.messages[-2].text
    assert len(window.plan.beside) == 2


def test_only_those_that_are_named_are_looked_into():
    memory = memory_of(threads=["one", "two", "nobody"])
    for name in ("one", "two", "three"):
        say(memory, name, FACT, *chatter(10))
    window = memory.thread("mine").window(QUESTION)
    assert {thread for thread, _ in quoted(window)} <= {"one", "two"}
    assert len(window.plan.beside) == 2
    assert quoted(memory.thread("three").window(QUESTION))


def test_at_most_so_many_are_looked_into():
    memory = memory_of(threads="all", most=3)
    say(memory, "old", FACT)
    for number in range(4):
        say(memory, f"new{number}", *chatter(3))
    window = memory.thread("mine").window(QUESTION)
    assert not quoted(window)
    assert len(window.plan.beside) == 3


def test_what_answers_more_of_the_question_is_worth_more_whatever_the_size_of_its_thread():
    memory = memory_of(threads="all")
    say(memory, "long", *chatter(200), FACT, *chatter(200, 200))
    say(memory, "short", "The door!", "Yes?")
    mine = say(memory, "mine", "Somebody at the door.", "Let them in.")
    mine.window(QUESTION)
    worth = mine.explain(201, elsewhere="long").detail["worth"]
    assert worth == 1
    for seq, thread in ((1, "short"), (2, "short"), (1, "mine")):
        told = mine.explain(seq, elsewhere=thread)
        assert told.detail.get("worth", 0) < 0.05, str(told)


def test_alone_a_thread_is_ranked_as_ever():
    memory = memory_of()
    thread = say(memory, "mine", *chatter(20), FACT, *chatter(60, 20), "Ottoline painted a door.")
    log = thread.log()
    (together,) = rank_together([(log, log.head)], QUESTION)
    assert together == pytest.approx({r.entry.seq: r.score for r in rank(log, QUESTION, upto=log.head)})


def test_equal_messages_are_worth_the_same_in_every_thread():
    memory = memory_of()
    logs = [say(memory, name, *chatter(9), FACT, *chatter(40, 9)).log() for name in ("a", "b")]
    one, other = rank_together([(log, log.head) for log in logs], QUESTION)
    assert one == other
    assert max(one, key=one.__getitem__) == 10


@pytest.mark.parametrize("question", ["Mara?", "Mara and the door?", "Did Mara say who wants a door?"])
def test_names_of_speakers_are_no_words_of_their_threads(question):
    memory = memory_of(threads="all")
    memory.thread("a").append(
        [Message.user(text, name="mara") for text in ("I am Mara.", "Hello.", *chatter(9))]
    )
    say(memory, "b", "Mara was here.", "The door is red.", *chatter(9))
    logs = [memory.thread(name).log() for name in ("a", "b")]
    scores = [
        score
        for found in rank_together([(log, log.head) for log in logs], question)
        for score in found.values()
    ]
    assert scores
    assert max(scores) < 40_000  # no message is worth more than one that answers all of the question


@pytest.mark.parametrize("question", ["What did we talk about last Tuesday?", "What came in last Tuesday?"])
def test_a_time_is_asked_of_all_threads(question):
    """A day that is all of its thread is as much of that day as one of many in a long thread."""
    monday = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    memory = memory_of(threads="all")
    for day in range(9):
        said = [
            Message.user(text, created=monday + timedelta(days=day, minutes=n))
            for n, text in enumerate(chatter(6, 6 * day))
        ]
        memory.thread(f"day {day}").append(said)
    window = memory.thread("mine").window(Message.user(question, created=monday + timedelta(days=11)))
    scores = window.rankings[0].elsewhere
    best = sorted(scores, key=lambda place: -scores[place])[:6]
    assert {thread for thread, _ in best} == {"day 8"}
    assert set(best) <= set(quoted(window))


def test_a_long_time_in_many_threads_is_looked_at_in_each():
    memory = memory_of(threads="all")
    began = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    for number in range(60):
        said = [Message.user(t, created=began + timedelta(minutes=n)) for n, t in enumerate(chatter(5))]
        memory.thread(f"thread {number}").append(said)
    question = Message.user("What came in on Monday or Tuesday?", created=began + timedelta(days=3))
    window = memory.thread("mine").window(question)
    assert len({thread for thread, _ in window.rankings[0].elsewhere}) == 60


def test_nothing_that_matches_changes_nothing():
    memory = memory_of(threads="all")
    say(memory, "other", *chatter(20))
    assert not memory.thread("mine").window("Where is the vinegar?").derived


def test_the_budget_is_kept_however_much_matches():
    memory = memory_of(threads="all", budget=700)
    for number in range(30):
        say(
            memory,
            f"t{number}",
            *(f"Ottoline, lighthouse {number}.{n}: door, colour, vermilion." for n in range(30)),
        )
    mine = say(memory, "mine", *chatter(100))
    window = mine.window(QUESTION)
    assert quoted(window)
    assert window.tokens <= window.limit
    assert sum(d.tokens for d in window.derived) <= 0.5 * window.limit
    assert len(window.plan.to_stored()) < 12_000


@pytest.mark.parametrize(
    "settings",
    [
        {"threads": "some"},
        {"threads": ""},
        {"threads": 3},
        {"threads": [1]},
        {"threads": [""]},
        {"most": 0},
        {"most": 1.5},
        {"most": True},
    ],
)
def test_settings_that_make_no_sense_are_refused(settings):
    with pytest.raises(BadSetting, match=r"recall: (threads|most)"):
        recall(**settings)
