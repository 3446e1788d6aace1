"""An estimate held against what the provider counted: the last call's prompt is known, not guessed."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

import msgspec

from memex._outcome import is_answer_to

if TYPE_CHECKING:
    from memex._counter import Counter
    from memex._log import Log
    from memex._plan import Plan

PLAUSIBLE: Final = 8
"""A provider's figure that is so many times below the estimate is taken for a mistake. In Georgian, the
furthest of living languages, the estimate was measured 5 times over ``o200k_base``."""

FINER: Final = 2
"""How many times more tokens a tokenizer is taken to cut a text into than the estimate. What a provider
reports beyond that was added by it: hidden instructions, the results of its own tools."""
LEAST: Final = 4
"""However much was added, the limit stays at least one part in so many: the next turn may be without."""

# Other turns of the thread may be stored between a plan and its answer.
_LOOK_AHEAD: Final = 100


class Anchor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a provider counted of an earlier window, beside what was estimated, and what follows.

    Attributes:
        plan: Number of the plan of that window.
        estimated: Its tokens by the counter.
        reported: Its tokens by the provider.
        credit: Tokens that the limit is higher, because this window continues that one whole and it was
            overestimated by so much.
        tightened: Tokens that the limit is lower, because the counter was too low.
    """

    plan: int
    estimated: int
    reported: int
    credit: int = 0
    tightened: int = 0

    @property
    def too_low(self) -> bool:
        """Whether the counter said less than the provider."""
        return self.reported > self.estimated

    @property
    def overestimated(self) -> int:
        """How many tokens too many the counter said."""
        return max(0, self.estimated - self.reported)

    def tight(self, limit: int) -> int:
        """Return what a limit is by a counter that says too little.

        It is lower by the same proportion, as far as a tokenizer can be the reason, and by what is more
        than that.
        """
        if not self.too_low:
            return limit
        cut = min(self.reported, FINER * self.estimated)
        added = self.reported - cut
        return max(limit * self.estimated // cut - added, limit // LEAST)

    def __str__(self) -> str:
        counted = (
            f"the provider counted {self.reported:,} tokens in plan {self.plan}, where {self.estimated:,} "
            "were estimated"
        )
        if self.credit:
            return f"{counted}; this window begins like it, so {self.credit:,} more may be estimated"
        if self.tightened:
            return f"{counted}; the limit is {self.tightened:,} lower"
        return counted


def anchor_of(
    log: Log, counter: Counter, previous: Plan | None, target: str | None
) -> tuple[Anchor | None, bool]:
    """Return what is known of the last window's prompt, and whether one that continues it gets credit.

    Where the last call brought no figures, because it failed, what held for its window holds on.

    Args:
        log: The thread up to here.
        counter: How tokens are counted; one that is exact needs no anchor.
        previous: The plan of the last window.
        target: Whom the new window is for.
    """
    if (
        counter.exact
        or previous is None
        or not target
        or (previous.target, previous.counter) != (target, counter.name)
    ):
        return None, False
    for entry in islice(log.entries(previous.head + 1), _LOOK_AHEAD):
        if is_answer_to(entry.message, previous) and entry.message.usage is not None:
            reported = entry.message.usage.prompt_tokens
            if reported * PLAUSIBLE < previous.tokens:
                break
            return Anchor(plan=previous.number, estimated=previous.tokens, reported=reported), True
    last = previous.anchor
    if last is None:
        return None, False
    return msgspec.structs.replace(last, credit=0, tightened=0), last.credit > 0
