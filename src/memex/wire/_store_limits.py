"""Rate limits that processes and machines share through a store."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import msgspec

from memex._errors import Conflict, MemexError
from memex._store import Store
from memex.wire._limits import Levels, RateLimits
from memex.wire._secret import Secret

NAMESPACE: Final = "memex.limits"
"""Where the levels are: a namespace of their own, so that no list of threads shows them."""
_STATE: Final = "levels"


class StoreLimits(RateLimits):
    """Requests and tokens per minute for all who use the same store with the same key.

    The levels are a value of a few bytes, swapped only for what was read (compare-and-swap), in the
    namespace ``memex.limits`` under a thread named for the provider and a digest of the key. A call costs
    the store two writes. Where the store cannot be reached, the limits hold within this process, and
    a warning is logged once: a call is never lost for them.

    Machines have to agree on the time to about a second. One whose clock is wrong by more than two
    minutes fills the buckets too early or is ignored; it cannot stop the others.

    Args:
        store: Any store of memex; its namespace does not matter.
        provider: Name of the backend.
        key: The key.
        requests_per_minute: Calls; None for no limit.
        tokens_per_minute: Tokens of prompt and answer; None for no limit.
        clock: Seconds since 1970.
    """

    blocks = True

    def __init__(
        self,
        store: Store,
        provider: str,
        key: Secret,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(requests_per_minute, tokens_per_minute, clock=clock)
        self._store = store.within(NAMESPACE)
        self._thread = f"{provider}-{key.digest}"
        self._opened = self._warned = False

    def change(self, change: Callable[[Levels], Levels]) -> Levels:
        """Change the levels in the store; those of this process where it cannot be reached."""
        try:
            return self._swap(change)
        except MemexError as error:
            if not self._warned:
                self._warned = True
                import logging

                logging.getLogger("memex.wire").warning("limits are not shared for now: %s", error)
            return super().change(change)

    def _swap(self, change: Callable[[Levels], Levels]) -> Levels:
        if not self._opened:
            self._store.open_thread(self._thread)
            self._opened = True
        while True:
            stored = self._store.get_state(self._thread, _STATE)
            changed = change(self.now(self._read(stored)))
            try:
                self._store.put_state(self._thread, _STATE, msgspec.json.encode(changed), expect=stored)
            except Conflict:  # somebody was faster, so that there is progress all the same
                continue
            return changed

    def _read(self, stored: bytes | None) -> Levels:
        try:
            return msgspec.json.decode(stored or b"", type=Levels)
        except msgspec.DecodeError:  # none yet, or of another version: full buckets do no great harm
            return self.full()
