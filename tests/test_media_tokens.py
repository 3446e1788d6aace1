"""What images, sounds, films and files cost."""

from __future__ import annotations

import base64
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memex import Media, Message, Part, ScriptCounter, Text
from memex._image_size import image_size
from memex._media_tokens import _openai_tiles, image_tokens

GERMAN = (Path(__file__).parent / "texts" / "german.txt").read_text(encoding="utf-8")


def count(*parts: Part) -> int:
    return ScriptCounter().count_message(Message.user(parts))


EMPTY = count()


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + bytes(9)


def jpeg(width: int, height: int) -> bytes:
    preview = b"\xff\xe1" + struct.pack(">H", 5000) + bytes(4998)
    return b"\xff\xd8" + preview + b"\xff\xff\xc2" + struct.pack(">HBHH", 17, 8, height, width) + bytes(9)


def webp(chunk: bytes) -> bytes:
    return b"RIFF\0\0\0\0WEBP" + chunk


IMAGES = {
    "png": png(640, 480),
    "gif": b"GIF89a" + struct.pack("<HH", 640, 480),
    "jpeg": jpeg(640, 480),
    "webp lossy": webp(b"VP8 " + bytes(10) + struct.pack("<HH", 640, 480)),
    "webp lossless": webp(b"VP8L" + bytes(5) + (639 | 479 << 14).to_bytes(4, "little") + bytes(8)),
    "webp extended": webp(b"VP8X" + bytes(8) + (639).to_bytes(3, "little") + (479).to_bytes(3, "little")),
}


def media(kind: str, data: bytes = b"", **fields: object) -> Media:
    if data:
        return Media(kind=kind, source="base64", value=base64.b64encode(data).decode(), **fields)
    return Media(kind=kind, source="url", value="https://example.org/x", **fields)


@pytest.mark.parametrize("head", IMAGES.values(), ids=IMAGES)
def test_the_size_of_an_image_is_read_from_its_data(head: bytes) -> None:
    assert image_size(head) == (640, 480)
    sized = media("image", width=640, height=480)
    assert count(media("image", head)) == count(sized)
    url = f"data:image/x;base64,{base64.b64encode(head).decode()}"
    assert count(Media(kind="image", source="url", value=url)) == count(sized)


@settings(deadline=None)
@given(st.binary(), st.sampled_from([b"", *(head[:16] for head in IMAGES.values())]))
def test_no_bytes_break_the_reading_of_a_size(data: bytes, start: bytes) -> None:
    size = image_size(start + data)
    assert size is None or min(size) > 0


def test_images_cost_at_least_what_the_documented_formulas_give() -> None:
    assert _openai_tiles(1024, 1024) == 765  # OpenAI's own examples
    assert _openai_tiles(2048, 4096) == 1105
    for width, height in [(1, 1), (200, 200), (1000, 1000), (1092, 1092), (1920, 1080), (9000, 30)]:
        assert image_tokens(width, height) >= _openai_tiles(width, height)
        assert image_tokens(width, height) >= min(1568, width * height // 750)  # Anthropic's
        assert image_tokens(width, height, "high") <= image_tokens(width, height)
        assert image_tokens(width, height, "low") >= 85


def test_an_image_of_unknown_size_is_a_large_one() -> None:
    unknown = count(media("image"))
    assert unknown - EMPTY == 4784
    assert count(media("image", b"no image at all")) == unknown
    assert count(media("image", width=0, height=480)) == unknown
    assert 85 <= count(media("image", detail="low")) - EMPTY < 1000


def test_a_text_file_is_counted_as_text() -> None:
    text = GERMAN
    assert count(media("file", text.encode(), media_type="text/plain")) == count(Text(text))
    table = '{"depth": [7.5, 9.2]}'
    assert count(media("file", table.encode(), media_type="application/geo+json")) == count(Text(table))


def test_the_pages_of_a_pdf_are_counted() -> None:
    pdf = b"%PDF-1.7 << /Type /Pages /Count 2 >> << /Type /Page >> <</Type/Page/Parent 1 0 R>>"
    assert count(media("file", pdf, media_type="application/pdf")) - EMPTY == 2 * 4600
    packed = media("file", b"%PDF-1.7" + bytes(30_000), media_type="application/pdf")
    assert count(packed) >= 30_000


@pytest.mark.parametrize("kind", ["audio", "video", "file"])
def test_more_data_costs_more(kind: str) -> None:
    little, much = media(kind, bytes(30_000)), media(kind, bytes(3_000_000))
    assert EMPTY < count(little) < count(much)
    assert count(media(kind)) > 1000


def test_a_minute_of_telephone_sound_is_counted_by_the_second() -> None:
    minute = media("audio", bytes(16_000 * 60), media_type="audio/wav")
    assert 32 * 60 <= count(minute) - EMPTY <= 40 * 60


def test_a_file_name_is_counted() -> None:
    assert count(media("file", name="drawings of the workshop.pdf")) > count(media("file"))
