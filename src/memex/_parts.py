"""The parts a message is made of: what was said, thought, called, answered, shown or refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from memex._frozen import EMPTY, freeze


class _PartFields(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """What every part may carry besides its own fields.

    Attributes:
        extra: Fields of a wire format that memex has no word for, by codec name
            (``{"anthropic": {"cache_control": ...}}``). They go back to that format only. Under
            the codec's name with ``:shape``, how the format spelt what memex does have a word for.
        meta: memex's own notes on the part, such as the ``seq`` a recalled text came from.
            They are never sent to a model.
    """

    extra: Mapping[str, Any] = EMPTY
    meta: Mapping[str, Any] = EMPTY

    def __post_init__(self) -> None:
        if self.extra is not EMPTY:
            msgspec.structs.force_setattr(self, "extra", freeze(self.extra))
        if self.meta is not EMPTY:
            msgspec.structs.force_setattr(self, "meta", freeze(self.meta))


class Text(_PartFields, frozen=True, tag="text"):
    """Words."""

    text: str


class Reasoning(_PartFields, frozen=True, tag="reasoning"):
    """What a model thought before it answered.

    Attributes:
        text: The thought, or its summary; empty when the provider only sends it encrypted.
        signature: The provider's proof that the text is its own; bound to one model.
        encrypted: The thought as an opaque string; bound to one model.
        id: The provider's id of the item.
    """

    text: str = ""
    signature: str | None = None
    encrypted: str | None = None
    id: str | None = None


class ToolCall(_PartFields, frozen=True, tag="tool_call"):
    """A model's request to run a tool.

    Attributes:
        id: The id that its result will name.
        name: Name of the tool.
        arguments: The exact string the model wrote. It may not be valid JSON, and its key order
            matters to prompt caches, so it is never rewritten.
    """

    id: str
    name: str
    arguments: str = "{}"

    @property
    def parsed(self) -> Any:
        """The arguments as a JSON value, or None where they are not valid JSON."""
        try:
            return msgspec.json.decode(self.arguments)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            return None


class ToolResult(_PartFields, frozen=True, tag="tool_result"):
    """What a tool gave back.

    Attributes:
        call_id: Id of the call it answers.
        parts: The content, usually one text.
        is_error: Whether the tool failed.
        name: Name of the tool, where the wire format repeats it.
    """

    call_id: str
    parts: tuple[Part, ...] = ()
    is_error: bool = False
    name: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        msgspec.structs.force_setattr(self, "parts", tuple(self.parts))  # any iterable is accepted


class Media(_PartFields, frozen=True, tag="media"):
    """An image, a sound, a film or a file, usually by reference.

    Attributes:
        kind: What it is.
        source: What ``value`` holds: a URL, base64 data, or the provider's file id.
        value: The reference or the data.
        media_type: MIME type, where known.
        name: File name, where known.
        detail: Resolution asked for (``"low"``, ``"high"``, ``"auto"``), where the format has it.
        width: Width in pixels, where known.
        height: Height in pixels, where known.
    """

    kind: Literal["image", "audio", "video", "file"]
    source: Literal["url", "base64", "file_id"]
    value: str
    media_type: str | None = None
    name: str | None = None
    detail: str | None = None
    width: int | None = None
    height: int | None = None


class Refusal(_PartFields, frozen=True, tag="refusal"):
    """A model's refusal to answer."""

    text: str


class Citation(_PartFields, frozen=True, tag="citation"):
    """Where a stretch of the message's text comes from.

    Attributes:
        text: The cited stretch.
        start: Its first character in the text it belongs to, where known.
        end: One past its last character, where known.
        sources: The sources, as the provider describes them.
    """

    text: str = ""
    start: int | None = None
    end: int | None = None
    sources: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sources:
            msgspec.structs.force_setattr(self, "sources", freeze(self.sources))


class Opaque(_PartFields, frozen=True, tag="opaque"):
    """A part that memex has no word for. It survives untouched.

    Attributes:
        format: Name of the codec that understands it; ``"memex"`` for a part of a newer memex.
        data: The part exactly as that format wrote it.
    """

    format: str
    data: Any

    def __post_init__(self) -> None:
        super().__post_init__()
        msgspec.structs.force_setattr(self, "data", freeze(self.data))


Part = Text | Reasoning | ToolCall | ToolResult | Media | Refusal | Citation | Opaque
