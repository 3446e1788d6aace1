"""The pieces of an OpenAI chat message: content blocks, sound, the deprecated call."""

from __future__ import annotations

from typing import Any, Final

from memex._codecs.content import settle
from memex._codecs.leftovers import shaped
from memex._codecs.media import (
    from_file_data,
    read_image_url,
    read_input_audio,
    to_file_data,
    write_image_url,
    write_input_audio,
)
from memex._codecs.outgoing import NoPlace, Outgoing
from memex._codecs.reading import object_field, text_field, text_or_none
from memex._frozen import FrozenDict
from memex._parts import Media, Part, Refusal, Text, ToolCall

NAME: Final = "openai"


def read_block(block: FrozenDict, where: str) -> Part | None:
    """Read one block of a content list."""
    match block["type"]:
        case "text":
            return Text(text_field(block, "text", where))
        case "refusal":
            return Refusal(text_field(block, "refusal", where), extra=shaped(NAME, place="content"))
        case "image_url":
            return read_image_url(block, where)
        case "input_audio":
            return read_input_audio(block, where)
        case "file":
            return _read_file(object_field(block, "file", where))
        case _:
            return None


def _read_file(file: FrozenDict) -> Media | None:
    name, data, file_id = (text_or_none(file, key) for key in ("filename", "file_data", "file_id"))
    if data is not None:
        return from_file_data(data, name)
    if file_id is not None:
        return Media(kind="file", source="file_id", value=file_id, name=name)
    return None


def write_part(role: str, part: Part, out: Outgoing) -> dict[str, Any]:
    """Write one part as a content block of a message of this role."""
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if isinstance(part, Refusal) and role == "assistant":
        return {"type": "refusal", "refusal": part.text}
    if isinstance(part, Media) and role == "user":
        return _write_media(part, out)
    raise NoPlace(f"{out.codec} has no place for it in a {role} message")


def _write_media(part: Media, out: Outgoing) -> dict[str, Any]:
    if part.kind == "image":
        return write_image_url(part, out)
    if part.kind == "audio":
        return write_input_audio(part, out)
    if part.kind != "file" or part.source == "url":
        raise NoPlace(f"{out.codec} takes no {part.kind} by {part.source}")
    file = {"file_id": part.value} if part.source == "file_id" else {"file_data": to_file_data(part)}
    if part.name is not None:
        file["filename"] = part.name
    out.check_media(part, "name", "media_type")
    return {"type": "file", "file": file}


def read_function_call(call: FrozenDict, call_id: str, where: str) -> ToolCall:
    """Read the deprecated ``function_call`` field, which has no id of its own."""
    part = ToolCall(
        id=call_id,
        name=text_field(call, "name", where),
        arguments=text_field(call, "arguments", where),
        extra=shaped(NAME, field="function_call"),
    )
    settled = settle(part, call, NAME, write_function_call)
    return settled if isinstance(settled, ToolCall) else part


def write_function_call(part: ToolCall, _out: Outgoing) -> dict[str, Any]:
    """Write the deprecated ``function_call`` field."""
    return {"name": part.name, "arguments": part.arguments}


def write_audio(part: Media, out: Outgoing) -> dict[str, Any]:
    """Write the ``audio`` field: an earlier answer in sound, by its id."""
    out.check_media(part)
    return {"id": part.value}


def read_audio(audio: FrozenDict) -> Part | None:
    """Read the ``audio`` field; None where it has no id."""
    audio_id = text_or_none(audio, "id")
    if audio_id is None:
        return None
    return settle(Media(kind="audio", source="file_id", value=audio_id), audio, NAME, write_audio)
