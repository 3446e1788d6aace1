"""What became of a plan: the answer, what the provider's cache did, and what the call cost."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import msgspec

from memex._cost import Cost
from memex._entry import Entry
from memex._message import Message
from memex._usage import Usage

if TYPE_CHECKING:
    from memex._plan import Plan

PLAN: Final = "memex:plan"
"""Where an answer keeps the number of the plan that it was made from, in ``Message.extra``."""

_COST: Final = "memex:cost"
# Other turns of the thread may be stored between a plan and its answer.
_LOOK_AHEAD: Final = 100


class Outcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a plan that was sent to a model. It is kept with the answer, not with the plan.

    Attributes:
        seq: Sequence number of the answer.
        status: Whether it is whole.
        usage: Tokens, as the provider counted them.
        cost: What the call cost; None where the prices of the model are not known.
    """

    seq: int
    status: str = "complete"
    usage: Usage
    cost: Cost | None = None

    def price_of_fresh(self, tokens: int) -> float | None:
        """Return what tokens cost that no cache served, at the price that this call paid for such.

        None where prices are not known, or no such token was paid for.
        """
        uncached = self.usage.input_tokens + self.usage.cache_write_tokens
        if self.cost is None or not uncached:
            return None
        return (self.cost.input + self.cost.cache_write) / uncached * tokens

    def lines(self) -> Iterator[str]:
        """Yield what a reader of the plan is told."""
        used, whole = self.usage, "" if self.status == "complete" else f" ({self.status})"
        cache = ", none from a cache"
        if used.cache_read_tokens or used.cache_write_tokens:
            cache = (
                f" ({used.cache_read_tokens:,} from the cache, {used.cache_write_tokens:,} written to it, "
                f"{used.input_tokens:,} uncached)"
            )
        yield (
            f"answered in #{self.seq}{whole}: {used.prompt_tokens:,} tokens in{cache}, "
            f"{used.output_tokens:,} out; {self._cost()}"
        )
        if used.cache_miss:
            yield f"the cache missed: {used.cache_miss}"

    def _cost(self) -> str:
        if self.cost is None:
            return "cost unknown"
        return f"cost {money(self.cost.total, self.cost.currency)} by the prices of {self.cost.dated}"


def money(amount: float, currency: str) -> str:
    """Return an amount with at least two significant digits: ``USD 0.0098``."""
    places = 2 if amount >= 1 or amount <= 0 else 1 - math.floor(math.log10(amount))
    return f"{currency} {amount:,.{places}f}"


def notes_of(plan: int, cost: Cost | None) -> dict[str, Any]:
    """Return what an answer keeps of its plan and its cost, for ``Message.extra``."""
    notes: dict[str, Any] = {PLAN: plan}
    return notes | ({_COST: msgspec.to_builtins(cost)} if cost is not None else {})


def outcome_in(entry: Entry) -> Outcome:
    """Return the outcome that an answer tells of."""
    message = entry.message
    return Outcome(
        seq=entry.seq,
        status=message.status,
        usage=message.usage or Usage(),
        cost=_read_cost(message.extra.get(_COST)),
    )


def answer_to(plan: Plan, later: Iterable[Entry]) -> Entry | None:
    """Return the answer that was made from a plan, None if there is none.

    Args:
        plan: A recorded plan.
        later: What was stored after it, in order; read as far as needed.
    """
    if not plan.number:
        return None
    return next((e for e in islice(later, _LOOK_AHEAD) if is_answer_to(e.message, plan)), None)


def is_answer_to(message: Message, plan: Plan) -> bool:
    """Tell whether an answer was made from a plan, by the model that the plan was for."""
    if message.role != "assistant" or message.extra.get(PLAN) != plan.number:
        return False
    origin = message.origin
    return plan.target is None or (origin is not None and f"{origin.provider}:{origin.model}" == plan.target)


def _read_cost(kept: Mapping[str, Any] | None) -> Cost | None:
    try:
        return msgspec.convert(kept, Cost | None)
    except msgspec.ValidationError:  # another program's note of that name
        return None
