"""What a call cost in tokens, from the words of many servers into memex's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from memex import Usage


def read_usage(told: Any, *, diagnostics: Any = None) -> Usage | None:
    """Return the usage that a Chat completion or a response reports; None where there is none.

    OpenAI's prompt tokens include those that its cache served and those written to it; memex's do not
    overlap. What the total has beyond prompt and answer are thoughts that the answer does not count.

    Args:
        told: The field ``usage``.
        diagnostics: The field ``prompt_cache_diagnostics``, where there is one.
    """
    if not isinstance(told, Mapping):
        return None
    prompt = _tokens(told, "prompt_tokens", "input_tokens")
    output = _tokens(told, "completion_tokens", "output_tokens")
    details = _inside(told, "prompt_tokens_details", "input_tokens_details")
    cached = min(prompt, _tokens(details, "cached_tokens") or _tokens(told, "prompt_cache_hit_tokens"))
    written = min(prompt - cached, _tokens(details, "cache_write_tokens", "cache_creation_tokens"))
    thought = _tokens(_inside(told, "completion_tokens_details", "output_tokens_details"), "reasoning_tokens")
    uncounted = max(0, _tokens(told, "total_tokens") - prompt - output)
    return Usage(
        input_tokens=prompt - cached - written,
        cache_read_tokens=cached,
        cache_write_tokens=written,
        output_tokens=output + uncounted,
        reasoning_tokens=min(max(thought, uncounted), output + uncounted),
        cache_miss=_miss(diagnostics),
    )


def _miss(diagnostics: Any) -> str:
    if not isinstance(diagnostics, Mapping) or diagnostics.get("type") != "cache_miss":
        return ""
    reason = diagnostics.get("reason")
    return reason if isinstance(reason, str) else ""


def _inside(told: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    return next((told[name] for name in names if isinstance(told.get(name), Mapping)), {})


def _tokens(told: Mapping[str, Any], *names: str) -> int:
    for name in names:
        value = told.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < 2**53:
            return int(value)
    return 0
