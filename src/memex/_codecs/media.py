"""Images, sounds and files, by URL, as data or by file id, in the shapes that formats share."""

from __future__ import annotations

import re
from typing import Any, Literal

from memex._codecs.outgoing import NoPlace, Outgoing
from memex._codecs.reading import object_field, text_field, text_or_none
from memex._frozen import FrozenDict
from memex._parts import Media

Kind = Literal["image", "audio", "video", "file"]

_DATA_URL = re.compile(r"data:([A-Za-z0-9.+-]+/[A-Za-z0-9.+-]+);base64,(.*)", re.DOTALL)
_AUDIO_TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg"}
_AUDIO_FORMATS = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/mpeg": "mp3", "audio/mp3": "mp3"}


def from_url(url: str, kind: Kind, *, name: str | None = None, detail: str | None = None) -> Media:
    """Return the medium at a URL; a data URL becomes base64 data with its type."""
    found = _DATA_URL.fullmatch(url)
    if found:
        return Media(
            kind=kind, source="base64", value=found[2], media_type=found[1], name=name, detail=detail
        )
    return Media(kind=kind, source="url", value=url, name=name, detail=detail)


def to_url(part: Media, codec: str) -> str:
    """Return the URL of a medium, a data URL for base64 data."""
    if part.source == "file_id":
        raise NoPlace(f"{codec} takes no {part.kind} by file id")
    if part.source == "url":
        return part.value
    return f"data:{media_type(part)};base64,{part.value}"


def media_type(part: Media) -> str:
    """Return the type of base64 data, which a reader cannot do without."""
    if part.media_type is None:
        raise NoPlace("base64 data without a media type")
    return part.media_type


def read_image_url(block: FrozenDict, where: str) -> Media:
    """Read ``{"type": "image_url", "image_url": {"url", "detail"}}``."""
    image = object_field(block, "image_url", where)
    return from_url(
        text_field(image, "url", f"{where}.image_url"), "image", detail=text_or_none(image, "detail")
    )


def write_image_url(part: Media, out: Outgoing) -> dict[str, Any]:
    """Write an image as :func:`read_image_url` reads it."""
    image = {"url": to_url(part, out.codec)}
    if part.detail is not None:
        image["detail"] = part.detail
    out.check_media(part, "detail", "media_type")
    return {"type": "image_url", "image_url": image}


def read_input_audio(block: FrozenDict, where: str) -> Media:
    """Read ``{"type": "input_audio", "input_audio": {"data", "format"}}``."""
    audio = object_field(block, "input_audio", where)
    place = f"{where}.input_audio"
    form = text_field(audio, "format", place)
    return Media(
        kind="audio",
        source="base64",
        value=text_field(audio, "data", place),
        media_type=_AUDIO_TYPES.get(form, f"audio/{form}"),
    )


def write_input_audio(part: Media, out: Outgoing) -> dict[str, Any]:
    """Write a sound as :func:`read_input_audio` reads it."""
    if part.source != "base64":
        raise NoPlace(f"{out.codec} takes a sound as base64 data only")
    kind = media_type(part)
    if not kind.startswith("audio/"):
        raise NoPlace(f"{kind} is no sound")
    form = _AUDIO_FORMATS.get(kind, kind.removeprefix("audio/"))
    out.check_media(part, "media_type")
    return {"type": "input_audio", "input_audio": {"data": part.value, "format": form}}


def from_file_data(data: str, name: str | None, detail: str | None = None) -> Media:
    """Return the file in a ``file_data`` field: a data URL, or bare base64."""
    found = _DATA_URL.fullmatch(data)
    kind, value = (found[1], found[2]) if found else (None, data)
    return Media(kind="file", source="base64", value=value, media_type=kind, name=name, detail=detail)


def to_file_data(part: Media) -> str:
    """Return the ``file_data`` field of a file."""
    return part.value if part.media_type is None else f"data:{part.media_type};base64,{part.value}"
