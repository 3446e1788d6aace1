"""Tries to change every message and window that it sees."""

from __future__ import annotations

import memex

TRIED: list[str] = []
SUCCEEDED: list[str] = []


@memex.hookimpl
def memex_policies():
    return [memex.Provider("fake-mutates", "memex_fake_mutates:policy", "Changes what it is given")]


@memex.hookimpl
def memex_filters():
    return [memex.Provider("fake-mutates", "memex_fake_mutates:filter_", "Changes what it is given")]


@memex.hookimpl
def memex_message_stored(entry):
    attempt_all("entry", entry, ("seq", "message", "tokens"))
    spoil_message("stored", entry.message)


@memex.hookimpl
def memex_window_built(window):
    spoil_window("built", window)


@memex.hookimpl
def memex_reply_received(reply):
    attempt_all("reply", reply, ("message", "usage", "plan"))
    spoil_message("reply", reply.message)


@memex.hookimpl
def memex_messages_forgotten(receipt):
    attempt_all("receipt", receipt, ("messages", "places", "forks"))


def policy():
    """A policy that changes the window in place and returns it."""

    def spoil(window):
        spoil_window("policy", window)
        return window

    return spoil


def filter_():
    """A filter that changes the message in place and returns it."""

    def spoil(thread, message):
        spoil_message("filter", message)
        return message

    return spoil


def spoil_window(where, window):
    attempt_all(where, window, ("items", "entries", "messages", "plan", "budget", "thread", "tokens"))
    for message in getattr(window, "messages", ()):
        spoil_message(where, message)


def spoil_message(where, message):
    attempt_all(where, message, ("role", "parts", "id", "meta", "extra", "status", "created"))
    for part in message.parts:
        attempt_all(where, part, ("text", "arguments", "parts", "data"))


def attempt_all(where, target, names):
    """Assign to each attribute, and change its value in place."""
    for name in names:
        if not hasattr(target, name):
            continue
        what = f"{where}: {type(target).__name__}.{name}"
        attempt(f"{what} = ...", setattr, target, name, None)
        attempt(f"del {what}", delattr, target, name)
        value = getattr(target, name)
        for method, arguments in (
            ("append", ("spoilt",)),
            ("clear", ()),
            ("update", ({"spoilt": True},)),
            ("setdefault", ("spoilt", True)),
            ("__setitem__", ("spoilt", True)),
            ("__setitem__", (0, "spoilt")),
            ("__delitem__", (0,)),
            ("pop", ()),
        ):
            if hasattr(value, method):
                attempt(f"{what}.{method}{arguments}", getattr(value, method), *arguments)


def attempt(what, change, *arguments):
    TRIED.append(what)
    try:
        change(*arguments)
    except Exception:
        return
    SUCCEEDED.append(what)
