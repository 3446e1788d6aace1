"""From generated ids to events: words, thoughts and tool calls, and the ledger at the end."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import msgspec

from memex import Event, Message, Tool, ToolCall
from memex_hf.ledger import Ledger, digest
from memex_hf.prompts import Prompt, described
from memex_hf.spoken import Decoding, Section, Sorting, Stopping
from memex_hf.tokenizing import Words


class Sorter(Protocol):
    """Sorts text into sections; see :class:`memex_hf.spoken.Sorting`."""

    def push(self, text: str) -> Iterator[tuple[Section, str]]:
        """Yield stretches of text with their section."""

    def rest(self) -> Iterator[tuple[Section, str]]:
        """Yield what was held back."""


class Parsed:
    """Sorts with the tokenizer's own response template, where it has one.

    Args:
        parser: From ``get_response_parser``.
    """

    def __init__(self, parser: Any) -> None:
        self._parser = parser
        self._open = True

    def push(self, text: str) -> Iterator[tuple[Section, str]]:
        """Yield stretches of text with their section."""
        return self._sorted(self._parser.feed(text))

    def rest(self) -> Iterator[tuple[Section, str]]:
        """Yield what was held back."""
        try:
            _, events = self._parser.finalize()
        except ValueError:  # an answer that was cut off in the middle of a call
            return iter(())
        return self._sorted(events)

    def _sorted(self, events: Sequence[dict[str, Any]]) -> Iterator[tuple[Section, str]]:
        for event in events:
            field, kind = event["field"], event["type"]
            if kind == "region_chunk" and not event["dirty"] and field != "tool_calls":
                yield ("text" if field == "content" else "reasoning"), event["text"]
            elif kind == "region_close" and field == "tool_calls":
                calls = event["value"] if isinstance(event["value"], list) else [event["value"]]
                for call in calls:
                    yield "call", json.dumps(call.get("function", call), ensure_ascii=False)


class Answer:
    """Collects one answer.

    Args:
        words: The tokenizer.
        sorter: Sorts its text.
        stop: Words that end it.
        exact: Whether the sorter wants special tokens too.

    Attributes:
        text: The words so far, without thoughts and calls.
        calls: How many tools were called.
        reasoning: How many tokens were thoughts.
    """

    def __init__(self, words: Words, sorter: Sorter, stop: Sequence[str], *, exact: bool = False) -> None:
        self._words = words
        self._sorter = sorter
        self._decoding = Decoding(words.exact_text if exact else words.text)
        self._stopping = Stopping(stop)
        self._ids: list[int] = []
        self._first: int | None = None
        self._thought = False
        self.text = ""
        self.calls = 0
        self.reasoning = 0

    @property
    def stopped(self) -> bool:
        """Whether a stop word came."""
        return self._stopping.stopped

    def push(self, token: int) -> Iterator[Event]:
        """Yield what a token adds."""
        self._ids.append(token)
        thought = False
        for section, text in self._sorter.push(self._stopping.push(self._decoding.push(token))):
            thought = section == "reasoning"
            if section == "text" and self._first is None:
                self._first = len(self._ids) - 1
            yield from self._event(section, text)
        self.reasoning += thought

    def rest(self) -> Iterator[Event]:
        """Yield what was held back."""
        held = self._stopping.push(self._decoding.rest()) + self._stopping.rest()
        for section, text in (*self._sorter.push(held), *self._sorter.rest()):
            yield from self._event(section, text)

    def ledger(self) -> Ledger | None:
        """Return the exact ids; None where a stop word cut through a token."""
        ids = self._ids
        if self.stopped:
            whole = range(len(ids), 0, -1)
            length = next((n for n in whole if len(self._words.text(ids[:n])) <= len(self.text)), 0)
            if self._words.text(ids[:length]) != self.text:
                return None
            ids = ids[:length]
        only_words = not self.calls and not self._thought
        said = digest(self.text) if only_words else ""
        return Ledger(self._words.fingerprint, tuple(ids), self._first or 0, said) if ids else None

    def _event(self, section: Section, text: str) -> Iterator[Event]:
        if section == "call":
            call = read_call(text)
            if call is not None:
                self.calls += 1
                yield Event(kind="tool_call", tool_call=call)
                return
            section, text = "text", f"<tool_call>{text}</tool_call>"
        if section == "text":
            self.text += text
            yield Event(kind="text", text=text)
        else:
            self._thought = True
            yield Event(kind="reasoning", reasoning=text)


def read_call(text: str) -> ToolCall | None:
    """Return the call that a model wrote as JSON, None if it is none."""
    try:
        value = msgspec.json.decode(text.strip())
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return None
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        return None
    arguments = value.get("arguments", value.get("parameters", {}))
    written = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return ToolCall(id=f"call_{Message.user('').id}", name=value["name"], arguments=written)


def sorter_for(words: Words, prompt: Prompt, tools: Sequence[Tool]) -> tuple[Sorter, bool]:
    """Return what sorts an answer, and whether it wants special tokens too."""
    tokenizer, prompt_tail = words.tokenizer, prompt.tail
    if getattr(tokenizer, "response_template", None) and hasattr(tokenizer, "get_response_parser"):
        offered = [described(tool) for tool in tools] or None
        return Parsed(tokenizer.get_response_parser(prefix=list(prompt.ids), tools=offered)), True
    opened = prompt_tail.rfind("<think>") > prompt_tail.rfind("</think>")
    began: Section = "reasoning" if opened else "text"
    return Sorting(began, calls=bool(tools)), False
