"""Ids of messages that come from a payload."""

from __future__ import annotations

from memex._errors import InvalidMessage
from memex._message import new_id
from memex._serial import check_id


def message_id(wire: object, used: set[str]) -> str:
    """Return the id that the wire gives a message, or a fresh one where it is no usable id.

    Args:
        wire: The value of the wire's ``id`` field, whatever it is.
        used: Ids already given in this payload; the new one is added.
    """
    chosen = new_id()
    if isinstance(wire, str) and wire not in used:
        try:
            chosen = check_id(wire, "message")
        except InvalidMessage:
            chosen = new_id()  # the wire's own id stays in extra
    used.add(chosen)
    return chosen
