"""quote: what it quotes, how it refers, and what it leaves alone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memex_quote.backend import Quote
from memex_quote.passages import NOTHING
from memex_quote.sentences import asks, sentences

from memex import BadSetting, Memex, Message, Origin, Request, ScriptCounter, ToolCall
from memex.testing import ScratchStore, assembled, check_events
from memex.testing.strategies import conversations, texts


def said(role, text, **fields):
    return Message.of(role, text, created=datetime(2026, 1, 19, 8, tzinfo=UTC), **fields)


def ask(question, *messages, answer_tokens=500):
    request = Request(messages=(*messages, Message.user(question)), answer_tokens=answer_tokens)
    return assembled(check_events(Quote().stream(request)))


def answer(question, *messages):
    (part,) = ask(question, *messages).parts
    return part.text


TALK = (
    said("user", "Good morning. The ticket shop was slow all weekend, and the boss has noticed it too."),
    said("assistant", "I am sorry to hear that. Shall we look at the database first?"),
    said("user", "Please do. And remember: we never deploy the ticket shop on a Friday.", name="mara"),
    said("assistant", "Noted. I will look at the indexes of the orders table."),
)


# -- what is quoted ----------------------------------------------------------------------------------


def test_the_sentence_that_matches_is_quoted_with_its_reference():
    found = answer("When do we deploy the ticket shop?", *TALK)
    assert found.splitlines()[0] == (
        '"And remember: we never deploy the ticket shop on a Friday." [mara (user), 2026-01-19]'
    )


def test_recalled_messages_are_referred_to_by_number():
    thread = Memex(ScratchStore(), backend=Quote(), chain=[bring_back_everything]).thread("t")
    thread.append(TALK)
    assert thread.send("When do we deploy the ticket shop?").text.splitlines()[0] == (
        '"And remember: we never deploy the ticket shop on a Friday." [#3 mara (user), 2026-01-19]'
    )


def test_what_is_in_the_window_is_referred_to_by_number_too():
    thread = Memex(ScratchStore(), backend=Quote(), chain=[]).thread("t")
    thread.append(TALK)
    first = '"And remember: we never deploy the ticket shop on a Friday." [#3 mara (user), 2026-01-19]'
    assert thread.send("When do we deploy the ticket shop?").text.splitlines()[0] == first
    # What it quoted is not quoted again from its own answer.
    assert thread.send("When do we deploy our ticket shop?").text.splitlines()[0] == first


def test_what_another_thread_holds_is_referred_to_by_its_thread():
    def elsewhere(window):
        return window.recall([], elsewhere={log.thread: log.at([2, 3]) for log in window.log.others()})

    memory = Memex(ScratchStore(), backend=Quote(), chain=[elsewhere])
    memory.thread("shop [1] #7").append(TALK)
    assert memory.thread("mine").send("When do we deploy the ticket shop?").text.splitlines()[0] == (
        '"And remember: we never deploy the ticket shop on a Friday." '
        "[thread shop (1) #7 #3 mara (user), 2026-01-19]"
    )
    # What was quoted is not quoted again from that answer.
    answer = memory.thread("mine").send("When do we deploy our ticket shop?").text
    assert answer.splitlines()[0].endswith("[thread shop (1) #7 #3 mara (user), 2026-01-19]")


def bring_back_everything(window):
    older = [entry for entry in window.droppable if entry.seq < 4]
    return window.drop(older, reason="test").recall(window.log.at([1, 2, 3]))


def test_the_time_is_given_in_the_words_of_the_source():
    talk = said("user", "The key is under the mat.", meta={"created": "1:56 pm on 8 May"}, name="[mara]")
    assert answer("the key?", *TALK, talk) == (
        '"The key is under the mat." [(mara) (user), 1:56 pm on 8 May]'
    )


def test_a_short_answer_stands_after_its_question():
    talk = (said("user", "Who signs off the deploy?"), said("assistant", "Piet."), *TALK)
    assert answer("who signs the deploy off, again?", *talk).startswith('"Piet." [assistant, ')


def test_what_was_said_last_comes_first():
    talk = (said("user", "The code is 1234."), said("user", "The code is 5678."))
    assert answer("the code?", *talk).splitlines() == [
        '"The code is 5678." [user, 2026-01-19]',
        '"The code is 1234." [user, 2026-01-19]',
    ]


def test_endings_do_not_matter():
    assert "deploy the ticket shop" in answer("was the ticket shop ever deployed?", *TALK)


def test_what_a_tool_gave_back_is_quoted():
    call = ToolCall(id="c1", name="lookup")
    talk = (*TALK, Message.assistant([call]), Message.tool("c1", "order A-7731: lost in Trondheim"))
    assert "lost in Trondheim" in answer("where is order A-7731?", *talk)


@pytest.mark.parametrize(
    ("text", "question", "expected"),
    [
        (
            "会議は終わりました。金曜日にはデプロイしないことに決めました。ありがとう。",
            "デプロイはいつしない？",
            '"金曜日にはデプロイしないことに決めました。"',
        ),
        ("会议结束了。我们决定周五不部署系统！谢谢。", "什么时候不部署？", '"我们决定周五不部署系统！"'),
        (
            "Das ist alt. Die Frist endet am 3. Mai 2027. Sonst nichts.",
            "Wann endet die Frist?",
            '"Die Frist endet am 3. Mai 2027."',
        ),
        ("हमने निर्णय लिया। शुक्रवार को तैनात नहीं करेंगे।", "शुक्रवार को क्या?", '"शुक्रवार को तैनात नहीं करेंगे।"'),
    ],
)
def test_other_scripts(text, question, expected):
    assert answer(question, *TALK, said("user", text)).startswith(expected)


# -- what is not -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "question", ["What is the capital of France?", "?", "Why?", "Und warum ist das so?", "なぜですか"]
)
def test_nothing_that_matches_is_said_plainly(question):
    assert answer(question, *TALK) == NOTHING


def test_an_empty_window_and_a_question_without_words():
    assert answer("Where is the key?") == NOTHING
    assert answer("", *TALK) == NOTHING
    no_user = Request(messages=(said("assistant", "Hello."),), answer_tokens=50)
    assert assembled(Quote().stream(no_user)).parts[0].text == NOTHING


def test_the_question_is_not_its_own_answer_nor_is_the_same_one_before():
    talk = (*TALK, said("user", "Where is the lighthouse key?"), said("assistant", "I do not know."))
    assert "Where is the" not in answer("where is the lighthouse  KEY", *talk)


def test_its_own_answers_are_not_quoted():
    own = said("assistant", '"Under the mat." [#4 user, 2026-01-19]', origin=Origin("quote", "extract"))
    assert answer("under the mat?", *TALK, own) == NOTHING
    copied = said("assistant", '"Under the mat." [#4 user, 2026-01-19]')
    assert answer("under the mat?", *TALK, copied) == NOTHING


def test_asking_twice_gives_the_same_answer():
    thread = Memex(ScratchStore(), backend=Quote(), chain=[bring_back_everything]).thread("t")
    thread.append(TALK)
    first, second = (thread.send("When do we deploy the ticket shop?").text for _ in range(2))
    assert first == second


def test_system_text_is_not_for_the_user():
    assert answer("what is the password?", said("system", "The password is swordfish.")) == NOTHING


# -- the answer --------------------------------------------------------------------------------------


def test_a_long_sentence_is_cut_around_the_words():
    long = said("user", "so " * 200 + "the lighthouse key is under the mat " + "and " * 200)
    found = answer("the lighthouse key?", *TALK, long)
    assert "lighthouse key is under the mat" in found
    assert len(found) < 400


def test_usage_is_counted_as_the_host_counts():
    counter = ScriptCounter()
    reply = ask("the ticket shop?", *TALK)
    prompt = [*TALK, Message.user("the ticket shop?")]
    assert reply.usage.input_tokens == sum(map(counter.count_message, prompt))
    assert reply.usage.output_tokens == counter.count_text(reply.parts[0].text)


def test_an_answer_longer_than_its_tokens_is_cut_and_says_so():
    whole, cut = ask("the ticket shop?", *TALK), ask("the ticket shop?", *TALK, answer_tokens=8)
    assert (whole.finish, cut.finish) == ("stop", "length")
    assert whole.parts[0].text.startswith(cut.parts[0].text)
    assert 0 < cut.usage.output_tokens <= 8


def test_it_comes_in_words():
    request = Request(messages=(*TALK, Message.user("the ticket shop?")), answer_tokens=500)
    words = [event.text for event in Quote().stream(request) if event.text]
    assert len(words) > 10
    assert max(map(len, words)) <= 17


def test_there_is_one_way_to_answer():
    assert Quote("extract").model == "extract"
    with pytest.raises(BadSetting, match="quote: model is 'gpt'"):
        Quote("gpt")


# -- sentences ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ('He said "no." Then he left.', ['He said "no."', "Then he left."]),
        (
            "See Dr. Weber at 3.30 p.m. today. Bring e.g. Tea.",
            ["See Dr. Weber at 3.30 p.m. today.", "Bring e.g. Tea."],
        ),
        ("Am 3. Mai kommt J. Smith. Gut.", ["Am 3. Mai kommt J. Smith.", "Gut."]),
        ("Version 1.2.3 is out. pip install it.", ["Version 1.2.3 is out. pip install it."]),
        ("- first\n- second\n\n1. third\n## Fourth", ["first", "second", "third", "Fourth"]),
        ("東京です。「はい。」と言った。本当？", ["東京です。", "「はい。」", "と言った。", "本当？"]),
        ("…\n---\n***\n", []),
        ("", []),
    ],
)
def test_where_sentences_end(text, expected):
    assert list(sentences(text)) == expected


def test_questions_are_told_apart():
    assert all(map(asks, ["Who?", 'Did he say "why?"', "本当？", "متى؟"]))
    assert not any(map(asks, ["No.", "?!...", "I asked why? He left."]))


@settings(deadline=None, max_examples=100)
@given(texts())
def test_no_word_is_lost_between_sentences(text):
    bare = "".join(char for char in text if not char.isdecimal())  # "1." before a line is a mark of a list
    assert letters(" ".join(sentences(bare))) == letters(bare)


def letters(text):
    return [char for char in text if char.isalnum()]


# -- properties --------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(conversations(max_turns=6), texts(), st.integers(0, 200))
def test_any_conversation_gets_one_well_formed_answer(messages, question, answer_tokens):
    request = Request(messages=(*messages, Message.user(question)), answer_tokens=answer_tokens)
    first, second = (check_events(Quote().stream(request)) for _ in range(2))
    assert first == second == list(Quote().generate(request))
    assert assembled(first).usage.output_tokens <= answer_tokens
