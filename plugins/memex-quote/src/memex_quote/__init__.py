"""A backend without a model: it answers by quoting the conversation."""

from memex import Provider, hookimpl


@hookimpl
def memex_backends() -> list[Provider]:
    """Offer ``quote``: no key, no network, no model, and an answer that can be checked."""
    return [Provider("quote", "memex_quote.backend:Quote", "Answers by quoting the window; needs no model")]
