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

    from memex.wire._answers import is_event_stream as is_event_stream
    from memex.wire._answers import left_out_notes as left_out_notes
    from memex.wire._answers import noted as noted
    from memex.wire._answers import raised_in as raised_in
    from memex.wire._attempt import Attempt as Attempt
    from memex.wire._attempt import Timeouts as Timeouts
    from memex.wire._caller import Caller as Caller
    from memex.wire._clients import Clients as Clients
    from memex.wire._connection import Asking as Asking
    from memex.wire._connection import Connection as Connection
    from memex.wire._deadlines import Deadlines as Deadlines
    from memex.wire._drop_in.endpoint import AnswerReader as AnswerReader
    from memex.wire._drop_in.endpoint import Asked as Asked
    from memex.wire._drop_in.endpoint import Endpoint as Endpoint
    from memex.wire._drop_in.endpoint import Written as Written
    from memex.wire._drop_in.plain import to_plain as to_plain
    from memex.wire._drop_in.threads import OnMissing as OnMissing
    from memex.wire._drop_in.threads import OnUnknown as OnUnknown
    from memex.wire._drop_in.threads import Remembering as Remembering
    from memex.wire._drop_in.threads import ThreadChoice as ThreadChoice
    from memex.wire._drop_in.tree import DropIn as DropIn
    from memex.wire._drop_in.turns import turn_of as turn_of
    from memex.wire._failures import error_for as error_for
    from memex.wire._kept_counts import KeptCounts as KeptCounts
    from memex.wire._key_file import KeyFile as KeyFile
    from memex.wire._keyring import KeyRing as KeyRing
    from memex.wire._keys import find_key as find_key
    from memex.wire._learned import forget_learned as forget_learned
    from memex.wire._learned import learn as learn
    from memex.wire._learned import learned as learned
    from memex.wire._limits import RateLimits as RateLimits
    from memex.wire._models import ModelTable as ModelTable
    from memex.wire._reconcile import Reconciled as Reconciled
    from memex.wire._reconcile import new_messages as new_messages
    from memex.wire._reconcile import reconcile as reconcile
    from memex.wire._requests import parts_left_out as parts_left_out
    from memex.wire._requests import refuse_host_settings as refuse_host_settings
    from memex.wire._requests import tokens_of as tokens_of
    from memex.wire._retries import Retries as Retries
    from memex.wire._retry_after import retry_after as retry_after
    from memex.wire._secret import Secret as Secret
    from memex.wire._secret import scrub as scrub
    from memex.wire._server_url import Login as Login
    from memex.wire._server_url import ServerUrl as ServerUrl
    from memex.wire._server_url import basic_auth as basic_auth
    from memex.wire._server_url import server_url as server_url
    from memex.wire._server_url import split_address as split_address
    from memex.wire._settings import WireSettings as WireSettings
    from memex.wire._settings import wire_settings as wire_settings
    from memex.wire._sockets import watch_sockets as watch_sockets
    from memex.wire._sse import SseReader as SseReader
    from memex.wire._store_limits import StoreLimits as StoreLimits

_HOME = {
    "AnswerReader": "_drop_in.endpoint",
    "Asked": "_drop_in.endpoint",
    "Asking": "_connection",
    "Attempt": "_attempt",
    "Caller": "_caller",
    "Clients": "_clients",
    "Connection": "_connection",
    "Deadlines": "_deadlines",
    "DropIn": "_drop_in.tree",
    "Endpoint": "_drop_in.endpoint",
    "KeptCounts": "_kept_counts",
    "KeyFile": "_key_file",
    "KeyRing": "_keyring",
    "Login": "_server_url",
    "ModelTable": "_models",
    "OnMissing": "_drop_in.threads",
    "OnUnknown": "_drop_in.threads",
    "RateLimits": "_limits",
    "Reconciled": "_reconcile",
    "Remembering": "_drop_in.threads",
    "Retries": "_retries",
    "Secret": "_secret",
    "ServerUrl": "_server_url",
    "SseReader": "_sse",
    "StoreLimits": "_store_limits",
    "ThreadChoice": "_drop_in.threads",
    "Timeouts": "_attempt",
    "WireSettings": "_settings",
    "Written": "_drop_in.endpoint",
    "basic_auth": "_server_url",
    "error_for": "_failures",
    "find_key": "_keys",
    "forget_learned": "_learned",
    "is_event_stream": "_answers",
    "learn": "_learned",
    "learned": "_learned",
    "left_out_notes": "_answers",
    "new_messages": "_reconcile",
    "noted": "_answers",
    "parts_left_out": "_requests",
    "raised_in": "_answers",
    "reconcile": "_reconcile",
    "refuse_host_settings": "_requests",
    "retry_after": "_retry_after",
    "scrub": "_secret",
    "server_url": "_server_url",
    "split_address": "_server_url",
    "to_plain": "_drop_in.plain",
    "tokens_of": "_requests",
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
