"""How much a model really takes: learned when it refuses a window, remembered with the thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from memex._budget import Budget
from memex._errors import Conflict, ContextOverflow, StoreDamaged

if TYPE_CHECKING:
    from memex._store import Store
    from memex._window import Window

REFIT: Final = 0.75
"""What is tried of a prompt that was refused, where the provider does not say how much it takes."""

KEY: Final = "memex/limits"
"""Under which state of the thread the limits are kept, by target."""


class Limit(msgspec.Struct, frozen=True):
    """What a model takes, prompt and answer together.

    Attributes:
        total: Tokens.
        told: Whether the provider said so; if not, it is a part of what was refused.
    """

    total: int
    told: bool = False

    def of(self, budget: Budget) -> Budget:
        """Return a budget that is not over the limit."""
        if budget.total <= self.total:
            return budget
        return Budget(self.total, min(budget.answer, self.total // 2))

    def why(self, target: str) -> str:
        """Say why a budget is smaller than the one that was set."""
        if self.told:
            return f"{target} takes {self.total:,} tokens"
        return f"{target} refused a longer prompt and did not say how much it takes"


_LIMITS: Final = msgspec.json.Decoder(dict[str, Limit])


def limit_of(store: Store, thread: str, target: str) -> Limit | None:
    """Return what is known of a target's limit, None if it never refused a window of this thread."""
    return _read(store.get_state(thread, KEY)).get(target)


def remember(store: Store, thread: str, target: str, limit: Limit) -> None:
    """Keep a target's limit with the thread, for later turns and other processes."""
    while True:
        stored = store.get_state(thread, KEY)
        limits = _read(stored) | {target: limit}
        try:
            return store.put_state(thread, KEY, msgspec.json.encode(limits, order="sorted"), expect=stored)
        except Conflict:  # somebody was faster, so that there is progress all the same
            continue


def _read(stored: bytes | None) -> dict[str, Limit]:
    try:
        return _LIMITS.decode(stored) if stored else {}
    except msgspec.MsgspecError as error:
        raise StoreDamaged(f"what is kept under {KEY!r} cannot be read: {error}; remove it") from error


def limit_after(window: Window, error: ContextOverflow) -> Limit:
    """Return what to try after a window was refused.

    That is the limit that the provider told. Where it told none, or one that the window kept by our
    count, so that the count must be low, it is :data:`REFIT` of what the prompt took.
    """
    sent = window.tokens + window.budget.answer
    if error.limit is not None and 0 < error.limit < sent:
        return Limit(error.limit, told=True)
    return Limit(max(1, int(window.tokens * REFIT)) + window.budget.answer)
