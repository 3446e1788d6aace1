"""dates: what words name which time, what names none, and what holds for every text and moment."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from memex_recall.dates import asked_times, shown, times_in
from memex_recall.dates.languages import latin, unspaced

NOW = datetime(2026, 3, 11, 10, 0, tzinfo=UTC)  # a Wednesday


def understood(text, moment=NOW, **how):
    """Return the first reading of each time as its first and its last day."""
    return [
        (str(named.spans[0].start.date()), str(named.spans[0].end.date() - timedelta(days=1)))
        for named in times_in(text, moment, **how)
    ]


def days(first, last=None):
    return [(first, last or first)]


# -- what is understood ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("What did I say yesterday?", days("2026-03-10")),
        ("and the day before yesterday", days("2026-03-09")),
        ("What happened three days ago?", days("2026-03-08")),
        ("two weeks ago", days("2026-02-22", "2026-02-28")),
        ("a couple of weeks ago", days("2026-02-15", "2026-02-28")),
        ("three months ago", days("2025-11-26", "2025-12-26")),
        ("four years ago", days("2022-01-01", "2022-12-31")),
        ("What did we decide last Tuesday?", days("2026-03-10")),
        ("on Friday", days("2026-03-06")),
        ("this Friday", days("2026-03-13")),
        ("next Friday", days("2026-03-13")),
        ("last week", days("2026-03-02", "2026-03-08")),
        ("the week before last", days("2026-02-23", "2026-03-01")),
        ("Tuesday of last week", days("2026-03-03")),
        ("over the weekend", days("2026-03-07", "2026-03-08")),
        ("the last three weeks", days("2026-02-18", "2026-03-11")),
        ("in the past few days", days("2026-03-06", "2026-03-11")),
        ("last month", days("2026-02-01", "2026-02-28")),
        ("last year", days("2025-01-01", "2025-12-31")),
        ("what did I tell you in January?", days("2026-01-01", "2026-01-31")),
        ("in May", days("2025-05-01", "2025-05-31")),
        ("last March", days("2025-03-01", "2025-03-31")),
        ("March of last year", days("2025-03-01", "2025-03-31")),
        ("mid-May", days("2025-05-11", "2025-05-21")),
        ("at the beginning of June", days("2025-06-01", "2025-06-10")),
        ("late last year", days("2025-09-02", "2025-12-31")),
        ("last summer", days("2025-06-01", "2025-08-31")),
        ("last winter", days("2025-12-01", "2026-02-28")),
        ("in the spring of 2024", days("2024-03-01", "2024-05-31")),
        ("in 2023", days("2023-01-01", "2023-12-31")),
        ("on 7 May 2023", days("2023-05-07")),
        ("on the 7th of May", days("2025-05-07")),
        ("May 7, 2023", days("2023-05-07")),
        ("Tuesday, 3 March 2026", days("2026-03-03")),
        ("on 2023-05-07", days("2023-05-07")),
        ("at 2023-05-07T10:00:00Z", days("2023-05-07")),
        ("on 25/12/2025", days("2025-12-25")),
        ("29 February", days("2024-02-29")),
        ("between 3 and 5 May 2023", days("2023-05-03", "2023-05-05")),
        ("May 3-5", days("2025-05-03", "2025-05-05")),
        ("from 3 May to 5 June", days("2025-05-03", "2025-06-05")),
        ("between March and May 2023", days("2023-03-01", "2023-05-31")),
        ("since January", days("2026-01-01", "2026-03-11")),
        ("the week before August 3, 2023", days("2023-07-27", "2023-08-02")),
        ("two weeks before August 11, 2023", days("2023-07-25", "2023-07-31")),
        ("in March and in June", [("2026-03-01", "2026-03-31"), ("2025-06-01", "2025-06-30")]),
        # German
        ("gestern", days("2026-03-10")),
        ("Was haben wir am Montag beschlossen?", days("2026-03-09")),
        ("letzten Freitag", days("2026-03-06")),
        ("letzte Woche", days("2026-03-02", "2026-03-08")),
        ("vorletzte Woche", days("2026-02-23", "2026-03-01")),
        ("Dienstag letzter Woche", days("2026-03-03")),
        ("vor zwei Wochen", days("2026-02-22", "2026-02-28")),
        ("am 7. Mai 2023", days("2023-05-07")),
        ("am 13.5.2023", days("2023-05-13")),
        ("Anfang Juni", days("2025-06-01", "2025-06-10")),
        ("letztes Jahr im Sommer", days("2025-06-01", "2025-08-31")),
        ("im Jahr 2022", days("2022-01-01", "2022-12-31")),
        # French
        ("Qu’est-ce que j’ai dit hier ?", days("2026-03-10")),
        ("avant-hier", days("2026-03-09")),
        ("vendredi dernier", days("2026-03-06")),
        ("la semaine dernière", days("2026-03-02", "2026-03-08")),
        ("il y a deux semaines", days("2026-02-22", "2026-02-28")),
        ("le 7 mai 2023", days("2023-05-07")),
        ("en août", days("2025-08-01", "2025-08-31")),
        ("l’été dernier", days("2025-06-01", "2025-08-31")),
        # Spanish
        ("ayer", days("2026-03-10")),
        ("el viernes pasado", days("2026-03-06")),
        ("la semana pasada", days("2026-03-02", "2026-03-08")),
        ("hace dos semanas", days("2026-02-22", "2026-02-28")),
        ("el 7 de mayo de 2023", days("2023-05-07")),
        ("a principios de junio", days("2025-06-01", "2025-06-10")),
        # Japanese
        ("昨日何を決めましたか？", days("2026-03-10")),
        ("先週の火曜日に", days("2026-03-03")),
        ("先月", days("2026-02-01", "2026-02-28")),
        ("２週間前", days("2026-02-22", "2026-02-28")),
        ("2023年5月7日", days("2023-05-07")),
        ("去年の夏", days("2025-06-01", "2025-08-31")),
        # Chinese
        ("昨天", days("2026-03-10")),
        ("上周我们决定了什么？", days("2026-03-02", "2026-03-08")),
        ("上周二", days("2026-03-03")),
        ("上个月底", days("2026-02-20", "2026-02-28")),
        ("两周前", days("2026-02-22", "2026-02-28")),
        ("去年三月", days("2025-03-01", "2025-03-31")),
    ],
)
def test_a_time_is_understood(text, meant):
    assert understood(text) == meant


@pytest.mark.parametrize(
    "text",
    [
        "May I ask you something?",
        "It may be so, and this may take a while.",
        "We march on and on.",
        "Give me a second, please.",
        "She sat down by the sun.",
        "I have 3 cats and 12 dogs.",
        "Is Python 3.11 faster than 3.12?",
        "Add 1/2 cup of sugar and 3/4 tsp of salt.",
        "Room 204 has 10.0.0.1, see section 3.4.5 on page 12.",
        "It costs $2000, or 2000 euros, and 1990 rows at 80 %.",
        "I will fall asleep in a mattress with a spring.",
        "Do you think April likes her new job?",
        "Every Friday, on Mondays, each March.",
        "What was it the last time, on the last day, at the last minute?",
        "The March on Washington.",
        "covid-19, mp3, h264, 0x2023, 2023.1",
        "You mon ami, je suis la.",
        "Models are not perfect and may sometimes make mistakes.",
        "Gerne! Hier sind weitere Ideen. Was hatten wir hier beschlossen?",
        "Is there life on Mars?",
        "Aim for around 2000 calories.",
        "Is it over 2000 euros, or for 2010 €?",
        "Wer hat in 2000 Metern Höhe gewohnt?",
        "Das war mit dem Mai-Tai.",
        "夏目漱石、春日さん、第3章。毎週月曜日。",
        "on 30 February, on 2023-13-45, at 99/99/2023",
        "99999999 weeks ago, 9999 years ago, in 99999 days",
        "",
    ],
)
def test_other_words_are_no_times(text):
    assert times_in(text, NOW) == ()


def test_of_last_tuesday_two_may_be_meant_and_the_nearer_is_first():
    (named,) = times_in("last Tuesday", NOW)
    assert [str(span.start.date()) for span in named.spans] == ["2026-03-10", "2026-03-03"]
    (named,) = times_in("last Friday", NOW)  # there is none in this week yet
    assert [str(span.start.date()) for span in named.spans] == ["2026-03-06"]


def test_a_date_that_is_written_in_one_of_two_orders_may_be_either():
    (named,) = times_in("5/7/2023", NOW)
    assert {str(span.start.date()) for span in named.spans} == {"2023-05-07", "2023-07-05"}


def test_what_is_told_may_look_either_way():
    (told,) = times_in("We meet on Friday.", NOW, past=False)
    assert [str(span.start.date()) for span in told.spans] == ["2026-03-13", "2026-03-06"]
    (told,) = times_in("The exam is in April.", NOW, past=False)
    assert [str(span.start.date()) for span in told.spans] == ["2026-04-01", "2025-04-01"]


def test_hours_are_counted_in_hours():
    (named,) = times_in("an hour ago", NOW)
    assert named.spans[0].start < NOW - timedelta(hours=1) < named.spans[0].end < NOW


def test_days_are_those_of_the_zone_of_the_question():
    tokyo = timezone(timedelta(hours=9))
    (named,) = times_in("昨日", datetime(2026, 3, 11, 1, 0, tzinfo=tokyo))
    assert named.spans[0].start == datetime(2026, 3, 9, 15, 0, tzinfo=UTC)
    (named,) = times_in("yesterday", datetime(2026, 3, 10, 16, 0))  # noqa: DTZ001 - without one: UTC
    assert named.spans[0].start == datetime(2026, 3, 9, tzinfo=UTC)


# -- what a question asks about --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("What did we decide last week?", "last week: 2026-03-02 to 2026-03-08"),
        ("what did i say yesterday", "yesterday: 2026-03-10"),
        ("Hallo. Was war am 3. Oktober?", "3. Oktober: 2025-10-03"),
        ("Hello. What was it on Tuesday?", "Tuesday: 2026-03-10"),
        ("What did we decide last Tuesday?", "last Tuesday: 2026-03-10 or 2026-03-03"),
        ("What did I tell you before 2024-05-01?", "before 2024-05-01: up to 2024-04-30"),
        ("What did I say an hour ago?", "an hour ago: 2026-03-11 08:22 to 09:37"),
        ("The dinner was last night. What now?", ""),
        ("Remind me what we decided last week. I need it.", "last week: 2026-03-02 to 2026-03-08"),
        ("Show me the list of yesterday\nand add milk", "yesterday: 2026-03-10"),
        ("I was there yesterday. It was fine. It rained. We ate. We left.", ""),
        ("What shall we do today?", ""),
        ("What is the plan for this week?", ""),
        ("What did we say this year in January?", "this year in January: 2026-01-01 to 2026-01-31"),
    ],
)
def test_a_time_counts_where_the_question_asks(question, told):
    assert shown(asked_times(question, NOW)) == told


# -- what holds for everything ---------------------------------------------------------------------

WORDS = [word for word, _, _ in (*latin(), *unspaced())]
PIECES = st.one_of(
    st.sampled_from(WORDS),
    st.sampled_from([*"0123456789月日年前,.-/'?!", " of ", "2023", "2023-05-07", "99999999", "ﬁ", "İ", "ß"]),
    st.integers(0, 10**9).map(str),
    st.text(max_size=5),
)
TEXTS = st.lists(PIECES, max_size=12).map(" ".join) | st.lists(PIECES, max_size=12).map("".join)
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=14)), timezone(-timedelta(hours=12)), None])
MOMENTS = st.datetimes(timezones=ZONES)


@given(TEXTS, MOMENTS, st.booleans())
def test_every_text_at_every_moment_is_accepted(text, moment, past):
    for named in times_in(text, moment, past=past):
        assert named.said in text
        assert named.spans
        for span in named.spans:
            assert span.start < span.end
            assert span.start.tzinfo is not None
    shown(asked_times(text, moment))


@given(
    st.sampled_from(
        ["yesterday", "last Tuesday", "two weeks ago", "last week", "Sunday", "am Montag", "上周二", "先週末"]
    ),
    st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.integers(-500, 500),
)
def test_a_question_asked_weeks_later_asks_about_weeks_later(text, moment, weeks):
    later = timedelta(weeks=weeks)
    here, there = times_in(text, moment), times_in(text, moment + later)
    assert [(s.start + later, s.end + later) for s in here[0].spans] == [
        (s.start, s.end) for s in there[0].spans
    ]


@given(st.dates(date(1900, 1, 1), date(2100, 12, 31)), MOMENTS)
def test_a_written_day_is_that_day_whenever_it_is_asked_for(day, moment):
    assume(2 < moment.year < 9998)
    english = f"{day.day} {day:%B} {day.year}"
    for text in (
        f"{day}",
        english,
        f"{day:%B} {day.day}, {day.year}",
        f"{day.year}年{day.month}月{day.day}日",
    ):
        assert understood(text, moment) == days(f"{day}"), text


@given(
    st.sampled_from(["yesterday", "last week", "in March", "last summer", "on Friday", "two months ago"]),
    MOMENTS,
)
def test_a_question_looks_back(text, moment):
    assume(10 < moment.year < 9990)
    for named in times_in(text, moment):
        assert named.spans[0].start <= moment.replace(tzinfo=moment.tzinfo or UTC)


def test_of_a_long_text_only_the_beginning_is_looked_at():
    assert times_in("no " * 4_000_000 + "yesterday", NOW) == ()
    assert len(times_in("yesterday " * 1_000_000, NOW)) == 4
