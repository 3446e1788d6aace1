"""memex: what its rankers select, and its whole windows."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, ClassVar

from baselines import Row, fitting
from embedding import MiniLm

from memex import Budget, Memex, Message, Window, ranker
from memex._weighing import by_value

_NUMBERS = (
    count()
)  # a policy that is an object serves several memories: their threads have names of their own
_TIMES = ("%I:%M %p on %d %B, %Y", "%Y-%m-%d (%A)")


def created(words: str) -> datetime:
    """Return the time of a message, as both sources write it; now, if they do not say."""
    for form in _TIMES:
        try:
            return datetime.strptime(words, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return datetime.now(UTC)


def message_of(row: Row) -> Message:
    """Return a message of the data as one of memex."""
    make = Message.assistant if row["role"] == "assistant" else Message.user
    return make(row["content"], id=row["id"], name=row["name"], created=created(row["timestamp"]))


def question_of(query: str, rows: Sequence[Row]) -> Message:
    """Return a question as asked a minute after the last message: times in it are counted from there."""
    asked = created(rows[-1]["timestamp"]) if rows else datetime.now(UTC)
    return Message.user(query, created=asked + timedelta(minutes=1))


class Chain:
    """What the rankers of a chain select, in the order in which it is packed: as many as fit."""

    rankers: ClassVar[list[Any]] = []

    def __init__(self) -> None:
        self.seen: Window | None = None

        def see(window: Window) -> Window:
            self.seen = window
            return window.replace(rankings=())

        self.memory = Memex("inmemory:", chain=[*self.rankers, ranker(see)], budget=1_000_000_000)
        self.name = f"t{next(_NUMBERS)}"
        self.thread = self.memory.thread(self.name)
        self.rows: list[Row] = []
        self.asked: tuple[str, int, list[int]] = ("", 0, [])

    def append(self, message: Row) -> None:
        """Take the next message."""
        self.rows.append(message)
        self.thread.append(message_of(message))

    def select(self, query: str, budget: int) -> list[str]:
        """Return the ids of what fits, best first."""
        if self.asked[:2] != (query, len(self.rows)):
            self.thread.window(question_of(query, self.rows), record=False)
            seqs = [entry.seq for entry in by_value(self.seen)] if self.seen else []
            self.asked = (query, len(self.rows), seqs)
        return fitting((self.rows[seq - 1] for seq in self.asked[2]), budget)


class WholeWindow(Chain):
    """A whole window: what was quoted, then what is in the window itself. Everything is paid for."""

    chain: ClassVar[list[Any]] = []

    def __init__(self) -> None:
        self.memory = Memex("inmemory:", chain=self.chain)
        self.name = f"t{next(_NUMBERS)}"
        self.thread = self.memory.thread(self.name)
        self.rows = []

    def select(self, query: str, budget: int) -> list[str]:
        """Return the ids of what is in it."""
        question = question_of(query, self.rows)
        asked = self.memory.counter.count_message(question)
        thread = self.memory.thread(self.name, budget=Budget(budget + asked, 0))
        plan = thread.window(question, record=False).plan
        quoted = [seq for first, last in plan.recalled() for seq in range(first, last + 1)]
        return [self.rows[seq - 1]["id"] for seq in (*quoted, *plan.kept()) if seq <= len(self.rows)]


_HEAVY = {"share": 0.75}
CHAINS: Mapping[str, tuple[type[Chain], list[Any]]] = {
    "recall": (Chain, ["recall"]),
    "recall(dates=False)": (Chain, [{"use": "recall", "dates": False}]),
    "semantic": (Chain, ["semantic"]),
    "recall + semantic": (Chain, ["recall", "semantic"]),
    "recall + importance": (Chain, ["recall", "importance"]),
    "window: recall ▸ fifo": (WholeWindow, ["recall", "fifo"]),
    "window: recall(share=0.75) ▸ fifo": (WholeWindow, [{"use": "recall", **_HEAVY}, "fifo"]),
    "window: recall ▸ semantic ▸ fifo": (WholeWindow, ["recall", "semantic", "fifo"]),
}


def able(missing: dict[str, str]) -> dict[str, Callable[[], Any]]:
    """Return the chains whose plugins are installed; the others are added to ``missing``."""
    found: dict[str, Callable[[], Any]] = {}
    for name, (kind, links) in CHAINS.items():
        names = [link if isinstance(link, str) else link["use"] for link in links]
        absent = [plugin for plugin in names if importlib.util.find_spec(f"memex_{plugin}") is None]
        if absent:
            missing[name] = f"memex-{absent[0]} is not installed"
            continue
        given = [_semantic() if link == "semantic" else link for link in links]
        found[name] = type(name, (kind,), {"rankers": given, "chain": given})
    return found


def _semantic() -> Any:
    from memex_semantic.policy import semantic

    return semantic(MiniLm())
