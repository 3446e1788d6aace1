"""The shelf: where keys and values lie between turns, shared by every thread, within a byte budget.

A *lane* holds the rows of one sequence in one piece: what a model needs to go on, and what a turn
is written into. A radix tree over token ids knows every stretch that is kept: *hot* where its rows
lie in a lane, *cold* where they are a copy of their own. Threads are not known here at all: a fork
costs nothing, and conversations that begin alike share what they begin with.

Rows are copied in four cases only: a second sequence goes on from the middle of a lane; a lane is
taken over although something else in it is still of use; one of too many lanes is put away; a cold
stretch goes back into a lane.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import msgspec

from memex_hf.lanes import Cold, Hot, Lane, Workshop
from memex_hf.radix import Node, Radix, packed, shared

L = TypeVar("L", bound=Lane)
Kept = Hot | Cold
_STATES = 2  # besides the first and the newest of a sequence
Path = list[tuple[Node[Kept], int]]


class Tally(msgspec.Struct):
    """What was done so far, in tokens and times.

    Attributes:
        reused: Tokens that were found.
        copied: Tokens whose rows were copied, for whatever reason.
        dropped: Tokens whose rows were given up for the budget.
        retired: Lanes that were put away.
    """

    reused: int = 0
    copied: int = 0
    dropped: int = 0
    retired: int = 0


class Shelf(Generic[L]):
    """Finds the longest known beginning of a prompt and lends a lane that holds it.

    Not for several threads at once: whoever runs the model holds a lock.

    Args:
        workshop: Makes lanes.
        budget: The most bytes to keep. What is being generated is never given up, so a single
            sequence may take more while it runs.
        most_lanes: How many sequences stay in lanes of their own.
    """

    def __init__(self, workshop: Workshop[L], budget: int, most_lanes: int = 8) -> None:
        self.workshop = workshop
        self.budget = budget
        self.most_lanes = most_lanes
        self.tally = Tally()
        self.tree: Radix[Kept] = Radix()
        self.lanes: list[L] = []
        self._cold = 0

    @property
    def nbytes(self) -> int:
        """Bytes that are kept now."""
        return self._cold + sum(lane.nbytes for lane in self.lanes)

    # -- lending -------------------------------------------------------------------------------

    def lend(self, ids: Sequence[int], room: int) -> L:
        """Return a busy lane that holds the longest usable beginning of ``ids``, but not all of it.

        The last token is always left to the model: it gives the first new one.

        Args:
            ids: The prompt.
            room: Tokens it will hold in the end, as far as is known.
        """
        ids = packed(ids)
        path = self._usable(self.tree.match(ids), len(ids) - 1)
        self.tree.touch(path)
        known = sum(count for _, count in path)
        lane = self._lane_for(ids, known, path, max(room, len(ids)))
        lane.busy = True
        lane.used = self.tree.clock
        self._fill(lane, ids, path)
        self.tally.reused += len(lane.ids)
        self.fit()
        return lane

    def record(self, lane: L, cuts: Sequence[int] = (), *, state: bool = False) -> None:
        """Make what a lane holds known, in stretches that end at ``cuts`` (token counts).

        Args:
            lane: The lane.
            cuts: Where messages end.
            state: Keep the state at the lane's end as well, for a model that cannot be cropped.
        """
        node, at = self.tree.reach(lane.ids)
        for stop in [*sorted(cut for cut in set(cuts) if at < cut < len(lane.ids)), len(lane.ids)]:
            if stop > at:
                node = self.tree.add(node, lane.ids[at:stop], Hot(lane, at, stop))
                at = stop
        if state and not self.workshop.croppable and node.state is None and node.parent is not None:
            node.state = lane.state()
            self._cold += node.state.nbytes
            self._thin_states(node)
        while node.parent is not None:
            node.used = self.tree.clock
            node = node.parent

    def give_back(self, lane: L, cuts: Sequence[int] = ()) -> None:
        """Take a lane back, with all it holds now known."""
        self.record(lane, cuts, state=True)
        lane.busy = False
        lane.used = self.tree.clock
        self.fit()

    def throw_away(self, lane: L) -> None:
        """Give up a lane whose rows cannot be trusted, and everything that lies in it."""
        for node in reversed(list(self.tree.nodes())):
            if isinstance(node.kept, Hot) and node.kept.lane is lane:
                self._drop_branch(node)
        lane.busy = False
        self.lanes = [other for other in self.lanes if other is not lane]

    def clear(self) -> None:
        """Forget everything; a lane that is busy finishes its answer and is not taken back."""
        self.tree = Radix()
        self.lanes = []
        self._cold = 0

    def known(self, ids: Sequence[int]) -> int:
        """Return how many tokens of a prompt would not have to be computed."""
        ids = packed(ids)
        return sum(count for _, count in self._usable(self.tree.match(ids), len(ids) - 1))

    # -- the budget ----------------------------------------------------------------------------

    def fit(self, more: int = 0, keep: Path | None = None) -> None:
        """Give up what was used least recently until ``more`` bytes fit the budget.

        Args:
            more: Bytes that are about to be taken.
            keep: What must not be given up now.
        """
        kept = {node for node, _ in keep or ()}
        idle = [lane for lane in self.lanes if not lane.busy]
        while len(idle) > self.most_lanes:
            oldest = min(idle, key=lambda lane: lane.used)
            idle.remove(oldest)
            self._retire(oldest, kept)
        while self.nbytes + more > self.budget and self._give_up_one(kept):
            pass

    def _give_up_one(self, kept: set[Node[Kept]]) -> bool:
        leaves = [
            node
            for node in self.tree.nodes()
            if not node.children and isinstance(node.kept, Cold) and node not in kept
        ]
        leaf = min(leaves, key=lambda node: node.used, default=None)
        idle = [lane for lane in self.lanes if not lane.busy]
        lane = min(idle, key=lambda lane: lane.used, default=None)
        if leaf is not None and (lane is None or leaf.used <= lane.used):
            self._drop(leaf)
            return True
        if lane is not None:
            self._retire(lane, kept, older_than=lane.used)
            return True
        return self._drop_a_state(kept)

    def _drop_a_state(self, kept: set[Node[Kept]]) -> bool:
        """Give up a state inside the tree; the rows around it stay."""
        held = [node for node in self.tree.nodes() if node.state is not None and node not in kept]
        oldest = min(held, key=lambda node: node.used, default=None)
        if oldest is None:
            return False
        self._cold -= oldest.state.nbytes
        oldest.state = None
        return True

    def _retire(self, lane: L, kept: set[Node[Kept]], older_than: int | None = None) -> None:
        """Put a lane away: its rows become cold, or are dropped where nobody used them since."""
        nodes = [n for n in self.tree.nodes() if isinstance(n.kept, Hot) and n.kept.lane is lane]
        if older_than is not None:
            for node in sorted(nodes, key=lambda node: -node.start):
                if not node.children and node.used <= older_than and node not in kept:
                    self._drop(node)
            nodes = [node for node in nodes if node.parent is not None]
        spans = [(node.kept.start, node.kept.stop) for node in nodes if isinstance(node.kept, Hot)]
        for node, rows in zip(nodes, lane.freeze(spans), strict=True):
            node.kept = Cold(rows)
            self._cold += node.kept.nbytes
            self.tally.copied += len(node.ids)
        self.lanes = [other for other in self.lanes if other is not lane]
        self.tally.retired += 1

    def _drop(self, leaf: Node[Kept]) -> None:
        self._forget(leaf)
        self.tree.remove(leaf)

    def _drop_branch(self, node: Node[Kept]) -> None:
        if node.parent is None:
            return
        for child in list(node.children.values()):
            self._drop_branch(child)
        self._drop(node)

    def _forget(self, node: Node[Kept]) -> None:
        if isinstance(node.kept, Cold):
            self._cold -= node.kept.nbytes
        if node.state is not None:
            self._cold -= node.state.nbytes
            node.state = None
        self.tally.dropped += len(node.ids)

    def _thin_states(self, node: Node[Kept]) -> None:
        """Keep few states on the way to a node: the first, the last, and where sequences part."""
        held = []
        above = node.parent
        while above is not None:
            if above.state is not None and len(above.children) < 2:
                held.append(above)
            above = above.parent
        for spare in held[_STATES:-1]:
            self._cold -= spare.state.nbytes
            spare.state = None

    # -- choosing a lane -----------------------------------------------------------------------

    def _usable(self, path: Path, most: int) -> Path:
        """Return the part of a path that a lane may go on from: at most ``most`` tokens."""
        at, usable = 0, []
        for node, count in path:
            taken = min(count, most - at)
            if taken > 0:
                usable.append((node, taken))
            at += taken
        if self.workshop.croppable:
            return usable
        while usable and not self._resumable(*usable[-1], sum(count for _, count in usable)):
            usable.pop()
        return usable

    def _resumable(self, node: Node[Kept], count: int, length: int) -> bool:
        """Tell whether a model that cannot be cropped could go on from the end of a path."""
        if count < len(node.ids):
            return False
        at_its_end = (
            isinstance(node.kept, Hot) and not node.kept.lane.busy and len(node.kept.lane.ids) == length
        )
        return node.state is not None or at_its_end

    def _lane_for(self, ids: array[int], known: int, path: Path, room: int) -> L:
        """Return the lane to go on in: one that can be continued or taken over, or a new one."""
        best, common = None, -1
        for lane in self.lanes:
            if not lane.busy:
                same = min(shared(lane.ids, ids), known)
                if same > common or (best is not None and same == common and len(lane.ids) < len(best.ids)):
                    best, common = lane, same
        if best is not None and len(best.ids) == common and (self.workshop.croppable or common == known):
            return best  # it ends where the prompt goes on: nothing is moved
        if best is not None and self._better_taken_over(best, common):
            self._save_tail(best, common)
            best.cut(common)
            return best
        self.fit(self.workshop.bytes_for(room), keep=path)
        lane = self.workshop.lane(room)
        self.lanes.append(lane)
        return lane

    def _better_taken_over(self, lane: L, common: int) -> bool:
        """Tell whether moving the rest of a lane out of the way costs less than copying its beginning."""
        return self.workshop.croppable and 0 <= len(lane.ids) - common < common

    def _save_tail(self, lane: L, length: int) -> None:
        """Copy what lies in a lane after ``length`` tokens out of it."""
        self.tree.reach(lane.ids[:length])
        for node in list(self.tree.nodes()):
            kept = node.kept
            if isinstance(kept, Hot) and kept.lane is lane and kept.start >= length:
                node.kept = Cold(lane.copy(kept.start, kept.stop))
                self._cold += node.kept.nbytes
                self.tally.copied += len(node.ids)

    def _fill(self, lane: L, ids: array[int], path: Path) -> None:
        """Copy what of a path is not in the lane yet, and make cold stretches hot in it."""
        at = 0
        state: Any = None
        held = len(lane.ids)
        for node, count in path:
            kept, stop = node.kept, at + count
            if stop > held and kept is not None:
                skip = held - at if held > at else 0
                source, first = (kept.lane, kept.start) if isinstance(kept, Hot) else (kept.rows, 0)
                lane.take(ids[at + skip : stop], source, first + skip, first + count)
                held = stop
                self.tally.copied += count - skip
                state = node.state
                if isinstance(kept, Cold) and count == len(node.ids):
                    self._cold -= kept.nbytes
                    node.kept = Hot(lane, at, stop)
            at = stop
        if state is not None and not self.workshop.croppable:
            lane.put_state(state)
