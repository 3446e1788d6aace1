"""Erasing: what was forgotten is in no file, byte for byte."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from memex import Message
from memex.testing._batteries.case import BatteryCase, Figure, sized
from memex.testing._batteries.tally import Tally

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


class EraseBatteries(BatteryCase):
    """Canaries: words that are nowhere else, forgotten and then looked for in the files."""

    canaries: ClassVar[int] = sized(60, full=600)

    def test_erase(self, tmp_path: Path, figure: Figure) -> None:
        """Messages of many sizes, then a whole thread; while the store is open, and when it is closed."""
        self.need_files()
        with without_secure_delete():
            self._erase(tmp_path, figure)

    def _erase(self, tmp_path: Path, figure: Figure) -> None:
        tally = Tally("erase", "canaries left", "lost")
        folder = tmp_path / "store"
        folder.mkdir()
        chance = random.Random(4)  # noqa: S311 - a game, not a secret
        store = self.open_store(folder)
        threads: dict[str, list[Message]] = {}
        for number in range(self.canaries):
            thread = f"t{chance.randrange(5)}"
            words = ["".join(chance.choices(_LETTERS, k=7)) for _ in range(chance.choice([2, 30, 150, 700]))]
            words.insert(chance.randrange(len(words)), _canary(f"text {number}"))
            meta = {"note": _canary(f"meta {number}")}
            message = Message.user(" ".join(words), id=str(number), meta=meta)
            store.append(thread, [message])
            threads.setdefault(thread, []).append(message)
        written = [message for messages in threads.values() for message in messages]
        # Not all: the end of a page may cut one in two.
        assert len(_left(folder, written)) > 1.8 * len(written), (
            "the files do not show the texts that are in them, so a scan proves nothing: "
            "this battery is for stores that write plain text"
        )
        whole, *others = threads
        gone = [message for thread in others for message in threads[thread][::2]]
        for thread in others:
            store.forget(thread, [message.id for message in threads[thread][::2]])
        gone += threads[whole]
        store.forget(whole)
        for when in ("while open", "when closed"):
            if when == "when closed":
                store.close()
            for canary in _left(folder, gone):
                tally.fault("canaries left", f"{canary}, {when}")
        tally.tried("forgotten", len(gone))
        kept = [message for message in written if message not in gone]
        tally.tried("kept", len(kept))
        store = self.open_store(folder)
        for thread in others:
            stored = {entry.message.id: entry.message for entry in store.entries(thread)}
            for message in threads[thread][1::2]:
                if stored.get(message.id) != message:
                    tally.fault("lost", message.id)
        store.close()
        tally.settle(figure)


@contextmanager
def without_secure_delete() -> Iterator[None]:
    """Open every SQLite connection with secure delete off; a store may switch it on.

    Some builds of SQLite have it on: then nothing would be left even by a store that wipes
    nothing, here, and everything elsewhere.
    """
    connect = sqlite3.connect

    def connecting(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **kwargs)
        connection.execute("PRAGMA secure_delete = OFF").close()
        return connection

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite3, "connect", connecting)
        patch.setattr(sqlite3.dbapi2, "connect", connecting)
        yield


def _canary(what: str) -> str:
    return "".join(random.Random(what).choices(_LETTERS, k=16))  # noqa: S311 - a game, not a secret


def _left(folder: Path, messages: list[Message]) -> list[str]:
    """Return the canaries of these messages that lie in a file, each once, whatever surrounds them."""
    files = [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]
    found = []
    for message in messages:
        for canary in (_canary(f"text {message.id}"), _canary(f"meta {message.id}")):
            # Without its beginning, which an index may share with the word before.
            if any(canary[4:].encode() in content for content in files):
                found.append(canary)
    return found
