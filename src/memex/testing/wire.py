"""A small server that does what it is told, faults included, at the level of the socket.

For backends that talk over HTTP: their SDK meets a real connection that is slow, silent, cut or
garbled, not a double of itself. It needs nothing but Python.
"""

from __future__ import annotations

import json
import select
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from memex.testing._wire.steps import (
    Behaviour,
    Close,
    Dribble,
    Pause,
    Reset,
    Send,
    Stall,
    answer,
    slowly,
    sse,
)

__all__ = [
    "Behaviour",
    "Close",
    "Dribble",
    "Pause",
    "Reset",
    "SeenRequest",
    "Send",
    "Stall",
    "WireServer",
    "answer",
    "slowly",
    "sse",
]

_TICK: Final = 0.02
_LARGEST_HEAD: Final = 1 << 20
_RESET: Final = struct.pack("ii", 1, 0)  # linger for 0 s: closing sends RST


class SeenRequest(msgspec.Struct, frozen=True):
    """A request that the server got.

    Attributes:
        method: ``"POST"``.
        path: With the query.
        headers: Names in lower case.
        body: As it came.
        hung_up: Set when the client closed the connection before the answer was over.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    hung_up: threading.Event

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)


Script = Behaviour | Callable[[SeenRequest], Behaviour]


class WireServer:
    """A scripted HTTP/1.1 server on the loopback.

    ::

        with WireServer() as server:
            server.play(answer({"error": "busy"}, status=503), sse({"text": "Hi"}, "[DONE]"))
            server.play([Reset()])
            ...                                     # three requests to server.url
            assert server.requests[0].json()["model"] == "parrot-1"

    A request beyond the script is answered with status 599 and stands in :attr:`unexpected`.

    Attributes:
        url: Its address, without a path.
        requests: What it got, in order.
        unexpected: Requests for which there was no behaviour.
        connections: How many connections it accepted.
    """

    def __init__(self) -> None:
        self.requests: list[SeenRequest] = []
        self.unexpected: list[SeenRequest] = []
        self.connections = 0
        self._script: deque[Script] = deque()
        self._always: Script | None = None
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._start(self._accept)

    def play(self, *behaviours: Script) -> Self:
        """Add to the script: one behaviour for each request to come."""
        with self._lock:
            self._script.extend(behaviours)
        return self

    def always(self, behaviour: Script | None) -> Self:
        """Set what is done when the script is over."""
        with self._lock:
            self._always = behaviour
        return self

    def close(self) -> None:
        """Stop, and end every connection."""
        self._closing.set()
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def __enter__(self) -> Self:
        """Return the server, which runs already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.close()

    # -- inside ----------------------------------------------------------------------------------

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, name="wire-server", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                if select.select([self._listener], [], [], _TICK)[0]:
                    connection = self._listener.accept()[0]
                    self.connections += 1
                    self._start(self._serve, connection)
            except (OSError, ValueError):  # closed meanwhile
                return

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader = _Reader(connection, self._closing)
        try:
            while (request := reader.request()) is not None:
                if not self._act(connection, request, self._next(request)):
                    return
        except OSError:  # the client is gone
            return
        finally:
            connection.close()

    def _next(self, request: SeenRequest) -> Behaviour:
        with self._lock:
            self.requests.append(request)
            script = self._script.popleft() if self._script else self._always
            if script is None:
                self.unexpected.append(request)
        if script is None:
            return answer({"error": {"message": "the script is over"}}, status=599)
        return script(request) if callable(script) else script

    def _act(self, connection: socket.socket, request: SeenRequest, behaviour: Behaviour) -> bool:
        """Do what the behaviour says; say whether the connection can take another request."""
        try:
            for step in behaviour:
                match step:
                    case Send():
                        connection.sendall(step.data)
                    case Dribble():
                        for byte in step.data:
                            connection.sendall(bytes([byte]))
                            self._wait(connection, request, step.every)
                    case Pause():
                        self._wait(connection, request, step.seconds)
                    case Stall():
                        self._wait(connection, request, None)
                    case Reset():
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                        return False
                    case Close():
                        connection.shutdown(socket.SHUT_WR)
                        return False
        except OSError:
            request.hung_up.set()
            raise
        return not request.hung_up.is_set()

    def _wait(self, connection: socket.socket, request: SeenRequest, seconds: float | None) -> None:
        """Wait until the time is over, the client has hung up, or the server closes."""
        until = None if seconds is None else time.monotonic() + seconds
        while not self._closing.is_set():
            left = _TICK if until is None else min(_TICK, until - time.monotonic())
            if left <= 0:
                return
            if select.select([connection], [], [], left)[0] and not connection.recv(1, socket.MSG_PEEK):
                request.hung_up.set()
                raise ConnectionAbortedError("the client hung up")
        raise ConnectionAbortedError("the server closes")


class _Reader:
    """Reads the requests of one connection."""

    def __init__(self, connection: socket.socket, closing: threading.Event) -> None:
        self._connection = connection
        self._closing = closing
        self._buffer = b""

    def request(self) -> SeenRequest | None:
        """Return the next request, None when there is none."""
        head = self._until(b"\r\n\r\n")
        if head is None:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return SeenRequest(method, path, headers, self._body(headers), threading.Event())

    def _body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() != "chunked":
            return self._exactly(int(headers.get("content-length", 0)))
        body = b""
        while size := int((self._until(b"\r\n") or b"0").split(b";")[0], 16):
            body += self._exactly(size + 2)[:-2]
        self._until(b"\r\n")
        return body

    def _until(self, mark: bytes) -> bytes | None:
        while mark not in self._buffer:
            if len(self._buffer) > _LARGEST_HEAD or not self._more():
                return None
        found, _, self._buffer = self._buffer.partition(mark)
        return found

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            if not self._more():
                raise ConnectionAbortedError("the request ended early")
        found, self._buffer = self._buffer[:size], self._buffer[size:]
        return found

    def _more(self) -> bool:
        while not self._closing.is_set():
            if select.select([self._connection], [], [], _TICK)[0]:
                data = self._connection.recv(1 << 16)
                self._buffer += data
                return bool(data)
        return False
