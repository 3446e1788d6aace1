"""The scripted server does at the socket what its script says."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from memex.testing import WireServer
from memex.testing.wire import Close, Pause, Reset, Send, Stall, answer, slowly, sse


@pytest.fixture
def server() -> Iterator[WireServer]:
    with WireServer() as running:
        yield running


_opened: list[http.client.HTTPConnection] = []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while _opened:
        _opened.pop().close()


def connect(server: WireServer) -> http.client.HTTPConnection:
    parts = urlsplit(server.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    _opened.append(connection)
    return connection


def post(server: WireServer, body: str = "{}") -> http.client.HTTPResponse:
    connection = connect(server)
    connection.request("POST", "/v1/x?y=1", body, {"X-Thing": "Value"})
    return connection.getresponse()


def test_it_answers_and_remembers_what_it_got(server):
    server.play(answer({"a": 1}, status=418, headers={"x-told": "yes"}))
    response = post(server, '{"model": "grey"}')
    assert (response.status, response.headers["x-told"], response.read()) == (418, "yes", b'{"a": 1}')
    (seen,) = server.requests
    assert (seen.method, seen.path, seen.headers["x-thing"]) == ("POST", "/v1/x?y=1", "Value")
    assert seen.json() == {"model": "grey"}


def test_a_connection_takes_several_requests(server):
    server.play(answer("one"), sse("two"), lambda request: answer(request.body))
    connection = connect(server)
    got = []
    for body in ("1", iter([b"2", b"2"]), "3"):
        connection.request("POST", "/", body, encode_chunked=not isinstance(body, str))
        got.append(connection.getresponse().read())
    assert got == [b"one", b"data: two\n\n", b"3"]
    assert [request.body for request in server.requests] == [b"1", b"22", b"3"]


def test_beyond_the_script_is_an_error(server):
    assert post(server).status == 599
    assert len(server.unexpected) == 1
    server.always(answer("ok"))
    assert [post(server).status for _ in range(2)] == [200, 200]


def test_events_of_a_stream(server):
    server.play(sse({"a": 1}, ("named", {"b": 2}), Pause(0.01), b"data: {broken\n\n", "[DONE]", pause=0.001))
    assert post(server).read() == (
        b'data: {"a": 1}\n\nevent: named\ndata: {"b": 2}\n\ndata: {broken\n\ndata: [DONE]\n\n'
    )


@pytest.mark.parametrize("behaviour", [[Reset()], [Send(b"HTTP/1.1 2"), Reset()]])
def test_a_reset_before_the_headers(server, behaviour):
    server.play(behaviour)
    with pytest.raises(ConnectionResetError):
        post(server)


def test_a_reset_in_the_middle(server):
    server.play(sse({"a": 1}, Pause(0.05), end="reset"))
    response = post(server)
    assert response.readline() == b'data: {"a": 1}\n'
    with pytest.raises(ConnectionResetError):
        response.read()


def test_an_early_close_is_noticed_with_chunks_and_not_without(server):
    server.play(sse({"a": 1}, end="close"), sse({"a": 1}, end="close", framing="close"), [Close()])
    with pytest.raises(http.client.IncompleteRead):
        post(server).read()
    assert post(server).read() == b'data: {"a": 1}\n\n'
    with pytest.raises(http.client.RemoteDisconnected):
        post(server)


def test_headers_byte_by_byte(server):
    server.play(slowly(answer("late"), every=0.0005), slowly(sse("x"), every=0.0005, headers_only=False))
    assert post(server).read() == b"late"
    assert post(server).read() == b"data: x\n\n"


def test_a_client_that_hangs_up_is_noticed(server):
    server.play(sse({"a": 1}, end="stall"), [Stall()])
    response = post(server)
    response.readline()
    _opened.pop().close()
    response.close()
    assert server.requests[0].hung_up.wait(20)


def test_closing_ends_a_stalled_connection():
    server = WireServer().play([Stall()])
    ended = threading.Event()

    def ask() -> None:
        with pytest.raises((OSError, http.client.HTTPException)):
            post(server)
        ended.set()

    thread = threading.Thread(target=ask)
    thread.start()
    while not server.requests:
        threading.Event().wait(0.01)
    server.close()
    thread.join()
    assert ended.is_set()


def test_a_client_that_sends_nothing_or_half_a_request_does_no_harm(server):
    parts = urlsplit(server.url)
    for data in (b"", b"POST / HTTP/1.1\r\ncontent-length: 10\r\n\r\nhalf"):
        with socket.create_connection((parts.hostname, parts.port)) as client:
            client.sendall(data)
    server.play(answer("ok"))
    assert post(server).read() == b"ok"
