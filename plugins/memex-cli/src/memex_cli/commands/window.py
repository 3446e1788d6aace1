"""``memex window``."""

from __future__ import annotations

import click

from memex import Window
from memex.commands import (
    examples,
    json_option,
    memory_options,
    note,
    open_memory,
    open_thread,
    print_json,
    say,
    thread_option,
    wants_json,
    window_options,
)
from memex_cli.shapes import item_json
from memex_cli.words import body, heading


@click.command(
    "window",
    epilog=examples(
        "memex window --budget 2000",
        'memex window "Who signs it off?" --chain recall,fifo --json',
        'memex window "Who signs it off?" --format openai > request.json',
    ),
)
@click.argument("question", required=False)
@click.option("--format", "codec", metavar="CODEC", help="Print them as a request: openai, anthropic, ...")
@click.option("--record", is_flag=True, help="Keep the plan, so that the next window continues this one.")
@memory_options
@thread_option
@window_options
@json_option
def command(question: str | None, codec: str | None, record: bool) -> None:
    """Show what a model would see now, or if QUESTION were asked. No model is called."""
    with open_memory() as memory:
        window = open_thread(memory).window(question, record=record)
        if codec is not None:
            encoded = window.to(codec)
            print_json(encoded.payload)
            for part in encoded.left_out:
                note(f"left out: {part.part} of message {part.message}: {part.why}")
        elif wants_json():
            print_json(_plain(window))
        else:
            for item in window.items:
                say(f"{heading(item)}\n{body(item.message)}\n")
            say(str(window.plan).partition("\n")[0])


def _plain(window: Window) -> dict[str, object]:
    return {
        "thread": window.plan.thread,
        "plan": window.plan.number or None,
        "tokens": window.tokens,
        "limit": window.limit,
        "fresh_tokens": window.plan.fresh_tokens,
        "messages": [item_json(item) for item in window.items],
    }
