"""What wrappers of SDKs share, without an SDK: threads, bodies, bytes, and whose an object is."""

from __future__ import annotations

import gc
import io
import json
import pathlib
import zlib
from datetime import date

import httpx
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memex import BadSetting, Memex, MissingThread, OpenTurn, UnknownThread
from memex.testing import ScratchStore
from memex.wire import ThreadChoice, to_plain, turn_of
from memex.wire._drop_in.tap import Events, Whole, tap
from memex.wire._drop_in.turns import note_turn


class Heard:
    """A call that keeps what it hears."""

    shown = None

    def __init__(self) -> None:
        self.told: list[object] = []

    @property
    def over(self) -> bool:
        return "end" in self.told

    def feed(self, wire: object) -> None:
        self.told.append(wire)

    def fail(self, error: BaseException) -> None:
        self.told.append(type(error).__name__)

    def end(self) -> None:
        self.told.append("end")

    abandon = end


values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@given(
    st.lists(values, max_size=5),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["", "\ufeff"]),
    st.booleans(),
    st.lists(st.integers(1, 9), max_size=40),
    st.booleans(),
)
def test_events_are_heard_however_their_bytes_are_cut(told, newline, mark, held, cuts, ascii_only):
    lines = [
        f"event: x{newline}data: {json.dumps(value, ensure_ascii=ascii_only)}{newline}{newline}"
        for value in told
    ]
    done = f"data: [DONE]{newline}{newline}"
    data = "".join([mark, *lines[:1], f": comment{newline}", *lines[1:], done]).encode(
        "utf-8", "surrogatepass"
    )
    heard = Heard()
    heard.shown = (lambda event, _: event) if held else None
    body = Events(heard)
    passed, at = [], 0
    for size in [*cuts, len(data)]:
        passed += body.take(data[at : at + size])
        at += size
    assert b"".join([*passed, body.left()]) == data
    assert heard.told == told


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
def test_an_event_is_passed_on_when_its_last_byte_comes_whatever_a_line_ends_with(newline):
    event = b"data: 1" + newline * 2
    for held in (False, True):
        heard = Heard()
        heard.shown = (lambda event, _: event) if held else None
        body = Events(heard)
        for _ in range(2):
            passed = [b"".join(body.take(bytes([byte]))) for byte in event]
            assert b"".join(passed) == event
            assert passed[-1]
        assert heard.told == [1, 1]


def test_a_line_of_many_pieces_is_one_line():
    heard = Heard()
    body = Events(heard)
    text = b"x" * (1 << 12)
    for piece in [b'data: "', *[text] * 4_000, b'"\n', b"\n"]:
        assert b"".join(body.take(piece)) == piece
    assert [len(one) for one in heard.told] == [4_000 << 12]


def test_an_event_is_heard_before_its_bytes_are_passed_on_and_the_next_one_after():
    heard = Heard()
    passing = Events(heard).take(b'data: 1\n\ndata: 2\n\ndata: {"a"')
    assert (next(passing), heard.told) == (b"data: 1\n\n", [1])
    assert (next(passing), heard.told) == (b"data: 2\n\n", [1, 2])
    assert (next(passing), heard.told) == (b'data: {"a"', [1, 2])


def test_what_is_no_json_fails_the_call():
    heard = Heard()
    list(Events(heard).take(b"data: {oops\n\n"))
    whole = Whole(heard)
    assert list(whole.take(b'{"a": ')) == [b'{"a": ']
    whole.end()
    assert heard.told == ["BackendError", "BackendError", "end"]


def test_an_empty_event_is_passed_on_by_itself_and_fails_nothing():
    heard = Heard()
    passing = Events(heard).take(b"data: 1\n\ndata:\n\ndata: 2\n\n")
    assert [(piece, list(heard.told)) for piece in passing] == [
        (b"data: 1\n\n", [1]),
        (b"data:\n\n", [1]),
        (b"data: 2\n\n", [1, 2]),
    ]


@pytest.mark.parametrize("size", [2, 7, 10_000])
@pytest.mark.parametrize("packing", ["gzip", "deflate", "bare", None])
@pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])
def test_a_body_that_comes_compressed_all_the_same_is_heard(library, packing, size):
    plain = b"".join(b"data: %d\n\n" % number for number in range(100))
    wbits = {"gzip": 31, "deflate": 15, "bare": -15}.get(packing)
    data = plain
    if wbits is not None:
        packer = zlib.compressobj(wbits=wbits)
        data = packer.compress(plain) + packer.flush()
    headers = {"content-encoding": "deflate" if packing == "bare" else packing} if packing else {}
    response = library.Response(200, headers=headers, content=iter([data[:size], data[size:]]))
    heard = Heard()
    tap(response, heard, stream=True)
    assert b"".join(response.iter_bytes()) == plain
    assert heard.told[:101] == [*range(100), "end"]  # it is told again when the response is closed


def packed(plain: bytes, coding: str) -> bytes:
    if coding == "br":
        brotli = pytest.importorskip("brotli", reason="needs pip install brotli")
        return brotli.compress(plain)
    return pytest.importorskip("zstandard", reason="needs pip install zstandard").compress(plain)


@pytest.mark.parametrize("size", [2, 7, 10_000])
@pytest.mark.parametrize("coding", ["br", "zstd"])
@pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])
async def test_what_the_http_library_can_unpack_is_heard(library, coding, size):
    plain = b"".join(b"data: %d\n\n" % number for number in range(100))
    data = packed(plain, coding)
    with library.Client() as client:
        known = coding in client.headers["accept-encoding"]

    async def pieces():
        for piece in (data[:size], data[size:]):
            yield piece

    for content in (iter([data[:size], data[size:]]), pieces()):
        response = library.Response(200, headers={"content-encoding": coding}, content=content)
        heard = Heard()
        tap(response, heard, stream=True)
        if hasattr(content, "__anext__"):
            got = b"".join([piece async for piece in response.aiter_bytes()])
        else:
            got = b"".join(response.iter_bytes())
        assert got == (plain if known else data)
        assert heard.told[:101] == [*range(100), "end"] if known else "end" in heard.told
        assert ("content-encoding" in response.headers) is not known


def test_a_body_that_was_packed_twice_is_heard():
    packer = zlib.compressobj(wbits=31)
    data = packer.compress(zlib.compress(b"data: 1\n\n")) + packer.flush()
    response = httpx2.Response(200, headers={"content-encoding": "deflate, X-Gzip"}, content=iter([data]))
    heard = Heard()
    tap(response, heard, stream=True)
    assert b"".join(response.iter_bytes()) == b"data: 1\n\n"
    assert heard.told[0] == 1


def test_a_body_that_nobody_can_unpack_stays_as_it_came():
    headers = {"content-encoding": "gzip, snappy"}
    response = httpx2.Response(200, headers=headers, content=iter([b"data: 1\n\n"]))
    tap(response, Heard(), stream=True)
    assert b"".join(response.iter_raw()) == b"data: 1\n\n"
    assert response.headers["content-encoding"] == "gzip, snappy"


def test_a_body_that_cannot_be_unpacked_breaks_as_it_does_without_memex():
    response = httpx2.Response(200, headers={"content-encoding": "gzip"}, content=iter([b"x", b"yz"]))
    heard = Heard()
    tap(response, heard, stream=True)
    with pytest.raises(httpx2.DecodingError):
        list(response.iter_bytes())
    assert heard.told[0] == "DecodingError"


def test_data_of_several_lines_is_one_event():
    heard = Heard()
    list(Events(heard).take(b'data: {"a":\ndata: 1}\n\n'))
    assert heard.told == [{"a": 1}]


# -- bodies ------------------------------------------------------------------------------------------


class Omit:
    pass


class Block:
    __api_exclude__ = frozenset({"parsed"})

    def model_dump(self, *, mode, exclude_unset, by_alias, exclude):
        assert (mode, exclude_unset, by_alias, exclude) == ("json", True, True, {"parsed"})
        return {"type": "text", "text": "x"}


def test_what_an_sdk_takes_becomes_json(tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"abc")
    given = {
        "messages": (m for m in [{"role": "user", "content": [Block()]}]),
        "system": Omit(),
        "files": [pathlib.Path(file), io.BytesIO(b"abc"), io.StringIO("abc")],
        "day": date(2026, 1, 19),
        "flag": True,
        "none": None,
    }
    assert to_plain(given) == {
        "messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}],
        "files": ["YWJj"] * 3,
        "day": "2026-01-19",
        "flag": True,
        "none": None,
    }
    thing = object()
    assert to_plain(thing) is thing


@given(values)
def test_json_stays_as_it_is(value):
    assert to_plain(value) == value


# -- threads -----------------------------------------------------------------------------------------


@pytest.fixture
def memory():
    with Memex(ScratchStore(), chain=[]) as opened:
        yield opened


def test_which_thread(memory):
    thread = memory.thread("mine", budget=500)
    assert ThreadChoice(memory=memory).choose("new one").id == "new one"
    assert ThreadChoice(memory=memory, default=thread).choose(None) is thread
    assert ThreadChoice(memory=memory, default="mine").choose("other").id == "other"
    fresh = ThreadChoice(memory=memory, on_missing="new")
    assert fresh.choose(None).id != fresh.choose(None).id
    with pytest.raises(MissingThread, match="on_missing"):
        ThreadChoice(memory=memory).choose(None)
    with pytest.raises(UnknownThread):
        ThreadChoice(memory=memory, on_unknown="error").choose("nobody")
    for wrong in ({"on_missing": 1}, {"on_unknown": "x"}, {"default": 3}):
        with pytest.raises(BadSetting):
            ThreadChoice(memory=memory, **wrong)
    with pytest.raises(BadSetting):
        ThreadChoice(memory=memory).choose(3)


# -- whose an object is ------------------------------------------------------------------------------


class Answer:
    __hash__ = None

    def __eq__(self, other):
        return True


class Helper:
    def __init__(self, response):
        self._response = response


def test_an_object_belongs_to_its_turn_for_as_long_as_it_lives(memory):
    turn = OpenTurn(memory.thread("t"), provider="parrot", model="grey")
    answer, other = note_turn(Answer(), turn), Answer()
    assert turn_of(answer) is turn
    assert turn_of(Helper(answer)) is turn
    with pytest.raises(UnknownThread, match="Answer"):
        turn_of(other)  # equal, and not the same
    assert note_turn("text", turn) == "text"
    place = id(answer)
    del answer
    gc.collect()
    from memex.wire._drop_in import turns

    assert place not in turns._turns
