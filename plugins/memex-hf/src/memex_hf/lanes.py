"""What the shelf needs of a lane, and how its nodes say where their rows are. No torch here."""

from __future__ import annotations

from collections.abc import MutableSequence, Sequence
from typing import Any, Protocol, TypeVar

Rows = Any
"""Keys and values of a stretch of tokens, as the lanes make them: has ``nbytes``, ``split(at)``."""


class Lane(Protocol):
    """Keys and values of one sequence in one piece, which a model can go on from.

    Attributes:
        busy: Whether somebody is generating in it.
        used: When it was last used, on the tree's clock.
    """

    busy: bool
    used: int

    @property
    def ids(self) -> MutableSequence[int]:
        """The tokens whose rows it holds, in order."""

    @property
    def nbytes(self) -> int:
        """Bytes that it takes, rows that are not written yet included."""

    def take(self, ids: Sequence[int], rows: Rows, start: int, stop: int) -> None:
        """Copy rows to its end; ``rows`` is what :meth:`freeze` gave, or a lane."""

    def cut(self, length: int) -> None:
        """Forget what comes after the first ``length`` tokens."""

    def freeze(self, spans: Sequence[tuple[int, int]]) -> list[Rows]:
        """Return copies of rows, each span's in exactly its size, and give up all of its own."""

    def copy(self, start: int, stop: int) -> Rows:
        """Return a copy of rows in exactly their size."""

    def put_state(self, state: Any) -> None:
        """Go on from a state that :meth:`state` gave."""

    def state(self) -> Any:
        """Return a copy of what layers without rows hold now; has ``nbytes``."""


L_co = TypeVar("L_co", bound=Lane, covariant=True)


class Workshop(Protocol[L_co]):
    """Makes lanes for one model."""

    @property
    def croppable(self) -> bool:
        """Whether a lane may be cut anywhere; if not, it can only go on from its end or from a state."""

    def lane(self, room: int) -> L_co:
        """Return an empty lane for ``room`` tokens."""

    def bytes_for(self, room: int) -> int:
        """Return what such a lane will take, 0 while that is not known."""


class Hot:
    """Rows that lie in a lane.

    Attributes:
        lane: The lane.
        start: First row.
        stop: One past the last.
    """

    __slots__ = ("lane", "start", "stop")
    nbytes = 0  # the lane counts them

    def __init__(self, lane: Lane, start: int, stop: int) -> None:
        self.lane = lane
        self.start = start
        self.stop = stop

    def split(self, at: int) -> tuple[Hot, Hot]:
        """Return the two parts; nothing is copied."""
        middle = self.start + at
        return Hot(self.lane, self.start, middle), Hot(self.lane, middle, self.stop)


class Cold:
    """Rows of their own, in exactly their size."""

    __slots__ = ("rows",)

    def __init__(self, rows: Rows) -> None:
        self.rows = rows

    @property
    def nbytes(self) -> int:
        """Bytes that they take."""
        size: int = self.rows.nbytes
        return size

    def split(self, at: int) -> tuple[Cold, Cold]:
        """Return the two parts, copied apart so that each can be dropped on its own."""
        first, rest = self.rows.split(at)
        return Cold(first), Cold(rest)
