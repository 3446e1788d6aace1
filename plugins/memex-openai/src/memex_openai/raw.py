"""The provider's own payload, kept beside the answer."""

from __future__ import annotations

from typing import Any, Final

from memex import InvalidMessage, freeze

RAW: Final = "openai:raw"


def kept(payload: Any) -> dict[str, Any]:
    """Return the note that keeps a payload; empty where it is nothing that a store can keep."""
    try:
        return {RAW: freeze(payload)}
    except InvalidMessage:  # numbers that are no JSON, as log probabilities of minus infinity
        return {}
