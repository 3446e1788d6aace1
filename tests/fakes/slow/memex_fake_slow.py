"""Takes long to import: FAKE_SLOW_SECONDS, or a little over the threshold."""

import os
import time

import memex

time.sleep(float(os.environ.get("FAKE_SLOW_SECONDS", "0.6")))


@memex.hookimpl
def memex_policies():
    return [memex.Provider("fake-slow", "memex_fake_slow:keep_everything", "Keeps everything")]


def keep_everything():
    """A policy that changes nothing."""
    return lambda window: window
