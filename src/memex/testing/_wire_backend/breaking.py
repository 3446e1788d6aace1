"""Answers that break: cut, garbled, failed, stalled or left. None of them ever passes for a whole one."""

from __future__ import annotations

import asyncio

import pytest

from memex import BackendError, Truncated, Unavailable
from memex.testing._wire.steps import Behaviour, Close, Dribble, Send, Stall, piece_bytes, slowly, sse
from memex.testing._wire_backend.case import (
    WORDS,
    WireBackendCase,
    ask,
    each_streaming_way,
    each_way,
    offered,
    turn,
)
from memex.testing.backend import assembled
from memex.testing.wire import WireServer

_PATIENCE = 60  # seconds; long enough for a machine that is busy


class BreakingPromises(WireBackendCase):
    """What came is kept, marked as incomplete, and the error is typed."""

    @each_streaming_way
    @pytest.mark.parametrize("end", ["whole", "close", "reset"])
    def test_a_stream_that_is_cut_is_truncated_and_what_came_is_kept(
        self, server: WireServer, way: str, end: str
    ) -> None:
        """And it is not asked for again: words of it were read already."""
        server.play(sse(*self.half(), end=end))  # type: ignore[arg-type]  # one of three literals
        thread = self.thread_of(self.make(server, attempts=3))
        with pytest.raises(BackendError) as caught:
            turn(thread, way)
        assert caught.type in (Truncated, Unavailable)
        said, kept = thread.messages()
        assert (said.role, said.status) == ("user", "complete")
        assert (kept.role, kept.status) == ("assistant", "incomplete")
        assert kept.text
        assert WORDS.startswith(kept.text)
        assert caught.value.partial is not None
        assert caught.value.partial.text == kept.text
        assert len(server.requests) == 1

    @each_streaming_way
    @pytest.mark.parametrize("end", ["whole", "close", "reset"])
    def test_a_stream_without_a_word_is_asked_for_again(self, server: WireServer, way: str, end: str) -> None:
        """It began and broke off before anybody could have read of it."""
        server.play(sse(*self.wordless(), end=end))  # type: ignore[arg-type]  # one of three literals
        server.play(self.plays(way, self.says(WORDS)))
        assert assembled(ask(self.make(server, attempts=2), way)).finish == "stop"

    @each_streaming_way
    def test_a_garbled_piece_is_not_skipped(self, server: WireServer, way: str) -> None:
        """Although all the others came."""
        pieces = self.pieces(self.says(WORDS))
        half = len(self.half())
        garbled = piece_bytes(pieces[half]).rstrip()[:-8] + b"\n\n"
        server.play(sse(*pieces[:half], garbled, *pieces[half + 1 :]))
        with pytest.raises(Truncated):
            ask(self.make(server), way)

    @each_streaming_way
    def test_an_answer_that_fails_in_the_middle_is_typed(self, server: WireServer, way: str) -> None:
        """With the provider's own words."""
        failure, kind = self.failure("the model crashed")
        server.play(sse(*self.half(), failure))
        with pytest.raises(kind, match="the model crashed") as caught:
            ask(self.make(server), way)
        assert caught.type is kind

    @pytest.mark.parametrize("way", ["generate", "agenerate"])
    def test_half_a_body_is_no_answer(self, server: WireServer, way: str) -> None:
        """The connection was closed before the length that was promised."""
        data = self._whole(way)
        server.play([Send(data[:-40]), Close()])
        with pytest.raises(BackendError) as caught:
            ask(self.make(server), way)
        assert caught.type in (Truncated, Unavailable)

    @each_way
    @pytest.mark.parametrize("how", ["silent", "slow headers", "slow body", "silent in the middle"])
    def test_a_deadline_ends_what_takes_too_long(self, server: WireServer, way: str, how: str) -> None:
        """However the server wastes the time."""
        data = self._whole(way)
        scripts: dict[str, Behaviour] = {
            "silent": [Stall()],
            "slow headers": slowly([Send(data)], every=0.3),
            "slow body": [Send(data[:60]), Dribble(data[60:], every=0.3)],
            "silent in the middle": [Send(data[:-40]), Stall()],
        }
        server.play(scripts[how])
        with pytest.raises(BackendError, match=r"within|longer|stalled|in time|timed out") as caught:
            ask(self.make(server, first_timeout=0.4, idle_timeout=0.4, timeout=0.6), way)
        assert caught.type in (Truncated, Unavailable)

    @each_streaming_way
    def test_a_stream_that_stalls_is_ended_and_the_client_hangs_up(
        self, server: WireServer, way: str
    ) -> None:
        """So that the server does not go on for nobody."""
        server.play(sse(*self.half(), end="stall"))
        with pytest.raises(Truncated, match="stalled"):
            ask(self.make(server, idle_timeout=0.3), way)
        assert server.requests[0].hung_up.wait(_PATIENCE)

    def test_a_call_that_was_cut_leaves_the_next_one_alone(self, server: WireServer) -> None:
        """Nothing of it is left on a connection that is used again."""
        good = self.plays("stream", self.says(WORDS))
        server.play([Stall()], good, good)
        backend = self.make(server, first_timeout=3.0)  # the good ones have to come in it, too
        with pytest.raises(Unavailable):
            ask(backend, "stream")
        assert assembled(ask(backend, "stream")).finish == "stop"
        assert assembled(ask(backend, "stream")).finish == "stop"

    def test_a_task_that_is_cancelled_hangs_up_and_keeps_what_came(self, server: WireServer) -> None:
        """As when a user goes away."""
        backend = self.make(server)
        if "astream" not in offered(backend):
            pytest.skip(f"{type(backend).__name__} offers no astream(), so a task waits in a thread")
        server.play(sse(*self.half(), end="stall"))
        thread = self.thread_of(backend)

        async def read() -> None:
            heard = asyncio.Event()

            async def listen() -> None:
                async for event in thread.astream("Is the door blue?"):
                    if event.text:
                        heard.set()

            task = asyncio.create_task(listen())
            await asyncio.wait_for(heard.wait(), _PATIENCE)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(read())
        assert server.requests[0].hung_up.wait(_PATIENCE)
        assert [message.status for message in thread.messages()] == ["complete", "incomplete"]

    def _whole(self, way: str) -> bytes:
        """Return the bytes of an answer, as that way gets it."""
        steps = self.plays(way, self.says(WORDS))
        return b"".join(step.data for step in steps if isinstance(step, Send))
