"""Does everything right: a policy, a filter, and listeners that note what they are told."""

from __future__ import annotations

import memex

TOLD: list[tuple[str, object]] = []


@memex.hookimpl
def memex_policies():
    return [memex.Provider("fake-good", "memex_fake_good:keep_everything", "Keeps everything")]


@memex.hookimpl
def memex_filters():
    return [memex.Provider("fake-good", "memex_fake_good:let_through", "Lets everything through")]


@memex.hookimpl
def memex_thread_opened(thread):
    TOLD.append(("thread_opened", thread.id))


@memex.hookimpl
def memex_message_stored(thread, entry):
    TOLD.append(("message_stored", entry.seq))


@memex.hookimpl
def memex_window_built(thread):
    TOLD.append(("window_built", thread))


@memex.hookimpl
def memex_reply_received(reply):
    TOLD.append(("reply_received", reply))


@memex.hookimpl
def memex_call_failed(thread, error):
    TOLD.append(("call_failed", str(error)))


@memex.hookimpl
def memex_messages_forgotten(receipt):
    TOLD.append(("messages_forgotten", receipt.messages))


def keep_everything():
    """A policy that changes nothing."""
    return lambda window: window


def let_through():
    """A filter that changes nothing."""
    return lambda thread, message: message
