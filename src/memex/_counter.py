"""What a counter is: how many tokens a message costs, never silently low."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

from memex._backend import Tool
from memex._errors import PluginError
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


def count_message(counter: Counter, message: Message) -> int:
    """Return what ``counter`` says a message costs, if it is a count.

    Raises:
        PluginError: If the counter raised, or gave what is no number of tokens.
    """
    return _count(counter, counter.count_message, message)


def count_tools(counter: Counter, tools: Sequence[Tool]) -> int:
    """Return what ``counter`` says tool definitions cost; as :func:`count_message`."""
    return _count(counter, counter.count_tools, tools)


def _count(counter: Counter, method: Callable[[Any], object], what: object) -> int:
    try:
        tokens = method(what)
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"counter {counter.name!r} failed: {type(error).__name__}: {error}", plugin=counter.name
        ) from error
    # A fraction could not be read back from a plan, and a negative count would hide an overflow.
    if isinstance(tokens, bool) or not isinstance(tokens, int) or tokens < 0:
        raise PluginError(
            f"counter {counter.name!r} counted {tokens!r}, which is no number of tokens", plugin=counter.name
        )
    return tokens
