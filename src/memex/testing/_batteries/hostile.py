"""Hostile text: strings that broke somebody's store, and what every store of memex answers to each.

``hostile.json`` holds them: the string, whether it is stored or refused as the text of a message,
and whether it is as the id of a thread or message. One table for all stores, so that what one
takes the others take.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import pytest

from memex import (
    InvalidMessage,
    Message,
    SearchableStore,
    Store,
    UnknownThread,
    encode_message,
    read_archive,
    terms,
    write_archive,
)
from memex.testing._batteries.case import BatteryCase, Figure, sized
from memex.testing._batteries.tally import Tally

_ODD = "kraken 部署 \u202e💥\u0000\x1b[31m ' \" "
_BATCH = 500


class Hostile(NamedTuple):
    """A string, and the answers to it.

    Attributes:
        text: The string.
        as_text: ``stored`` or ``refused``, as the text of a message.
        as_id: The same, as the id of a thread and of a message.
    """

    text: str
    as_text: str
    as_id: str


def hostile_strings() -> list[Hostile]:
    """Return the table."""
    groups = json.loads(Path(__file__).with_name("hostile.json").read_text(encoding="ascii"))
    return [Hostile(_whole(text), *answers) for rows in groups.values() for text, *answers in rows]


def _whole(text: Any) -> str:
    return text if isinstance(text, str) else text["text"] * text["times"]


class HostileBatteries(BatteryCase):
    """Hostile text, as texts, ids and queries."""

    long_text: ClassVar[int] = sized(1_000_000, full=10_000_000)
    long_thread: ClassVar[int] = sized(3_000, full=100_000)

    def copies(self, store: Store, folder: Path) -> Iterable[Store]:
        """Give stores that were filled from this one: by an archive in one file, and in a folder.

        Each must hold the same threads and messages, byte for byte; they are closed by the battery.
        A store that is copied in other ways, too, overrides this.

        Args:
            store: The store, full of hostile text.
            folder: An empty folder for whatever is needed.
        """
        for name in ("archive.zip", "archive"):
            write_archive(store, folder / name)
            target = folder / f"from {name}"
            target.mkdir()
            copy = self.open_store(target)
            read_archive(folder / name, copy)
            yield copy

    def test_hostile_text(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figure: Figure) -> None:
        """Every store gives the same answer to each string, and writes nothing outside its folder."""
        tally = Tally("hostile text", "wrong answers", "changed", "not found", "leaked", "outside the folder")
        # Deep down, so that a path that climbs arrives where it is seen.
        folder, outside = tmp_path / "1" / "2" / "3" / "4" / "store", ("here", "home", "temporary", "copies")
        folder.mkdir(parents=True)
        for name in outside:
            (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / "here")
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
        before = _files(tmp_path, folder)
        store = self.open_store(folder)
        try:
            for number, hostile in enumerate(hostile_strings()):
                tally.tried("strings")
                _as_text(store, f"text {number}", hostile, tally)
                _as_id(store, hostile, tally)
            for number, hostile in enumerate(hostile_strings()):
                _as_query(store, f"text {number}", hostile, tally)
            self._at_length(store, tally)
            for problem in store.check():
                tally.fault("unsound", problem)
            for path in sorted(before ^ _files(tmp_path, folder)):
                tally.fault("outside the folder", path)
            for copy in self.copies(store, tmp_path / "copies"):
                tally.tried("copies")
                _compare(store, copy, tally)
                copy.close()
        finally:
            store.close()
        tally.settle(figure)

    def _at_length(self, store: Store, tally: Tally) -> None:
        text = (_ODD * (self.long_text // len(_ODD.encode()) + 1))[: self.long_text]
        message = Message.user(text)
        tally.tried("bytes in one text", len(text.encode()))
        stored = _answered(tally, "the long text", "stored", lambda: store.append("long text", [message]))
        if stored and [entry.message for entry in store.entries("long text")] != [message]:
            tally.fault("changed", "the long text")
        texts = [hostile.text for hostile in hostile_strings() if hostile.as_text == "stored"]
        texts = [text for text in texts if len(text) < 5_000]
        wanted = [Message.user(texts[number % len(texts)]) for number in range(self.long_thread)]
        tally.tried("messages in one thread", len(wanted))
        for start in range(0, len(wanted), _BATCH):
            batch = wanted[start : start + _BATCH]
            what = f"messages from {start} on in the long thread"
            if not _answered(tally, what, "stored", partial(store.append, "long thread", batch)):
                return
        read = store.entries("long thread")
        if any(entry is None or entry.message != message for entry, message in zip_longest(read, wanted)):
            tally.fault("changed", "the long thread")


def _answered(tally: Tally, what: str, expected: str, ask: Callable[[], object]) -> bool:
    """Tell whether something was stored; note where that, or the refusal, is not what is expected."""
    try:
        ask()
        answer = "stored"
    except InvalidMessage:
        answer = "refused"
    except Exception as error:  # noqa: BLE001 - whatever it was, it should have been typed
        tally.fault("leaked", f"{what}: {type(error).__name__}: {error}")
        return False
    if answer != expected:
        tally.fault("wrong answers", f"{what} was {answer}, not {expected}")
    return answer == "stored"


def _as_text(store: Store, thread: str, hostile: Hostile, tally: Tally) -> None:
    message = Message.user(hostile.text)
    what = f"the text {ascii(hostile.text)[:80]}"
    if _answered(tally, what, hostile.as_text, lambda: store.append(thread, [message])):
        (entry,) = store.entries(thread)
        if encode_message(entry.message) != encode_message(message):
            tally.fault("changed", what)
        return
    try:
        store.open_thread(thread, create=False)
        tally.fault("wrong answers", f"{what} was refused and yet opened a thread")
    except UnknownThread:
        pass


def _as_id(store: Store, hostile: Hostile, tally: Tally) -> None:
    name = hostile.text
    message = Message.user("said", id=name)
    for what, thread in (("the message id", "ids"), ("the thread id", name)):
        what = f"{what} {ascii(name)[:80]}"  # noqa: PLW2901 - the whole of it
        known = [message] if thread == "ids" else [Message.user("said", id="1")]
        if not _answered(tally, what, hostile.as_id, partial(store.append, thread, known)):
            continue
        found = store.get(thread, [known[0].id])
        if [entry.message for entry in found] != known:
            tally.fault("changed", what)


def _as_query(store: Store, thread: str, hostile: Hostile, tally: Tally) -> None:
    if not isinstance(store, SearchableStore):
        return
    what = f"the query {ascii(hostile.text)[:80]}"
    for within in (None, thread) if hostile.as_text == "stored" else (None,):
        try:
            hits = store.search(hostile.text, thread=within)
        except Exception as error:  # noqa: BLE001 - no string may make it raise
            tally.fault("leaked", f"{what}: {type(error).__name__}: {error}")
            continue
        if within and terms(hostile.text) and [hit.thread for hit in hits] != [thread]:
            tally.fault("not found", what)


def _compare(store: Store, copy: Store, tally: Tally) -> None:
    names = [info.id for info in store.threads()]
    if [info.id for info in copy.threads()] != names:
        tally.fault("changed", "the threads of a copy")
        return
    for name in names:
        for entry, copied in zip(store.entries(name), copy.entries(name), strict=False):
            if encode_message(entry.message) != encode_message(copied.message):
                tally.fault("changed", f"in a copy: message {entry.seq} of {name!r}")
        if store.open_thread(name).head != copy.open_thread(name).head:
            tally.fault("changed", f"the length of a copy of {name!r}")


def _files(top: Path, but: Path) -> set[str]:
    return set(_walk(top, but))


def _walk(folder: Path, but: Path) -> Iterator[str]:
    for path in folder.iterdir():
        if path == but:
            continue
        yield f"{path}"
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path, but)
