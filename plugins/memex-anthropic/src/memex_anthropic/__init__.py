"""Claude models through Anthropic's Messages API."""

from __future__ import annotations

from memex import Provider, hookimpl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from memex_anthropic.remembering import remember as remember
    from memex_anthropic.remembering import turn_of as turn_of


@hookimpl
def memex_backends() -> list[Provider]:
    """Offer ``anthropic``: Claude, with its prompt cache, thinking and tools."""
    return [Provider("anthropic", "memex_anthropic.backend:Anthropic", "Claude, through the Messages API")]


@hookimpl
def memex_counters() -> list[Provider]:
    """Offer ``anthropic``: counts by Anthropic's own endpoint, one call for each new message."""
    return [
        Provider("anthropic", "memex_anthropic.counter:AnthropicCounter", "Counts by Anthropic's endpoint")
    ]


def __getattr__(name: str) -> Any:
    if name not in ("remember", "turn_of"):
        raise AttributeError(f"module 'memex_anthropic' has no attribute {name!r}")
    from memex_anthropic import remembering

    return getattr(remembering, name)
