"""The report as one HTML page: tables, two plots as inline SVG, no script, and every value escaped."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

from memex.commands import one_line
from memex_lab.measuring import FATES, Outcome
from memex_lab.summing import Figures

_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM, _RIGHT = 720, 320, 48, 16, 36, 190
_COLOURS: Final = ("#2563eb", "#d97706", "#059669", "#dc2626", "#7c3aed", "#0891b2", "#be185d", "#65a30d")
_FATE_COLOURS: Final = {"verbatim": "#059669", "stub": "#0891b2", "summary": "#d97706", "lost": "#9ca3af"}
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
_LISTED: Final = 200
_STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { padding: .25rem .75rem; border-bottom: 1px solid #8884; text-align: right; }
th:first-child, td:first-child, td.text { text-align: left; }
svg { max-width: 100%; height: auto; }
svg text { fill: currentColor; font: 12px system-ui, sans-serif; }
"""


def report_html(
    title: str,
    about: Sequence[str],
    overall: Sequence[Figures],
    categories: Mapping[str, Sequence[Figures]],
    outcomes: Sequence[Outcome],
) -> str:
    """Return the page.

    Args:
        title: Its heading.
        about: What was measured and how, a paragraph each.
        overall: The figures by budget, the smallest first.
        categories: The same by category.
        outcomes: All of them, for the list of what was lost.
    """
    lines = {"all questions": overall, **(categories if len(categories) > 1 else {})}
    largest = overall[-1].budget
    lost = [o for o in outcomes if o.budget == largest and o.recall < 1]
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            f"<title>{_safe(title)}</title><style>{_STYLE}</style></head><body>",
            f"<h1>{_safe(title)}</h1>",
            *(f"<p>{_safe(line)}</p>" for line in about),
            "<h2>Recall by budget</h2>",
            _line_plot(lines),
            _table(
                ["budget", "recall", "any of it", "all of it"],
                [[f"{f.budget:,}", _percent(f.recall), _percent(f.any), _percent(f.all)] for f in overall],
            ),
            "<h2>What became of the evidence</h2>",
            _bar_plot(overall),
            "<h2>Recall by category</h2>",
            _table(
                ["category", "questions", *(f"{f.budget:,}" for f in overall)],
                [
                    [name, f"{found[0].questions:,}", *(_percent(f.recall) for f in found)]
                    for name, found in categories.items()
                ],
            ),
            f"<h2>Not complete at {largest:,} tokens: {len(lost):,} of {overall[-1].questions:,}</h2>",
            _lost_table(lost),
            "</body></html>\n",
        ]
    )


def _lost_table(lost: Sequence[Outcome]) -> str:
    rows = [
        f'<tr><td class="text">{_safe(f"{o.thread} {o.question.id}")}</td>'
        f'<td class="text">{_safe(one_line(o.question.query, 200))}</td>'
        f'<td class="text">{_safe(_evidence(o))}</td></tr>'
        for o in lost[:_LISTED]
    ]
    more = f"<p>and {len(lost) - _LISTED:,} more</p>" if len(lost) > _LISTED else ""
    return f"<table><tr><th>question</th><th>asked</th><th>evidence</th></tr>{''.join(rows)}</table>{more}"


def _evidence(outcome: Outcome) -> str:
    pairs = zip(outcome.question.evidence, outcome.fates, strict=True)
    return ", ".join(f"#{seq} {fate}" for seq, fate in pairs)


def _line_plot(lines: Mapping[str, Sequence[Figures]]) -> str:
    budgets = [f.budget for f in next(iter(lines.values()))]
    inner = _frame([(_x(budget, budgets), f"{budget:,}") for budget in budgets])
    for index, (name, found) in enumerate(list(lines.items())[: len(_COLOURS)]):
        colour, width = _COLOURS[index], 3 if index == 0 else 1.5
        points = [(_x(f.budget, budgets), _y(f.recall), f) for f in found]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)
        inner += f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>'
        for x, y, f in points:
            tip = _safe(f"{name}: {_percent(f.recall)} at {f.budget:,} tokens")
            inner += (
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"><title>{tip}</title></circle>'
            )
        inner += _legend(index, colour, name)
    return _svg("Share of the evidence that is in the window, by budget", inner)


def _bar_plot(overall: Sequence[Figures]) -> str:
    step = (_WIDTH - _LEFT - _RIGHT) / len(overall)
    inner = _frame([(_LEFT + step * (i + 0.5), f"{f.budget:,}") for i, f in enumerate(overall)])
    for i, f in enumerate(overall):
        bottom = 0.0
        for fate in FATES:
            share = f.fates[fate]
            height = share * (_HEIGHT - _TOP - _BOTTOM)
            tip = _safe(f"{fate}: {_percent(share)} at {f.budget:,} tokens")
            x, y = _LEFT + step * (i + 0.2), _y(bottom + share)
            inner += (
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{step * 0.6:.1f}" height="{height:.1f}" '
                f'fill="{_FATE_COLOURS[fate]}"><title>{tip}</title></rect>'
            )
            bottom += share
    for index, fate in enumerate(FATES):
        inner += _legend(index, _FATE_COLOURS[fate], fate)
    return _svg("What became of the evidence, by budget", inner)


def _frame(marks: Sequence[tuple[float, str]]) -> str:
    right = _WIDTH - _RIGHT
    inner = ""
    for percent in (0, 25, 50, 75, 100):
        y = _y(percent / 100)
        inner += f'<line x1="{_LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" stroke="#8885"/>'
        inner += f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{percent} %</text>'
    for x, label in marks:
        inner += f'<text x="{x:.1f}" y="{_HEIGHT - 12}" text-anchor="middle">{_safe(label)}</text>'
    return inner


def _legend(index: int, colour: str, name: str) -> str:
    y = _TOP + 12 + 20 * index
    x = _WIDTH - _RIGHT + 16
    return (
        f'<rect x="{x}" y="{y - 9}" width="10" height="10" fill="{colour}"/>'
        f'<text x="{x + 16}" y="{y}">{_safe(one_line(name, 24))}</text>'
    )


def _svg(label: str, inner: str) -> str:
    box = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img" aria-label="{_safe(label)}">{inner}</svg>'
    )


def _x(budget: int, budgets: Sequence[int]) -> float:
    low, high = math.log2(budgets[0]), math.log2(budgets[-1])
    share = (math.log2(budget) - low) / (high - low) if high > low else 0.5
    return _LEFT + 16 + share * (_WIDTH - _LEFT - _RIGHT - 32)


def _y(share: float) -> float:
    return _TOP + (1 - share) * (_HEIGHT - _TOP - _BOTTOM)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{_safe(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{_safe(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _safe(text: str) -> str:
    """Return ``text`` escaped, and without what could not be written as UTF-8."""
    return escape(one_line(text, 400))
