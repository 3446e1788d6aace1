"""Keeps what matters: by features that explain themselves, and by stubs in the place of tool results."""

from memex import Provider, hookimpl


@hookimpl(trylast=True)
def memex_policies() -> list[Provider]:
    """Offer the policies in the order in which they work together, before the one that evicts the oldest."""
    return [
        Provider(
            "importance", "memex_importance.policy:importance", "Ranks older messages by what is in them"
        ),
        Provider(
            "clear-tool-results",
            "memex_importance.clearing:clear_tool_results",
            "Puts stubs in the place of long results of tools",
        ),
        Provider(
            "keep-important",
            "memex_importance.keeping:keep_important",
            "Drops the less important first, many at a time",
        ),
    ]
