"""Hiding: the key goes to the provider and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from memex import BackendError, write_archive
from memex.testing._wire.steps import Reset, answer, sse
from memex.testing._wire_backend.case import WORDS, WireBackendCase, each_way, offered, turn
from memex.testing.wire import WireServer


class HidingPromises(WireBackendCase):
    """The key is in no error, no log, no store and no archive, even where a server repeats it."""

    @each_way
    def test_the_key_shows_nowhere(
        self, server: WireServer, way: str, caplog: pytest.LogCaptureFixture, tmp_path: Path
    ) -> None:
        """After an answer, refusals, a broken connection, and streams that fail or are garbled."""
        caplog.set_level(1)
        key = self.key
        server.play(
            self.plays(way, self.says(WORDS)),
            self.refuses(401, f"that key is wrong: {key}"),
            [Reset()],
            answer(f"<{key}>", headers={"content-type": "text/html"}),
            sse(*self.wordless(), f'{{"garbled": "{key}'),
        )
        failing = 4
        if type(self).failure is not WireBackendCase.failure:
            server.play(sse(*self.wordless(), self.failure(f"key {key}")[0]))
            failing += 1
        backend = self.make(server)
        if way not in offered(backend):
            pytest.skip(f"{type(backend).__name__} offers no {way}()")
        thread = self.thread_of(backend)
        seen = [repr(backend), repr(vars(backend)), repr(turn(thread, way))]
        for _ in range(failing):
            with pytest.raises(BackendError) as caught:
                turn(thread, way)
            seen += _chain(caught.value)
        seen += [repr(list(thread.messages())), repr(vars(thread.memex.store))]
        write_archive(thread.memex.store, tmp_path / "talks")
        assert key not in "".join([*seen, caplog.text])
        assert f"{backend.name}:raw" not in caplog.text
        assert key.encode() not in b"".join(one.read_bytes() for one in tmp_path.rglob("*") if one.is_file())
        assert [key in value for value in server.requests[0].headers.values()].count(True) == 1


def _chain(error: BaseException | None) -> list[str]:
    """Return all that an error and those behind it say."""
    told: list[str] = []
    while error is not None:
        told += [str(error), repr(error), *getattr(error, "__notes__", ())]
        error = error.__cause__ or error.__context__
    return told
