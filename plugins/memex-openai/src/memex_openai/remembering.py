"""Memory for an OpenAI client that a program has already: its calls are remembered in threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack, overload

from memex import BadSetting, Memex, Thread
from memex.wire import DropIn, OnMissing, OnUnknown, Remembering, ThreadChoice, turn_of
from memex_openai.remembered_endpoints import ChatEndpoint, ResponsesEndpoint

if TYPE_CHECKING:
    import openai

    from memex_openai.remembered_clients import RememberedAsyncOpenAI, RememberedOpenAI

__all__ = ["remember", "turn_of"]


@overload
def remember(client: openai.OpenAI, memory: Memex, **how: Unpack[Remembering]) -> RememberedOpenAI: ...
@overload
def remember(
    client: openai.AsyncOpenAI, memory: Memex, **how: Unpack[Remembering]
) -> RememberedAsyncOpenAI: ...
def remember(
    client: Any,
    memory: Memex,
    *,
    thread: str | Thread | None = None,
    on_missing: OnMissing = "error",
    on_unknown: OnUnknown = "open",
    keep_raw: bool = True,
) -> Any:
    """Return a client that remembers its conversations; the one that is given stays as it is.

    ``chat.completions`` and ``responses`` take one more keyword, ``thread``. What the caller says that
    is new is stored in it before the call, the model is sent the thread's window in place of the
    caller's messages, and the answer is stored once. All else, and what comes back, is the SDK's own.

    Args:
        client: An ``OpenAI`` or ``AsyncOpenAI`` client, of any server.
        memory: The memory. Its chain and budget make the windows; it needs no backend.
        thread: The thread of calls that name none.
        on_missing: What happens to a call without a thread where there is no default: ``"error"``, or
            ``"new"`` for a fresh one, whose id is ``turn_of(answer).thread.id``.
        on_unknown: What happens to an id that no thread has: ``"open"`` one, or ``"error"``.
        keep_raw: Whether the provider's own payload is kept beside each answer.

    Raises:
        BadSetting: If the client is none of OpenAI's, or a setting makes no sense.
    """
    import openai

    if not isinstance(client, (openai.OpenAI, openai.AsyncOpenAI)):
        raise BadSetting(f"remember() takes an OpenAI or AsyncOpenAI client, not a {type(client).__name__}")
    base_url = str(client.base_url)
    return DropIn(
        provider="openai",
        threads=ThreadChoice(memory=memory, default=thread, on_missing=on_missing, on_unknown=on_unknown),
        asynchronous=isinstance(client, openai.AsyncOpenAI),
        branches={
            "chat": {"completions": ChatEndpoint(base_url, keep_raw)},
            "responses": ResponsesEndpoint(base_url, keep_raw),
        },
    ).wrap(client)
