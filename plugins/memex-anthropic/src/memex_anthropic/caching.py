"""Where the breakpoints of Anthropic's prompt cache go: at most four, each where a prefix ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal

from memex import Message, Request, ScriptCounter, Text, encode

Lifetime = Literal["5m", "1h", "own", "off"]
"""How long a written prefix lives; ``own`` keeps the breakpoints that blocks bring, ``off`` sets none."""

MOST: Final = 4
# Thinking cannot be marked, and what this version has never heard of had better not be.
_MARKABLE: Final = frozenset(
    {"text", "image", "document", "search_result", "tool_use", "tool_result", "server_tool_use"}
    | {"web_search_tool_result", "web_fetch_tool_result", "code_execution_tool_result"}
)


def mark(params: dict[str, Any], request: Request, *, lifetime: Lifetime, floor: int | None) -> None:
    """Set the breakpoints of a call, in place.

    The tools, the system text, the prefix that this call shares with the previous one, and the
    end of what the next call will share with this one. A prefix that is surely shorter than
    the model caches gets none.

    Args:
        params: The parameters of the call; content is turned into lists of blocks where needed.
        request: What they were made of.
        lifetime: How long what is written lives.
        floor: Shortest prefix in tokens that the model caches; None if it is not known.
    """
    if lifetime == "own":
        keep_last(params)
        return
    for block in _blocks(params):
        block.pop("cache_control", None)  # where it came from, it said something about one call
    if lifetime == "off":
        return
    control = {"type": "ephemeral"} if lifetime == "5m" else {"type": "ephemeral", "ttl": lifetime}
    lengths = _Lengths(request, floor)
    if params.get("tools") and lengths.reaches(0):
        params["tools"][-1]["cache_control"] = dict(control)
    leading = _leading(request.messages)
    if params.get("system") and lengths.reaches(leading):
        _mark_last(params, "system", control)
    for count in sorted({request.stable, lasting(request)}):
        if leading < count <= len(request.messages) and lengths.reaches(count):
            _mark_message(params, request.messages[:count], control)


def lasting(request: Request) -> int:
    """Return how many leading messages the next call is expected to begin with as well.

    What was recalled for this question stands before it and will not be there again.
    """
    for index in range(request.stable, len(request.messages)):
        if _is_recalled(request.messages[index]):
            return index
    return len(request.messages)


def _is_recalled(message: Message) -> bool:
    return any(isinstance(part, Text) and "quotes" in part.meta for part in message.parts)


def _leading(messages: Sequence[Message]) -> int:
    for index, message in enumerate(messages):
        if message.role not in ("system", "developer"):
            return index
    return len(messages)


def _mark_message(params: dict[str, Any], prefix: Sequence[Message], control: Mapping[str, str]) -> None:
    """Mark the last block that the messages of a prefix became."""
    # Written alone, a prefix is the beginning of what was written: so its end can be found.
    written = encode(prefix, "anthropic", model=params["model"]).payload["messages"]
    if not written:
        return
    place = len(written) - 1
    content = written[place]["content"]
    message = params["messages"][place]
    blocks = message["content"] = _as_blocks(message["content"])
    _mark_one(blocks[: 1 if isinstance(content, str) else len(content)], control)


def _mark_last(holder: dict[str, Any], field: str, control: Mapping[str, str]) -> None:
    holder[field] = _as_blocks(holder[field])
    _mark_one(holder[field], control)


def _mark_one(blocks: Sequence[dict[str, Any]], control: Mapping[str, str]) -> None:
    for block in reversed(blocks):
        if block.get("type") in _MARKABLE and block.get("text") != "":
            block["cache_control"] = dict(control)
            return


def _as_blocks(content: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def keep_last(params: Mapping[str, Any], most: int = MOST) -> None:
    """Take away breakpoints until the call has as many as it may; those at the end say most."""
    marked = [block for block in _blocks(params) if block.get("cache_control") is not None]
    for block in marked[: max(0, len(marked) - most)]:
        del block["cache_control"]


def _blocks(params: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    yield from params.get("tools", ())
    for content in (params.get("system"), *(message["content"] for message in params["messages"])):
        for block in content if isinstance(content, list) else ():
            yield block
            inner = block.get("content")
            yield from (one for one in inner if isinstance(one, dict)) if isinstance(inner, list) else ()


class _Lengths:
    """Says whether a prefix can be as long as the model caches. It counts no further than that."""

    def __init__(self, request: Request, floor: int | None) -> None:
        self._messages = request.messages
        self._floor = floor or 0
        self._counter = ScriptCounter(scale=1.5)  # newer models of Anthropic cut a third finer
        self._counted = 0
        self._tokens = self._counter.count_tools(request.tools) if self._floor else 0

    def reaches(self, count: int) -> bool:
        while self._tokens < self._floor and self._counted < count:
            self._tokens += self._counter.count_message(self._messages[self._counted])
            self._counted += 1
        return self._tokens >= self._floor
