"""Offers a filter that raises."""

import memex


@memex.hookimpl
def memex_filters():
    return [memex.Provider("fake-raises", "memex_fake_filter:fail", "Raises")]


def fail():
    """A filter that raises."""

    def refuse(thread, message):
        raise RuntimeError("this filter fails")

    return refuse
