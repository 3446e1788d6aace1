"""A thread's windows: read what there is, build, and keep the plan. A method of :class:`~memex.Thread`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from memex._backend import Tool
from memex._budget import Budget
from memex._entry import Entry
from memex._errors import BudgetExceeded, PluginError
from memex._limits import KEY, Limit, limit_of
from memex._message import Message

if TYPE_CHECKING:
    from memex._thread import Thread
    from memex._window import Window


def build(  # noqa: D417 - self is the thread
    self: Thread,
    *,
    tools: Sequence[Tool] = (),
    schema: Mapping[str, Any] | None = None,
    target: str | None = None,
    pending: Message | None = None,
    record: bool = True,
    limit: Limit | None = None,
) -> Window:
    """Return the finished window and keep its plan; see :meth:`window`.

    Args:
        tools: What the model may call.
        schema: What the answer has to follow.
        target: ``provider:model`` that it is sent to.
        pending: A question that is asked but not stored.
        record: Keep the plan.
        limit: What the target takes; what is remembered of it where not given.
    """
    from memex._planner import Settings, build_window

    memex = self.memex
    budget, limited = _budget(self, target, limit)
    settings = Settings(
        chain=self.chain,
        budget=budget,
        counter=self.counter,
        on_error=memex.on_error,
        target=target,
        limited=limited,
    ).offering(tools, schema)
    log = self.log()
    question = None if pending is None else log.counted(Entry(log.head + 1, pending))
    previous = next(self.plans(), None)
    try:
        window = build_window(log, settings, pins=self.pins, previous=previous, pending=question)
    except PluginError as error:
        memex.report(error, "policy")
        raise
    except BudgetExceeded as error:
        if limited and limit is None:
            error.add_note(
                f"the budget is smaller than the one that was set, because {limited}; "
                f"store.put_state({self.id!r}, {KEY!r}, None) forgets that"
            )
        raise
    for step in window.plan.steps:
        if step.error:
            memex.report(PluginError(step.error, plugin=step.plugin), "policy")
    if record:
        number = memex.store.put_plan(self.id, log.head, window.plan.to_stored())
        window = window.replace(plan=msgspec.structs.replace(window.plan, number=number))
        memex.hooks.window_built(self.id, window)
    return window


def _budget(thread: Thread, target: str | None, limit: Limit | None) -> tuple[Budget, str | None]:
    """Return the budget for a model, and why it is smaller than the thread's own if it is."""
    if target and limit is None:
        limit = limit_of(thread.memex.store, thread.id, target)
    if target is None or limit is None or (budget := limit.of(thread.budget)) == thread.budget:
        return thread.budget, None
    return budget, limit.why(target)
