"""What Anthropic's errors mean, in the errors of memex."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from memex import BackendError, BadRequest
from memex.wire import error_for, raised_in
from memex_anthropic.requesting import LEADING, PROVIDER, THOUGHTS, UNDEFINED

# Errors inside a stream come with status 200: the type is what they are judged by.
_STATUS: Final[Mapping[str, int]] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
_REMARKS: Final[Mapping[str, str]] = {
    "bound to a different conversation": THOUGHTS,
    "must define tools": UNDEFINED,
    'first message must use the "user" role': LEADING,
}
_UNKNOWN: Final = re.compile(r"\b([a-z_]+)(?:\.([\w.]+))?: Extra inputs are not permitted")
_REFUSED: Final = re.compile(
    r"[`'\"]?([a-z_]+)(?:\.([\w.]+))?[`'\"]?:? (?:parameter )?(?:is|are) (?:not|no longer) supported|"
    r"[`'\"]([a-z_]+)(?:\.([\w.]+))?[`'\"] is deprecated for this model|"
    r"does not support (?:the )?[`'\"]?([a-z_]+)(?:\.([\w.]+))?[`'\"]?"
)


def translate(error: BaseException, *, model: str) -> BackendError | None:
    """Return the typed error for an exception of the SDK, or None where it says nothing special."""
    import anthropic

    if isinstance(error, anthropic.APIStatusError):
        return _from_status(error, model)
    if isinstance(error, (TypeError, ValueError)) and raised_in(error, "anthropic"):
        return BadRequest(f"{PROVIDER}:{model}: the SDK refused the call before it was sent: {error}")
    return None  # a broken connection or a garbled stream is the same for every provider


def error_in_body(body: Any, *, model: str, headers: Mapping[str, str]) -> BackendError:
    """Return the error for a body or an event that reports one, although the status was 200."""
    inner = body.get("error") if isinstance(body, Mapping) else None
    inner = inner if isinstance(inner, Mapping) else {}
    kind = str(inner.get("type") or "")
    return error_for(
        PROVIDER,
        model,
        status=_STATUS.get(kind, 500 if inner else 200),
        code=kind,
        message=str(inner.get("message") or ""),
        headers=headers,
        body=body,
    )


def refused_setting(error: BackendError) -> str | None:
    """Return the setting that an error says the model does not take, or None.

    A setting whose value is wrong is not meant: leaving it out would do something else than asked.
    """
    if not isinstance(error, BadRequest):
        return None
    for words, what in _REMARKS.items():
        if words in str(error):
            return what
    found = _search(str(error))
    if found is None:
        return None
    name, rest = found
    if name == "output_config":
        return "schema" if rest.startswith("format") else "effort" if rest.startswith("effort") else name
    return name


def _search(text: str) -> tuple[str, str] | None:
    for pattern in (_UNKNOWN, _REFUSED):
        for found in pattern.finditer(text):
            groups = [group or "" for group in found.groups()]
            pairs = zip(groups[::2], groups[1::2], strict=True)
            return next(((name, rest) for name, rest in pairs if name), None)
    return None


def _from_status(error: Any, model: str) -> BackendError:
    headers = dict(error.response.headers)
    if error.status_code < 300:  # the SDK found it inside an answer
        return error_in_body(error.body, model=model, headers=headers)
    return error_for(
        PROVIDER,
        model,
        status=error.status_code,
        code=str(error.type or ""),
        message=str(error.api_message or ""),
        headers=headers,
        body=error.body,
    )
