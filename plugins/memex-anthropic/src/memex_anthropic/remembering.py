"""Memory for an Anthropic client that a program has already: its calls are remembered in threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack, overload

from memex import BadSetting, Memex, Thread
from memex.wire import DropIn, OnMissing, OnUnknown, Remembering, ThreadChoice, turn_of
from memex_anthropic.remembered_endpoint import MessagesEndpoint
from memex_anthropic.requesting import PROVIDER

if TYPE_CHECKING:
    import anthropic

    from memex_anthropic.remembered_clients import RememberedAnthropic, RememberedAsyncAnthropic

__all__ = ["remember", "turn_of"]


@overload
def remember(
    client: anthropic.Anthropic, memory: Memex, **how: Unpack[Remembering]
) -> RememberedAnthropic: ...
@overload
def remember(
    client: anthropic.AsyncAnthropic, memory: Memex, **how: Unpack[Remembering]
) -> RememberedAsyncAnthropic: ...
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

    ``messages`` takes one more keyword, ``thread``. What the caller says that is new is stored in it
    before the call, the model is sent the thread's window in place of the caller's messages and system
    text, and the answer is stored once. All else, and what comes back, is the SDK's own.

    Args:
        client: An ``Anthropic`` or ``AsyncAnthropic`` client.
        memory: The memory. Its chain and budget make the windows; it needs no backend.
        thread: The thread of calls that name none.
        on_missing: What happens to a call without a thread where there is no default: ``"error"``, or
            ``"new"`` for a fresh one, whose id is ``turn_of(answer).thread.id``.
        on_unknown: What happens to an id that no thread has: ``"open"`` one, or ``"error"``.
        keep_raw: Whether the provider's own message is kept beside each answer.

    Raises:
        BadSetting: If the client is none of Anthropic's, or a setting makes no sense.
    """
    import anthropic

    if not isinstance(client, (anthropic.Anthropic, anthropic.AsyncAnthropic)):
        raise BadSetting(
            f"remember() takes an Anthropic or AsyncAnthropic client, not a {type(client).__name__}"
        )
    return DropIn(
        provider=PROVIDER,
        threads=ThreadChoice(memory=memory, default=thread, on_missing=on_missing, on_unknown=on_unknown),
        asynchronous=isinstance(client, anthropic.AsyncAnthropic),
        branches={"messages": MessagesEndpoint(keep_raw)},
    ).wrap(client)
