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
    for part in message.parts if target else ():
        if author := _author_for(part, message, target):
            yield type(part).__name__.lower(), f"{author.provider}:{author.model}"


def without_bound_parts(message: Message, target: str | None) -> Message:
    """Return the message as ``target`` may see it; signed thoughts lose their proof and stay out."""
    if not any(bound_parts(message, target)):
        return message
    return message.replace(
        parts=tuple(part for part in message.parts if not _author_for(part, message, target))
    )


def bound_to(part: Part, message: Message, *, provider: str = "", model: str = "") -> Origin | None:
    """Return whom a part is bound to if that is someone else, None if it may go.

    Signed and encrypted thoughts and a provider's own parts are bound to who wrote the message.
    What is not known on either side says nothing: a wire format knows the model it writes for,
    but not by whose server it is read.
    """
    origin = message.origin
    if origin is None or not _is_bound(part):
        return None
    elsewhere = _differ(origin.provider, provider) or _differ(origin.model, model)
    return origin if elsewhere else None


def _author_for(part: Part, message: Message, target: str | None) -> Origin | None:
    provider, _, model = (target or "").partition(":")
    return bound_to(part, message, provider=provider, model=model)


def _differ(one: str, other: str) -> bool:
    return bool(one and other and one != other)


def _is_bound(part: Part) -> bool:
    if isinstance(part, Reasoning):
        return part.signature is not None or part.encrypted is not None
    return isinstance(part, Opaque) and part.format != "memex"
