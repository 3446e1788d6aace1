"""Settings that a model turned out to refuse: learned once a process, from its own error."""

from __future__ import annotations

import threading
from collections.abc import Mapping

_lock = threading.Lock()
_learned: dict[tuple[str, str, str], dict[str, str]] = {}


def learn(provider: str, endpoint: str, model: str, setting: str, why: str) -> None:
    """Remember that a model refuses a setting."""
    with _lock:
        _learned.setdefault((provider, endpoint, model), {})[setting] = why


def learned(provider: str, endpoint: str, model: str) -> Mapping[str, str]:
    """Return what is known to be refused, with the reasons."""
    with _lock:
        return dict(_learned.get((provider, endpoint, model), ()))


def forget_learned() -> None:
    """Forget which settings models were found to refuse, as a new process would."""
    with _lock:
        _learned.clear()
