"""The contract kit's store in a dict, which keeps vectors too."""

from __future__ import annotations

import threading
from functools import wraps

from memex import Embedded, checked_vectors
from memex.testing import ScratchStore


def atomic(method):
    @wraps(method)
    def alone(self, *args, **kwargs):
        with self.whole:
            return method(self, *args, **kwargs)

    return alone


def is_there(entry):
    return entry.message.status != "forgotten"


class KeepingStore(ScratchStore):
    """Vectors by message id, which nothing here uses twice; so forks share them."""

    def __init__(self, namespace="default"):
        super().__init__(namespace)
        self.kept = {}
        self.whole = threading.RLock()  # each method is atomic, as a store promises

    @atomic
    def put_vectors(self, thread, space, vectors):
        new = 0
        for message_id, data in checked_vectors(space, vectors).items():
            there = any(e.message.status != "forgotten" for e in self.get(thread, [message_id]))
            if there and message_id not in self.kept.setdefault(space, {}):
                self.kept[space][message_id] = data
                new += 1
        return new

    @atomic
    def vectors(self, thread, space, start=1, stop=None):
        kept = self.kept.get(space, {})
        entries = self.entries(thread, start, stop)
        there = (e for e in entries if e.message.id in kept and e.message.status != "forgotten")
        return iter([(e.seq, kept[e.message.id]) for e in there])

    @atomic
    def without_vectors(self, thread, space, start=1, stop=None):
        kept = self.kept.get(space, {})
        entries = self.entries(thread, start, stop)
        return iter([e.seq for e in entries if e.message.id not in kept and e.message.status != "forgotten"])

    @atomic
    def vector_spaces(self, thread=None):
        if thread is not None:
            ids = {entry.message.id for entry in self.entries(thread)}
            counts = {space: len(ids & kept.keys()) for space, kept in self.kept.items()}
        else:
            counts = {space: len(kept) for space, kept in self.kept.items()}
        return [Embedded(space, counts[space]) for space in sorted(counts) if counts[space]]

    @atomic
    def drop_vectors(self, space):
        return len(self.kept.pop(space, {}))

    @atomic
    def forget(self, thread, ids=None):
        gone = [e.message.id for e in self.entries(thread)] if ids is None else list(ids)
        receipt = super().forget(thread, ids)
        # What a fork, or the thread that it came from, still has keeps its vectors.
        alive = {e.message.id for t in self.threads() for e in self.get(t.id, gone) if is_there(e)}
        erased = sum(
            kept.pop(one, None) is not None for kept in self.kept.values() for one in set(gone) - alive
        )
        return (
            receipt
            if not erased
            else receipt.__class__(
                receipt.thread,
                receipt.messages,
                receipt.whole_thread,
                dict(receipt.places) | {"vectors": erased},
                receipt.forks,
            )
        )
