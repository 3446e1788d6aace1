"""What is measured: each question at its place, of the windows that a conversation would have had."""

from __future__ import annotations

import pytest
from memex_lab.measuring import measure
from memex_lab.mining import APART, facts_in, mine
from memex_lab.questions import Question
from memex_lab.summing import by_category, figures

from memex import Budget, Memex, Message, Ranking, ToolCall
from memex.testing import ScratchStore, evict_oldest


def asked(query, evidence, at, **fields):
    return Question(id=query, query=query, evidence=tuple(evidence), at=at, **fields)


def test_evidence_is_there_or_lost(memory, harbour):
    thread = memory.thread("t", budget=Budget(400, 0))
    thread.append(harbour)
    near, far = measure(thread, [asked("the newest?", [119], 120), asked("the oldest?", [1, 120], 120)])
    assert (near.fates, near.recall) == (("verbatim",), 1.0)
    assert (far.fates, far.recall) == (("lost", "verbatim"), 0.5)
    assert near.budget == 400


def test_a_question_is_asked_at_its_place(memory, harbour):
    thread = memory.thread("t", budget=Budget(400, 0))
    thread.append(harbour)
    early, late = measure(thread, [asked("then?", [5], 8), asked("now?", [5], 120)])
    assert (early.recall, late.recall) == (1.0, 0.0)


def test_the_windows_are_those_of_the_conversation(harbour):
    """What an eviction took is gone, although it would fit into a window that opens anew."""
    seen = []

    def watched(window):
        seen.append(window)
        return evict_oldest(window)

    memory = Memex(ScratchStore(), chain=[watched])
    thread = memory.thread("t", budget=Budget(700, 0))
    held = memory.thread("held", budget=Budget(700, 0))
    thread.append(harbour)
    for turn in range(0, 120, 2):
        held.append([harbour[turn].replace(id=f"h{turn}")])
        held.window()
        held.append([harbour[turn + 1].replace(id=f"h{turn + 1}")])
    real = held.window("And the boats?", record=False)
    list(measure(thread, [asked("And the boats?", [1], 120)]))
    assert [e.seq for e in seen[-1].entries] == [
        e.seq for e in seen[-1].entries if e.seq in real or e.seq == 121
    ]
    assert list(thread.plans()) == []


def test_a_quote_counts_and_a_stub_does_not():
    call = ToolCall(id="c", name="read", arguments="{}")
    exchange = [Message.user("Read."), Message.assistant([call]), Message.tool("c", "all is well " * 60)]
    talk = [*exchange, *(Message.of(r, f"{r} {n}") for n in range(20) for r in ("assistant", "user"))]

    def shorten(window):
        return window.shorten([e for e in window.droppable if e.message.tool_results], reason="cleared")

    def sum_up(window):
        covered = window.droppable[3:6] if window.log.head == 43 else ()
        return window.summarise(covered, Message.user("Some talk."), reason="summed-up")

    def quote(window):
        return window.rank(Ranking(name="words", scores={7: 1.0} if window.log.head >= 7 else {}))

    def drop(window):
        return window.drop([e for e in window.droppable if e.seq == 7], reason="old")

    thread = Memex(ScratchStore(), chain=[shorten, sum_up, drop, quote]).thread("t", budget=Budget(5_000, 0))
    thread.append(talk)
    [outcome] = measure(thread, [asked("?", [3, 5, 7, 9], 43)])
    assert outcome.fates == ("stub", "summary", "verbatim", "verbatim")


def test_a_question_that_is_too_long_finds_nothing(memory, harbour):
    thread = memory.thread("t", budget=Budget(60, 0))
    thread.append(harbour)
    [outcome] = measure(thread, [asked("word " * 200, [119], 120)])
    assert (outcome.fates, outcome.fits) == (("lost",), False)


def test_figures_are_means_over_questions(memory, harbour):
    thread = memory.thread("t", budget=Budget(400, 0))
    thread.append(harbour)
    questions = [
        asked("a", [119], 120, category="new"),
        asked("b", [119, 1], 120, category="both"),
        asked("c", [1], 120, category="old"),
    ]
    outcomes = list(measure(thread, questions))
    found = figures(outcomes, 400)
    assert (found.questions, found.recall, found.any, found.all) == (3, 0.5, 2 / 3, 1 / 3)
    assert found.fates == {"verbatim": 0.5, "stub": 0.0, "summary": 0.0, "lost": 0.5}
    assert {name: f[0].recall for name, f in by_category(outcomes, [400]).items()} == {
        "both": 0.5,
        "new": 1.0,
        "old": 0.0,
    }


def test_progress_is_told_for_every_message(memory, harbour):
    thread = memory.thread("t", budget=Budget(400, 0))
    thread.append(harbour)
    told = []
    list(measure(thread, [asked("a", [1], 60), asked("b", [1], 101)], told=told.append))
    assert sum(told) == 101
    assert min(told) >= 0


# -- mining ----------------------------------------------------------------------------------------


def test_facts_that_are_needed_again_are_mined(memory, harbour):
    thread = memory.thread("t")
    thread.append(harbour)
    found = {q.at + 1: (q.category, q.evidence) for q in mine(thread.entries())}
    assert found == {
        81: ("number", (5,)),
        89: ("path", (9,)),
        97: ("name", (13,)),
        105: ("decision", (17,)),
    }


def test_a_decision_is_known_by_one_word_that_no_other_has(memory):
    thread = memory.thread("t")
    thread.append("We decided to use Postgres for the tide tables.")
    thread.append("We decided to paint the boathouse teal.")
    thread.append([Message.user(f"Crate {number} came in.") for number in range(30)])
    asked = [
        "What did we decide about the tables?",
        "What colour was decided for the boathouse?",
        "What else was decided?",
    ]
    for question in asked:
        thread.append([Message.user(question), Message.assistant("Let me see.")])
    found = [(q.query, q.evidence) for q in mine(thread.entries())]
    assert found == [(asked[0], (1,)), (asked[1], (2,))]


def test_what_was_said_twice_or_just_now_is_no_question(memory, harbour):
    twice = [*harbour[:20], Message.user("Again: it is 7264."), *harbour[20:]]
    just_now = [
        Message.user("It opens with 991."),
        Message.assistant("Fine."),
        Message.user("What opens it?"),
    ]
    thread = memory.thread("t")
    thread.append([*twice, *just_now, Message.assistant("991 does.")])
    assert {q.category for q in mine(thread.entries())} == {"path", "name", "decision"}
    assert APART > 3


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("see /srv/a/b.txt.", ("path", "/srv/a/b.txt")),
        ("on 2026-11-26 we", ("number", "2026-11-26")),
        ("ticket ABC-123 is", ("number", "abc-123")),
        ("it costs 1,250.50 now", ("number", "1,250.50")),
        ("ask Pia Lind.", ("name", "pia lind")),
        ("mail pia@example.org", ("path", "pia@example.org")),
    ],
)
def test_a_fact_is_found(text, fact):
    assert fact in facts_in(Message.user(text))


def test_german_nouns_and_small_numbers_are_no_facts():
    assert facts_in(Message.user("Das Boot und der Hafen sind nicht weit, 12 von 30.")) == set()


def test_odd_threads_have_no_questions(memory):
    thread = memory.thread("t")
    assert mine(thread.entries()) == []
    thread.append([Message.assistant("7264"), Message.user(""), Message.system("Be kind to 7264.")])
    assert mine(thread.entries()) == []
