"""What Cohere's errors mean, in the errors of memex."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from memex import BackendError, BadRequest, Unavailable
from memex.wire import error_for, raised_in

PROVIDER: Final = "cohere"

_UNKNOWN: Final = re.compile(
    r"unknown (?:field|parameter)[: ]+(?:parameter )?[`'\"]?([a-z_]+)|"
    r"[`'\"]([a-z_]+)[`'\"] is not (?:supported|a valid field)|"
    r"\b([a-z_]+) (?:parameter )?is not (?:currently )?supported (?:by|for|with) (?:this|the)(?: \w+)? model|"
    r"does not support (?:the )?[`'\"]?([a-z_]+)[`'\"]?",
    re.IGNORECASE,
)


def translate(error: BaseException, *, model: str) -> BackendError | None:
    """Return the typed error for an exception of the SDK, or None where it says nothing special."""
    from cohere.core.api_error import ApiError

    if isinstance(error, ApiError):
        return error_for(
            PROVIDER,
            model,
            status=error.status_code,
            code=_code(error.body),
            message=_message(error.body),
            headers=error.headers or {},
            body=error.body,
        )
    if isinstance(error, TypeError | ValueError | AttributeError) and raised_in(error, "cohere"):
        # The SDK makes its objects of whatever comes with status 200.
        return Unavailable(
            f"{PROVIDER} ({model}): the answer is not one of Cohere's: {type(error).__name__}: {error}; "
            "check base_url, or try again later"
        )
    return None  # a broken connection or a garbled stream is the same for every provider


def error_in_body(body: Any, *, model: str, headers: Mapping[str, str]) -> BackendError:
    """Return the error for a body that is no answer, although the status was 200."""
    code = _code(body)
    return error_for(
        PROVIDER, model, status=200, code=code, message=_message(body), headers=headers, body=body
    )


def refused_setting(error: BackendError) -> str | None:
    """Return the setting that an error says the model does not take, or None."""
    if not isinstance(error, BadRequest):
        return None
    found = _UNKNOWN.search(str(error))
    if found is None:
        return None
    name = next(group for group in found.groups() if group).lower()
    return "schema" if name in ("response_format", "json_schema") else name


def _code(body: Any) -> str:
    inner = body.get("error") if isinstance(body, Mapping) else None
    code = inner.get("type") or inner.get("code") if isinstance(inner, Mapping) else ""
    return str(code or "")


def _message(body: Any) -> str:
    if isinstance(body, Mapping):
        inner = body.get("error")
        inner = inner.get("message") if isinstance(inner, Mapping) else inner
        return str(body.get("message") or inner or "")
    return body if isinstance(body, str) else ""
