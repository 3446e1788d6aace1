"""A contract that nothing can fail proves nothing: backends that owe their wire one thing have to fail it."""

from __future__ import annotations

import inspect

import msgspec
import pytest
from memex_cohere.backend import Cohere

from memex import BackendError, BadRequest, ContextOverflow, Event, RateLimited, Truncated, Unavailable
from memex.testing import WireBackendContract
from memex.testing.wire import WireServer, answer
from memex.testing.wire_backend import RefusedSetting
from memex.wire import forget_learned

MODEL = "command-a-03-2025"


class Sound(WireBackendContract):
    """Cohere's backend, in the words of its API."""

    key_variable = "CO_API_KEY"
    pieces_before_words = 1
    kind = Cohere

    def backend_at(self, url, *, model=MODEL, **settings):
        return self.kind(model, base_url=url, **settings)

    def says(self, text):
        usage = {"tokens": {"input_tokens": 20.0, "output_tokens": 27.0}}
        message = {"role": "assistant", "content": [{"type": "text", "text": text}]}
        return {"id": "c1", "finish_reason": "COMPLETE", "message": message, "usage": usage}

    def pieces(self, said):
        text = said["message"]["content"][0]["text"]
        content = [
            {
                "type": "content-delta",
                "index": 0,
                "delta": {"message": {"content": {"text": text[at : at + 4]}}},
            }
            for at in range(0, len(text), 4)
        ]
        begun = {"message": {"content": {"type": "text", "text": ""}}}
        end = {"finish_reason": "COMPLETE", "usage": said["usage"]}
        events = [
            {"type": "message-start", "id": "c1", "delta": {"message": {"role": "assistant", "content": []}}},
            {"type": "content-start", "index": 0, "delta": begun},
            *content,
            {"type": "content-end", "index": 0},
            {"type": "message-end", "id": "c1", "delta": end},
        ]
        return [(event["type"], event) for event in events]

    def refusal(self, status, words):
        return {"message": words}

    def too_long(self):
        return "too many tokens: the total number of tokens in the prompt cannot exceed 4081", 4081

    def failure(self, words):
        told = {"type": "message-end", "delta": {"error": words, "finish_reason": "ERROR"}}
        return ("message-end", told), Unavailable

    def refused_setting(self):
        words = "invalid request: thinking is not supported by the specified model"
        return RefusedSetting(
            settings={"thinking": {"type": "disabled"}},
            refusal=answer({"message": words}, status=400),
            name="thinking",
            field="thinking",
        )


class Around:
    """A backend around Cohere's, which does nothing of its own. Those below have one fault each."""

    def __init__(self, *args, **settings):
        self.inner = Cohere(*args, **settings)

    name = "cohere"
    model = property(lambda self: self.inner.model)
    capabilities = property(lambda self: self.inner.capabilities)

    def told(self, event):
        return [event]

    def failed(self, error):
        raise error

    def stream(self, request):
        try:
            for event in self.inner.stream(request):
                yield from self.told(event)
        except BackendError as error:
            yield from self.failed(error)

    def generate(self, request):
        try:
            return [one for event in self.inner.generate(request) for one in self.told(event)]
        except BackendError as error:
            return list(self.failed(error))

    def close(self):
        self.inner.close()


class WithoutTheLastWord(Around):
    def generate(self, request):
        return [event for event in super().generate(request) if event.kind != "text"]


class ShoutsItAll(Around):
    def told(self, event):
        return [msgspec.structs.replace(event, text=event.text.upper())]


class AsksAnew(Around):
    """Leaves no connection to the next call."""

    def told(self, event):
        if event.kind == "finish":
            self.inner.close()
        return [event]


class ClosedForGood(Around):
    closed = False

    def close(self):
        super().close()
        self.closed = True

    def stream(self, request):
        if self.closed:
            raise BackendError("it is closed")
        return super().stream(request)

    def generate(self, request):
        return list(self.stream(request))


class OneCall(Around):
    calls = 0

    def stream(self, request):
        self.calls += 1
        if self.calls > 1:
            raise Unavailable("the last call has left something on the connection; check base_url")
        return super().stream(request)


class ReadsOn(Around):
    """Takes no answer for whole before the connection is closed well."""

    def told(self, event):
        if event.kind == "finish":
            raise Truncated("the connection broke")
        return [event]


class KnowsNoLimits(Around):
    def __init__(self, *args, requests_per_minute=None, **settings):
        super().__init__(*args, **settings)
        if requests_per_minute:
            raise BackendError("what is a minute?")


class LeaksErrors(Around):
    def failed(self, error):
        raise error.__cause__ or KeyError("choices")


class SaysOneThing(Around):
    """Has one error for all that may happen."""

    def failed(self, error):
        raise BackendError("it did not work")


class ForgetsFigures(Around):
    def failed(self, error):
        if isinstance(error, ContextOverflow | RateLimited):
            raise type(error)(str(error))
        raise error


class TriesOnce(Around):
    def __init__(self, *args, attempts=1, **settings):
        super().__init__(*args, **{**settings, "attempts": attempts and 1})


class TriesAgain(Around):
    """Even where words were read already."""

    def failed(self, error):
        raise BackendError("it failed twice")

    def stream(self, request):
        first = [event for event in super().stream(request) if event.kind != "start"]
        yield from first


class LearnsNothing(Around):
    def stream(self, request):
        forget_learned()
        return super().stream(request)


class TakesAnything(Around):
    def __init__(self, model, **settings):
        settings.pop("colour", None)
        super().__init__(model or MODEL, **settings)


class HasAKey(Around):
    """Asks without a key of the user's."""

    def __init__(self, *args, api_key=None, **settings):
        super().__init__(*args, api_key=api_key or "a-key-of-the-house", **settings)


class EndsWell(Around):
    """Takes what came for all there is."""

    def failed(self, error):
        yield Event(kind="finish", finish="stop")


class ShowsItsKey(Around):
    def __init__(self, *args, api_key=None, **settings):
        super().__init__(*args, api_key=api_key, **settings)
        self.key = api_key


class RepeatsTheServer(Around):
    """Says what the server said, word for word."""

    def __init__(self, *args, api_key=None, **settings):
        super().__init__(*args, api_key=api_key, **settings)
        self.words = lambda: api_key

    def failed(self, error):
        raise type(error)(f"{error} ({self.words()})")


FAULTS = [
    (WithoutTheLastWord, "test_every_way_gives_the_same_answer", {"way": "generate"}),
    (ShoutsItAll, "test_an_answer_has_the_words_that_were_said", {}),
    (OneCall, "test_one_backend_serves_several_loops_and_threads", {}),
    (AsksAnew, "test_a_connection_is_used_again", {}),
    (ClosedForGood, "test_a_closed_backend_opens_new_connections", {}),
    (ReadsOn, "test_an_answer_is_whole_even_if_the_connection_breaks_after_it", {}),
    (KnowsNoLimits, "test_a_backend_with_limits_answers", {}),
    (LeaksErrors, "test_every_refusal_is_a_typed_error", {}),
    (SaysOneThing, "test_every_refusal_is_a_typed_error", {}),
    (ForgetsFigures, "test_a_prompt_that_is_too_long_says_how_long_it_may_be", {}),
    (TriesOnce, "test_a_passing_fault_is_tried_again", {}),
    (ForgetsFigures, "test_a_wait_that_the_provider_asks_for_is_told", {}),
    (LearnsNothing, "test_a_setting_that_a_model_refuses_is_left_out_once_and_told", {}),
    (TakesAnything, "test_what_makes_no_sense_is_refused_at_once", {}),
    (HasAKey, "test_without_a_key_it_says_where_one_may_be", {}),
    (SaysOneThing, "test_nobody_listens", {}),
    (EndsWell, "test_a_stream_that_is_cut_is_truncated_and_what_came_is_kept", {"end": "whole"}),
    (TriesAgain, "test_a_stream_that_is_cut_is_truncated_and_what_came_is_kept", {"end": "reset"}),
    (TriesOnce, "test_a_stream_without_a_word_is_asked_for_again", {"end": "close"}),
    (EndsWell, "test_a_garbled_piece_is_not_skipped", {}),
    (SaysOneThing, "test_an_answer_that_fails_in_the_middle_is_typed", {}),
    (EndsWell, "test_half_a_body_is_no_answer", {"way": "generate"}),
    (SaysOneThing, "test_a_deadline_ends_what_takes_too_long", {"how": "slow body"}),
    (EndsWell, "test_a_stream_that_stalls_is_ended_and_the_client_hangs_up", {}),
    (OneCall, "test_a_call_that_was_cut_leaves_the_next_one_alone", {}),
    (ShowsItsKey, "test_the_key_shows_nowhere", {}),
    (RepeatsTheServer, "test_the_key_shows_nowhere", {}),
]


@pytest.fixture(autouse=True)
def _nobodys_key(monkeypatch, tmp_path):
    for name in ("CO_API_KEY", "COHERE_API_KEY", "CO_API_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")


def case_of(kind):
    """Return the contract for one kind of backend, as pytest would have made it ready."""
    case = Sound()
    case.kind, case._made = kind, []
    return case


def named(value):
    return "" if isinstance(value, dict) else getattr(value, "__name__", value)


def keeps(kind, promise, given, caplog, folder):
    """Run one test of the contract by hand."""
    case = case_of(kind)
    caplog.clear()
    folder.mkdir()
    usual = {"way": "stream", "caplog": caplog, "tmp_path": folder, "setting": ({"colour": "grey"}, "colour")}
    usual["refused"] = case.refuses(401, "that key is wrong"), *case._usual_refusals()[1][1:]
    with WireServer() as server:
        values = {**usual, **given, "server": server}
        wanted = inspect.signature(getattr(case, promise)).parameters
        try:
            getattr(case, promise)(**{name: values[name] for name in wanted})
        finally:
            for backend in case._made:
                backend.close()
            forget_learned()


@pytest.mark.parametrize(("kind", "promise", "given"), FAULTS, ids=named)
def test_the_broken_backend_fails_and_the_sound_one_does_not(kind, promise, given, caplog, tmp_path):
    keeps(Around, promise, given, caplog, tmp_path / "sound")
    with pytest.raises((Exception, pytest.fail.Exception)) as caught:
        keeps(kind, promise, given, caplog, tmp_path / "broken")
    assert not isinstance(caught.value, TypeError | AttributeError | pytest.skip.Exception), caught.value


def test_a_way_that_a_backend_does_not_offer_is_skipped(caplog, tmp_path):
    with pytest.raises(pytest.skip.Exception, match=r"Around offers no astream\(\)"):
        keeps(
            Around, "test_an_answer_has_the_words_that_were_said", {"way": "astream"}, caplog, tmp_path / "x"
        )


def test_every_promise_is_broken_by_somebody_but_that_of_cancelled_tasks():
    promises = {name for name in dir(WireBackendContract) if name.startswith("test_")}
    assert promises - {name for _, name, _ in FAULTS} == {
        "test_a_task_that_is_cancelled_hangs_up_and_keeps_what_came"
    }


def test_a_backend_that_ends_a_cancelled_task_as_if_nothing_had_been_is_caught():
    class Swallows(Cohere):
        async def astream(self, request):
            try:
                async for event in super().astream(request):
                    yield event
            except BaseException:
                yield Event(kind="finish", finish="stop")

    case = case_of(Swallows)
    with WireServer() as server, pytest.raises((AssertionError, pytest.fail.Exception, RuntimeError)):
        case.test_a_task_that_is_cancelled_hangs_up_and_keeps_what_came(server)
    for backend in case._made:
        backend.close()


def test_seams_that_are_left_out_say_what_they_need():
    class Bare(WireBackendContract):
        pass

    for needed in ("backend_at", "says", "pieces", "refusal"):
        arguments = len(inspect.signature(getattr(Bare, needed)).parameters) - 1
        with pytest.raises(NotImplementedError, match=f"Bare.{needed}"):
            getattr(Bare(), needed)(*["x"] * min(arguments, 2 if needed == "refusal" else 1))
    for optional, arguments in (("too_long", ()), ("failure", ("x",)), ("refused_setting", ())):
        with pytest.raises(pytest.skip.Exception, match=f"Bare.{optional}"):
            getattr(Bare(), optional)(*arguments)


def test_an_error_of_another_kind_is_not_the_error():
    class Odd(Around):
        def failed(self, error):
            raise BadRequest(str(error))

    case = case_of(Odd)
    with WireServer() as server, pytest.raises(BadRequest):
        case.test_every_refusal_is_a_typed_error(server, "stream", case._usual_refusals()[5])
    for backend in case._made:
        backend.close()
