"""Why is a message of another thread quoted in a window, or not?"""

from __future__ import annotations

from typing import Any

from memex._entry import Entry
from memex._explain import Explanation, Fate, detail_of
from memex._others import tag_of
from memex._plan import Change, Plan
from memex._ranges import Elsewhere, contains
from memex._store import ThreadInfo


def explain_elsewhere(entry: Entry, info: ThreadInfo, plan: Plan) -> Explanation:
    """Say what became of a message of another thread in ``plan``."""
    tag = tag_of(info)

    def told(fate: Fate, reason: str, by: str = "host", detail: dict[str, Any] | None = None) -> Explanation:
        said = _ranked(plan, tag, entry.seq) | (detail or {})
        return Explanation(entry, plan.number, fate, reason, by, plan.number, said, info.id)

    if entry.message.status == "forgotten":
        return told("forgotten", "forgotten")
    if tag not in plan.beside:
        return told("outside", "not-looked-at")
    if entry.seq > plan.beside[tag]:
        return told("later", "later")
    for step in plan.steps if any(_names(p.elsewhere, tag, entry.seq) for p in plan.window) else ():
        for change in step.changes:
            if change.kind == "recall" and _names(change.elsewhere, tag, entry.seq):
                return told("recalled", change.reason, step.policy, _detail(change, tag, entry.seq))
    return told("outside", "not-quoted")


def _names(elsewhere: Elsewhere, tag: str, seq: int) -> bool:
    return any(named == tag and contains(ranges, seq) for named, ranges in elsewhere)


def _ranked(plan: Plan, tag: str, seq: int) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for step in plan.steps:
        for change in step.changes:
            if change.kind == "rank" and change.detail and _names(change.elsewhere, tag, seq):
                said |= _detail(change, tag, seq)
    return said


def _detail(change: Change, tag: str, seq: int) -> dict[str, Any]:
    return detail_of(change.detail, f"{tag}#{seq}")
