"""The figures for a terminal: two tables of plain aligned columns, safe whatever a file says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from memex.commands import one_line
from memex_lab.measuring import FATES
from memex_lab.summing import Figures

_TITLES: Final = {"verbatim": "verbatim", "stub": "as a stub", "summary": "in summary", "lost": "lost"}


def report_lines(overall: Sequence[Figures], categories: Mapping[str, Sequence[Figures]]) -> Iterator[str]:
    """Yield the lines of the report."""
    yield from _table(
        ("budget", "recall", "any of it", "all of it", *(_TITLES[fate] for fate in FATES)),
        [
            (
                f"{f.budget:,}",
                _percent(f.recall),
                _percent(f.any),
                _percent(f.all),
                *(_percent(f.fates[fate]) for fate in FATES),
            )
            for f in overall
        ],
    )
    if len(categories) > 1:
        yield ""
        yield from _table(
            ("recall by category", "questions", *(f"{f.budget:,}" for f in overall)),
            [
                (one_line(name, 40), f"{found[0].questions:,}", *(_percent(f.recall) for f in found))
                for name, found in categories.items()
            ],
        )
    for f in overall:
        if f.too_long:
            yield f"{f.too_long:,} of {f.questions:,} questions alone are more than {f.budget:,} tokens"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    for row in [header, *rows]:
        first, *rest = row
        yield "  ".join(
            [first.ljust(widths[0]), *(c.rjust(w) for c, w in zip(rest, widths[1:], strict=True))]
        )
