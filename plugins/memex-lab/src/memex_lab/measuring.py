"""Evidence recall: asks each question where it was asked, and looks what became of its evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Literal

import msgspec

from memex import BudgetExceeded, Rehearsal, Thread, Window, contains
from memex_lab.questions import Question

Fate = Literal["verbatim", "stub", "summary", "lost"]
FATES: Final[tuple[Fate, ...]] = ("verbatim", "stub", "summary", "lost")


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a window did with the evidence of a question.

    Attributes:
        thread: Id of the conversation.
        question: The question.
        budget: Tokens of the prompt.
        fates: What became of each piece of evidence: ``verbatim`` (in the window or quoted), ``stub``
            (only named), ``summary`` (covered by one) or ``lost``.
        fits: Whether there was a window at all; a question may be longer than the budget.
    """

    thread: str
    question: Question
    budget: int
    fates: tuple[Fate, ...]
    fits: bool = True

    @property
    def recall(self) -> float:
        """Which share of the evidence the model would have seen word for word."""
        return self.fates.count("verbatim") / len(self.fates)


def measure(
    thread: Thread, questions: Sequence[Question], *, told: Callable[[int], None] = lambda _: None
) -> Iterator[Outcome]:
    """Yield what the thread's chain and budget make of each question. Nothing is stored.

    The conversation is held again: wherever a model was called, the window is built and continues the
    one before. A question is asked at its place, and the conversation goes on as if it was not.

    Args:
        thread: A thread with the chain and the budget to measure.
        questions: What to ask.
        told: Called with how many messages more were gone through.
    """
    rehearsal = Rehearsal(thread)
    waiting = sorted(questions, key=lambda question: question.at)
    last = waiting[-1].at if waiting else 0
    calls = _calls(thread, last)
    call = next(calls, None)
    for question in waiting:
        while call is not None and call <= question.at:
            told(call - rehearsal.head)
            _take(rehearsal, call)
            call = next(calls, None)
        told(question.at - rehearsal.head)
        rehearsal.go(question.at)
        yield _outcome(rehearsal, thread, question)


def _calls(thread: Thread, last: int) -> Iterator[int]:
    """Yield the messages after which a model was called: those that one of its own follows."""
    before = None
    for entry in thread.entries(1, last):
        if entry.message.role == "assistant" and before in ("user", "tool"):
            yield entry.seq - 1
        before = entry.message.role


def _take(rehearsal: Rehearsal, head: int) -> None:
    try:
        rehearsal.turn(head)
    except BudgetExceeded:
        return  # at this budget the call would have failed, and the next one continues the one before


def _outcome(rehearsal: Rehearsal, thread: Thread, question: Question) -> Outcome:
    try:
        window = rehearsal.ask(question.query)
    except BudgetExceeded:
        lost: tuple[Fate, ...] = tuple("lost" for _ in question.evidence)
        return Outcome(
            thread=thread.id, question=question, budget=thread.budget.prompt, fates=lost, fits=False
        )
    fates = tuple(_fate(window, seq) for seq in question.evidence)
    return Outcome(thread=thread.id, question=question, budget=thread.budget.prompt, fates=fates)


def _fate(window: Window, seq: int) -> Fate:
    if seq in window:
        return "verbatim"
    covering = {derived.kind for derived in window.derived if contains(derived.covers, seq)}
    if "recall" in covering:
        return "verbatim"
    return "summary" if "summary" in covering else "stub" if "stub" in covering else "lost"
