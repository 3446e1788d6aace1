"""Wants an argument that the hook does not give."""

import memex


@memex.hookimpl
def memex_policies():
    return []


@memex.hookimpl
def memex_message_stored(thread, entry, colour):
    raise AssertionError("never called")
