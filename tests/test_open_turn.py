"""A turn whose model is called by somebody else."""

from __future__ import annotations

import pytest
from doubles import WordCounter

from memex import (
    BackendError,
    ConfigError,
    ContextOverflow,
    Event,
    Memex,
    Message,
    OpenTurn,
    Reasoning,
    Tool,
    Truncated,
    Unavailable,
    Usage,
    hookimpl,
)
from memex.testing import ScratchStore, evict_oldest


@pytest.fixture
def memory():
    with Memex(
        ScratchStore(), chain=[evict_oldest], budget=100, answer_tokens=20, counter=WordCounter()
    ) as opened:
        yield opened


def turn_of(memory, **more):
    return OpenTurn(memory.thread("t"), provider="parrot", model="grey", **more)


def words(*said):
    return [Event(kind="text", text=word) for word in said]


def answered(turn, *said):
    for event in [
        *words(*said),
        Event(kind="usage", usage=Usage(input_tokens=3)),
        Event(kind="finish", finish="stop"),
    ]:
        turn.feed(event)
    return turn.finish()


def test_a_turn(memory):
    turn = turn_of(memory, tools=[Tool("look")])
    assert turn.window is None
    request = turn.begin([Message.user("Who signs it off?")])
    assert [m.text for m in request.messages] == ["Who signs it off?"]
    assert (turn.window.plan.target, turn.window.tools_tokens, request.thread) == ("parrot:grey", 10, "t")
    assert not turn.over
    reply = answered(turn, "Ma", "ra.")
    assert (reply.text, turn.reply, turn.over, reply.finish) == ("Mara.", reply, True, "stop")
    question, said = memory.thread("t").messages()
    assert (said.parent, said.origin.provider, said.origin.model, said.status) == (
        question.id,
        "parrot",
        "grey",
        "complete",
    )
    assert said.usage.input_tokens == 3


def test_it_goes_on_where_what_was_said_is_stored(memory):
    memory.thread("t").append("Who?")
    turn = turn_of(memory)
    assert [m.text for m in turn.go_on().messages] == ["Who?"]
    answered(turn, "Mara.")
    assert [m.text for m in memory.thread("t").messages()] == ["Who?", "Mara."]


def test_a_turn_that_fails_keeps_what_came(memory):
    told = []

    class Listener:
        @hookimpl
        def memex_call_failed(self, thread, error):
            told.append(error)

    with Memex(memory.store, chain=[], plugins=[Listener()]) as heard:
        turn = turn_of(heard)
        turn.begin([Message.user("Who?")])
        for event in words("Ma"):
            turn.feed(event)
        known = turn.fail(OSError("cut"))
        assert isinstance(known, BackendError)
        assert (turn.error, turn.over, told) == (known, True, [known])
        typed = Unavailable("down")
        other = turn_of(heard)
        other.go_on()
        assert other.fail(typed) is typed
    assert [(m.text, m.status) for m in memory.thread("t").messages()] == [
        ("Who?", "complete"),
        ("Ma", "incomplete"),
    ]


def test_an_answer_without_its_end_is_truncated(memory):
    turn = turn_of(memory)
    turn.begin([Message.user("Who?")])
    turn.feed(words("Ma")[0])
    with pytest.raises(Truncated) as told:
        turn.finish()
    turn.fail(told.value)
    *_, last = memory.thread("t").messages()
    assert last.status == "incomplete"


def test_an_event_that_reports_an_error(memory):
    turn = turn_of(memory)
    turn.begin([Message.user("Who?")])
    with pytest.raises(BackendError, match="tired"):
        turn.feed(Event(kind="error", error="tired"))


def test_every_step_in_its_order(memory):
    turn = turn_of(memory)
    for early in (turn.finish, lambda: turn.feed(words("x")[0]), lambda: turn.fail(OSError())):
        with pytest.raises(ConfigError, match="begin"):
            early()
    turn.begin([Message.user("Who?")])
    for again in (lambda: turn.begin([Message.user("And?")]), turn.go_on):
        with pytest.raises(ConfigError, match="begun already"):
            again()
    answered(turn, "Mara.")
    with pytest.raises(ConfigError, match="over"):
        turn.finish()
    assert [m.text for m in memory.thread("t").messages()] == ["Who?", "Mara."]


def test_a_window_that_is_too_long_is_made_smaller_once(memory):
    thread = memory.thread("t")
    for number in range(12):
        thread.append([Message.user(f"question {number}"), Message.assistant(f"answer {number}")])
    turn = turn_of(memory)
    first = turn.begin([Message.user("and now?")])
    assert turn.refit(Unavailable("down")) is None
    second = turn.refit(ContextOverflow("too long", limit=40))
    assert len(second.messages) < len(first.messages)
    assert second.messages[-1].text == "and now?"
    assert turn.window.plan.total < 100
    assert turn.refit(ContextOverflow("too long", limit=30)) is None
    answered(turn, "Short.")


def test_parts_bound_to_another_model_are_left_out(memory):
    from memex import Origin

    thought = Message.assistant([Reasoning("hm", signature="s")], origin=Origin("other", "m"))
    memory.thread("t").append([Message.user("Hm?"), thought])
    turn = turn_of(memory)
    assert not [
        p for m in turn.begin([Message.user("Who?")]).messages for p in m.parts if isinstance(p, Reasoning)
    ]
    assert turn.window.plan.left_out
