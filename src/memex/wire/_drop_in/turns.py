"""Which turn an object of the SDK belongs to, without a mark on the object."""

from __future__ import annotations

import weakref
from typing import Any, TypeVar

from memex._errors import UnknownThread
from memex._open_turn import OpenTurn

_T = TypeVar("_T")

# By identity: the SDKs' models compare by value and cannot be hashed.
_turns: dict[int, tuple[weakref.ref[Any], OpenTurn]] = {}
# Where the SDKs' objects keep the HTTP response: a stream that a helper makes is known by it.
_RESPONSE = ("http_response", "response", "_response")


def note_turn(thing: _T, turn: OpenTurn) -> _T:
    """Remember whose a thing is, for as long as it lives."""
    key = id(thing)
    try:
        _turns[key] = (weakref.ref(thing, lambda _: _turns.pop(key, None)), turn)
    except TypeError:  # a string, where a server did not answer with JSON
        return thing
    return thing


def turn_of(answer: object) -> OpenTurn:
    """Return the turn that an answer of a remembered call belongs to.

    Its ``thread.id`` is the thread; ``window.plan`` says what the model was sent and why; ``reply`` is
    the stored answer, None as long as a stream is read or if it broke; ``error`` says what broke it.

    Args:
        answer: What a call on a remembered client returned: a completion, a message, a response, a
            stream, a raw response.

    Raises:
        UnknownThread: If it comes from no such call.
    """
    for thing in (answer, *(getattr(answer, name, None) for name in _RESPONSE)):
        known = _turns.get(id(thing))
        if known is not None and known[0]() is thing:
            return known[1]
    raise UnknownThread(f"this {type(answer).__name__} comes from no call that was remembered")
