"""From token ids to words: decoded as they come, stopped at stop words, sorted into sections."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Literal

_LONGEST: Final = 4  # bytes of a character

Section = Literal["text", "reasoning", "call"]

_OPENING: Final[dict[str, Section]] = {"<think>": "reasoning", "<tool_call>": "call"}
_CLOSING: Final[dict[str, Section]] = {"</think>": "reasoning", "</tool_call>": "call"}


class Decoding:
    """Turns ids into text one at a time, without splitting a character or losing a space.

    Args:
        decode: Returns the text of some ids.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str]) -> None:
        self._decode = decode
        self._ids: list[int] = []
        self._context = 0
        self._said = 0

    def push(self, token: int) -> str:
        """Return the text that a token adds; empty while a character is not whole."""
        self._ids.append(token)
        return self._news(whole=False)

    def rest(self) -> str:
        """Return what was held back, whole or not."""
        return self._news(whole=True)

    def _news(self, *, whole: bool) -> str:
        before = self._decode(self._ids[self._context : self._said])
        now = self._decode(self._ids[self._context :])
        if len(now) <= len(before):
            return ""
        if now.endswith("\ufffd") and not whole:
            if len(self._ids) - self._said <= _LONGEST:
                return ""
            self._context = self._said = len(self._ids)  # these bytes will never be a character
            return now[len(before) :]
        self._context, self._said = self._said, len(self._ids)
        return now[len(before) :]


class Stopping:
    """Lets text through until a stop word comes.

    Attributes:
        stopped: Whether one came.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._words = tuple(words)
        self._held = ""
        self.stopped = False

    def push(self, text: str) -> str:
        """Return what may be said now; what could be the beginning of a stop word is held back."""
        if self.stopped:
            return ""
        text = self._held + text
        found = [at for at in (text.find(word) for word in self._words) if at >= 0]
        if found:
            self.stopped, self._held = True, ""
            return text[: min(found)]
        keep = _beginning_at_end(text, self._words)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def rest(self) -> str:
        """Return what was held back."""
        held, self._held = self._held, ""
        return held


class Sorting:
    """Sorts text into words, thoughts and tool calls by the tags that models write.

    Args:
        section: What the answer begins with: ``reasoning`` where the prompt opened a thought.
        calls: Whether tools were offered; else their tags are words.
    """

    def __init__(self, section: Section = "text", *, calls: bool = False) -> None:
        self._section: Section = section
        self._tags = tuple(tag for tag in (*_OPENING, *_CLOSING) if calls or not tag.endswith("tool_call>"))
        self._held = ""
        self._fresh = section != "text"

    @property
    def section(self) -> Section:
        """Where the text is now."""
        return self._section

    def push(self, text: str) -> Iterator[tuple[Section, str]]:
        """Yield stretches of text with their section; a call's text comes whole at its end."""
        self._held += text
        while self._held:
            at, tag = self._next_tag()
            if tag is None:
                keep = _beginning_at_end(self._held, self._tags)
                if self._section == "call":
                    return
                said = self._held[: len(self._held) - keep]
                if (
                    self._section == "reasoning"
                ):  # the line that the closing tag stands on is not the thought's
                    said = said.rstrip("\n")
                self._held = self._held[len(said) :]
                yield from self._said(said)
                return
            said, self._held = self._held[:at], self._held[at + len(tag) :]
            yield from self._said(said.rstrip("\n") if tag in _CLOSING else said)
            self._section = "text" if tag in _CLOSING else _OPENING[tag]
            self._fresh = True

    def rest(self) -> Iterator[tuple[Section, str]]:
        """Yield what was held back. A call that was not closed is what it looks like: words."""
        held, self._held = self._held, ""
        if self._section == "call":
            held, self._section, self._fresh = f"<tool_call>{held}", "text", False
        yield from self._said(held)

    def _said(self, text: str) -> Iterator[tuple[Section, str]]:
        if self._fresh:
            text = text.lstrip("\n")
        if text:
            self._fresh = False
            yield self._section, text

    def _next_tag(self) -> tuple[int, str | None]:
        found = [(self._held.find(tag), tag) for tag in self._tags if self._expected(tag)]
        return min(((at, tag) for at, tag in found if at >= 0), default=(-1, None))

    def _expected(self, tag: str) -> bool:
        return _CLOSING[tag] == self._section if tag in _CLOSING else self._section == "text"


def _beginning_at_end(text: str, words: Sequence[str]) -> int:
    """Return how many characters at the end of a text could be the beginning of one of the words."""
    most = max((len(word) - 1 for word in words), default=0)
    for size in range(min(most, len(text)), 0, -1):
        tail = text[-size:]
        if any(word.startswith(tail) for word in words):
            return size
    return 0
