"""The contract of backends fails where it should: each bad backend is caught by the test meant for it."""

from __future__ import annotations

import pytest
from doubles import Scripted, answer

from memex import BackendError, Event, Message, Text, Unavailable, Usage
from memex.testing import BackendContract


class Good(Scripted):
    def stream(self, request):
        words = ("too", " long") if request.answer_tokens > 1 else ("too",)
        yield from (
            answer(*words)
            if request.answer_tokens > 1
            else (
                *answer(*words)[:-1],
                Event(kind="finish", finish="length"),
            )
        )


class Contract(BackendContract):
    def __init__(self, make, failing=None):
        self.make_backend = make
        self.make_failing_backend = lambda: failing


def test_a_good_backend_passes():
    good = Contract(Good, failing=Scripted(Unavailable("down for the night")))
    for name in dir(good):
        if name.startswith("test_"):
            getattr(good, name)()


def test_without_a_failing_backend_the_test_says_what_it_needs():
    with pytest.raises(pytest.skip.Exception, match="make_failing_backend"):
        Contract(Good).test_a_failure_is_typed_and_loses_nothing()


@pytest.mark.parametrize(
    ("events", "complaint"),
    [
        ((), "no event"),
        (answer("fine")[:-1], "truncated"),
        ((*answer("fine"), Event(kind="text", text="more")), "after the finish"),
        ((Event(kind="text", text="a"), *answer("fine")), "start came after"),
        ((Event(kind="text"), *answer("fine")[1:]), "has no text"),
        ((Event(kind="error", error="out of paper"),), "out of paper"),
        (("fine",), "a str is no event"),
    ],
)
def test_streams_that_are_not_well_formed_are_caught(events, complaint):
    backend = Scripted()
    backend.events = events
    with pytest.raises(AssertionError, match=complaint):
        Contract(lambda: backend).test_events_are_well_formed()


def test_an_answer_without_usage_is_caught():
    silent = [event for event in answer("fine") if event.kind != "usage"]
    with pytest.raises(AssertionError, match="no usage"):
        Contract(lambda: Scripted(*silent)).test_usage_is_told()


def test_a_negative_usage_is_caught():
    usage = Event(kind="usage", usage=Usage(input_tokens=5, output_tokens=5, cache_read_tokens=-1))
    events = (*answer("fine")[:2], usage, answer("fine")[-1])
    with pytest.raises(AssertionError, match="negative"):
        Contract(lambda: Scripted(*events)).test_usage_is_told()


def test_generate_that_answers_otherwise_is_caught():
    class Moody(Scripted):
        def generate(self, request):
            return list(answer("something", " else"))

    with pytest.raises(AssertionError):
        Contract(Moody).test_generate_gives_what_stream_gives()


def test_an_asynchronous_twin_that_answers_otherwise_is_caught():
    class Moody(Scripted):
        async def astream(self, request):
            for event in answer("something", " else"):
                yield event

    with pytest.raises(AssertionError):
        Contract(Moody).test_the_asynchronous_twins_do_the_same()


def test_a_raw_error_is_caught():
    with pytest.raises(KeyError):
        Contract(Good, failing=Scripted(KeyError("choices"))).test_a_failure_is_typed_and_loses_nothing()


def test_a_failing_backend_that_answers_is_caught():
    with pytest.raises(pytest.fail.Exception):
        Contract(Good, failing=Good()).test_a_failure_is_typed_and_loses_nothing()


def test_an_answer_that_ignores_its_limit_is_caught():
    with pytest.raises(AssertionError, match="ended with stop"):
        Contract(lambda: Scripted(*answer("much", " too", " long"))).test_an_answer_that_is_too_long_says_so()


def test_sending_what_another_model_signed_is_caught():
    class Leaky(BackendContract):
        def make_backend(self):
            return Good()

        def sent_by(self, backend):
            return "signed-by-another-model"

    with pytest.raises(AssertionError):
        Leaky().test_no_part_of_another_model_is_sent()


def test_a_close_that_fails_the_second_time_is_caught():
    class Once(Good):
        def close(self):
            super().close()
            if self.closed > 1:
                raise BackendError("closed already")

    with pytest.raises(BackendError):
        Contract(Once).test_closing_twice_is_allowed()


def test_histories_may_be_the_authors_own():
    class Own(Contract):
        def history(self):
            return [Message.user([Text("only this")])]

    Own(Good).test_the_reply_is_stored_once()
