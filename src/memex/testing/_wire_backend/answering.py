"""Answering: the same answer in all four ways, over connections that are used again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from memex.testing._wire.steps import sse
from memex.testing._wire_backend.case import ASK, WORDS, WireBackendCase, ask, each_way, offered
from memex.testing.backend import assembled
from memex.testing.wire import WireServer


class AnsweringPromises(WireBackendCase):
    """What comes over the wire is what is told, whichever way it is asked for."""

    @each_way
    def test_every_way_gives_the_same_answer(self, server: WireServer, way: str) -> None:
        """Streamed or at once, blocking or not: the same parts, usage, finish, model and id."""
        said = self.says_all()
        server.play(self.plays(way, said), self.plays("stream", said))
        found = assembled(ask(self.make(server), way))
        other = assembled(ask(self.make(server), "stream"))
        assert found.parts
        assert (found.parts, found.usage, found.finish) == (other.parts, other.usage, other.finish)
        assert (found.response_id, found.model) == (other.response_id, other.model)

    @each_way
    def test_an_answer_has_the_words_that_were_said(self, server: WireServer, way: str) -> None:
        """All of them, and it ended as it should."""
        server.play(self.plays(way, self.says(WORDS)))
        events = ask(self.make(server), way)
        assert "".join(event.text for event in events) == WORDS
        assert assembled(events).finish == "stop"

    def test_one_backend_serves_several_loops_and_threads(self, server: WireServer) -> None:
        """An event loop that has ended takes nothing with it."""
        server.always(self.plays("stream", self.says(WORDS)))
        backend = self.make(server)
        for way in ("astream", "astream", "astream", "stream", "stream"):
            assert way not in offered(backend) or assembled(ask(backend, way)).finish == "stop"

    @each_way
    def test_a_connection_is_used_again(self, server: WireServer, way: str) -> None:
        """Three calls, one after the other, over one connection."""
        server.always(self.plays(way, self.says(WORDS)))
        backend: Any = self.make(server)
        if way not in offered(backend):
            pytest.skip(f"{type(backend).__name__} offers no {way}()")

        async def thrice() -> None:
            for _ in range(3):
                if way == "agenerate":
                    assert await backend.agenerate(ASK)
                else:
                    assert [event async for event in backend.astream(ASK)]

        if way.startswith("a"):
            asyncio.run(thrice())
        else:
            for _ in range(3):
                assert ask(backend, way)
        assert len(server.requests) == 3
        assert server.connections == 1

    def test_a_closed_backend_opens_new_connections(self, server: WireServer) -> None:
        """Closing is no end."""
        backend = self.make(server)
        for way in offered(backend):
            server.play(self.plays(way, self.says(WORDS)))
            assert assembled(ask(backend, way)).finish == "stop"
            backend.close()

    def test_an_answer_is_whole_even_if_the_connection_breaks_after_it(self, server: WireServer) -> None:
        """What counts is that the provider said that it is whole."""
        server.play(sse(*self.pieces(self.says(WORDS)), end="reset"))
        assert assembled(ask(self.make(server), "stream")).finish == "stop"

    @each_way
    def test_a_backend_with_limits_answers(self, server: WireServer, way: str) -> None:
        """Limits that are wide enough hold nothing back."""
        server.play(self.plays(way, self.says(WORDS)))
        backend = self.make(server, requests_per_minute=600, tokens_per_minute=100_000)
        assert assembled(ask(backend, way)).finish == "stop"
