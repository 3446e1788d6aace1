"""Whether places have no gap and ids occur once in a thread, for threads of any length."""

from __future__ import annotations

from typing import Final, Self

from memex._archive_format import ThreadRecord
from memex._errors import StoreDamaged, StoreUnavailable

_BATCH: Final = 5_000


class Ids:
    """The message ids of an archive, in a database on disk that nobody else sees.

    In memory, a set of a million ids would take 100 MB.
    """

    def __init__(self) -> None:
        import sqlite3  # 4 ms that nobody else pays

        self._db = sqlite3.connect("")
        self._db.execute("PRAGMA journal_mode=OFF")
        self._db.execute("CREATE TABLE ids(thread, id, seq, PRIMARY KEY(thread, id)) WITHOUT ROWID")
        self._lineages: dict[str, list[tuple[int, int]]] = {}
        self._batch: list[tuple[int, str, int]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._db.close()

    def begin(self, record: ThreadRecord) -> None:
        """Go on with another thread, whose parent was there before."""
        self._record, self._number, self._seq = record, len(self._lineages) + 1, record.forked_at or 0
        shared = self._lineages[record.parent] if record.parent is not None else []
        upto = record.forked_at or 0
        self._shared = [(number, min(last, upto)) for number, last in shared if upto]
        self._lineages[record.id] = [*self._shared, (self._number, record.head)]

    def add(self, seq: int, message_id: str) -> None:
        """Take the next message.

        Raises:
            StoreDamaged: If it is not the next one, or its id was there before.
        """
        self._seq += 1
        if seq != self._seq:
            raise StoreDamaged(f"thread {self._record.id!r}: message {seq} came in place of {self._seq}")
        self._batch.append((self._number, message_id, seq))
        if len(self._batch) >= _BATCH:
            self._flush()

    def end(self) -> None:
        """Finish a thread."""
        self._flush()

    def _flush(self) -> None:
        import sqlite3

        try:
            again = self._repeats()
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the temporary folder, where ids are compared: {error}") from error
        if again:
            raise StoreDamaged(f"thread {self._record.id!r}: an id occurs twice")
        self._batch.clear()

    def _repeats(self) -> bool:
        before = self._db.total_changes
        self._db.executemany("INSERT OR IGNORE INTO ids VALUES (?, ?, ?)", self._batch)
        if self._db.total_changes - before < len(self._batch):
            return True
        find = "SELECT 1 FROM ids WHERE thread = ? AND id = ? AND seq <= ?"
        return any(
            self._db.execute(find, (number, message_id, upto)).fetchone()
            for number, upto in self._shared
            for _, message_id, _ in self._batch
        )
