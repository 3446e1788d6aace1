"""What a backend may add to an answer, and how it is told what the next window will begin with."""

from __future__ import annotations

import pytest
from doubles import Scripted, WordCounter, answer, call, calling, evict

from memex import BackendError, Event, Memex, Message, Origin, Reasoning, Tool

NOTE = {"scripted:ids": {"ids": [1, 2]}}


class Preparing(Scripted):
    """Remembers what it was told to prepare, and fails at it if asked to."""

    def __init__(self, *events, fails=False):
        super().__init__(*events)
        self.prepared = []
        self.fails = fails

    def prepare(self, request):
        self.prepared.append(request)
        if self.fails:
            raise RuntimeError("no room")


@pytest.fixture
def opened(request):
    def make(backend, **settings):
        given = {"counter": WordCounter(), "chain": [evict], "budget": 60, "answer_tokens": 10} | settings
        memory = Memex("inmemory:", backend=backend, **given)
        request.addfinalizer(memory.close)
        return memory

    return make


# -- notes on an answer ------------------------------------------------------------------------------


def test_notes_on_an_answer_are_stored_with_it(opened):
    events = [*answer("fine")[:-1], Event(kind="finish", finish="stop", extra=NOTE)]
    thread = opened(Scripted(*events)).thread("t")
    assert thread.send("hello").message.extra["scripted:ids"] == {"ids": (1, 2)}
    assert next(thread.messages(reverse=True)).extra["scripted:ids"]["ids"] == (1, 2)


def test_nothing_is_prepared_while_results_of_tools_are_to_come(opened):
    class Preparing(Scripted):
        asked = 0

        def prepare(self, request):
            self.asked += 1

    backend = Preparing(*calling(call("look")))
    thread = opened(backend, budget=60, answer_tokens=10).thread("t")
    for _ in range(12):
        thread.append("word " * 4)
    thread.send("hello there", tools=[Tool("look")])
    assert backend.asked == 0


def test_notes_of_several_events_add_up_and_a_partial_answer_keeps_its_own(opened):
    events = [
        Event(kind="text", text="fi", extra={"scripted:a": 1}),
        Event(kind="text", text="ne", extra={"scripted:b": 2}),
        BackendError("gone"),
    ]
    thread = opened(Scripted(*events)).thread("t")
    with pytest.raises(BackendError):
        thread.send("hello")
    assert next(thread.messages(reverse=True)).extra == {"scripted:a": 1, "scripted:b": 2, "memex:plan": 1}


def test_notes_that_are_no_mapping_are_named(opened):
    thread = opened(Scripted(Event(kind="text", text="fine", extra=3))).thread("t")
    with pytest.raises(BackendError, match="an event whose extra is of the wrong type"):
        thread.send("hello")


# -- preparing ---------------------------------------------------------------------------------------


def hold(thread, turns):
    for turn in range(turns):
        thread.send(f"{turn} " + "word " * 6)


def test_a_backend_is_told_of_the_next_beginning_before_an_eviction_only(opened):
    backend = Preparing(*answer("a", "b", "c"))
    memory = opened(backend)
    thread = memory.thread("t")
    thread.append(Message.system("be brief"))
    hold(thread, 12)
    assert 0 < len(backend.prepared) < 6
    sent = [[message.id for message in request.messages] for request in backend.requests]
    for request in backend.prepared:
        ids = [message.id for message in request.messages]
        assert any(window[: len(ids)] == ids for window in sent), "a later window begins just so"
        assert ids[-1] not in sent[0]
        assert request.messages[0].role == "system"
        assert request.messages[-1].role == "assistant"
        assert (request.thread, request.answer_tokens) == ("t", 10)
    assert memory.problems == ()
    assert all(replayed.same for replayed in thread.replay()), "nothing of it is recorded"
    assert sum(1 for _ in thread.plans()) == 12


async def test_it_is_told_on_an_event_loop_too(opened):
    backend = Preparing(*answer("a", "b", "c"))
    thread = opened(backend).thread("t")
    for turn in range(8):
        await thread.asend(f"{turn} " + "word " * 6)
    assert backend.prepared


def test_what_is_bound_to_another_model_is_not_prepared(opened):
    backend = Preparing(*answer("a", "b", "c"))
    thread = opened(backend).thread("t")
    hold(thread, 3)
    signed = [Reasoning("hm", signature="theirs"), *Message.user("so").parts]
    thread.append(Message.assistant(signed, origin=Origin("other", "model")))
    hold(thread, 4)
    assert backend.prepared
    told = [part for request in backend.prepared for message in request.messages for part in message.parts]
    assert not [part for part in told if isinstance(part, Reasoning)]


def test_a_backend_that_fails_to_prepare_is_reported_and_the_turn_is_not_touched(opened):
    backend = Preparing(*answer("a", "b", "c"), fails=True)
    thread = opened(backend).thread("t")
    hold(thread, 8)
    assert backend.prepared
    assert thread.info.head == 16
