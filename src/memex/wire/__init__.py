"""What every backend that is reached over a wire shares: tries, deadlines, limits, keys, prices, errors.

A plugin makes one call of its SDK and says what its errors mean; the rest is here, once::

    from memex.wire import Caller, find_key

    caller = Caller(provider="parrot", model=model, translate=typed)
    for event in caller.stream(attempt, tokens=1_200, settings=("temperature",)):
        ...

Nothing here imports an SDK or an HTTP library. Names are imported on first use.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from memex.wire._attempt import Attempt as Attempt
    from memex.wire._attempt import Timeouts as Timeouts
    from memex.wire._caller import Caller as Caller
    from memex.wire._deadlines import Deadlines as Deadlines
    from memex.wire._drop_in.endpoint import AnswerReader as AnswerReader
    from memex.wire._drop_in.endpoint import Asked as Asked
    from memex.wire._drop_in.endpoint import Endpoint as Endpoint
    from memex.wire._drop_in.endpoint import Written as Written
    from memex.wire._drop_in.plain import to_plain as to_plain
    from memex.wire._drop_in.threads import OnMissing as OnMissing
    from memex.wire._drop_in.threads import OnUnknown as OnUnknown
    from memex.wire._drop_in.threads import ThreadChoice as ThreadChoice
    from memex.wire._drop_in.tree import DropIn as DropIn
    from memex.wire._drop_in.turns import turn_of as turn_of
    from memex.wire._failures import error_for as error_for
    from memex.wire._key_file import KeyFile as KeyFile
    from memex.wire._keyring import KeyRing as KeyRing
    from memex.wire._keys import find_key as find_key
    from memex.wire._learned import forget_learned as forget_learned
    from memex.wire._limits import RateLimits as RateLimits
    from memex.wire._models import ModelTable as ModelTable
    from memex.wire._reconcile import Reconciled as Reconciled
    from memex.wire._reconcile import new_messages as new_messages
    from memex.wire._reconcile import reconcile as reconcile
    from memex.wire._retries import Retries as Retries
    from memex.wire._retry_after import retry_after as retry_after
    from memex.wire._secret import Secret as Secret
    from memex.wire._secret import scrub as scrub
    from memex.wire._settings import WireSettings as WireSettings
    from memex.wire._settings import wire_settings as wire_settings
    from memex.wire._sockets import watch_sockets as watch_sockets
    from memex.wire._store_limits import StoreLimits as StoreLimits

_HOME = {
    "AnswerReader": "_drop_in.endpoint",
    "Asked": "_drop_in.endpoint",
    "Attempt": "_attempt",
    "Caller": "_caller",
    "Deadlines": "_deadlines",
    "DropIn": "_drop_in.tree",
    "Endpoint": "_drop_in.endpoint",
    "KeyFile": "_key_file",
    "KeyRing": "_keyring",
    "ModelTable": "_models",
    "OnMissing": "_drop_in.threads",
    "OnUnknown": "_drop_in.threads",
    "RateLimits": "_limits",
    "Reconciled": "_reconcile",
    "Retries": "_retries",
    "Secret": "_secret",
    "ThreadChoice": "_drop_in.threads",
    "StoreLimits": "_store_limits",
    "Timeouts": "_attempt",
    "WireSettings": "_settings",
    "Written": "_drop_in.endpoint",
    "error_for": "_failures",
    "find_key": "_keys",
    "forget_learned": "_learned",
    "new_messages": "_reconcile",
    "reconcile": "_reconcile",
    "retry_after": "_retry_after",
    "scrub": "_secret",
    "to_plain": "_drop_in.plain",
    "turn_of": "_drop_in.turns",
    "watch_sockets": "_sockets",
    "wire_settings": "_settings",
}

__all__ = [*_HOME]  # noqa: PLE0604 - the keys are strings


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'memex.wire' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"memex.wire.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
