"""What a counter is: how many tokens a message costs, never silently low."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from memex._backend import Tool
from memex._message import Message


@runtime_checkable
class Counter(Protocol):
    """Counts tokens.

    Attributes:
        name: A name that changes when the counts do, such as ``"script-1"`` or
            ``"openai:o200k_base"``: cached counts are kept under it.
        exact: Whether the counts are a tokenizer's own; if not, they are an upper bound.
        error: For an upper bound, how far below the truth a count has been measured to fall,
            as a fraction (0.02 is 2 %).
    """

    name: str
    exact: bool
    error: float

    def count_text(self, text: str) -> int:
        """Return the tokens of a bare text."""

    def count_message(self, message: Message) -> int:
        """Return the tokens of a message with its framing, tool calls and media."""

    def count_tools(self, tools: Sequence[Tool]) -> int:
        """Return the tokens of tool definitions."""
