"""The vectors of a memory's threads by one embedder: made once, kept, and at hand for ranking."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import islice
from typing import TYPE_CHECKING, Final

from memex import (
    Embedder,
    Entry,
    Home,
    Memex,
    Receipt,
    ThreadInfo,
    VectorSpace,
    embed_query,
    embed_texts,
)
from memex_semantic.pieces import VERSION, pieces, pieces_of, without_names
from memex_semantic.places import Place, Reader

if TYPE_CHECKING:
    from datetime import datetime

    from memex_semantic.numeric.matrix import Matrix

BATCH: Final = 64
"""Messages that are embedded and stored together; what is interrupted loses no more."""
_CALL: Final = 32
"""Texts of one call, where an embedder does not say; whoever wants to stop it waits for one."""
_MOST_LOADED: Final = 8
_ASKED: Final = 64
_LATELY: Final = 64
"""Messages before a question whose speakers may be named in it."""
Told = Callable[[int], None]
Stop = Callable[[], bool]
"""Tells whether to leave the rest for another time."""


class Embeddings:
    """The vectors of threads in one space, beside the messages and in memory.

    Safe to use from several threads: a thread's messages are embedded by one at a time, and whoever
    needs them waits. Forgetting does not wait: what was made of a thread that lost messages meanwhile is
    thrown away, and what is left of it is made again.

    Args:
        embedder: The embedder.
        place: Gives the place where the vectors are kept; asked once, when the first are needed.
        piece: About how many tokens of a long message make a vector.
        home: Gives the home of the threads; None for those who have none.

    Attributes:
        embedder: The embedder.
    """

    def __init__(
        self,
        embedder: Embedder,
        place: Callable[[], Place],
        *,
        piece: int,
        home: Callable[[], Home | None] = lambda: None,
    ) -> None:
        self.embedder = embedder
        self._find_place = place
        self._home = home
        self._found_place: Place | None = None
        self._piece = piece
        self._lock = threading.RLock()
        self._space: VectorSpace | None = None
        self._known: dict[str, _Known] = {}
        self._recent: OrderedDict[str, None] = OrderedDict()
        self._asked: OrderedDict[str, bytes] = OrderedDict()
        self._forgettings = 0

    def is_of(self, host: Memex) -> bool:
        """Tell whether these are vectors of a memory's threads."""
        return self._home() is host.home

    @property
    def space(self) -> VectorSpace:
        """Where the vectors of what is said belong. The embedder is asked for its dimension if need be."""
        if self._space is None:
            # Without the lock: a model may have to be loaded, and nobody who forgets waits for that.
            size = self.embedder.dimension
            if size is None:
                size = len(embed_texts(self.embedder, ["memex"])[0]) // 4
            self._space = VectorSpace(self.embedder.name, size, self.kinds[0])
        return self._space

    @property
    def kinds(self) -> tuple[str, str]:
        """The kinds of vectors that there may be: of what is said, and of questions embedded apart."""
        return f"text-{VERSION}-{self._piece}", f"query-{VERSION}-{self._piece}"

    @property
    def _place(self) -> Place:
        with self._lock:
            if self._found_place is None:
                self._found_place = self._find_place()
            return self._found_place

    def embed(
        self,
        thread: str,
        read: Reader,
        upto: int,
        told: Told | None = None,
        stop: Stop | None = None,
        head: Callable[[], int] | None = None,
    ) -> None:
        """Embed what of a thread has no vectors yet, up to a message.

        Args:
            thread: The thread.
            read: How its messages are read.
            upto: The last message.
            told: Is told how many messages more are done.
            stop: Is asked between two calls of the embedder whether to leave the rest.
            head: Gives the thread's last message now, for who does not know that ``upto`` is still there:
                a thread that was forgotten and opened anew may be shorter.
        """
        known = self._of(thread)
        while True:
            with known.making:
                with known.lock:
                    age, start = known.age, known.embedded + 1
                if start > upto:
                    return
                found = self._place.missing(thread, self.space, start, upto, read)
                batch = list(islice(found, BATCH))
                made = self._made(batch, stop)
                if made is None:
                    return
                with known.lock:  # kept and noted in one step
                    if not self._keep(thread, known, age, self.space, list(zip(batch, made, strict=True))):
                        continue
                    whole = len(batch) < BATCH
                    known.embedded = (upto if head is None else min(upto, head())) if whole else batch[-1].seq
            if told is not None:
                told(len(batch))
            if whole:
                return

    def opened(self, info: ThreadInfo) -> None:
        """Start anew if a thread is not the one that had its name: another process forgot that one."""
        known = self._of(info.id)
        with known.lock:
            if known.created not in (None, info.created):
                known.reset()
                self._place.let_go(info.id)
            known.created = info.created

    def left(self, thread: str, read: Reader, upto: int) -> int:
        """Return how many messages of a thread have no vectors yet, up to a message."""
        known = self._of(thread)
        return self._place.count_missing(thread, self.space, known.embedded + 1, upto, read)

    def matrix(self, thread: str, read: Reader, upto: int) -> Matrix:
        """Return the vectors of a thread, complete up to a message at least."""
        from memex_semantic.numeric.matrix import Matrix

        known = self._of(thread)
        while True:
            self.embed(thread, read, upto)
            with known.lock:
                self._check_same(thread, known, read)
                if known.embedded < upto:
                    continue  # it was reset meanwhile: something was forgotten
                if known.matrix is None:
                    known.matrix, known.loaded = Matrix(self.space.dimension), 0
                if known.loaded < upto:
                    known.matrix.extend(self._place.vectors(thread, self.space, known.loaded + 1, upto))
                    known.loaded = upto
                    known.last_id = next((entry.message.id for entry in read(upto, upto)), None)
                self._ranked(thread)
                return known.matrix

    def _check_same(self, thread: str, known: _Known, read: Reader) -> None:
        """Start anew where a thread of this name is another one by now: another process forgot the first."""
        if known.last_id is not None:
            there = next((entry.message.id for entry in read(known.loaded, known.loaded)), known.last_id)
            if there != known.last_id:
                known.reset()
                self._place.let_go(thread)

    def _ranked(self, thread: str) -> None:
        """Let go of the vectors of threads that nobody asked about for long."""
        with self._lock:
            self._recent[thread] = None
            self._recent.move_to_end(thread)
            old = [self._recent.popitem(last=False)[0] for _ in range(len(self._recent) - _MOST_LOADED)]
            unused = [self._known[one] for one in old if one in self._known]
        for known in unused:
            if known.lock.acquire(blocking=False):  # else it is in use after all
                try:
                    known.matrix, known.loaded, known.last_id = None, 0, None
                finally:
                    known.lock.release()

    def _made(self, entries: Sequence[Entry], stop: Stop | None) -> list[bytes] | None:
        """Return what is kept of messages, None if it was stopped."""
        texts = [pieces_of(entry.message, self._piece) for entry in entries]
        with self._lock:
            known = {text: self._asked[text] for some in texts for text in some if text in self._asked}
        # What was asked before it was stored has the vector that it was ranked with.
        new = list(dict.fromkeys(text for some in texts for text in some if text not in known))
        most = getattr(self.embedder, "batch", _CALL)
        step = most if isinstance(most, int) and most > 0 else _CALL  # what is wrong with it is said below
        for start in range(0, len(new), step):
            if stop is not None and stop():
                return None
            part = new[start : start + step]
            known |= dict(zip(part, embed_texts(self.embedder, part), strict=True))
        return [b"".join(known[text] for text in some) for some in texts]

    def _keep(
        self, thread: str, known: _Known, age: int, space: VectorSpace, made: Sequence[tuple[Entry, bytes]]
    ) -> bool:
        """Keep what was made of messages, unless one was forgotten since; return whether it was kept."""
        with known.lock:
            if known.age != age:
                return False
            self._place.put(thread, space, made)
            return True

    def question(self, thread: str, question: Entry, read: Reader) -> list[bytes]:
        """Return the vectors of a question: those that are stored with it, where it is stored.

        A question that is not stored is embedded now; when it is stored, it gets these very vectors. One that
        names somebody who speaks in the thread is asked without the names, and has a vector of its own.
        """
        stored = next(
            (e for e in read(question.seq, question.seq) if e.message.text == question.message.text), None
        )
        lately = read(max(1, question.seq - _LATELY), question.seq - 1) if question.seq > 1 else ()
        asked = without_names(question.message.text, {e.message.name for e in lately if e.message.name})
        if hasattr(self.embedder, "embed_query") or asked != question.message.text:
            return self._asked_apart(thread, question, stored, asked)
        if stored is not None:
            self.embed(thread, read, question.seq)
            for _, data in self._place.vectors(thread, self.space, question.seq, question.seq):
                return self._split(data)
        return [self._remembered(text) for text in pieces_of(question.message, self._piece)]

    def _asked_apart(self, thread: str, question: Entry, stored: Entry | None, asked: str) -> list[bytes]:
        """Return the vectors of a question that is embedded in another way, or words, than what is said."""
        known = self._of(thread)
        age = known.age
        space = VectorSpace(self.space.embedder, self.space.dimension, self.kinds[1])
        if stored is not None:
            for _, data in self._place.vectors(thread, space, question.seq, question.seq):
                return self._split(data)
        texts = pieces(asked, self._piece)
        if hasattr(self.embedder, "embed_query"):
            texts = texts[-1:]  # whoever asks at length asks for something in the end
        vectors = [self._remembered(text, query=True) for text in texts]
        if stored is not None and self._keep(thread, known, age, space, [(stored, b"".join(vectors))]):
            for _, data in self._place.vectors(thread, space, question.seq, question.seq):
                return self._split(data)  # another process may have been first
        return vectors

    def _remembered(self, text: str, *, query: bool = False) -> bytes:
        key = f"query\0{text}" if query else text
        with self._lock:
            known, forgettings = self._asked.get(key), self._forgettings
        if known is None:
            known = embed_query(self.embedder, text) if query else embed_texts(self.embedder, [text])[0]
            with self._lock:
                if forgettings == self._forgettings:
                    self._asked[key] = known
                while len(self._asked) > _ASKED:
                    self._asked.popitem(last=False)
        return known

    def _split(self, data: bytes) -> list[bytes]:
        size = 4 * self.space.dimension
        return [data[start : start + size] for start in range(0, len(data), size)]

    def start_anew(self) -> None:
        """Know nothing, in a forked child: its parent's locks may have been held by threads that it lacks."""
        self._lock = threading.RLock()
        self._found_place = None  # what it held may have been half written
        self._known = {}
        self._recent = OrderedDict()
        self._asked = OrderedDict()

    def read_again(self, thread: str) -> None:
        """Let go of a thread's vectors in memory; they are read, or made, again when they are needed."""
        known = self._of(thread)
        with known.lock:
            known.reset()
            self._place.let_go(thread)

    def forget(self, receipt: Receipt) -> int:
        """Erase the vectors of what was forgotten from memory; return how many entries no store counted."""
        with self._lock:
            self._asked.clear()
            self._forgettings += 1
            if self._found_place is None:
                return 0
            affected = [self._of(one) for one in sorted({receipt.thread, *receipt.forks})]
        with ExitStack() as stack:
            # In one step, and not before: what is put between the two would stay, or be lost.
            for known in affected:
                stack.enter_context(known.lock)
            # Everything, and not only the rows: the receipt may be of another memory's thread of this
            # name. What is still there is read again, or embedded again, when it is needed.
            for known in affected:
                known.reset()
            return self._place.forget(receipt)

    def _of(self, thread: str) -> _Known:
        with self._lock:
            return self._known.setdefault(thread, _Known())


class _Known:
    """What is known of a thread.

    Attributes:
        making: Held by whoever embeds it, for a batch; may take as long as a model takes.
        lock: Held by whoever changes what is below, for a moment.
        created: When it was opened, where that is known.
        age: How often it was reset. What was begun at another age may be of messages that are gone.
        embedded: Up to which message everything has vectors.
        matrix: Its vectors, complete up to ``loaded``.
        last_id: Id of the message ``loaded``.
    """

    def __init__(self) -> None:
        self.making = threading.RLock()
        self.lock = threading.RLock()
        self.age = 0
        self.created: datetime | None = None
        self.reset()

    def reset(self) -> None:
        """Know nothing."""
        self.age += 1
        self.embedded = 0
        self.loaded = 0
        self.matrix: Matrix | None = None
        self.last_id: str | None = None
