"""``memex recall-eval``."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from memex import Budget, ConfigError, Memex, UnknownProvider
from memex.commands import (
    chain_option,
    examples,
    given,
    json_option,
    memory_options,
    one_line,
    open_memory,
    open_thread,
    print_json,
    say,
    thread_option,
    wants_json,
)
from memex_lab.conversations import Conversation, holds_conversations, read_conversations
from memex_lab.measuring import Outcome, measure
from memex_lab.mining import mine
from memex_lab.questions import BadQuestions, Question, read_questions
from memex_lab.report_html import report_html
from memex_lab.report_text import report_lines
from memex_lab.summing import Figures, by_category, figures, plain

BUDGETS: Final = (512, 1_024, 2_048, 4_096, 8_192)
_AT_LEAST: Final = re.compile(r"(\d(?:\.\d+)?)@(\d+)\Z")


class _Threshold(click.ParamType[tuple[float, int]]):
    name = "threshold"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, int]:
        found = _AT_LEAST.match(value)
        if found is None or float(found[1]) > 1:
            self.fail(f"{value!r} is not a share and a budget, such as 0.8@2048", param, ctx)
        return float(found[1]), int(found[2])


@click.command(
    "recall-eval",
    epilog=examples(
        "memex recall-eval",
        "memex recall-eval questions.jsonl --thread support-42 --chain recall,fifo",
        "memex recall-eval set.json --budget 2048 --budget 8192 --html report.html",
        "memex recall-eval questions.jsonl --at-least 0.8@2048",
    ),
)
@click.argument("file", required=False)
@click.option(
    "--budget",
    "budgets",
    metavar="TOKENS",
    type=click.IntRange(min=1),
    multiple=True,
    help="Tokens of the prompt; several times for several. 512 to 8192 without it.",
)
@click.option(
    "--at-least",
    "thresholds",
    metavar="SHARE@TOKENS",
    type=_Threshold(),
    multiple=True,
    help="Exit with 1 if recall is lower than this at that budget, such as 0.8@2048.",
)
@click.option("--html", metavar="PATH", help="Write a page with plots.")
@memory_options
@thread_option
@chain_option
@json_option
def command(
    file: str | None,
    budgets: tuple[int, ...],
    thresholds: tuple[tuple[float, int], ...],
    html: str | None,
) -> None:
    """Measure evidence recall: is the message that holds the answer in the window?

    FILE has a question a line: {"question": "...", "evidence": ["message id", 42], "at": 120,
    "category": "..."}; or it is a JSON file of conversations with their questions, which are measured
    in memory. - is stdin. Without FILE the questions are mined from the thread: facts that were said
    once and needed again later.

    The conversation is held again at each budget, with the chain's own windows, and each question is
    asked at its place. No model is called and nothing is stored. --json has every question.
    """
    asked_for = budgets or ((given("budget"),) if given("budget") else BUDGETS)
    chosen = tuple(sorted({*asked_for, *(budget for _, budget in thresholds)}))
    outcomes, chain, about = _measured(file, chosen)
    overall = [figures(outcomes, budget) for budget in chosen]
    categories = by_category(outcomes, chosen)
    asked = f"{_count(overall[0].questions, 'question')} of {about}; chain: {chain}"
    if html is not None:
        how = "Each question is asked where it was asked, of the windows that the chain builds turn by turn."
        _write(html, report_html("Evidence recall", [asked, how], overall, categories, outcomes))
    if wants_json():
        print_json(
            {
                "about": about,
                "chain": chain,
                "budgets": [_figures_json(f) for f in overall],
                "categories": {name: [_figures_json(f) for f in found] for name, found in categories.items()},
                "questions": [plain(outcome) for outcome in outcomes],
            }
        )
    else:
        say(one_line(asked, 400))
        for line in report_lines(overall, categories):
            say(line)
    missed = [
        f"recall at {f.budget:,} tokens is {f.recall:.3f}, which is below {least:g}"
        for least, budget in thresholds
        for f in overall
        if f.budget == budget and f.recall < least
    ]
    if missed:
        raise click.ClickException("; ".join(missed))


def _measured(file: str | None, budgets: Sequence[int]) -> tuple[list[Outcome], str, str]:
    """Return the outcomes, the chain in words, and what was measured."""
    data = None if file is None else _read(file)
    if data is not None and holds_conversations(data):
        return _of_conversations(read_conversations(data), budgets)
    with open_memory(backend=None) as memory:  # no model is called
        thread = open_thread(memory)
        if data is None:
            questions = mine(thread.entries())
            about = f"thread {thread.id}, mined from it"
            if not questions:
                raise BadQuestions(
                    f"no fact in thread {thread.id!r} was said once and needed again later; "
                    "give a file of questions"
                )
        else:
            questions = read_questions(data.splitlines(), thread)
            about = f"thread {thread.id}"
        return list(_outcomes(memory, [(thread.id, questions)], budgets)), str(memory.chain), about


def _of_conversations(
    conversations: Sequence[Conversation], budgets: Sequence[int]
) -> tuple[list[Outcome], str, str]:
    with _what_to_install(), open_memory(store="inmemory:", backend=None) as memory:
        threads = []
        for conversation in conversations:
            conversation.stored_in(memory)
            threads.append((conversation.id, conversation.questions))
        unused = sum(conversation.unused for conversation in conversations)
        about = _count(len(conversations), "conversation") + (
            f", without {unused:,} that are not scored" if unused else ""
        )
        return list(_outcomes(memory, threads, budgets)), str(memory.chain), about


@contextmanager
def _what_to_install() -> Iterator[None]:
    try:
        yield
    except UnknownProvider as error:
        if (error.kind, error.name) != ("stores", "inmemory"):
            raise
        raise ConfigError(
            "a file of conversations is measured in memory: pip install memex-inmemory"
        ) from error


def _outcomes(
    memory: Memex, threads: Sequence[tuple[str, Sequence[Question]]], budgets: Sequence[int]
) -> list[Outcome]:
    steps = sum(max((q.at for q in questions), default=0) for _, questions in threads) * len(budgets)
    found: list[Outcome] = []
    hidden = not sys.stderr.isatty()
    with click.progressbar(length=steps, label="measuring", file=sys.stderr, hidden=hidden) as bar:
        for name, questions in threads:
            for budget in budgets:
                thread = memory.thread(name, create=False, budget=Budget(budget, 0))
                found += measure(thread, questions, told=bar.update)
    return found


def _read(file: str) -> bytes:
    return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()


def _figures_json(found: Figures) -> dict[str, Any]:
    plain_figures: dict[str, Any] = msgspec.to_builtins(found)
    return plain_figures


def _write(name: str, text: str) -> None:
    """Write a file whole or not at all."""
    if name == "-":
        click.echo(text, nl=False)
        return
    target = Path(name).resolve()
    if target.exists() and not target.is_file():
        target.write_text(text, encoding="utf-8")
        return
    try:
        descriptor, beside = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise OSError(error.errno, error.strerror, name) from error
    try:
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - a descriptor, not a path
            file.write(text)
        Path(beside).chmod(0o644)
        os.replace(beside, target)  # noqa: PTH105 - as it is called in the system
    finally:
        Path(beside).unlink(missing_ok=True)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
