"""Answers each hook with something else than a list of good providers."""

import memex


@memex.hookimpl
def memex_stores():
    return 42


@memex.hookimpl
def memex_backends():
    return ["a string", "another"]


@memex.hookimpl
def memex_counters():
    return None


@memex.hookimpl
def memex_embedders():
    return "fake"


@memex.hookimpl
def memex_codecs():
    return [memex.Provider("fake-junk", "no target", "Is refused")]


@memex.hookimpl
def memex_importers():
    return (1 // 0 for _ in "x")


@memex.hookimpl
def memex_commands():
    return answer_later()


@memex.hookimpl
def memex_policies():
    return [memex.Provider("fake-junk", "memex_fake_junk:nowhere", "Its target is missing")]


@memex.hookimpl
def memex_filters():
    return [memex.Provider("fake-junk", "memex_fake_junk:shorten", "Returns a str")]


def shorten():
    """A filter that returns a str instead of a message."""
    return lambda thread, message: message.text[:10]


async def answer_later():
    return []
