"""Keeps what matters: by features that explain themselves, and by stubs in the place of tool results."""

from memex import Provider, hookimpl

_POLICIES = {
    "importance": ("policy:importance", "Ranks older messages by what is in them"),
    "clear-tool-results": ("clearing:clear_tool_results", "Puts stubs in the place of long tool results"),
    "keep-important": ("keeping:keep_important", "Drops the less important first, many at a time"),
}


@hookimpl(trylast=True)
def memex_policies() -> list[Provider]:
    """Offer three policies for chains that name them; what each is good for depends on the conversation."""
    return [
        Provider(name, f"memex_importance.{target}", summary, default=False)
        for name, (target, summary) in _POLICIES.items()
    ]
