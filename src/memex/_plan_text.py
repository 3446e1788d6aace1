"""A plan for a reader: plain text for a terminal, a table for a notebook."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from memex._explain import Row, rows
from memex._outcome import money
from memex._plan import Plan

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
    return "\n".join([heading(plan), *notes(plan), *table])


def heading(plan: Plan) -> str:
    """Return one line: which plan, through which chain, how many tokens, how many fresh."""
    chain = " ▸ ".join(ref.policy for ref in plan.chain) or "no policy"
    number = f"plan {plan.number} of" if plan.number else "a plan for"
    return (
        f"{number} {plan.thread}: {chain}: {plan.tokens:,} of {plan.limit:,} prompt tokens, "
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
    return row.messages, row.fate, row.reason, row.by, tokens


def notes(plan: Plan) -> Iterator[str]:
    """Yield what a reader should know besides the table."""
    if plan.limited:
        yield f"the budget is {plan.total:,} tokens: {plan.limited}"
    if plan.beside:
        yield f"other threads that were looked at: {len(plan.beside):,}"
    if plan.anchor:
        yield str(plan.anchor)
    for step in plan.steps:
        if step.error:
            yield f"! {step.policy} was skipped: {step.error}"
    if plan.outcome:
        yield from plan.outcome.lines()
    if evicted := plan.evicted_fresh:
        yield f"this eviction cost {evicted:,} fresh tokens{_price(plan, evicted)}"


def _price(plan: Plan, tokens: int) -> str:
    """Return what an eviction cost in money, as far as that is known."""
    price = plan.outcome.price_of_fresh(tokens) if plan.outcome else None
    if plan.outcome is None or plan.outcome.cost is None or price is None:
        return ""
    return f", about {money(price, plan.outcome.cost.currency)}"
