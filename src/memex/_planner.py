"""From a thread to a finished window: open, fold the chain, check the laws, write the plan."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from memex._anchor import Anchor, anchor_of
from memex._backend import Tool
from memex._budget import Budget
from memex._chain import Chain, OnError, size_of
from memex._counter import Counter, count_tools
from memex._entry import Derived, Entry, content_digest
from memex._errors import ConfigError
from memex._guard import check_budget
from memex._log import Log
from memex._opening import Opening, open_entries
from memex._origin import bound_parts
from memex._plan import LeftOutPart, Placed, Plan, Step, keys_of
from memex._ranges import Range, to_ranges
from memex._window import Window


class Settings(msgspec.Struct, frozen=True):
    """What a plan is a function of, besides the log.

    Attributes:
        chain: The policies.
        budget: The token budget.
        counter: How tokens are counted.
        on_error: What happens to a policy that fails.
        tools_tokens: Tokens of the tool definitions, and of the schema of the answer.
        tools_digest: Fingerprint of them; None without tools.
        target: ``provider:model`` that the window is sent to, if it is.
        limited: Why the budget is smaller than the one that was set, if it is.
    """

    chain: Chain
    budget: Budget
    counter: Counter
    on_error: OnError = "raise"
    tools_tokens: int = 0
    tools_digest: str | None = None
    target: str | None = None
    limited: str | None = None

    def offering(self, tools: Sequence[Tool], schema: Mapping[str, Any] | None = None) -> Settings:
        """Return the settings for a call that offers ``tools`` and asks for an answer of a schema."""
        if not tools and schema is None:
            return self
        told = msgspec.json.encode([tools, schema] if schema is not None else tools)
        digest = hashlib.blake2b(told, digest_size=12).hexdigest()
        tokens = count_tools(self.counter, tools)
        if schema is not None:  # providers tell the model of a schema as they tell it of a tool
            tokens += count_tools(self.counter, [Tool("answer", parameters=schema)])
        return msgspec.structs.replace(self, tools_tokens=tokens, tools_digest=digest)


def build_window(
    log: Log,
    settings: Settings,
    *,
    pins: Iterable[int],
    previous: Plan | None,
    pending: Entry | None = None,
) -> Window:
    """Return the finished window with its plan.

    Args:
        log: The thread up to here.
        settings: Chain, budget and counter.
        pins: Sequence numbers of pinned messages.
        previous: The plan of the window before.
        pending: A question that is asked but not stored.

    Raises:
        BudgetExceeded: If the result does not fit.
        PolicyFailed: If a policy raised and failures are not skipped.
        PolicyViolation: If a policy broke a law, likewise.
    """
    if not (settings.budget.prompt > settings.tools_tokens):
        raise ConfigError(
            f"the tool definitions take {settings.tools_tokens:,} tokens, but the budget leaves "
            f"{settings.budget.prompt:,} for the prompt"
        )
    anew = _why_anew(previous, settings)
    pins = tuple(pins)
    opening = open_entries(
        log,
        limit=settings.budget.prompt,
        counter=settings.counter,
        pins=pins,
        previous=previous,
        anew=anew,
        pending=pending,
    )
    opened = _window(opening, log, settings)
    shared = _SharedPrefix(previous, settings)
    first = _opening_step(opening, opened, shared)
    anchor, known = anchor_of(log, settings.counter, previous, settings.target)
    window = opened.replace(changes=(), allowance=_allowance(opened, anchor, known and shared.whole(opened)))
    window, steps, times = settings.chain.run(window, on_error=settings.on_error, fresh=shared.fresh_tokens)
    if window.allowance > 0 and not shared.whole(window):  # the credit was for what is no longer there
        if window.tokens > settings.budget.prompt:
            window, steps, times = settings.chain.run(
                opened.replace(changes=()), on_error=settings.on_error, fresh=shared.fresh_tokens
            )
        window = window.replace(allowance=0)
    check_budget(window, [step.policy for step in steps if step.error])
    plan = Plan(
        thread=log.thread,
        head=log.head,
        previous=previous.number if previous else 0,
        pending=content_digest(pending.message) if pending else None,
        pending_at=pending.message.created if pending else None,
        opened=opening.opened,
        total=settings.budget.total,
        answer=settings.budget.answer,
        tools=settings.tools_tokens,
        tools_digest=settings.tools_digest,
        counter=settings.counter.name,
        target=settings.target,
        limited=settings.limited,
        anchor=_moved(anchor, window.allowance),
        on_error=settings.on_error,
        chain=tuple(link.ref for link in settings.chain),
        pins=to_ranges(pins),
        protected=_by_reason(opening),
        steps=(first, *steps),
        window=tuple(_placed(window)),
        tokens=window.tokens,
        fresh_tokens=shared.fresh_tokens(window),
        stable=shared.length(window),
        left_out=tuple(
            LeftOutPart(seq=entry.seq, part=part, why=f"bound to {model}")
            for entry in window.entries
            for part, model in bound_parts(entry.message, settings.target)
        ),
        beside=log.beside.heads if log.looked_beside else {},
        names=log.beside.names if log.looked_beside else {},
        milliseconds=tuple(times),
    )
    return window.replace(plan=plan)


def _allowance(opened: Window, anchor: Anchor | None, whole: bool) -> int:
    """Return how much higher or lower the limit is than the budget's.

    A limit that is lowered evicts what can be dropped. It refuses nothing that must be sent.
    """
    if anchor is None:
        return 0
    prompt = opened.budget.prompt
    if anchor.too_low:
        must = opened.tools_tokens + sum(e.tokens for e in opened.entries if e.seq in opened.protected)
        return min(prompt, max(anchor.tight(prompt), must)) - prompt
    return anchor.overestimated if whole and opened.tokens <= prompt + anchor.overestimated else 0


def _moved(anchor: Anchor | None, allowance: int) -> Anchor | None:
    """Return what a plan keeps of its anchor; nothing where the estimate was right."""
    if anchor is None or anchor.estimated == anchor.reported:
        return None
    return msgspec.structs.replace(anchor, credit=max(0, allowance), tightened=max(0, -allowance))


def _why_anew(previous: Plan | None, settings: Settings) -> str | None:
    """Say why the last window cannot be continued, None if it can."""
    if previous is None:
        return "first window of the thread"
    now = (settings.budget.total, settings.budget.answer)
    if now != (previous.total, previous.answer):
        return "the budget changed"
    if settings.counter.name != previous.counter:
        return "the counter changed"
    refs = [(link.name, msgspec.to_builtins(link.settings)) for link in settings.chain]
    if refs != [(ref.policy, ref.settings) for ref in previous.chain]:
        return "the chain changed"
    return None


def _window(opening: Opening, log: Log, settings: Settings) -> Window:
    return Window(
        opening.items,
        budget=settings.budget,
        tools_tokens=settings.tools_tokens,
        counter=settings.counter,
        log=log,
        protected=opening.protected,
        changes=opening.changes,
    )


def _opening_step(opening: Opening, opened: Window, shared: _SharedPrefix) -> Step:
    before = opened.replace(items=opening.before)
    return Step(
        policy="opening",
        plugin="memex-core",
        version="",
        before=size_of(before),
        after=size_of(opened),
        fresh_tokens=shared.fresh_tokens(opened),
        changes=opened.changes,
    )


class _SharedPrefix:
    """How much of a window the previous one began with."""

    def __init__(self, previous: Plan | None, settings: Settings) -> None:
        self._keys: list[int | str] = []
        self._pending_then = previous.pending if previous else None
        self._head_then = previous.head if previous else 0
        self._tools_then = previous.tools_digest if previous else None
        if previous and settings.tools_digest == previous.tools_digest:
            self._keys = list(keys_of(previous.window))

    def whole(self, window: Window) -> bool:
        """Tell whether a window begins with all that the previous one held."""
        return bool(self._keys) and self.length(window) == len(self._keys)

    def length(self, window: Window) -> int:
        """Return how many leading messages both windows share."""
        shared = 0
        for item, key in zip(window.items, self._keys, strict=False):
            if self._key(item) != key:
                break
            shared += 1
        return shared

    def fresh_tokens(self, window: Window) -> int:
        """Return the tokens that come after the shared messages."""
        if not self._keys:
            return window.tokens
        return sum(item.tokens for item in window.items[self.length(window) :])

    def _key(self, item: Entry | Derived) -> int | str:
        if isinstance(item, Derived):
            return item.digest
        # The question of the last window may have been stored since, or another one in its place.
        if item.seq > self._head_then and self._pending_then != content_digest(item.message):
            return f"not the pending #{item.seq}"
        return item.seq


def _placed(window: Window) -> Iterable[Placed]:
    run: list[Entry] = []
    for item in (*window.items, None):
        if run and not (isinstance(item, Entry) and _continues(run[-1], item, window)):
            yield Placed(seqs=(run[0].seq, run[-1].seq), tokens=sum(e.tokens for e in run))
            run = []
        if isinstance(item, Entry):
            run.append(item)
        elif item is not None:
            yield Placed(
                tokens=item.tokens,
                derived=item.kind,
                digest=item.digest,
                covers=item.covers,
                shown=item.shown,
                elsewhere=window.log.beside.tagged(item.elsewhere) if item.elsewhere else (),
            )


def _continues(last: Entry, entry: Entry, window: Window) -> bool:
    why = window.protected.get
    return entry.seq == last.seq + 1 and why(entry.seq) == why(last.seq)


def _by_reason(opening: Opening) -> dict[str, tuple[Range, ...]]:
    reasons: dict[str, list[int]] = {}
    for seq, reason in opening.protected.items():
        reasons.setdefault(reason, []).append(seq)
    return {reason: to_ranges(seqs) for reason, seqs in sorted(reasons.items())}
