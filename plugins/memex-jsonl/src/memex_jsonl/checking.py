"""Looking for damage: every line is read, and what belongs together is compared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from memex import MemexError
from memex_jsonl import embedded
from memex_jsonl.forks import shown_plans
from memex_jsonl.index import SYNCED, read_index
from memex_jsonl.lines import entry_in
from memex_jsonl.loading import load
from memex_jsonl.log import Log
from memex_jsonl.names import INDEX, LOG, PLANS, STATE, VECTORS, is_ghost, is_thread
from memex_jsonl.notes import read_state
from memex_jsonl.space import Space

_PAGE = 256
_FLAGS = ~SYNCED


def problems(space: Space) -> Iterator[str]:
    """Yield what is wrong with a namespace, one line each."""
    names = {path.name for path in space.folder.iterdir()}
    bases = sorted(name.removesuffix(LOG) for name in names if name.endswith(LOG))
    for base in bases:
        if is_thread(base) or is_ghost(base):
            try:
                yield from _problems_of(space, base)
            except MemexError as error:
                yield str(error)
    for name in sorted(names):
        for ending in (PLANS, STATE, INDEX, VECTORS):
            base = name.removesuffix(ending)
            if base != name and (is_thread(base) or is_ghost(base)) and base + LOG not in names:
                yield f"{space.folder / name} belongs to no thread"


def _problems_of(space: Space, base: str) -> Iterator[str]:
    log = space.log(base)
    if log is None:
        return  # a process ended while it opened the thread, before anything was in it
    where = f"thread {log.header.thread!r}" if not log.header.forgotten else f"the tombstones {base}"
    yield from _index_problems(space, base, log, where)
    yield from _message_problems(log, where)
    yield from embedded.problems(space, log)
    space.lineage(log)
    if not log.header.forgotten:
        read_state(space.folder / f"{base}{STATE}", log.header.log)
        numbers = [plan.number for plan in shown_plans(space, log)]
        own = [number for number in numbers if number > log.header.plan_base]
        if own != list(range(log.header.plan_base + len(own), log.header.plan_base, -1)):
            yield f"{where}: a plan is missing"


def _message_problems(log: Log, where: str) -> Iterator[str]:
    ids: set[str] = set()
    for start in range(log.first, log.head + 1, _PAGE):
        seqs = range(start, min(start + _PAGE, log.head + 1))
        try:
            lines: list[bytes | None] = list(log.lines(seqs))
        except MemexError:
            lines = [None] * len(seqs)
        for seq, line in zip(seqs, lines, strict=True):
            try:
                entry = log.entry(seq) if line is None else entry_in(line)
            except MemexError as error:
                yield f"{where}: message {seq} cannot be read: {error}"
                continue
            if entry.message.id in ids:
                yield f"{where}: the id of message {seq} is there twice"
            ids.add(entry.message.id)


def _index_problems(space: Space, base: str, log: Log, where: str) -> Iterator[str]:
    """Yield how the index differs from the log; one that is missing or behind is no problem."""
    kept = read_index(space.folder / f"{base}{INDEX}", log.header.log, log.header.rewritten)
    if kept is None or not kept.synced:
        return  # nobody would rely on it
    anew = _without_index(space, log.path)
    if anew is None:
        return
    places = [place & _FLAGS for place in kept.places]
    known = list(anew.bounds[: len(places)])
    if known != places or list(anew.hashes[: len(places)]) != list(kept.hashes):
        yield f"{where}: the index differs from the log; remove {base}{INDEX}, it is made again"


def _without_index(space: Space, path: Path) -> Log | None:
    with space.locks.of_file(path, write=False) as fd:
        return load(path, fd, None, lenient=not space.settings.full)
