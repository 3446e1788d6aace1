"""Filters fold over a message before it is stored. They fail closed, and hand the message back."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from memex._errors import FilterFailed, MessageVetoed
from memex._message import Message
from memex._plugin import label
from memex._serial import encode_message

Filter = Callable[[str, Message], Message | None]


class NamedFilter(msgspec.Struct, frozen=True):
    """A filter and whose it is.

    Attributes:
        name: What settings call it.
        filter: The callable.
        plugin: Distribution it comes from.
        version: Version of that.
    """

    name: str
    filter: Filter
    plugin: str = ""
    version: str = ""

    def __str__(self) -> str:
        return label(self.name, self.plugin, self.version)


def run_filters(filters: Sequence[NamedFilter], thread: str, message: Message) -> Message:
    """Return what the filters make of ``message``.

    Args:
        filters: In hook order.
        thread: Id of the thread.
        message: The message as it came.

    Raises:
        MessageVetoed: If a filter returned None; carries the message as it came.
        FilterFailed: If a filter raised, or returned what is no message or has another id.
    """
    result = message
    for named in filters:
        try:
            given = named.filter(thread, result)
        except (Exception, SystemExit) as error:
            raise FilterFailed(
                f"filter {named} failed on a {message.role} message, which was not stored: "
                f"{type(error).__name__}: {error}",
                carried=message,
                plugin=named.plugin,
                version=named.version,
            ) from error
        if given is None:
            raise MessageVetoed(
                f"filter {named} refused a {message.role} message; it was not stored",
                carried=message,
                plugin=named.plugin,
                version=named.version,
            )
        result = _checked(named, given, message)
    return result


def _checked(named: NamedFilter, given: object, message: Message) -> Message:
    if isinstance(given, Message) and given.id == message.id:
        encode_message(given)  # raises where no store could keep it
        return given
    what = "a message with another id" if isinstance(given, Message) else f"a {type(given).__name__}"
    raise FilterFailed(
        f"filter {named} returned {what} instead of a message or None; nothing was stored",
        carried=message,
        plugin=named.plugin,
        version=named.version,
    )
