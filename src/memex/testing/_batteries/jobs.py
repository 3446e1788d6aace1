"""What a worker does with the store. Every job is called with a way to open it, and a line to the test."""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Callable
from typing import Any

from memex import MemexError, Message, Store
from memex.testing._batteries.turns import THREAD, name_of, turn
from memex.testing._batteries.workers import Talk

Opener = Callable[[], Store]


def append_turns(
    opener: Opener,
    talk: Talk,
    *,
    writer: str,
    count: int,
    sizes: list[int],
    wait: bool = False,
    idle_at: int = -1,
) -> None:
    """Open the store cold and append turn after turn; say each as soon as it is acknowledged.

    With ``wait`` it first waits for a word; before turn ``idle_at`` it waits for one that never comes.
    """
    if wait:
        talk.say("ready")
        talk.hear()
    try:
        store = opener()
    except Exception as error:  # noqa: BLE001 - the test tells which kinds are allowed
        talk.say(*_refusal("opening", error))
        return
    for number in range(count):
        if number == idle_at:
            talk.hear()
        talk.say(*_tried(store, turn(writer, number, sizes[number % len(sizes)])))
    store.close()


def append_and_die(opener: Opener, talk: Talk, *, writer: str, number: int, size: int, wait: bool) -> None:
    """Append one turn, and die when it is stored and before anyone is told.

    With ``wait`` the test is told when the append begins, to kill this process by itself.
    """
    store = opener()
    if wait:
        talk.say("begins")
    store.append(THREAD, turn(writer, number, size))
    os.kill(os.getpid(), signal.SIGKILL)


def append_until_refused(opener: Opener, talk: Talk, *, writer: str, count: int, sizes: list[int]) -> None:
    """Append until the disk is full; when the test has made room, append what was refused."""
    store: Store | None = None
    number = 0
    while number < count:
        messages = turn(writer, number, sizes[number % len(sizes)])
        try:
            store = store or opener()
            store.append(THREAD, messages)
        except Exception as error:  # noqa: BLE001 - the test tells which kinds are allowed
            talk.say(*_refusal(name_of(messages), error))
            break
        talk.say("stored", name_of(messages))
        number += 1
    else:
        talk.say("never refused", "", "more was acknowledged than fits on the disk")
    talk.hear()
    store = store or opener()
    for again in range(number, number + 3):
        talk.say(*_tried(store, turn(writer, again, sizes[again % len(sizes)])))
    store.close()
    talk.say("end", "")


def append_on_a_bad_disk(
    opener: Opener, talk: Talk, *, writer: str, count: int, sizes: list[int], faults: list[str], chance: float
) -> None:
    """Append while reading and writing fail now and then; then, on a good disk, what was refused."""
    enable, disable = _fault_switches()
    enable("posix/io/sync/fsync", 1.0)
    try:
        os.fsync(0)
        talk.say("not injected", "", "fsync did not fail when it was told to")
    except OSError as error:
        talk.say("tested", "", error.errno)
    disable("posix/io/sync/fsync")
    store = opener()
    talk.say(*_tried(store, turn(writer, 0)))
    list(store.entries(THREAD))  # whatever is imported on first use is imported now, from a good disk
    refused: list[list[Message]] = []
    for number in range(1, count):
        messages = turn(writer, number, sizes[number % len(sizes)])
        for fault in faults:
            enable(fault, chance)
        try:
            said = _tried(store, messages)
        finally:
            for fault in faults:
                disable(fault)
        talk.say(*said)
        if said[0] != "stored":
            refused.append(messages)
    for messages in [*refused, turn(writer, count)]:
        talk.say(*_tried(store, messages))
    store.close()
    talk.say("end", "")


def _fault_switches() -> tuple[Callable[[str, float], None], Callable[[str], None]]:
    from ctypes import CDLL, c_char_p, c_float, c_int, c_uint, c_void_p

    library = CDLL("libfiu.so.0")  # which fiu-run has loaded already
    library.fiu_enable_random.argtypes = [c_char_p, c_int, c_void_p, c_uint, c_float]
    library.fiu_disable.argtypes = [c_char_p]

    def enable(name: str, chance: float) -> None:
        library.fiu_enable_random(name.encode(), 1, errno.EIO, 0, chance)

    def disable(name: str) -> None:
        library.fiu_disable(name.encode())

    return enable, disable


def append_back_in_time(opener: Opener, talk: Talk, *, count: int, back: str) -> None:
    """Append with the clock of the moment, which goes back half way; say what was appended and read."""
    store = opener()
    ids: list[str] = []
    before = time.time()
    for number in range(count):
        if number == count // 2:
            os.environ["FAKETIME"] = back
        message = Message.user(f"message {number}")
        store.append(THREAD, [message])
        ids.append(message.id)
    talk.say("clock", time.time() - before)
    talk.say("appended", *ids)
    talk.say("read", *(entry.message.id for entry in store.entries(THREAD)))
    talk.say("reversed", *(entry.message.id for entry in store.entries(THREAD, reverse=True)))
    store.fork(THREAD, "fork", count // 2 + 1)
    talk.say("fork", *(entry.message.id for entry in store.entries("fork")))
    store.close()


def _tried(store: Store, messages: list[Message]) -> list[Any]:
    name = name_of(messages)
    try:
        store.append(THREAD, messages)
    except Exception as error:  # noqa: BLE001 - the test tells which kinds are allowed
        return _refusal(name, error)
    return ["stored", name]


def _refusal(name: str, error: Exception) -> list[Any]:
    kind = "refused" if isinstance(error, MemexError) else "leaked"
    return [kind, name, f"{type(error).__name__}: {error}"]
