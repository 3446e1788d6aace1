"""What every part of the contract of wire backends stands on: a server, its answers, four ways to ask."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

import msgspec
import pytest

from memex import (
    AuthFailed,
    Backend,
    BackendError,
    BadRequest,
    Event,
    Memex,
    Message,
    RateLimited,
    Request,
    Thread,
    Unavailable,
)
from memex.testing._scratch import ScratchStore
from memex.testing._wire.steps import Behaviour, Body, Piece, answer, sse
from memex.testing.wire import WireServer
from memex.wire import forget_learned

WORDS: Final = "The lighthouse door is blue, and it was painted in spring."
ASK: Final = Request(messages=(Message.user("Is the door blue?"),), answer_tokens=400, thread="t")
WAYS: Final = ("stream", "generate", "astream", "agenerate")

each_way = pytest.mark.parametrize("way", WAYS)
each_streaming_way = pytest.mark.parametrize("way", [way for way in WAYS if "stream" in way])

Refused = tuple[Behaviour, type[BackendError], str]
Senseless = tuple[Mapping[str, Any], str]


class RefusedSetting(msgspec.Struct, frozen=True, kw_only=True):
    """A setting that a model turns out to refuse, and how its server says so.

    Attributes:
        settings: The request's settings, of which one is refused.
        refusal: What the server does then.
        name: The setting that is left out.
        field: The field of the request's body that is not sent any more.
        why: A pattern of the reason that is told.
        backend: Settings of the backend for this.
    """

    settings: Mapping[str, Any]
    refusal: Behaviour
    name: str
    field: str
    why: str = "."
    backend: Mapping[str, Any] = {}


class WireBackendCase:
    """A backend under test, and a server that plays its provider."""

    key: ClassVar[str] = "canary-0123456789abcdefghijklmnop"
    key_variable: ClassVar[str] = ""
    refusals: ClassVar[Sequence[Refused]] = ()
    senseless: ClassVar[Sequence[Senseless]] = (({"colour": "grey"}, "colour"), ({"attempts": 0}, "attempts"))
    pieces_before_words: ClassVar[int] = 0

    def backend_at(self, url: str, **settings: Any) -> Backend:
        """Return a backend that asks the server at an address.

        Args:
            url: The server's address, without a path.
            **settings: ``model``, where a test wants another than the usual one, and some of
                :class:`memex.wire.WireSettings`; ``api_key`` is always given.
        """
        raise NotImplementedError(f"{type(self).__name__}.backend_at() returns the backend to be tested")

    def says(self, text: str) -> Any:
        """Return an answer with this text, in any form that :meth:`body` and :meth:`pieces` take."""
        raise NotImplementedError(f"{type(self).__name__}.says() returns an answer of the provider")

    def says_all(self) -> Any:
        """Return an answer with all that the provider knows to say: thoughts, citations, calls."""
        return self.says(WORDS)

    def body(self, said: Any) -> Body:
        """Return the body of an answer that comes at once."""
        whole: Body = said
        return whole

    def pieces(self, said: Any) -> Sequence[Piece]:
        """Return the same answer as it is streamed, cut in many pieces."""
        raise NotImplementedError(f"{type(self).__name__}.pieces() returns an answer as it is streamed")

    def refusal(self, status: int, words: str) -> Body:
        """Return the body with which the provider refuses."""
        raise NotImplementedError(f"{type(self).__name__}.refusal() returns the body of an error")

    def too_long(self) -> tuple[str, int]:
        """Return the provider's words for a prompt that is too long, and the limit that they name."""
        pytest.skip(f"{type(self).__name__}.too_long() has to return words about a limit, and the limit")

    def failure(self, words: str) -> tuple[Piece, type[BackendError]]:
        """Return a piece of a stream that says that the answer failed, and the error that this is."""
        pytest.skip(f"{type(self).__name__}.failure() has to return a piece that says {words!r}")

    def refused_setting(self) -> RefusedSetting:
        """Return a setting that a model turns out to refuse."""
        pytest.skip(f"{type(self).__name__}.refused_setting() has to return a setting that is refused")

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Give a test what the class says: each refusal, each setting that makes no sense."""
        if "refused" in metafunc.fixturenames:
            rows = [*self._usual_refusals(), *self.refusals]
            names = [f"{kind.__name__}-{number}" for number, (_, kind, _) in enumerate(rows)]
            metafunc.parametrize("refused", rows, ids=names)
        if "setting" in metafunc.fixturenames:
            metafunc.parametrize(
                "setting", self.senseless, ids=[next(iter(one)) for one, _ in self.senseless]
            )

    @pytest.fixture
    def server(self) -> Iterator[WireServer]:
        """Give a server, which must not be asked more often than its script says."""
        with WireServer() as running:
            yield running
            assert running.unexpected == []

    @pytest.fixture(autouse=True)
    def _all_is_closed_and_unlearned(self) -> Iterator[None]:
        self._made: list[Backend] = []
        yield
        for backend in self._made:
            backend.close()
        forget_learned()

    # -- what the tests share ------------------------------------------------------------------

    def make(self, server: WireServer, **settings: Any) -> Backend:
        """Return a backend that asks a server once, closed after the test."""
        backend = self.backend_at(server.url, **{"api_key": self.key, "attempts": 1, **settings})
        self._made.append(backend)
        return backend

    def thread_of(self, backend: Backend) -> Thread:
        """Return an empty thread whose answers come from a backend."""
        return Memex(ScratchStore(), backend=backend, chain=[]).thread("t")

    def plays(self, way: str, said: Any) -> Behaviour:
        """Return how a server gives an answer to who asks in one of the four ways."""
        return sse(*self.pieces(said)) if "stream" in way else answer(self.body(said))

    def half(self) -> Sequence[Piece]:
        """Return the pieces of the first half of an answer, with some of its words."""
        pieces = self.pieces(self.says(WORDS))
        return pieces[: len(pieces) // 2]

    def wordless(self) -> Sequence[Piece]:
        """Return the pieces with which an answer begins before there is a word."""
        return self.pieces(self.says(WORDS))[: self.pieces_before_words]

    def refuses(self, status: int, words: str, **headers: str) -> Behaviour:
        """Return how a server refuses."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return answer(self.refusal(status, words), status=status, headers=named)

    def _usual_refusals(self) -> list[Refused]:
        busy = answer("<html>busy</html>", status=502, headers={"content-type": "text/html"})
        return [
            (self.refuses(400, "messages: wrong"), BadRequest, "messages: wrong"),
            (self.refuses(401, "that key is wrong"), AuthFailed, "memex keys set"),
            (self.refuses(403, "not yours"), AuthFailed, "memex keys set"),
            (self.refuses(404, "model: there is none"), BadRequest, "model"),
            (self.refuses(429, "slow down", retry_after="7"), RateLimited, "7 s"),
            (self.refuses(500, "internal"), Unavailable, "try again"),
            (self.refuses(503, "overloaded"), Unavailable, "try again"),
            (busy, Unavailable, "try again"),
        ]


def offered(backend: Backend) -> list[str]:
    """Return the ways in which a backend can be asked."""
    return [way for way in WAYS if hasattr(backend, way)]


def ask(backend: Backend, way: str, request: Request = ASK) -> list[Event]:
    """Ask in one of the four ways and return the events; skip the test where it is not offered."""
    if way not in offered(backend):
        pytest.skip(f"{type(backend).__name__} offers no {way}()")
    asked: Any = backend
    if way in ("stream", "generate"):
        return list(getattr(asked, way)(request))

    async def alone() -> list[Event]:
        if way == "agenerate":
            return list(await asked.agenerate(request))
        return [event async for event in asked.astream(request)]

    return asyncio.run(alone())


def turn(thread: Thread, way: str) -> object:
    """Take a turn in one of the four ways and return what it gave."""
    question = "Is the door blue?"
    if way == "stream":
        return list(thread.stream(question))
    if way == "generate":
        return thread.send(question)

    async def alone() -> object:
        if way == "agenerate":
            return await thread.asend(question)
        return [event async for event in thread.astream(question)]

    return asyncio.run(alone())
