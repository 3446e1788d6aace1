"""Exceptions of libraries are typed by what they are, and lose their keys."""

from __future__ import annotations

import json
import socket
import ssl
import traceback
from collections.abc import Iterator

import h11
import httpx2
import msgspec
import pytest

from memex import BackendError, BadRequest, ConfigError, MemexError, Truncated, Unavailable
from memex.wire import Attempt, Caller, Retries, Secret

CANARY = "canary-of-a-foreign-error-77"


def failure(error: BaseException, translated: BackendError | None = None) -> MemexError:
    def attempt(_: Attempt) -> Iterator[None]:
        raise error
        yield

    made = Caller(
        provider="parrot", model="grey", translate=lambda _: translated, retries=Retries(attempts=1)
    )
    with pytest.raises(MemexError) as caught:
        list(made.stream(attempt))  # type: ignore[arg-type]
    return caught.value


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx2.ConnectError("refused"), Unavailable),
        (httpx2.ConnectTimeout("late"), Unavailable),
        (httpx2.ReadTimeout("late"), Unavailable),
        (httpx2.RemoteProtocolError("peer closed connection"), Unavailable),
        (httpx2.DecodingError("not gzip"), Unavailable),
        (httpx2.UnsupportedProtocol("no http://"), BadRequest),
        (httpx2.LocalProtocolError("Illegal header value"), BadRequest),
        (httpx2.InvalidURL("no host"), BadRequest),
        (httpx2.StreamClosed(), Unavailable),
        (h11.RemoteProtocolError("illegal status line"), Unavailable),
        (ssl.SSLError("certificate verify failed"), Unavailable),
        (socket.gaierror(-2, "Name or service not known"), Unavailable),
        (ConnectionRefusedError(), Unavailable),
        (FileNotFoundError(2, "No such file or directory"), BadRequest),
        (ImportError("the 'socksio' package is not installed"), BadRequest),
        (ValueError("Unknown scheme for proxy URL"), BadRequest),
        (TimeoutError(), Unavailable),
        (EOFError(), BackendError),
        (json.JSONDecodeError("Expecting value", "<html>", 0), Unavailable),
        (msgspec.ValidationError("Expected `str`, got `int`"), Unavailable),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), Unavailable),
        (TypeError("create() got an unexpected keyword argument"), BackendError),
        (RecursionError(), BackendError),
        (StopAsyncIteration(), BackendError),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else value.__name__,
)
def test_each_kind_has_its_error(error: Exception, kind: type) -> None:
    typed = failure(error)
    assert type(typed) is kind
    assert typed.__cause__ is error
    assert type(error).__name__ in str(typed)


class APIConnectionError(Exception):
    """As the SDKs raise it."""


def test_the_words_are_those_of_the_error_that_says_what_broke() -> None:
    error = APIConnectionError("Connection error.")
    error.__cause__ = httpx2.ConnectError("[Errno 111] Connection refused")
    error.__cause__.__cause__ = ConnectionRefusedError()
    typed = failure(error)
    assert type(typed) is Unavailable
    assert "ConnectError: [Errno 111] Connection refused" in str(typed)
    assert typed.__cause__ is error


@pytest.mark.parametrize(
    ("error", "do"),
    [
        (FileNotFoundError(2, "No such file or directory"), "SSL_CERT_FILE"),
        (ImportError("the 'socksio' package is not installed"), "install what it names"),
        (ValueError("Unknown scheme for proxy URL"), "HTTPS_PROXY"),
    ],
    ids=["certificates", "socks", "proxy"],
)
def test_what_is_wrong_in_the_environment_is_said_so_at_once(error: Exception, do: str) -> None:
    assert do in str(failure(error))


def test_our_own_errors_pass_as_they_are() -> None:
    for error in (ConfigError("no such thing"), Truncated("cut")):
        assert failure(error) is error


class Stubborn(Exception):
    def __str__(self) -> str:
        return f"I quote {CANARY}"


class Detailed(Exception):
    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.body = {"error": {"message": f"wrong key {CANARY}", "tries": [CANARY, 3]}}
        self.raw = f"authorization: Bearer {CANARY}".encode()


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(f"header {CANARY}"),
        Stubborn(),
        Detailed("no key in here"),
        ExceptionGroup("several", [RuntimeError(CANARY)]),
        OSError(5, f"cannot send {CANARY}"),
        KeyError(CANARY),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("translated", [True, False])
def test_no_key_is_in_an_error_or_its_causes(error: Exception, translated: bool) -> None:
    kept = Secret(CANARY)
    error.__context__ = ValueError(f"while sending {CANARY}")
    typed = failure(error, BackendError(f"told {CANARY}") if translated else None)
    shown = "".join(traceback.format_exception(typed)) + repr(typed)
    links: list[BaseException | None] = [typed]
    while links:
        if (link := links.pop()) is not None:
            shown += repr(link) + repr(vars(link)) + str(link)
            links += [link.__cause__, link.__context__]
    assert CANARY not in shown
    assert kept
    assert typed.__cause__ is error or "left out: it held a key" in str(typed.__notes__)
