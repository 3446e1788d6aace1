"""A caller tries again when that can help, says nothing twice, and lets no foreign exception out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memex import (
    AuthFailed,
    BackendError,
    BadRequest,
    ContextOverflow,
    Event,
    MemexError,
    RateLimited,
    Truncated,
    Unavailable,
    Usage,
)
from memex.wire import Attempt, Caller, Deadlines, RateLimits, Retries, forget_learned

START = Event(kind="start", response_id="r1")
FINISH = Event(kind="finish", finish="stop")
END = object()  # the try ends without an error


def text(words: str) -> Event:
    return Event(kind="text", text=words)


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Script:
    """A provider that does in each try what it is told: events, then an exception or the end."""

    def __init__(self, *tries: Sequence[object]) -> None:
        self.tries = list(tries)
        self.attempts: list[Attempt] = []
        self.closed = 0

    def __call__(self, attempt: Attempt) -> Iterator[Event]:
        self.attempts.append(attempt)
        attempt.closes(self._close)
        for step in self.tries[len(self.attempts) - 1]:
            if isinstance(step, BaseException):
                raise step
            yield step  # type: ignore[misc]

    async def again(self, attempt: Attempt) -> AsyncIterator[Event]:
        for event in self(attempt):
            await asyncio.sleep(0)
            yield event

    def _close(self) -> None:
        self.closed += 1


def caller(clock: Clock | None = None, **settings: Any) -> Caller:
    clock = clock or Clock()
    settings.setdefault("translate", lambda _: None)
    settings.setdefault("deadlines", Deadlines(connect=None, first=None, idle=None, total=None))
    return Caller(
        provider="parrot", model="grey", clock=clock, random=lambda: 1.0, sleep=clock.sleep, **settings
    )


def drive(how: str, made: Caller, script: Script, **call: Any) -> tuple[list[Event], BaseException | None]:
    """Return the events that came and the error that followed them."""
    got: list[Event] = []

    async def alone() -> None:
        async for event in made.astream(script.again, **call):
            got.append(event)

    try:
        if how == "async":
            asyncio.run(alone())
        else:
            for event in made.stream(script, **call):
                got.append(event)
    except (Exception, KeyboardInterrupt) as error:
        return got, error
    return got, None


@pytest.fixture(params=["sync", "async"])
def how(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    real = asyncio.sleep
    monkeypatch.setattr(asyncio, "sleep", lambda _seconds, *rest: real(0, *rest))
    return str(request.param)


@pytest.fixture(autouse=True)
def _nothing_learned() -> Iterator[None]:
    forget_learned()
    yield
    forget_learned()


def test_an_answer_comes_as_it_is(how: str) -> None:
    script = Script([START, text("a"), text("b"), FINISH])
    got, error = drive(how, caller(), script)
    assert error is None
    assert got == [START, text("a"), text("b"), FINISH]
    assert script.closed == 1


def test_what_comes_after_the_finish_is_not_read(how: str) -> None:
    got, error = drive(how, caller(), Script([text("a"), FINISH, RuntimeError("never")]))
    assert (got, error) == ([text("a"), FINISH], None)


@pytest.mark.parametrize(
    "failure",
    [Unavailable("down"), RateLimited("slow"), ConnectionResetError(104, "reset"), TimeoutError(), END],
    ids=lambda failure: type(failure).__name__,
)
def test_before_the_first_words_a_passing_failure_is_tried_again(how: str, failure: object) -> None:
    first = [START] if failure is END else [START, failure]
    script = Script(first, [START, text("a"), FINISH])
    got, error = drive(how, caller(), script)
    assert error is None
    assert got == [START, text("a"), FINISH]
    assert [attempt.number for attempt in script.attempts] == [1, 2]


@pytest.mark.parametrize(
    "failure", [Unavailable("down"), RateLimited("slow"), ConnectionResetError(104, "reset"), END]
)
def test_after_the_first_words_nothing_is_tried_again(how: str, failure: object) -> None:
    script = Script([text("a")] if failure is END else [text("a"), failure])
    got, error = drive(how, caller(), script)
    assert got == [text("a")]
    assert len(script.attempts) == 1
    expected = type(failure) if isinstance(failure, BackendError) else Truncated
    assert type(error) is expected


@pytest.mark.parametrize("failure", [BadRequest("no"), AuthFailed("no"), ContextOverflow("no", limit=8)])
def test_what_waiting_does_not_heal_is_raised_at_once(how: str, failure: BackendError) -> None:
    script = Script([failure])
    got, error = drive(how, caller(), script)
    assert (got, error, len(script.attempts)) == ([], failure, 1)


def test_the_last_error_goes_up_and_says_how_often(how: str) -> None:
    last = Unavailable("still down")
    script = Script([Unavailable("down")], [Unavailable("down")], [Unavailable("down")], [last])
    _, error = drive(how, caller(), script)
    assert error is last
    assert last.__notes__ == ["after 4 tries"]
    assert script.closed == 4


@pytest.mark.parametrize(
    ("foreign", "typed"),
    [
        (OSError("no route"), Unavailable),
        (json.JSONDecodeError("Expecting value", "{", 1), Unavailable),
        (KeyError("choices"), BackendError),
        (RuntimeError("boom"), BackendError),
    ],
)
def test_no_foreign_exception_comes_out(how: str, foreign: Exception, typed: type) -> None:
    _, error = drive(how, caller(retries=Retries(attempts=1)), Script([foreign]))
    assert error is not None
    assert type(error) is typed
    assert error.__cause__ is foreign
    assert "parrot (grey)" in str(error)


def test_a_corrupt_chunk_in_the_middle_is_a_truncated_answer(how: str) -> None:
    corrupt = json.JSONDecodeError("Expecting value", "{", 1)
    got, error = drive(how, caller(), Script([text("a"), corrupt]))
    assert got == [text("a")]
    assert type(error) is Truncated


def test_the_plugin_knows_better(how: str) -> None:
    foreign = RuntimeError("429")
    made = caller(translate=lambda error: RateLimited("slow") if error is foreign else None)
    got, error = drive(how, made, Script([foreign], [FINISH]))
    assert (got, error) == ([FINISH], None)


def test_a_fault_in_translate_hides_nothing(how: str) -> None:
    def faulty(_: BaseException) -> None:
        raise KeyError("x")

    made = caller(translate=faulty, retries=Retries(attempts=1))
    foreign = ConnectionError("gone")
    _, error = drive(how, made, Script([foreign]))
    assert type(error) is Unavailable
    assert error.__cause__ is foreign
    assert foreign.__notes__ == ["translating it failed: KeyError: 'x'"]


def test_a_fault_in_refused_hides_nothing(how: str) -> None:
    def faulty(_: BackendError) -> str | None:
        raise KeyError("param")

    error = BadRequest("no")
    _, raised = drive(how, caller(refused=faulty), Script([error]))
    assert raised is error
    assert error.__notes__ == ["looking for a refused setting failed: KeyError: 'param'"]


def test_without_a_thread_for_the_watchdog_the_call_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_more(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("threading.Thread.start", no_more)
    got, error = drive("sync", caller(deadlines=Deadlines()), Script([text("a"), FINISH]))
    assert (got, error) == ([text("a"), FINISH], None)


@pytest.mark.parametrize("junk", [None, 3, {"kind": "text"}])
def test_what_is_no_event_is_an_error_of_the_plugin(how: str, junk: object) -> None:
    _, error = drive(how, caller(), Script([junk]))
    assert type(error) is BackendError


def test_an_error_event_is_an_error(how: str) -> None:
    _, error = drive(how, caller(), Script([Event(kind="error", error="overloaded")]))
    assert type(error) is BackendError
    assert "overloaded" in str(error)


def test_a_retry_after_is_slept_and_a_long_one_is_not() -> None:
    clock = Clock()
    drive("sync", caller(clock), Script([RateLimited("slow", retry_after=7)], [FINISH]))
    assert clock.slept == [7.5]
    far = RateLimited("slow", retry_after=121)
    _, error = drive("sync", caller(clock), Script([far]))
    assert error is far
    assert clock.slept == [7.5]


def test_waits_grow_up_to_a_bound() -> None:
    clock = Clock()
    script = Script(*[[Unavailable("down")]] * 10)
    drive("sync", caller(clock, retries=Retries(attempts=10, first=1, longest=20)), script)
    assert clock.slept == [1, 2, 4, 8, 16, 20, 20, 20, 20]


def test_no_wait_goes_beyond_the_total() -> None:
    clock = Clock()
    deadlines = Deadlines(connect=None, first=None, idle=None, total=10)
    script = Script(*[[Unavailable("down")]] * 9)
    made = caller(clock, retries=Retries(attempts=9, first=3), deadlines=deadlines)
    _, error = drive("sync", made, script)
    assert isinstance(error, Unavailable)
    assert clock.slept == [3, 6]


@given(
    attempt=st.integers(1, 10_000),
    elapsed=st.floats(0, 1e6),
    total=st.none() | st.floats(0.001, 1e6),
    draw=st.floats(0, 1, exclude_max=True),
    asked=st.none() | st.floats(0, 1e6),
    attempts=st.integers(1, 10_000),
)
def test_a_wait_is_within_every_bound(
    attempt: int, elapsed: float, total: float | None, draw: float, asked: float | None, attempts: int
) -> None:
    retries = Retries(attempts=attempts, first=0.5, longest=30, longest_wait=120)
    error = RateLimited("slow", retry_after=asked)
    wait = retries.wait(error, attempt, elapsed=elapsed, total=total, random=lambda: draw)
    if wait is None:
        return
    assert attempt < attempts
    assert wait >= (asked or 0)
    assert wait <= (30 if asked is None else 120.5)
    assert total is None or elapsed + wait < total


# -- settings that a model refuses ----------------------------------------------------------------


def refusing(error: BackendError) -> str | None:
    return error.parameter or None


def refusal(parameter: str) -> BadRequest:
    error = BadRequest(f"unsupported: {parameter}")
    error.parameter = parameter
    return error


def test_a_refused_setting_is_left_out_and_learned_once(how: str) -> None:
    clock = Clock()
    made = caller(clock, refused=refusing, droppable=["temperature"], retries=Retries(attempts=1))
    script = Script([refusal("temperature")], [FINISH], [FINISH])
    for _ in range(2):
        got, error = drive(how, made, script, settings=["temperature", "stop"])
        assert error is None
        (told,) = got[-1].extra["parrot:left_out"]
        assert told[0] == "temperature"
        assert "unsupported: temperature" in told[1]
    assert [list(attempt.dropped) for attempt in script.attempts] == [[], ["temperature"], ["temperature"]]
    assert clock.slept == []


@pytest.mark.parametrize("parameter", ["stop", "max_tokens"])
def test_a_setting_that_may_not_be_left_out_is_an_error(how: str, parameter: str) -> None:
    made = caller(refused=refusing, droppable=["temperature", "max_tokens"])
    _, error = drive(how, made, Script([refusal(parameter)]), settings=["temperature", "stop"])
    assert isinstance(error, BadRequest)


def test_a_model_that_refuses_again_ends_it(how: str) -> None:
    made = caller(refused=refusing, droppable=["temperature"])
    script = Script([refusal("temperature")], [refusal("temperature")])
    _, error = drive(how, made, script, settings=["temperature"])
    assert isinstance(error, BadRequest)


def test_what_is_known_to_be_refused_is_not_tried(how: str) -> None:
    made = caller(refuses=["temperature", "top_p"])
    script = Script([Event(kind="finish", finish="stop", extra={"parrot:left_out": [["image", "blind"]]})])
    got, _ = drive(how, made, script, settings=["temperature"])
    assert script.attempts[0].dropped == {"temperature": "grey does not take it"}
    told = [name for name, _ in got[0].extra["parrot:left_out"]]
    assert told == ["image", "temperature"]


# -- leaving early --------------------------------------------------------------------------------


def test_leaving_the_stream_closes_the_response() -> None:
    script = Script([text("a"), text("b"), FINISH])
    stream = caller().stream(script)
    next(iter(stream))
    stream.close()  # type: ignore[attr-defined]
    assert script.closed == 1


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), SystemExit()])
def test_a_stop_from_outside_closes_the_response_and_is_not_typed(stop: BaseException) -> None:
    script = Script([text("a"), stop])
    with pytest.raises(type(stop)):
        list(caller().stream(script))
    assert script.closed == 1
    assert len(script.attempts) == 1


def test_an_exception_of_the_reader_is_the_readers() -> None:
    script = Script([text("a"), FINISH])
    stream = caller().stream(script)
    next(iter(stream))
    with pytest.raises(ConnectionError):
        stream.throw(ConnectionError("mine"))  # type: ignore[attr-defined]
    assert script.closed == 1


@pytest.mark.parametrize("when", ["while it waits", "between two events"])
async def test_cancelling_closes_the_response(when: str) -> None:
    ended = []
    reached = asyncio.Event()

    async def attempt(one: Attempt) -> AsyncIterator[Event]:
        async def close() -> None:
            await asyncio.sleep(0)
            ended.append("response")

        one.closes(close)
        try:
            yield text("a")
            reached.set()
            await asyncio.sleep(3600)
        finally:
            ended.append("generator")

    async def read() -> None:
        stream = caller(deadlines=Deadlines()).astream(attempt)
        try:
            async for _ in stream:
                if when == "between two events":
                    reached.set()
                    await asyncio.sleep(3600)
        finally:
            await stream.aclose()  # type: ignore[attr-defined]

    task = asyncio.create_task(read())
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["generator", "response"]


# -- limits ---------------------------------------------------------------------------------------


def test_calls_wait_for_their_place() -> None:
    clock = Clock()
    limits = RateLimits(requests_per_minute=2, clock=clock)
    made = caller(clock, limits=limits)
    for _ in range(4):
        drive("sync", made, Script([FINISH]))
    assert clock.slept == [30, 30]


def test_usage_corrects_what_was_reserved() -> None:
    clock = Clock()
    limits = RateLimits(tokens_per_minute=1000, clock=clock)
    used = Event(kind="usage", usage=Usage(input_tokens=100, cache_read_tokens=50, output_tokens=50))
    for _ in range(2):
        drive("sync", caller(clock, limits=limits), Script([text("a"), used, FINISH]), tokens=900)
    assert clock.slept == [pytest.approx(6.0)]


def test_a_wait_beyond_the_deadline_is_an_error_and_gives_the_place_back(how: str) -> None:
    clock = Clock()
    limits = RateLimits(requests_per_minute=1, clock=clock)
    made = caller(clock, limits=limits, deadlines=Deadlines(total=10))
    drive(how, made, Script([FINISH]))
    _, error = drive(how, made, Script([FINISH]))
    assert isinstance(error, RateLimited)
    assert error.retry_after == 60
    assert limits.reserve(0) == 60


def test_a_mistaken_retry_after_stops_nobody_else_for_a_day(how: str) -> None:
    clock = Clock()
    limits = RateLimits(requests_per_minute=600, clock=clock)
    made = caller(clock, limits=limits, retries=Retries(longest_wait=20), deadlines=Deadlines(total=600))
    _, error = drive(how, made, Script([RateLimited("slow down", retry_after=86_400)]))
    assert isinstance(error, RateLimited)
    assert error.retry_after == 86_400
    assert limits.reserve(0) == pytest.approx(20)


@given(
    st.lists(
        st.lists(
            st.sampled_from(
                [START, text("a"), FINISH, Unavailable("down"), BadRequest("no"), KeyError("x"), None]
            ),
            max_size=4,
        ),
        min_size=4,
        max_size=4,
    ),
    st.sampled_from(["sync", "async"]),
)
def test_whatever_a_provider_does_the_stream_is_well_formed(tries: list[list[Any]], how: str) -> None:
    made = caller(retries=Retries(attempts=4, first=0))
    got, error = drive(how, made, Script(*tries))
    kinds = [event.kind for event in got]
    assert (error is None) == (kinds[-1:] == ["finish"])
    assert error is None or isinstance(error, MemexError)
    assert kinds.count("finish") <= 1
    if error is not None:
        assert not kinds or "text" in kinds  # a bare start is held back for the next try
