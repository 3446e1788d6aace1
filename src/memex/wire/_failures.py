"""From what a provider answered to a typed error that says what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from memex._errors import AuthFailed, BackendError, BadRequest, ContextOverflow, RateLimited, Unavailable
from memex.wire._overflow import overflow_limit
from memex.wire._retry_after import retry_after
from memex.wire._secret import scrub

_MOST_TEXT: Final = 600
_AUTH: Final = frozenset(
    {"invalid_api_key", "authentication_error", "permission_error", "permission_denied", "unauthorized",
     "invalid_authentication", "account_deactivated"}
)  # fmt: skip
_QUOTA: Final = frozenset(
    {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "billing_error",
     "insufficient_credits", "credit_balance_too_low", "payment_required"}
)  # fmt: skip
_LIMITED: Final = frozenset(
    {"rate_limit_exceeded", "rate_limit_error", "rate_limited", "too_many_requests", "tokens", "requests",
     "resource_exhausted"}
)  # fmt: skip
_DOWN: Final = frozenset(
    {"overloaded_error", "overloaded", "api_error", "server_error", "internal_error", "internal_server_error",
     "service_unavailable", "service_unavailable_error", "timeout_error", "timeout", "bad_gateway",
     "unavailable", "slow_down", "engine_overloaded"}
)  # fmt: skip
_REFUSED: Final = frozenset(
    {"invalid_request_error", "not_found_error", "request_too_large", "invalid_request", "bad_request",
     "invalid_argument", "unsupported_parameter", "unsupported_value"}
)  # fmt: skip
_PASSING: Final = frozenset({408, 409, 425})


def error_for(
    provider: str,
    model: str,
    *,
    status: int | None,
    code: str = "",
    message: str = "",
    headers: Mapping[str, str] | None = None,
    body: object = None,
) -> BackendError:
    """Return the typed error for what a provider answered. Keys are taken out of its words.

    An error inside an answer of status 200, or inside a stream, is judged by its code.

    Args:
        provider: Name of the backend.
        model: The model that was asked.
        status: HTTP status; None where there was none.
        code: The provider's word for the error (OpenAI's ``code`` or ``type``, Anthropic's ``type``).
        message: The provider's sentence.
        headers: Of the response.
        body: The decoded body; code, sentence and parameter are looked up in it where not given.
    """
    found = _in_body(body)
    code = code or found.get("code", "")
    kinds = {word.strip().lower() for word in (code, found.get("code", ""), found.get("type", "")) if word}
    said = _Said(
        who=f"{provider} ({model})",
        provider=provider,
        status=None if status is None or status < 300 else status,
        code=scrub(code),
        kinds=frozenset(kinds),
        words=scrub(_short(message or found.get("message", "") or _plain(body))),
        headers={name.lower(): str(value) for name, value in (headers or {}).items()},
    )
    error = next(error for rule in _RULES if (error := rule(said)))
    error.status, error.code, error.parameter = status, said.code, found.get("param", "")
    return error


class _Said(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider said; a status below 300 says nothing and counts as none."""

    who: str
    provider: str
    status: int | None
    code: str
    kinds: frozenset[str]
    words: str
    headers: Mapping[str, str]

    def text(self, what: str, do: str) -> str:
        told = ", ".join(str(part) for part in (self.status, self.code) if part)
        said = f": {self.words.rstrip('. ')}" if self.words else ""
        return f"{self.who}: {what}{f' ({told})' if told else ''}{said}; {do}"

    def is_one_of(self, kinds: frozenset[str]) -> bool:
        """Say whether there was no status, and the provider's word is one of these."""
        return self.status is None and bool(self.kinds & kinds)

    @property
    def is_down(self) -> bool:
        status = self.status
        return self.is_one_of(_DOWN) or (status is not None and (status >= 500 or status in _PASSING))


def _no_quota(said: _Said) -> BackendError | None:
    if said.status == 402 or said.kinds & _QUOTA or "credit balance is too low" in said.words:
        do = "waiting does not help: look at the account's plan and billing"
        return BadRequest(said.text("no quota is left", do))
    return None


def _key_refused(said: _Said) -> BackendError | None:
    if said.status in (401, 403) or said.is_one_of(_AUTH):
        do = f"check the key and what it may do; to set another: memex keys set {said.provider}"
        return AuthFailed(said.text("the key was refused", do))
    return None


def _limited(said: _Said) -> BackendError | None:
    if said.status != 429 and not said.is_one_of(_LIMITED):
        return None
    wait = retry_after(said.headers)
    do = f"wait{'' if wait is None else f' {wait:g} s'}, or set requests_per_minute and tokens_per_minute"
    return RateLimited(said.text("too many requests", do), retry_after=wait)


def _too_long(said: _Said) -> BackendError | None:
    is_overflow, limit = overflow_limit(said.code, said.words)
    if said.is_down or not is_overflow:
        return None
    do = "give the thread a smaller budget"
    return ContextOverflow(said.text("the prompt is too long for the model", do), limit=limit)


def _down(said: _Said) -> BackendError | None:
    if not said.is_down:
        return None
    text = said.text("the provider cannot answer now", "try again later; the user's message is stored")
    if said.headers.get("x-should-retry", "").lower() == "false":
        return BackendError(text)
    return Unavailable(text, retry_after=retry_after(said.headers))


def _misdirected(said: _Said) -> BackendError | None:
    if said.status == 407:
        do = "write them into HTTP_PROXY or HTTPS_PROXY, as in http://name:password@proxy:8080"
        return BadRequest(said.text("the proxy wants a name and a password", do))
    if said.status == 404:
        return BadRequest(said.text("not found", "check the model's name and base_url"))
    if said.status is not None and said.status < 400:
        to = scrub(_short(said.headers.get("location", "")))
        do = "redirects are not followed: set base_url to the address that answers"
        return BadRequest(said.text(f"redirected to {to}" if to else "redirected", do))
    return None


def _anything_else(said: _Said) -> BackendError:
    if said.status is None and not said.kinds & _REFUSED:
        # With a status of success and no known word: a proxy's page, an empty body, half an answer.
        return Unavailable(said.text("what came is no answer", "check base_url, or try again later"))
    return BadRequest(
        said.text("the request was refused", "change what it names; the user's message is stored")
    )


_RULES: Final = (_no_quota, _key_refused, _limited, _too_long, _down, _misdirected, _anything_else)


def _in_body(body: object) -> dict[str, str]:
    """Return code, type, sentence and parameter out of the shapes that bodies have."""
    if not isinstance(body, Mapping):
        return {}
    inner: Any = body.get("error")
    if isinstance(inner, str):
        inner = {"message": inner}
    levels = [level for level in (inner, body) if isinstance(level, Mapping)]
    found: dict[str, str] = {}
    for name, spellings in (
        ("code", ("code", "type", "status")), ("type", ("type",)), ("param", ("param",)),
        ("message", ("message", "detail", "msg")),
    ):  # fmt: skip
        values = (level.get(spelling) for level in levels for spelling in spellings)
        told = next((v for v in values if isinstance(v, str) and v and v != "error"), "")
        if told:
            found[name] = told
    return found


def _plain(body: object) -> str:
    return body if isinstance(body, str) else ""


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _MOST_TEXT else text[:_MOST_TEXT] + " ..."
