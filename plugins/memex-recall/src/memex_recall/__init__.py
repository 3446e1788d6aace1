"""Brings older messages back by their words."""

from memex import Provider, hookimpl


@hookimpl
def memex_policies() -> list[Provider]:
    """Offer ``recall``, before the policies that evict: they make room for what it adds."""
    return [Provider("recall", "memex_recall.policy:recall", "Quotes older messages that match the question")]
