"""A plan for a reader: plain text for a terminal, a table for a notebook."""

from __future__ import annotations

from html import escape

from memex._explain import Row, rows
from memex._plan import Plan
from memex._ranges import show_ranges

_HEADER = ("messages", "fate", "why", "by", "tokens")


def plan_text(plan: Plan) -> str:
    """Return a plan as a heading and an aligned table."""
    lines = [_cells(row) for row in rows(plan)]
    widths = [max(len(line[i]) for line in [_HEADER, *lines]) for i in range(len(_HEADER))]
    table = [
        "  ".join(
            cell.rjust(width) if i == len(_HEADER) - 1 else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in [_HEADER, *lines]
    ]
    return "\n".join([heading(plan), *_notes(plan), *table])


def heading(plan: Plan) -> str:
    """Return one line: which plan, through which chain, how many tokens, how many fresh."""
    chain = " ▸ ".join(ref.policy for ref in plan.chain) or "no policy"
    limit = plan.total - plan.answer
    number = f"plan {plan.number} of" if plan.number else "a plan for"
    return (
        f"{number} {plan.thread}: {chain}: {plan.tokens:,} of {limit:,} prompt tokens, "
        f"{plan.fresh_tokens:,} fresh, {plan.answer:,} kept for the answer"
    )


def plan_html(plan: Plan) -> str:
    """Return a plan as an HTML table; every value is escaped."""
    head = "".join(f"<th>{name}</th>" for name in _HEADER)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in _cells(row)) + "</tr>" for row in rows(plan)
    )
    caption = escape(heading(plan))
    return f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cells(row: Row) -> tuple[str, str, str, str, str]:
    tokens = "" if row.tokens is None else f"{row.tokens:,}"
    return show_ranges(row.seqs), row.fate, row.reason, row.by, tokens


def _notes(plan: Plan) -> list[str]:
    limited = [f"the budget is {plan.total:,} tokens: {plan.limited}"] if plan.limited else []
    return limited + [f"! {step.policy} was skipped: {step.error}" for step in plan.steps if step.error]
