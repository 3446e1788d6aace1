"""``memex explain``."""

from __future__ import annotations

import click

from memex import Plan, Thread, rows
from memex.commands import (
    examples,
    json_option,
    memory_options,
    open_memory,
    open_thread,
    print_json,
    say,
    thread_option,
    wants_json,
    window_options,
)
from memex_cli.references import message_reference
from memex_cli.shapes import explanation_json, plan_json
from memex_cli.tables import show_table

_HEADERS = ("messages", "fate", "why", "by", "tokens")


@click.command(
    "explain",
    epilog=examples(
        "memex explain",
        "memex explain 35",
        "memex explain 35 --plan 2",
        "memex explain 12 --elsewhere support-41",
        'memex explain --question "What did we decide about Fridays?" --chain recall,fifo --budget 2000',
    ),
)
@click.argument("message", required=False, type=message_reference)
@click.option("--plan", "number", metavar="N", type=int, help="This plan; the newest without it.")
@click.option("--elsewhere", metavar="THREAD", help="MESSAGE is one of this other thread.")
@click.option("--question", metavar="TEXT", help="Plan this question, without asking or recording it.")
@memory_options
@thread_option
@window_options
@json_option
def command(
    message: str | int | None, number: int | None, elsewhere: str | None, question: str | None
) -> None:
    """Say what a plan kept, recalled and dropped, why, by which policy and for how many tokens.

    With MESSAGE, a number or an id: one line about that message.
    """
    if number is not None and question is not None:
        raise click.UsageError("give --plan or --question, not both")
    if elsewhere is not None and message is None:
        raise click.UsageError("--elsewhere needs MESSAGE, its number or id in that thread")
    with open_memory() as memory:
        thread = open_thread(memory)
        plan = _plan(thread, number, question)
        if message is None:
            print_json(plan_json(plan)) if wants_json() else _show(plan)
            return
        explanation = thread.explain(message, plan=plan, elsewhere=elsewhere)
        print_json(explanation_json(explanation)) if wants_json() else say(str(explanation))


def _plan(thread: Thread, number: int | None, question: str | None) -> Plan:
    if question is not None:
        return thread.window(question, record=False).plan
    return thread.plan(number)


def _show(plan: Plan) -> None:
    say(str(plan).splitlines()[0])
    for note in plan.notes:
        say(note)
    cells = [
        (
            row.messages,
            row.fate,
            row.reason,
            row.by,
            "" if row.tokens is None else f"{row.tokens:,}",
        )
        for row in rows(plan)
    ]
    show_table(_HEADERS, cells, right=["tokens"])
