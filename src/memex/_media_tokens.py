"""Bounds on the tokens of images, sounds, films and files."""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable
from math import ceil, inf
from typing import Final

from memex._image_size import image_size
from memex._parts import Media

# OpenAI, "Images and vision": a low-detail image is 85 tokens on models that cut tiles of 512 pixels; on
# those that cut patches of 32 it is shown at 512 x 512, 256 patches of at most 2.46 tokens each.
_LOW_DETAIL: Final = 630
# Anthropic, "Vision": at most 1,568 tokens, since Opus 4.7 at most 4,784.
_UNKNOWN_IMAGE: Final = 4784
# Anthropic, "PDF support": 1,500 to 3,000 tokens of text a page, and an image of at most 1,600.
_PAGE: Final = 4600
_UNKNOWN_FILE: Final = 10_000
# Google, "Understand audio" and "Understand video": 32 and 300 tokens a second; OpenAI hears 10.
_UNKNOWN_AUDIO: Final = 60 * 32
_UNKNOWN_VIDEO: Final = 60 * 300

_PAGES = re.compile(rb"/Type\s*/Page(?![a-zA-Z])")
_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?[^,]*;base64,", re.ASCII)
_TEXT_TYPES = re.compile(r"text/|application/(?:[\w.-]+\+)?(?:json|xml|yaml|toml|javascript)\b")


def media_tokens(part: Media, count_text: Callable[[str], int]) -> int:
    """Return a bound on the tokens of ``part``.

    Images are counted by their size, which is read from base64 data where the part does not
    tell; sounds, films and files by the size of their data. Where nothing is known, the number is
    a fair guess and no bound: the largest image of Anthropic's, one minute, or about ten pages
    of print. A provider that bills images by another rule (gpt-4o-mini: some thirty-fold) is not covered.
    """
    data, media_type = _inline(part)
    name = count_text(part.name) if part.name else 0
    return name + _KINDS.get(part.kind, _file)(part, data, media_type, count_text)


def image_tokens(width: int, height: int, detail: str | None = None) -> int:
    """Return the most that a documented formula gives for an image of that size in pixels."""
    if detail == "low":
        return _LOW_DETAIL
    patches = ceil(width / 32) * ceil(height / 32)
    return ceil(
        max(
            _openai_tiles(width, height),
            2.46 * min(patches, 1536),  # gpt-4.1-nano, the dearest of its patch models
            1.2 * min(patches, 2500 if detail == "high" else inf),  # newer models; "auto" is not scaled down
            min(ceil(width / 28) * ceil(height / 28), 4784),  # Anthropic; about width * height / 750
        )
    )


def _openai_tiles(width: float, height: float) -> int:
    """Fit into 2,048 square, then the short side to 768; 85 and 170 for each tile of 512."""
    shrink = min(1.0, 2048 / max(width, height))
    shrink = min(shrink, 768 / min(width, height))
    return 85 + 170 * ceil(width * shrink / 512) * ceil(height * shrink / 512)


def _inline(part: Media) -> tuple[str, str]:
    """Return the part's base64 data, empty where it is a reference, and its MIME type."""
    media_type = (part.media_type or "").lower()
    if part.source == "base64":
        return part.value, media_type
    if part.source == "url" and (found := _DATA_URL.match(part.value)):
        return part.value[found.end() :], media_type or (found[1] or "").lower()
    return "", media_type


def _decoded(data: str) -> bytes:
    try:
        return binascii.a2b_base64(data[: len(data) // 4 * 4])
    except ValueError:
        return b""


def _image(part: Media, data: str, _type: str, _count: Callable[[str], int]) -> int:
    width, height = part.width or 0, part.height or 0
    if min(width, height) < 1:
        width, height = image_size(_decoded(data[:131_072])) or (0, 0)
    if width:
        return image_tokens(width, height, part.detail)
    return _LOW_DETAIL if part.detail == "low" else _UNKNOWN_IMAGE


def _audio(_part: Media, data: str, media_type: str, _count: Callable[[str], int]) -> int:
    """32 tokens a second of at least 16,000 bytes (telephone PCM) or 2,000 (compressed speech)."""
    if not data:
        return _UNKNOWN_AUDIO
    raw = "wav" in media_type or "pcm" in media_type
    return 32 + _bytes(data) // (500 if raw else 62)


def _video(_part: Media, data: str, _type: str, _count: Callable[[str], int]) -> int:
    """300 tokens a second of at least 30,000 bytes (240 kbit/s)."""
    return 300 + _bytes(data) // 100 if data else _UNKNOWN_VIDEO


def _file(_part: Media, data: str, media_type: str, count_text: Callable[[str], int]) -> int:
    """Texts are counted, the pages of a PDF too; anything else is a token a byte."""
    if not data:
        return _UNKNOWN_FILE
    if _TEXT_TYPES.match(media_type):
        return count_text(_decoded(data).decode("utf-8", "replace"))
    if "pdf" in media_type and (pages := len(_PAGES.findall(_decoded(data)))):
        return pages * _PAGE
    return _bytes(data)


def _bytes(data: str) -> int:
    return len(data) * 3 // 4


_KINDS: Final = {"image": _image, "audio": _audio, "video": _video, "file": _file}
