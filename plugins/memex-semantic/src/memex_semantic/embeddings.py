"""The vectors of a memory's threads by one embedder: made once, kept, and at hand for ranking."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Final

from memex import (
    Embedder,
    Entry,
    Receipt,
    VectorSpace,
    embed_query,
    embed_texts,
)
from memex_semantic.pieces import VERSION, pieces, pieces_of, without_names
from memex_semantic.places import Place, Reader

if TYPE_CHECKING:
    from memex_semantic.numeric.matrix import Matrix

BATCH: Final = 64
"""Messages that are embedded and stored together; what is interrupted loses no more."""
_MOST_LOADED: Final = 8
_ASKED: Final = 64
_LATELY: Final = 64
"""Messages before a question whose speakers may be named in it."""
Told = Callable[[int], None]


class Embeddings:
    """The vectors of threads in one space, beside the messages and in memory.

    Safe to use from several threads: a thread's messages are embedded by one at a time, and whoever
    needs them waits.

    Args:
        embedder: The embedder.
        place: Gives the place where the vectors are kept; asked once, when the first are needed.
        piece: About how many tokens of a long message make a vector.

    Attributes:
        embedder: The embedder.
    """

    def __init__(self, embedder: Embedder, place: Callable[[], Place], *, piece: int) -> None:
        self.embedder = embedder
        self._find_place = place
        self._found_place: Place | None = None
        self._piece = piece
        self._lock = threading.RLock()
        self._space: VectorSpace | None = None
        self._known: dict[str, _Known] = {}
        self._recent: OrderedDict[str, None] = OrderedDict()
        self._asked: OrderedDict[str, bytes] = OrderedDict()

    @property
    def space(self) -> VectorSpace:
        """Where the vectors of what is said belong. The embedder is asked for its dimension if need be."""
        with self._lock:
            if self._space is None:
                size = self.embedder.dimension
                if size is None:
                    size = len(embed_texts(self.embedder, ["memex"])[0]) // 4
                self._space = VectorSpace(self.embedder.name, size, f"text-{VERSION}-{self._piece}")
            return self._space

    @property
    def _place(self) -> Place:
        with self._lock:
            if self._found_place is None:
                self._found_place = self._find_place()
            return self._found_place

    def embed(self, thread: str, read: Reader, upto: int, told: Told | None = None) -> None:
        """Embed what of a thread has no vectors yet, up to a message.

        Args:
            thread: The thread.
            read: How its messages are read.
            upto: The last message.
            told: Is told how many messages more are done.
        """
        while True:
            # Let go of between batches, so that forgetting need not wait for all of a long thread.
            with self._of(thread) as known:
                if known.embedded >= upto:
                    return
                found = self._place.missing(thread, self.space, known.embedded + 1, upto, read)
                batch = list(islice(found, BATCH))
                self._embed(thread, batch)
                known.embedded = batch[-1].seq if len(batch) == BATCH else upto
            if told is not None:
                told(len(batch))

    def matrix(self, thread: str, read: Reader, upto: int) -> Matrix:
        """Return the vectors of a thread, complete up to a message at least."""
        from memex_semantic.numeric.matrix import Matrix

        while True:
            self.embed(thread, read, upto)
            with self._of(thread) as known:
                self._check_same(known, read)
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

    @staticmethod
    def _check_same(known: _Known, read: Reader) -> None:
        """Start anew where a thread of this name is another one by now: another process forgot the first."""
        if known.last_id is not None:
            there = next((entry.message.id for entry in read(known.loaded, known.loaded)), known.last_id)
            if there != known.last_id:
                known.reset()

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

    def _embed(self, thread: str, entries: Sequence[Entry]) -> None:
        texts = [pieces_of(entry.message, self._piece) for entry in entries]
        with self._lock:
            known = {text: self._asked[text] for some in texts for text in some if text in self._asked}
        # What was asked before it was stored has the vector that it was ranked with.
        new = list(dict.fromkeys(text for some in texts for text in some if text not in known))
        known |= dict(zip(new, embed_texts(self.embedder, new), strict=True))
        made = [b"".join(known[text] for text in some) for some in texts]
        self._place.put(thread, self.space, list(zip(entries, made, strict=True)))

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
        space = VectorSpace(self.space.embedder, self.space.dimension, f"query-{VERSION}-{self._piece}")
        if stored is not None:
            for _, data in self._place.vectors(thread, space, question.seq, question.seq):
                return self._split(data)
        texts = pieces(asked, self._piece)
        if hasattr(self.embedder, "embed_query"):
            texts = texts[-1:]  # whoever asks at length asks for something in the end
        vectors = [self._remembered(text, query=True) for text in texts]
        if stored is None:
            return vectors
        self._place.put(thread, space, [(stored, b"".join(vectors))])
        for _, data in self._place.vectors(thread, space, question.seq, question.seq):
            return self._split(data)  # another process may have been first
        return vectors

    def _remembered(self, text: str, *, query: bool = False) -> bytes:
        key = f"query\0{text}" if query else text
        with self._lock:
            known = self._asked.get(key)
        if known is None:
            known = embed_query(self.embedder, text) if query else embed_texts(self.embedder, [text])[0]
            with self._lock:
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
        self._known = {}
        self._recent = OrderedDict()

    def read_again(self, thread: str) -> None:
        """Let go of a thread's vectors in memory; they are read from their place when they are needed."""
        with self._of(thread) as known:
            known.reset()

    def forget(self, receipt: Receipt) -> int:
        """Erase the vectors of what was forgotten from memory; return how many entries no store counted."""
        with self._lock:
            self._asked.clear()
            threads = [receipt.thread, *receipt.forks]
            affected = [self._known[one] for one in threads if one in self._known]
        for known in affected:
            # Everything, and not only the rows: the receipt may be of another memory's thread of this
            # name. What is still there is read again, or embedded again, when it is needed.
            with known.lock:
                known.reset()
        return self._place.forget(receipt) if self._found_place is not None else 0

    @contextmanager
    def _of(self, thread: str) -> Iterator[_Known]:
        with self._lock:
            known = self._known.setdefault(thread, _Known())
        with known.lock:
            yield known


class _Known:
    """What is known of a thread.

    Attributes:
        embedded: Up to which message everything has vectors.
        matrix: Its vectors, complete up to ``loaded``.
        last_id: Id of the message ``loaded``.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        """Know nothing."""
        self.embedded = 0
        self.loaded = 0
        self.matrix: Matrix | None = None
        self.last_id: str | None = None
