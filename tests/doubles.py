"""Doubles for tests: a counter that is easy to reason about, and scripted backends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from memex import Capabilities, Event, Message, Request, Tool, ToolCall, Usage, Window, searchable_text


class WordCounter:
    """One token a word, and one for each message."""

    name = "words-1"
    exact = True
    error = 0.0

    def count_text(self, text: str) -> int:
        return len(text.split())

    def count_message(self, message: Message) -> int:
        return 1 + len(searchable_text(message).split())

    def count_tools(self, tools: Sequence[Tool]) -> int:
        return 10 * len(tools)


class Scripted:
    """A backend that plays the events it was given, and remembers what it was asked."""

    name = "scripted"

    def __init__(self, *events: Event | BaseException, model: str = "one") -> None:
        self.model = model
        self.events = events or answer("fine")
        self.requests: list[Request] = []
        self.closed = 0

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(tools=True)

    def stream(self, request: Request) -> Iterator[Event]:
        self.requests.append(request)
        for event in self.events:
            if isinstance(event, BaseException):
                raise event
            yield event

    def close(self) -> None:
        self.closed += 1


def evict_policy():
    """Return the policy, as a provider's target does."""
    return evict


def clear_results():
    """Return a policy that shortens every result of a tool that may be, when the window is too full."""

    def clear(window: Window) -> Window:
        results = [entry for entry in window.droppable if entry.message.tool_results]
        return window.shorten(results, reason="cleared") if window.room < 0 else window

    return clear


def answer(*words: str) -> tuple[Event, ...]:
    return (
        Event(kind="start", response_id="r1"),
        *(Event(kind="text", text=word) for word in words),
        Event(kind="usage", usage=Usage(input_tokens=7, output_tokens=len(words))),
        Event(kind="finish", finish="stop"),
    )


def evict(window: Window) -> Window:
    """The simplest policy that keeps a budget: the oldest go first, down to half."""
    gone, over = [], window.tokens - window.limit // 2
    for unit in window.droppable_units if window.room < 0 else ():
        if over <= 0:
            break
        gone.extend(unit.entries)
        over -= sum(entry.tokens for entry in unit.entries)
    return window.drop(gone, reason="over-budget")


class InTurns(Scripted):
    """A backend that plays one answer a call, then the last one again."""

    def __init__(self, *answers: tuple[Event | BaseException, ...], model: str = "one") -> None:
        super().__init__(model=model)
        self.answers = answers

    def stream(self, request: Request) -> Iterator[Event]:
        self.events = self.answers[min(len(self.requests), len(self.answers) - 1)]
        return super().stream(request)


def calling(*calls: ToolCall) -> tuple[Event, ...]:
    return (
        Event(kind="start"),
        *(Event(kind="tool_call", tool_call=call) for call in calls),
        Event(kind="usage", usage=Usage(input_tokens=5, output_tokens=len(calls))),
        Event(kind="finish", finish="tool_calls"),
    )


def call(name: str, arguments: str = "{}", *, id: str | None = None) -> ToolCall:  # noqa: A002
    return ToolCall(id=id or name, name=name, arguments=arguments)
