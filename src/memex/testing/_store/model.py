"""What a store does, as plain lists and dicts: what the state machine compares a store with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from memex import Message, VectorSpace, encode_message
from memex.testing._store.forgetting import tombstone


@dataclass(eq=False)
class Cell:
    """A place in a log. Threads that share a message share its cell."""

    message: Message
    tokens: int
    vectors: dict[VectorSpace, bytes] = field(default_factory=dict)


@dataclass(eq=False)
class ModelPlan:
    """A plan. Threads that share it share the object."""

    number: int
    head: int
    body: bytes


@dataclass(eq=False)
class ModelThread:
    """A thread: every cell it can see, its own after the first ``forked_at``."""

    name: str
    parent: ModelThread | None = None
    forked_at: int = 0
    forgotten: bool = False
    cells: list[Cell] = field(default_factory=list)
    state: dict[str, bytes] = field(default_factory=dict)
    plans: list[ModelPlan] = field(default_factory=list)
    last_plan: int = 0

    @property
    def own(self) -> list[Cell]:
        """The cells that are not its parent's."""
        return self.cells[self.forked_at :]

    @property
    def ids(self) -> list[str]:
        """The ids of its messages, in order."""
        return [cell.message.id for cell in self.cells]

    @property
    def line(self) -> tuple[str, int, str | None, int | None]:
        """What its ThreadInfo says."""
        parent, shared = self.origin
        if parent is None:
            return self.name, len(self.cells), None, None
        return self.name, len(self.cells), parent.name, shared

    @property
    def origin(self) -> tuple[ModelThread | None, int]:
        """The nearest of its parents that is not forgotten, and what it shares with it."""
        parent, shared = self.parent, self.forked_at
        while parent is not None and parent.forgotten:
            shared = min(shared, parent.forked_at)
            parent = parent.parent
        return (None, 0) if parent is None else (parent, shared)


class Model:
    """The threads of one namespace, by id."""

    def __init__(self) -> None:
        self.threads: dict[str, ModelThread] = {}

    def thread(self, name: str) -> ModelThread:
        """Return a thread, made if it is new."""
        return self.threads.setdefault(name, ModelThread(name))

    def conflicts(self, name: str, messages: Sequence[Message]) -> bool:
        """Tell whether the thread holds other content under one of these ids, or a batch repeats one."""
        there = {cell.message.id: cell.message for cell in self._cells(name)}
        known = [(message, there[message.id]) for message in messages if message.id in there]
        changed = any(encode_message(one) != encode_message(other) for one, other in known)
        return changed or len({message.id for message in messages}) < len(messages)

    def append(self, name: str, messages: Sequence[Message], tokens: Sequence[int]) -> list[int]:
        """Append a batch that does not conflict and return the places."""
        thread = self.thread(name)
        for message, cost in zip(messages, tokens, strict=True):
            if message.id not in thread.ids:
                thread.cells.append(Cell(message, cost))
        return [thread.ids.index(message.id) + 1 for message in messages]

    def fork(self, name: str, new: str, at: int) -> ModelThread:
        """Open ``new`` after message ``at``."""
        parent = self.threads[name]
        plans = [plan for plan in parent.plans if plan.head <= at]
        fork = ModelThread(new, parent, at, False, parent.cells[:at], dict(parent.state), plans)
        fork.last_plan = max((plan.number for plan in plans), default=0)
        self.threads[new] = fork
        return fork

    def put_plan(self, name: str, body: bytes) -> int:
        """Keep a plan made now."""
        thread = self.threads[name]
        thread.last_plan += 1
        thread.plans.append(ModelPlan(thread.last_plan, len(thread.cells), body))
        return thread.last_plan

    def put_vectors(self, name: str, space: VectorSpace, vectors: Mapping[str, bytes]) -> int:
        """Keep entries where there are none and return how many are new."""
        bare = [
            cell
            for cell in self.threads[name].cells
            if cell.message.id in vectors and cell.message.status != "forgotten" and space not in cell.vectors
        ]
        for cell in bare:
            cell.vectors[space] = vectors[cell.message.id]
        return len(bare)

    def drop_vectors(self, space: VectorSpace) -> int:
        """Erase a space and return how many entries it had."""
        cells = {id(cell): cell for thread in self.threads.values() for cell in thread.cells}
        return sum(cell.vectors.pop(space, None) is not None for cell in cells.values())

    def forget_vectors(self) -> None:
        """Erase all of them, as a copy does."""
        for thread in self.threads.values():
            for cell in thread.cells:
                cell.vectors.clear()

    def forget(self, name: str, ids: Iterable[str]) -> tuple[str, ...]:
        """Make messages tombstones and return the other threads that had them."""
        wanted = set(ids)
        return self._bury([cell for cell in self.threads[name].cells if cell.message.id in wanted], name)

    def forget_thread(self, name: str) -> tuple[str, ...]:
        """Take a thread out and return the other threads that shared what was its own."""
        thread = self.threads.pop(name)
        thread.forgotten = True
        shared_by_parent = thread.parent.plans if thread.parent else []
        mine = [plan for plan in thread.plans if plan not in shared_by_parent]
        for other in self.threads.values():
            other.plans = [plan for plan in other.plans if plan not in mine]
        return self._bury(thread.own, name)

    def _bury(self, cells: list[Cell], name: str) -> tuple[str, ...]:
        cells = [cell for cell in cells if cell.message.status != "forgotten"]
        for cell in cells:
            cell.message, cell.tokens = tombstone(cell.message), 0
            cell.vectors.clear()
        others = (other for other in self.threads.values() if other.name != name)
        return tuple(sorted(other.name for other in others if any(cell in other.cells for cell in cells)))

    def _cells(self, name: str) -> list[Cell]:
        return self.threads[name].cells if name in self.threads else []
