"""What one encoding knows: its format, its model, and everything it had to leave out."""

from __future__ import annotations

from memex._codec import LeftOut
from memex._message import Message
from memex._origin import bound_to
from memex._parts import Media, Opaque, Part, Reasoning

_NOBODY = Message(role="user", id="-")


class NoPlace(Exception):
    """Raised inside a codec where its format has no place for a part; says why."""


class Outgoing:
    """Collects what is left out while messages are written.

    ``message`` is the one being written: what is left out is listed under its id.

    Args:
        codec: Name of the format.
        model: The model that will read it, where known.
    """

    def __init__(self, codec: str, model: str | None = None) -> None:
        self.codec = codec
        self.model = model
        self.message = _NOBODY
        self.left_out: list[LeftOut] = []

    def leave(self, what: Part | str, why: str) -> None:
        """Note that a part, a field (``"name"``) or a whole ``"message"`` is left out."""
        name = what if isinstance(what, str) else what.__struct_config__.tag
        self.left_out.append(LeftOut(self.message.id, str(name), why))

    def takes(self, part: Part) -> bool:
        """Say whether the part may go to this format and model; if not, it is noted."""
        why = foreign(part, self.codec) or bound_elsewhere(part, self.message, self.model)
        if why:
            self.leave(part, why)
        return not why

    def empty(self) -> None:
        """Note that nothing of the message can be sent."""
        self.leave("message", f"nothing in it that {self.codec} can carry")

    def check_name(self) -> None:
        """Note the speaker's name, where there is no field for it."""
        if self.message.name is not None:
            self.leave("name", f"{self.codec} has no field for the name of the speaker here")

    def check_reasoning(self, part: Reasoning) -> None:
        """Note the id of reasoning, for a format that writes its text only."""
        if part.id is not None:
            self.leave(part, f"{self.codec} has no field for its id; the rest is sent")

    def check_media(self, part: Media, *written: str) -> None:
        """Note what is known about a medium and was asked of it, but has no field here.

        Width, height and the type of a reference describe the resource, which the provider reads
        itself; they are not noted.
        """
        fields = ["name", "detail"]
        if part.source == "base64":
            fields.append("media_type")
        for field in fields:
            if getattr(part, field) is not None and field not in written:
                self.leave(part, f"{self.codec} has no field for its {field}; the rest is sent")


def foreign(part: Part, codec: str) -> str:
    """Say why an opaque part cannot be written in ``codec``, or return an empty string."""
    if isinstance(part, Opaque) and part.format != codec:
        return f"only {part.format} understands it"
    return ""


def bound_elsewhere(part: Part, message: Message, model: str | None) -> str:
    """Say to which other model a part is bound, or return an empty string.

    A wire format knows the model but not the provider, so models alone are compared here.
    """
    author = bound_to(part, message, model=model or "")
    return f"bound to {author.model}, and this call is for {model}" if author else ""
