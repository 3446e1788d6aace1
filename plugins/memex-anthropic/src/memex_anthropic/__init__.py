"""Claude models through Anthropic's Messages API."""

from memex import Provider, hookimpl


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
