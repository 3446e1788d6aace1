"""What a provider answers becomes one typed error that says what to do and shows no key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memex import AuthFailed, BackendError, BadRequest, ContextOverflow, RateLimited, Unavailable
from memex.wire import error_for, retry_after

NOON = 1_764_158_400.0  # 2025-11-26 12:00:00 UTC


def error(status: int | None, code: str = "", message: str = "", **more: object) -> BackendError:
    return error_for("parrot", "grey", status=status, code=code, message=message, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "invalid_request_error", BadRequest),
        (401, "invalid_api_key", AuthFailed),
        (402, "", BadRequest),
        (403, "permission_error", AuthFailed),
        (404, "model_not_found", BadRequest),
        (307, "", BadRequest),
        (407, "", BadRequest),
        (408, "", Unavailable),
        (409, "", Unavailable),
        (413, "request_too_large", BadRequest),
        (422, "", BadRequest),
        (425, "", Unavailable),
        (429, "rate_limit_exceeded", RateLimited),
        (429, "insufficient_quota", BadRequest),
        (500, "server_error", Unavailable),
        (502, "", Unavailable),
        (503, "", Unavailable),
        (529, "overloaded_error", Unavailable),
        (200, "rate_limit_exceeded", RateLimited),
        (200, "server_error", Unavailable),
        (200, "invalid_api_key", AuthFailed),
        (200, "invalid_request_error", BadRequest),
        (200, "something_new", Unavailable),
        (None, "overloaded_error", Unavailable),
        (None, "context_length_exceeded", ContextOverflow),
        (None, "", Unavailable),
    ],
)
def test_each_answer_has_its_error(status: int | None, code: str, kind: type) -> None:
    made = error(status, code, "Words of the provider.")
    assert type(made) is kind
    assert (made.status, made.code) == (status, code)
    assert "parrot (grey)" in str(made)
    assert "Words of the provider" in str(made)


OVERFLOWS = [
    ("prompt is too long: 213462 tokens > 200000 maximum", 200_000),
    ("input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease", 200_000),
    ("This model's maximum context length is 8,192 tokens. However, your messages resulted in 9000.", 8192),
    ("This model's maximum context length is 4096 tokens. However, you requested 5000 tokens", 4096),
    ("This endpoint's maximum context length is 131072 tokens. However, you requested about 140000", 131_072),
    ("The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).", 1_048_576),
    ("too many tokens: total number of tokens in the prompt cannot exceed 128000 - received 130000", 128_000),
    ("Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000", 4096),
    ("Input validation error: `inputs` must have less than 1024 tokens. Given: 2000", 1024),
    ("Prompt contains 40000 tokens, too large for model with 32768 maximum context length", 32_768),
    ("the request exceeds the available context size. try increasing the context size", None),
    ("Your input exceeds the context window of this model. Please adjust your input and try again.", None),
    ("Please reduce the length of the messages or completion.", None),
    ("Input is too long for requested model.", None),
]


@pytest.mark.parametrize(("message", "limit"), OVERFLOWS)
def test_an_overflow_is_known_by_the_words_of_many_servers(message: str, limit: int | None) -> None:
    made = error(400, "invalid_request_error", message)
    assert isinstance(made, ContextOverflow)
    assert made.limit == limit


@pytest.mark.parametrize(
    "message",
    [
        "max_tokens is too large: 100000. This model supports at most 16384 completion tokens",
        "max_tokens: 64001 > 64000, which is the maximum allowed number of output tokens",
        "Unsupported value: 'temperature' does not support 0.3 with this model.",
        "Invalid 'input': string too short",
        "image exceeds 5 MB maximum: 7000000 bytes > 5242880 bytes",
    ],
)
def test_other_limits_are_no_overflow(message: str) -> None:
    assert type(error(400, "invalid_request_error", message)) is BadRequest


def test_too_many_tokens_a_minute_is_no_overflow() -> None:
    words = (
        "Request too large on tokens per min (TPM): Limit 30000. Please reduce the length of the messages."
    )
    assert type(error(429, "rate_limit_exceeded", words)) is RateLimited


def test_code_words_and_parameter_are_found_in_bodies() -> None:
    openai = {
        "error": {"message": "No.", "type": "invalid_request_error", "param": "top_p", "code": "unsupported"}
    }
    made = error(400, body=openai)
    assert (made.code, made.parameter) == ("unsupported", "top_p")
    assert "No" in str(made)
    anthropic = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    assert isinstance(error(None, body=anthropic), Unavailable)
    assert "plain" in str(error(500, body="plain words"))
    assert "simple" in str(error(500, body={"error": "simple"}))
    assert "cohere" in str(error(422, body={"message": "cohere's"}))


def test_waiting_is_told_also_when_the_provider_is_down() -> None:
    assert error(503, headers={"Retry-After": "7"}).retry_after == 7  # type: ignore[attr-defined]
    assert error(429, headers={"Retry-After": "7"}).retry_after == 7  # type: ignore[attr-defined]


def test_a_provider_can_say_that_trying_again_is_useless() -> None:
    assert type(error(500, headers={"X-Should-Retry": "false"})) is BackendError


@given(
    st.none() | st.integers(100, 999),
    st.text(max_size=20),
    st.text(max_size=100),
    st.recursive(
        st.none() | st.text(max_size=5) | st.integers(),
        lambda inner: st.dictionaries(
            st.sampled_from(["error", "code", "type", "message", "param", "x"]), inner
        ),
    ),
    st.dictionaries(
        st.sampled_from(["retry-after", "Date", "x-ratelimit-reset", "retry-after-ms"]), st.text(max_size=12)
    ),
)
def test_no_answer_makes_it_raise(
    status: int | None, code: str, message: str, body: object, headers: dict[str, str]
) -> None:
    made = error_for("parrot", "grey", status=status, code=code, message=message, body=body, headers=headers)
    assert isinstance(made, BackendError)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "12"}, 12),
        ({"Retry-After": "0.5"}, 0.5),
        ({"retry-after": "Wed, 26 Nov 2025 12:00:30 GMT"}, 30),
        ({"retry-after": "Wednesday, 26-Nov-25 12:00:30 GMT"}, 30),
        ({"retry-after": "Wed, 26 Nov 2025 11:00:00 GMT"}, 0),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "9e99"}, None),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"x-ratelimit-reset-requests": "6m0s"}, 360),
        ({"x-ratelimit-reset-tokens": "1h2m3.5s"}, 3723.5),
        ({"x-ratelimit-reset-tokens": "20ms"}, 0.02),
        ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-remaining-requests": "0"}, 1),
        ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-remaining-requests": "3"}, None),
        (
            {
                "x-ratelimit-reset-requests": "9s", "x-ratelimit-remaining-requests": "3",
                "x-ratelimit-reset-tokens": "2s", "x-ratelimit-remaining-tokens": "0",
            },
            2,
        ),
        ({"anthropic-ratelimit-tokens-reset": "2025-11-26T12:00:05Z"}, 5),
        ({"x-ratelimit-reset": str(int(NOON) + 4)}, 4),
        ({"x-ratelimit-reset": str((int(NOON) + 4) * 1000)}, 4),
    ],
)  # fmt: skip
def test_the_time_to_wait_in_every_spelling(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, now=NOON) == (seconds if seconds is None else pytest.approx(seconds))


def test_a_date_is_read_by_the_servers_own_clock() -> None:
    headers = {"retry-after": "Wed, 26 Nov 2025 12:00:30 GMT", "date": "Wed, 26 Nov 2025 12:00:00 GMT"}
    assert retry_after(headers) == 30


@given(
    st.dictionaries(
        st.sampled_from(["retry-after", "retry-after-ms", "x-ratelimit-reset-tokens", "date"]), st.text()
    )
)
def test_no_header_makes_it_raise(headers: dict[str, str]) -> None:
    wait = retry_after(headers)
    assert wait is None or wait >= 0
