"""Between turns: tells a backend what the next prompt begins with, where that will be new to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from memex._backend import Backend, Request, Tool
from memex._entry import Derived, Entry
from memex._errors import BudgetExceeded, PluginError
from memex._message import Message
from memex._origin import without_bound_parts
from memex._plugin import describe
from memex._window import Window, is_question

if TYPE_CHECKING:
    from memex._reply import Reply
    from memex._thread import Thread

_RECENT = 8


def prepare_next(
    thread: Thread,
    backend: Backend,
    reply: Reply,
    *,
    tools: Sequence[Tool],
    schema: Mapping[str, Any] | None,
    target: str,
) -> None:
    """Call the backend's ``prepare``, if it has one and the next turn is expected to evict.

    The next question is not known, so the longest of the last few stands for it. Nothing is stored.
    What goes wrong is reported and does not touch the turn, which is over.
    """
    prepare = getattr(backend, "prepare", None)
    if prepare is None or reply.tool_calls:  # results come next, and with them the window goes on
        return
    try:
        beginning = _next_beginning(thread, reply, tools, schema, target)
        if beginning:
            request = Request(
                messages=tuple(without_bound_parts(message, target) for message, _ in beginning),
                tools=tuple(tools),
                answer_tokens=reply.window.budget.answer,
                thread=thread.id,
                schema=schema,
                seqs=tuple(seq for _, seq in beginning),
            )
            prepare(request)
    except BudgetExceeded:  # such a question would not fit, so nothing is known of the next window
        return
    except Exception as error:  # noqa: BLE001 - a hint to a stranger's backend
        thread.memex.report(PluginError(f"prepare: {describe(error)}", plugin=backend.name), "listener")


def _next_beginning(
    thread: Thread, reply: Reply, tools: Sequence[Tool], schema: Mapping[str, Any] | None, target: str
) -> list[tuple[Message, int]]:
    """Return what the next window will begin with, and its numbers, if it will not continue this one."""
    window = reply.window
    question = _likely_question(window)
    if question is None or window.tokens + reply.entry.tokens + question.tokens <= window.limit:
        return []
    pending = Message.user(question.message.parts)
    following = thread.build(tools=tools, schema=schema, target=target, pending=pending, record=False)
    if following.plan.stable >= len(window.items):
        return []
    beginning: list[tuple[Message, int]] = []
    for item, seq in zip(following.items, following.order, strict=True):
        if isinstance(item, Derived) and item.kind == "recall":
            break
        if item.message is pending or (isinstance(item, Entry) and item.seq > reply.entry.seq):
            break
        beginning.append((item.message, seq))
    return beginning


def _likely_question(window: Window) -> Entry | None:
    asked = [entry for entry in window.entries if is_question(entry.message)][-_RECENT:]
    return max(asked, key=lambda entry: entry.tokens, default=None)
