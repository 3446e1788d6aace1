"""Sets of sequence numbers as ranges, so that a plan over a long log stays short."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

Range = tuple[int, int]
"""First and last sequence number, both inside."""
Elsewhere = tuple[tuple[str, tuple[Range, ...]], ...]
"""Messages of other threads, thread by thread: ids in a window, tags in a plan."""


def to_ranges(seqs: Iterable[int]) -> tuple[Range, ...]:
    """Return the fewest ranges that hold exactly ``seqs``, in order."""
    ranges: list[Range] = []
    for seq in sorted(set(seqs)):
        if ranges and seq == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], seq)
        else:
            ranges.append((seq, seq))
    return tuple(ranges)


def expand(ranges: Iterable[Range]) -> Iterator[int]:
    """Yield every sequence number in ``ranges``."""
    for first, last in ranges:
        yield from range(first, last + 1)


def contains(ranges: Iterable[Range], seq: int) -> bool:
    """Tell whether ``seq`` is in any of ``ranges``."""
    return any(first <= seq <= last for first, last in ranges)


def show_ranges(ranges: Iterable[Range]) -> str:
    """Return ``ranges`` for a reader: ``1-4, 9``."""
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in ranges)
