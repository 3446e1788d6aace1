"""Offers a store and a policy of the same names as its twin (two)."""

import memex


@memex.hookimpl
def memex_stores():
    return [memex.Provider("fake-twin", "memex_fake_twin_two:TwinStore", "Never opened")]


@memex.hookimpl
def memex_policies():
    own = memex.Provider("fake-two", "memex_fake_twin_two:keep_everything", "Keeps everything")
    return [memex.Provider("fake-twin", "memex_fake_twin_two:keep_everything", "Keeps everything"), own]


class TwinStore:
    """A store that nobody can ask for, because its name is taken twice."""


def keep_everything():
    """A policy that changes nothing."""
    return lambda window: window
