"""What the SDK's exceptions, and errors inside answers, mean."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from memex import BackendError, BadRequest, Truncated, Unavailable
from memex.wire import error_for
from memex_openai.presets import Address
from memex_openai.requesting import SAMPLING

# How servers say which parameter they do not take, where the error has no field for it.
_WORD: Final = r"['\"`]?([\w.\[\]]+)['\"`]?"
_NAMED: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?:unsupported|unknown|unrecognized|unexpected) (?:parameter|value|field)s?:? *{_WORD}",
        rf"unrecognized request argument supplied: {_WORD}",
        r"property '(?:[^']* : )?([\w.\[\]]+)' is unsupported",
        r"unknown name \\?[\"']([\w.]+)",
        r"['\"`]([\w.\[\]]+)['\"`] (?:is not supported|does not support|is unsupported|is not permitted)",
    )
)
_REFUSED: Final = frozenset({"unsupported_parameter", "unsupported_value", "unknown_parameter"})
_REFUSING: Final = re.compile(
    r"(?:un|not )supported|unknown|unrecognized|unexpected|not permitted|extra_forbidden|does not support",
    re.IGNORECASE,
)
_EXTRA: Final = re.compile(r"extra inputs are not permitted|extra_forbidden", re.I)
_LOCATION: Final = re.compile(r"['\"]loc['\"]: *[\[(] *['\"]body['\"], *['\"](\w+)['\"]")
_BREAKPOINT: Final = "prompt_cache_breakpoint"


def told_error(address: Address, error: Any, body: object = None) -> BackendError:
    """Return the typed error for one that came inside an answer or a stream.

    Args:
        address: Who answered.
        error: What the field ``error`` holds.
        body: All that came.
    """
    inside = error if isinstance(error, Mapping) else {"message": str(error)}
    code = next((str(inside[key]) for key in ("code", "type", "status") if inside.get(key)), "")
    status = int(code) if code.isdigit() and 400 <= int(code) < 600 else None
    return error_for(
        "openai",
        address.label,
        status=status,
        code=code,
        message=str(inside.get("message") or ""),
        body=body if isinstance(body, Mapping) else {"error": inside},
    )


def typed(address: Address, error: BaseException) -> BackendError | None:  # noqa: PLR0911 - a table
    """Return the typed error for what the SDK raised; None for what is not the SDK's."""
    import openai

    who = f"openai ({address.label})"
    if isinstance(error, openai.APIStatusError):
        return error_for(
            "openai",
            address.label,
            status=error.status_code,
            code=error.code or error.type or "",
            message=_words(error.body) or error.message,
            headers=error.response.headers,
            body={"error": error.body} if isinstance(error.body, Mapping) else error.body,
        )
    if isinstance(error, openai.APITimeoutError):
        return Unavailable(f"{who}: no answer came in time; try again later; the user's message is stored")
    if isinstance(error, openai.APIConnectionError):
        return Unavailable(
            f"{who}: {address.base_url} cannot be reached, or hung up ({_cause(error)}); "
            "check base_url and the network; the user's message is stored"
        )
    if isinstance(error, openai.APIError):  # an error in the middle of a stream
        body = error.body
        return told_error(address, body if isinstance(body, Mapping) else error.message, {"error": body})
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
        return Truncated(f"{who} sent a piece that is no JSON; what came before is stored as incomplete")
    if isinstance(error, openai.OpenAIError | TypeError | ValueError):
        return BadRequest(f"{who}: the request could not be made: {error}; change what it names")
    return None


def refused_setting(error: BackendError) -> str | None:
    """Return the field of the request that an error says the model does not take; None if none.

    It is the outermost field: a model that refuses ``reasoning.effort`` gets no ``reasoning``. A field
    whose value is wrong is not refused: leaving it out would hide a mistake. But for sampling settings,
    "only the default value is supported" is how models refuse them.
    """
    words = str(error)
    named = error.parameter or _named_in(words)
    if not named or not (error.code in _REFUSED or _REFUSING.search(words)):
        return None
    if named.endswith(_BREAKPOINT):
        return _BREAKPOINT
    field = re.split(r"[.\[]", named, maxsplit=1)[0]
    of_value = error.code == "unsupported_value" or "unsupported value" in words.lower()
    return None if of_value and field not in SAMPLING else field


def _named_in(words: str) -> str:
    if _EXTRA.search(words) and (found := _LOCATION.search(words)):
        return found[1]
    return next((found[1] for pattern in _NAMED if (found := pattern.search(words))), "")


def _words(body: object) -> str:
    """Return the sentence in an error's body, whatever its shape."""
    if isinstance(body, Mapping):
        told = body.get("message") or body.get("detail")
        return told if isinstance(told, str) else str(told or "")
    return body if isinstance(body, str) else ""


def _cause(error: BaseException) -> str:
    cause = error.__cause__ or error
    return f"{type(cause).__name__}: {cause}" if str(cause) else type(cause).__name__
