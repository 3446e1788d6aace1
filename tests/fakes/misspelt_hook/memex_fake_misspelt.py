"""Implements a hook that does not exist."""

import memex


@memex.hookimpl
def memex_polices():
    raise AssertionError("never called")
