"""What a backend is: a model that answers, in one neutral stream of events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec

from memex._frozen import EMPTY
from memex._message import Message
from memex._parts import Part, ToolCall, ToolResult
from memex._usage import Usage

FinishReason = Literal["stop", "length", "tool_calls", "refusal", "content_filter", "other"]


class Tool(msgspec.Struct, frozen=True, omit_defaults=True):
    """A tool that the model may call.

    Attributes:
        name: Its name.
        description: What it does, for the model.
        parameters: Its arguments as a JSON schema.
        function: What runs it, in this process: called with the arguments by name, ``async`` or not. A
            backend is given tools without it. :func:`memex.tool_of` makes a tool of a function.
    """

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = EMPTY
    function: Callable[..., Any] | None = None


AnyTool = Tool | Callable[..., Any]
"""What may be passed where tools are wanted: a function is made into a tool."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a model.

    Attributes:
        messages: What the model sees, in order, already stripped of parts that are bound to
            another model.
        tools: What it may call.
        answer_tokens: Tokens that the budget reserves for the answer.
        stable: How many of the leading messages are the same as in the previous call: where a
            prompt cache's breakpoint belongs.
        thread: Id of the thread, for caches that take a key.
        settings: The provider's own settings for this call (temperature, stop, ...).
        schema: JSON schema that the text of the answer has to follow; None for free text.
        seqs: The sequence number in the thread of each message, 0 for what a policy wrote (a block of
            recalled messages, a summary); empty where the messages are of no thread.
    """

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    answer_tokens: int
    stable: int = 0
    thread: str = ""
    settings: Mapping[str, Any] = EMPTY
    schema: Mapping[str, Any] | None = None
    seqs: tuple[int, ...] = ()


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One step of an answer.

    ``kind`` says which field is set:

    =============== =====================================================================
    ``start``       ``response_id``, ``model``
    ``text``        ``text``: the next words
    ``reasoning``   ``reasoning``: the next words of the thought
    ``part``        ``part``: a whole part (a signed thought, a citation, media, a refusal)
    ``tool_call``   ``tool_call``: a whole call
    ``usage``       ``usage``
    ``finish``      ``finish``: the terminal event; without it the answer is truncated
    ``error``       ``error``: what went wrong after the start; nothing follows
    ``tool_result`` ``tool_result``: what a function gave back, stored already; only the host
                    sends it, between two answers of one turn
    =============== =====================================================================

    Words come as ``text`` and ``reasoning``. A whole thought or text that follows its own words takes
    their place in the message: so it gets a signature, an id or another note of the provider's.

    An event of any kind may carry ``extra``: the backend's own notes on the answer, which are
    stored in :attr:`Message.extra <memex.Message>` and never sent. Names begin with the backend's
    and a colon: ``{"hf:tokens": ...}``.
    """

    kind: Literal[
        "start", "text", "reasoning", "part", "tool_call", "usage", "finish", "error", "tool_result"
    ]
    text: str = ""
    reasoning: str = ""
    part: Part | None = None
    tool_call: ToolCall | None = None
    usage: Usage | None = None
    finish: FinishReason | None = None
    error: str = ""
    response_id: str | None = None
    model: str | None = None
    extra: Mapping[str, Any] = EMPTY
    tool_result: ToolResult | None = None


class Capabilities(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a model can take and give.

    Attributes:
        context_tokens: Longest prompt plus answer, where known.
        output_tokens: Longest answer, where known.
        tools: Whether it calls tools.
        images: Whether it sees images.
        files: Whether it reads documents such as PDF.
        reasoning: Whether it thinks before it answers.
        schema: Whether the answer can be held to a JSON schema.
        prefill: Whether it continues an answer that was begun for it.
        cache_floor: Shortest prompt in tokens that its provider caches; None if it has no cache.
        refuses: Settings that it refuses; they are left out of the call and recorded.
    """

    context_tokens: int | None = None
    output_tokens: int | None = None
    tools: bool = False
    images: bool = False
    files: bool = False
    reasoning: bool = False
    schema: bool = False
    prefill: bool = False
    cache_floor: int | None = None
    refuses: tuple[str, ...] = ()


@runtime_checkable
class Backend(Protocol):
    """A model that answers.

    ``stream`` is enough. A backend may also have ``generate(request) -> Iterable[Event]`` (the
    whole answer at once, as events) and the async twins ``astream`` and ``agenerate``; where it
    has none, the host runs the blocking one in a worker thread. Errors are
    :class:`~memex.BackendError` only.

    It may have ``prepare(request)`` as well: when an answer is stored and the next turn is expected
    to evict, the host calls it with the messages that the next window will begin with, so that the
    backend can read them while the user does. It returns at once; it is only a hint.

    And it may have ``cost(usage, model) -> Cost | None``: what a call cost, None where the prices of
    the model are not known.
    """

    name: str
    model: str

    @property
    def capabilities(self) -> Capabilities:
        """What the model can take and give."""

    def stream(self, request: Request) -> Iterator[Event]:
        """Yield the answer as it comes; the last event is ``finish`` or ``error``."""

    def close(self) -> None:
        """Release everything. Closing twice is allowed."""


@runtime_checkable
class AsyncBackend(Backend, Protocol):
    """A backend with a stream of its own for asyncio."""

    def astream(self, request: Request) -> AsyncIterator[Event]:
        """Yield the answer as it comes; cancelling the task stops the model."""
