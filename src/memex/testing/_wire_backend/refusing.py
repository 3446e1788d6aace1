"""Refusals: each is a typed error that says what to do, and is tried again only where that may help."""

from __future__ import annotations

import re
import socket

import msgspec
import pytest

from memex import AuthFailed, BadSetting, ContextOverflow, RateLimited, Unavailable
from memex.testing._wire.steps import Reset
from memex.testing._wire_backend.case import (
    ASK,
    WORDS,
    Refused,
    Senseless,
    WireBackendCase,
    ask,
    each_way,
    offered,
)
from memex.testing.backend import assembled
from memex.testing.wire import WireServer


class RefusingPromises(WireBackendCase):
    """What is made of a server that says no."""

    @each_way
    def test_every_refusal_is_a_typed_error(self, server: WireServer, way: str, refused: Refused) -> None:
        """Of just this kind; it names the provider and the model."""
        behaviour, kind, words = refused
        server.play(behaviour)
        backend = self.make(server)
        with pytest.raises(kind, match=words) as caught:
            ask(backend, way)
        assert caught.type is kind
        assert f"{backend.name} ({backend.model})" in str(caught.value)
        assert kind is not AuthFailed or f"memex keys set {backend.name}" in str(caught.value)
        assert len(server.requests) == 1

    @each_way
    def test_a_prompt_that_is_too_long_says_how_long_it_may_be(self, server: WireServer, way: str) -> None:
        """The limit goes with the error, so that a smaller window can be sent."""
        words, limit = self.too_long()
        server.play(self.refuses(400, words))
        with pytest.raises(ContextOverflow) as caught:
            ask(self.make(server), way)
        assert caught.value.limit == limit

    @each_way
    def test_a_passing_fault_is_tried_again(self, server: WireServer, way: str) -> None:
        """An overload and a broken connection, then the answer."""
        server.play(self.refuses(503, "overloaded"), [Reset()], self.plays(way, self.says(WORDS)))
        assert assembled(ask(self.make(server, attempts=3), way)).finish == "stop"
        assert len(server.requests) == 3

    @each_way
    def test_a_wait_that_the_provider_asks_for_is_told(self, server: WireServer, way: str) -> None:
        """One that is too long to be waited for here."""
        server.play(self.refuses(429, "slow down", retry_after="300"))
        with pytest.raises(RateLimited) as caught:
            ask(self.make(server, attempts=3), way)
        assert caught.value.retry_after == 300
        assert len(server.requests) == 1

    @each_way
    def test_a_setting_that_a_model_refuses_is_left_out_once_and_told(
        self, server: WireServer, way: str
    ) -> None:
        """It is learned: the next backend does not send it either."""
        refused = self.refused_setting()
        server.play(refused.refusal, *[self.plays(way, self.says(WORDS))] * 2)
        request = msgspec.structs.replace(ASK, settings=refused.settings)
        for _ in range(2):
            backend = self.make(server, **refused.backend)
            [(name, why)] = assembled(ask(backend, way, request)).extra[f"{backend.name}:left_out"]
            assert name == refused.name
            assert re.search(refused.why, why)
        assert [refused.field in sent.json() for sent in server.requests] == [True, False, False]

    def test_what_makes_no_sense_is_refused_at_once(self, server: WireServer, setting: Senseless) -> None:
        """When the backend is made, not when it is asked; and the setting is named."""
        settings, words = setting
        with pytest.raises(BadSetting, match=words):
            self.make(server, **settings)

    def test_without_a_key_it_says_where_one_may_be(self, server: WireServer) -> None:
        """By the name of the environment's variable."""
        if not self.key_variable:
            pytest.skip(f"{type(self).__name__}.key_variable is empty: which variable holds the key?")
        with pytest.raises(AuthFailed, match=self.key_variable):
            ask(self.make(server, api_key=None), "stream")
        assert server.requests == []

    def test_nobody_listens(self) -> None:
        """Where there is no server, the error says what to check."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # so that nobody else begins to listen there
            url = f"http://127.0.0.1:{taken.getsockname()[1]}"
            backend = self.backend_at(url, api_key=self.key, attempts=1)
            for way in offered(backend):
                with pytest.raises(Unavailable, match="base_url"):
                    ask(backend, way)
            backend.close()
