"""Raises, or exits, in every listener."""

import memex


@memex.hookimpl
def memex_thread_opened(thread):
    raise RuntimeError("listener: thread_opened")


@memex.hookimpl
def memex_message_stored(thread, entry):
    raise RuntimeError("listener: message_stored")


@memex.hookimpl
def memex_window_built(thread, window):
    raise RuntimeError("listener: window_built")


@memex.hookimpl
def memex_reply_received(thread, reply):
    raise SystemExit("listener: reply_received")


@memex.hookimpl
def memex_call_failed(thread, error):
    raise error


@memex.hookimpl
def memex_messages_forgotten(thread, receipt):
    raise RuntimeError("listener: messages_forgotten")
