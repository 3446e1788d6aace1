"""memex's own things as plain JSON values, the same in every command."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from memex import (
    ArchiveInfo,
    Cost,
    Derived,
    Entry,
    Explanation,
    Hit,
    Message,
    Plan,
    ThreadInfo,
    Usage,
    encode_message,
    rows,
)


def message_json(message: Message) -> dict[str, Any]:
    """Return a message in memex's neutral form."""
    plain: dict[str, Any] = json.loads(encode_message(message))
    return plain


def entry_json(entry: Entry) -> dict[str, Any]:
    """Return a message with its place in the log."""
    return {"seq": entry.seq, "tokens": entry.tokens, **message_json(entry.message)}


def item_json(item: Entry | Derived) -> dict[str, Any]:
    """Return an item of a window: a message of the log, or what a policy wrote about some."""
    if isinstance(item, Entry):
        return entry_json(item)
    plain: dict[str, Any] = {"derived": item.kind, "covers": [list(span) for span in item.covers]}
    if item.elsewhere:
        plain["elsewhere"] = _elsewhere_json(item.elsewhere)
    return {**plain, "tokens": item.tokens, **message_json(item.message)}


def _elsewhere_json(elsewhere: Sequence[tuple[str, Sequence[tuple[int, int]]]]) -> dict[str, Any]:
    """Return messages of other threads by thread."""
    return {thread: [list(span) for span in ranges] for thread, ranges in elsewhere}


def thread_json(info: ThreadInfo) -> dict[str, Any]:
    """Return one line about a thread."""
    plain: dict[str, Any] = {"id": info.id, "messages": info.head, "created": info.created.isoformat()}
    if info.parent is not None:
        plain |= {"parent": info.parent, "forked_at": info.forked_at}
    return plain


def hit_json(hit: Hit) -> dict[str, Any]:
    """Return a message that a search found."""
    return {
        "thread": hit.thread,
        "score": round(hit.score, 4),
        "snippet": hit.snippet,
        **entry_json(hit.entry),
    }


def explanation_json(explanation: Explanation) -> dict[str, Any]:
    """Return why a message is where it is."""
    return {
        "seq": explanation.entry.seq,
        "id": explanation.entry.message.id,
        "plan": explanation.plan,
        "fate": explanation.fate,
        "reason": explanation.reason,
        "by": explanation.by,
        "since": explanation.since,
        "detail": dict(explanation.detail),
        "sentence": str(explanation),
        **({"thread": explanation.thread} if explanation.thread else {}),
    }


def plan_json(plan: Plan) -> dict[str, Any]:
    """Return a plan with its table."""
    table = [
        {
            "seqs": [list(span) for span in row.seqs],
            "fate": row.fate,
            "reason": row.reason,
            "by": row.by,
            "tokens": row.tokens,
            **({"elsewhere": _elsewhere_json(row.elsewhere)} if row.elsewhere else {}),
        }
        for row in rows(plan)
    ]
    return {**plan.to_dict(), "rows": table}


def usage_json(usage: Usage) -> dict[str, Any]:
    """Return what a call cost in tokens."""
    return {name: getattr(usage, name) for name in usage.__struct_fields__}


def cost_json(cost: Cost | None) -> dict[str, Any] | None:
    """Return what a call cost in money; None where that is not known."""
    if cost is None:
        return None
    return {name: getattr(cost, name) for name in cost.__struct_fields__} | {"total": cost.total}


def archive_json(info: ArchiveInfo) -> dict[str, Any]:
    """Return what an archive holds."""
    return {
        "memex": info.memex,
        "created": info.created.isoformat(),
        "namespace": info.namespace,
        "threads": [thread_json(thread) for thread in info.threads],
        "messages": info.messages,
        "plans": info.plans,
        "blobs": info.blobs,
        "bytes": info.size,
    }
