"""Parts that are bound to the model that made them, and go back to no other."""

from __future__ import annotations

from collections.abc import Iterator

from memex._message import Message, Origin
from memex._parts import Opaque, Part, Reasoning


def bound_parts(message: Message, target: str | None) -> Iterator[tuple[str, str]]:
    """Yield ``(part type, model)`` of the parts that cannot go to ``target``.

    Args:
        message: A message of the log.
        target: ``provider:model`` it would be sent to; None when it is not known.
    """
    if target is None or message.origin is None or target == _label(message.origin):
        return
    for part in message.parts:
        if _is_bound(part):
            yield type(part).__name__.lower(), _label(message.origin)


def without_bound_parts(message: Message, target: str | None) -> Message:
    """Return the message as ``target`` may see it; signed thoughts lose their proof and stay out."""
    if not any(bound_parts(message, target)):
        return message
    return message.replace(parts=tuple(part for part in message.parts if not _is_bound(part)))


def _is_bound(part: Part) -> bool:
    if isinstance(part, Reasoning):
        return part.signature is not None or part.encrypted is not None
    return isinstance(part, Opaque) and part.format != "memex"


def _label(origin: Origin) -> str:
    return f"{origin.provider}:{origin.model}"
