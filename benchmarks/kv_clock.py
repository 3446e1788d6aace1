"""The clock of kv.py: CPU time of this process on one thread, or the wall's where a device works.

On a CPU that others use as well, the wall's clock measures them. A device works on its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch

_CLOCK = {"now": time.process_time}


def choose(device: str) -> None:
    """Measure what this device needs."""
    if device == "cpu":
        torch.set_num_threads(1)
        _CLOCK["now"] = time.process_time
    else:
        _CLOCK["now"] = time.perf_counter


def name() -> str:
    """Return what is measured, for the table."""
    return "CPU time on one thread" if _CLOCK["now"] is time.process_time else "wall time"


def now() -> float:
    """Return the seconds; a device has finished its work by then."""
    if torch.cuda.is_available() and _CLOCK["now"] is time.perf_counter:
        torch.cuda.synchronize()
    return _CLOCK["now"]()


def timed(work: Callable[..., object], *given: Any) -> float:
    """Return the seconds that some work takes, called with what is given."""
    begun = now()
    work(*given)
    return now() - begun
