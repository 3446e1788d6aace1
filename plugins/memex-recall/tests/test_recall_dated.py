"""recall: messages of the time that a question names, and those that speak of it, are found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memex_recall.dates import asked_times
from memex_recall.dates.spans import Span
from memex_recall.dates.timeline import Timeline
from memex_recall.policy import recall
from memex_recall.ranking import rank

from memex import BadSetting, Memex, Message, expand
from memex.testing import ScratchStore, evict_oldest

START = datetime(2025, 3, 10, tzinfo=UTC)
ASKED = datetime(2026, 3, 11, 10, 0, tzinfo=UTC)  # a Wednesday
THINGS = ("boxes", "crates", "barrels", "sacks", "reels", "drums", "planks")
TALK = (
    "Which of the {} came in with the morning ferry?",
    "The {} are in the north store, and the list is signed.",
    "Then let us paint the {} before the rain comes.",
)


def a_year(store=None, zone=UTC, extra=()):
    """Return a thread of a year of days that are all alike, and the day of each of its messages."""
    said = [
        Message.user(
            TALK[turn].format(THINGS[day % 7]), created=START + timedelta(days=day, hours=9, minutes=turn)
        )
        for day in range(365)
        for turn in range(3)
    ]
    said = sorted([*said, *extra], key=lambda message: message.created)
    thread = Memex(store or ScratchStore(), chain=[recall(), evict_oldest], budget=1_500).thread("t")
    thread.append([message.replace(created=message.created.astimezone(zone)) for message in said])
    return thread


def ranked(thread, question, asked=ASKED, **how):
    log = thread.log()
    found = rank(log, question, upto=log.head, times=asked_times(question, asked), **how)
    return [one.entry.message for one in found]


def found_days(thread, question, asked=ASKED):
    return [str(message.created.date()) for message in ranked(thread, question, asked)]


@pytest.fixture(scope="module")
def year():
    return a_year()


# -- the right day comes first ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "day"),
    [
        ("What did we talk about yesterday?", "2026-03-09"),
        ("What did we do three days ago?", "2026-03-08"),
        ("What did we decide last Friday?", "2026-03-06"),
        ("What did we decide last Monday?", "2026-03-09"),
        ("What was that on Tuesday of last week?", "2026-03-03"),
        ("What did I tell you on 7 May 2025?", "2025-05-07"),
        ("Which reels came on May 16?", "2025-05-16"),
        ("What did we paint on 2025-12-24?", "2025-12-24"),
        ("Was haben wir am 3. Oktober gestrichen?", "2025-10-03"),
        ("Qu'avons-nous décidé vendredi dernier ?", "2026-03-06"),
        ("¿Qué decidimos el 2 de enero?", "2026-01-02"),
        ("昨日何を決めましたか？", "2026-03-09"),
        ("上周二我们决定了什么？", "2026-03-03"),
    ],
)
def test_the_right_day_comes_first(year, question, day):
    asked = ASKED if "yesterday" not in question and "昨日" not in question else ASKED - timedelta(days=1)
    found = found_days(year, question, asked)
    assert found[:3] == [day] * 3


@pytest.mark.parametrize(
    ("question", "first", "last"),
    [
        ("What did we talk about last week?", "2026-03-02", "2026-03-08"),
        ("What did I tell you in June?", "2025-06-01", "2025-06-30"),
        ("What did we do two weeks ago?", "2026-02-22", "2026-02-28"),
        ("What was it last summer?", "2025-06-01", "2025-08-31"),
        ("What did we say at the beginning of June?", "2025-06-01", "2025-06-10"),
        ("Which barrels came between 3 and 20 May?", "2025-05-03", "2025-05-20"),
        ("Was war letzte Woche?", "2026-03-02", "2026-03-08"),
    ],
)
def test_the_right_days_come_first(year, question, first, last):
    found = found_days(year, question)[:10]
    assert len(found) == 10
    assert all(first <= day <= last for day in found), found


def test_every_day_of_a_year_is_found_by_its_date(year):
    for away in range(0, 365, 7):
        day = (START + timedelta(days=away)).date()
        assert found_days(year, f"What did we paint on {day.day} {day:%B} {day.year}?")[0] == str(day)


def test_words_of_the_question_decide_within_the_time(year):
    found = ranked(year, "What did we say about the drums in June?")[:4]
    assert all("drums" in message.text and message.created.month == 6 for message in found)


def test_the_days_are_those_of_the_zone_of_the_question():
    west = timezone(-timedelta(hours=8))
    late = Message.user("Good night, and thanks for the fish.", created=datetime(2025, 6, 2, 5, tzinfo=UTC))
    thread = a_year(extra=[late])
    question = "What did I say last on 1 June 2025, was it thanks for the fish?"
    for zone, first in ((west, True), (UTC, False)):
        log = thread.log()
        times = asked_times(question, ASKED.astimezone(zone))
        scores = {r.entry.message.text: r.score for r in rank(log, question, upto=log.head, times=times)}
        plain = {r.entry.message.text: r.score for r in rank(log, question, upto=log.head)}
        assert (scores[late.text] > plain[late.text]) is first


def test_without_other_words_the_opening_of_the_day_is_likeliest():
    thread = a_year()
    window = thread.window(Message.user("What did we do on 7 May?", created=ASKED))
    worths = {seq: thread.explain(seq).detail["worth"] for seq in expand(window.plan.recalled())}
    best = next(thread.log().entries(max(worths, key=worths.__getitem__)))
    assert best.message.created == datetime(2025, 5, 7, 9, tzinfo=UTC)


# -- what speaks of a time -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "said", "question"),
    [
        (
            "Yesterday I went to the lighthouse.",
            datetime(2025, 5, 8, 20, tzinfo=UTC),
            "Where was I on 7 May 2025?",
        ),
        (
            "Vor zwei Tagen war ich am Leuchtturm.",
            datetime(2025, 5, 9, 20, tzinfo=UTC),
            "Wo war ich am 7. Mai 2025?",
        ),
        ("昨天我去了灯塔。", datetime(2025, 5, 8, 20, tzinfo=UTC), "2025年5月7日我在哪里？"),
        (
            "Next Wednesday I visit the lighthouse.",
            datetime(2025, 4, 30, 20, tzinfo=UTC),
            "Which lighthouse did I visit on 7 May 2025?",
        ),
    ],
)
def test_a_message_that_speaks_of_the_time_is_found(told, said, question):
    thread = a_year(extra=[Message.user(told, created=said)])
    found = [message.text for message in ranked(thread, question)]
    assert told in found[:4]  # the day itself has three


def test_what_was_told_the_day_after_is_quoted():
    told = Message.user("Yesterday I went to the lighthouse.", created=datetime(2025, 5, 8, 20, tzinfo=UTC))
    thread = a_year(extra=[told])
    window = thread.window(Message.user("Where did I go on 7 May 2025?", created=ASKED))
    assert told.text in window.messages[-2].text


# -- where times are no help -----------------------------------------------------------------------


def test_without_times_dates_change_no_order():
    same = datetime(2026, 3, 10, 9, tzinfo=UTC)
    thread = Memex(ScratchStore(), chain=[recall()]).thread("t")
    thread.append(
        [Message.user(f"{TALK[n % 3].format(THINGS[n % 7])} {n}", created=same) for n in range(300)]
    )
    question = "Which drums did we paint yesterday, 153?"
    dated = ranked(thread, question)
    log = thread.log()
    plain = [one.entry.message for one in rank(log, question, upto=log.head)]
    assert dated[0].text.endswith("153")
    assert [message.id for message in dated[:20]] == [message.id for message in plain[:20]]


def test_times_out_of_order_are_no_error_and_what_is_read_counts_by_its_own_time():
    said = [
        Message.user(
            f"Note {n}: {TALK[n % 3].format(THINGS[n % 7])}", created=START + timedelta(days=(n * 89) % 365)
        )
        for n in range(365)
    ]
    thread = Memex(ScratchStore(), chain=[recall()]).thread("t")
    thread.append(said)
    found = ranked(thread, "What did we paint in June?")
    june = [place for place, message in enumerate(found) if message.created.month == 6]
    assert june
    assert june[0] < len(found) / 10


def test_forgotten_messages_are_passed_over():
    thread = a_year()
    thread.forget(range(200, 400))
    assert found_days(thread, "What did we paint on 2025-12-24?")[0] == "2025-12-24"


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 50), max_size=60).map(sorted), st.integers(-2, 52), st.integers(1, 20))
def test_the_places_of_a_stretch_are_those_of_a_scan(hours, first, length):
    thread = Memex(ScratchStore(), chain=[]).thread("t")
    thread.append([Message.user("x", created=START + timedelta(hours=hour)) for hour in hours])
    begin = START + timedelta(hours=first)
    span = Span(begin, begin + timedelta(hours=length))
    log = thread.log()
    scanned = [entry.seq for entry in log.entries() if entry.message.created in span]
    assert list(Timeline(log, log.head).seqs(span)) == scanned


@settings(deadline=None, max_examples=40)
@given(st.lists(st.datetimes(timezones=st.just(UTC)), max_size=40), st.datetimes(timezones=st.just(UTC)))
def test_any_times_of_messages_and_questions_are_accepted(created, asked):
    thread = Memex(ScratchStore(), chain=[]).thread("t")
    thread.append([Message.user(f"paint {n} yesterday", created=moment) for n, moment in enumerate(created)])
    for question in ("What did we paint last week?", "in 2023?", "What did we paint before 2023?"):
        ranked(thread, question, asked)


# -- what it costs ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "question", ["What did we talk about in 2025?", "Which drums in the last three months?"]
)
def test_a_long_time_costs_what_a_short_one_costs(question):
    class Counting(ScratchStore):
        read = 0

        def entries(self, *args: Any, **kwargs: Any):
            for entry in super().entries(*args, **kwargs):
                self.read += 1
                yield entry

    read = {}
    for count in (4_000, 16_000):
        store = Counting()
        thread = Memex(store, chain=[recall(), evict_oldest], budget=1_500).thread("t")
        step = timedelta(days=365) / count
        thread.append(
            [Message.user(TALK[n % 3].format(THINGS[n % 7]), created=START + n * step) for n in range(count)]
        )
        thread.window("warm up", record=False)  # the first one builds the index
        store.read = 0
        assert ranked(thread, question)
        read[count] = store.read
    assert read[16_000] <= 1.1 * read[4_000]
    assert read[16_000] <= 1_200


# -- the plan --------------------------------------------------------------------------------------


def test_the_plan_says_what_was_understood():
    thread = a_year()
    window = thread.window(Message.user("What did we decide on 7 May?", created=ASKED))
    step = next(step for step in window.plan.steps if step.policy == "recall")
    assert step.changes[0].detail == {"dates": "7 May: 2025-05-07"}
    seq = next(iter(expand(window.plan.recalled())))
    assert thread.explain(seq).detail["dates"] == "7 May: 2025-05-07"


def test_a_question_that_is_stored_on_another_day_is_replayed_as_it_was_asked():
    thread = a_year()
    question = "What did we do last Friday?"
    thread.window(Message.user(question, created=ASKED))
    thread.append(Message.user(question, created=ASKED + timedelta(days=7)))
    assert [replayed.same for replayed in thread.replay()] == [True]


def test_a_plan_with_dates_is_replayed():
    thread = a_year()
    thread.append(Message.user("What did we decide last Friday, and in June?", created=ASKED))
    thread.window()
    thread.append(Message.assistant("Nothing.", created=ASKED + timedelta(days=400)))
    assert [replayed.same for replayed in thread.replay()] == [True]


def test_dates_can_be_turned_off():
    thread = Memex(ScratchStore(), chain=[recall(dates=False), evict_oldest], budget=1_500).thread("t")
    thread.append(
        [Message.user(TALK[n % 3].format("drums"), created=START + timedelta(days=n)) for n in range(365)]
    )
    window = thread.window(Message.user("Which drums last Friday?", created=ASKED))
    assert all(
        not change.detail for step in window.plan.steps if step.policy == "recall" for change in step.changes
    )


def test_dates_are_true_or_false():
    with pytest.raises(BadSetting, match="recall: dates"):
        recall(dates="yes")  # type: ignore[arg-type]


def test_times_without_a_zone_and_with_one_stand_in_one_thread():
    thread = Memex(ScratchStore(), chain=[recall(), evict_oldest], budget=900).thread("t")
    bare = datetime(2026, 3, 3, 9)  # noqa: DTZ001 - what is tested
    thread.append([Message.user("The padlock opens with 7264.", created=bare)])
    thread.append([Message.user(f"Crate {n}.", created=ASKED + timedelta(minutes=n)) for n in range(200)])
    window = thread.window(Message.user("What did we say last Tuesday?", created=bare + timedelta(days=8)))
    assert 1 in expand(window.plan.recalled())
