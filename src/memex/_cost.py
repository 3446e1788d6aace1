"""What a call cost in money."""

from __future__ import annotations

import msgspec


class Cost(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The price of one call, by a dated price list.

    Attributes:
        input: What the uncached prompt cost.
        cache_read: What reading from the provider's cache cost.
        cache_write: What writing to it cost.
        output: What the answer cost, reasoning included.
        currency: ISO 4217 code.
        dated: Day of the price list, ``YYYY-MM-DD``.
    """

    input: float
    cache_read: float = 0.0
    cache_write: float = 0.0
    output: float = 0.0
    currency: str = "USD"
    dated: str

    @property
    def total(self) -> float:
        """The whole price."""
        return self.input + self.cache_read + self.cache_write + self.output
