"""Which thread a call is remembered in."""

from __future__ import annotations

from typing import Literal, TypedDict

import msgspec

from memex._errors import BadSetting, MissingThread
from memex._memex import Memex
from memex._message import new_id
from memex._thread import Thread

OnMissing = Literal["error", "new"]
OnUnknown = Literal["open", "error"]


class Remembering(TypedDict, total=False):
    """The settings of every plugin's ``remember()``, for the types of its overloads.

    Attributes:
        thread: The thread of calls that name none.
        on_missing: What happens to a call without a thread where there is no default.
        on_unknown: What happens to an id that no thread has.
        keep_raw: Whether the provider's own payload is kept beside each answer.
    """

    thread: str | Thread | None
    on_missing: OnMissing
    on_unknown: OnUnknown
    keep_raw: bool


class ThreadChoice(msgspec.Struct, frozen=True, kw_only=True):
    """How the thread of a call is found.

    Attributes:
        memory: Whose threads.
        default: The thread of calls that name none.
        on_missing: What happens to a call that names none where there is no default: ``"error"``, or
            ``"new"`` for a fresh thread.
        on_unknown: What happens to an id that no thread has: ``"open"`` one, or ``"error"``.
    """

    memory: Memex
    default: str | Thread | None = None
    on_missing: OnMissing = "error"
    on_unknown: OnUnknown = "open"

    def __post_init__(self) -> None:
        if self.on_missing not in ("error", "new"):
            raise BadSetting(f"on_missing: {self.on_missing!r} is neither 'error' nor 'new'")
        if self.on_unknown not in ("open", "error"):
            raise BadSetting(f"on_unknown: {self.on_unknown!r} is neither 'open' nor 'error'")
        _check(self.default)

    def choose(self, given: str | Thread | None) -> Thread:
        """Return the thread of a call.

        Args:
            given: What the call says.

        Raises:
            MissingThread: If nothing says which.
            UnknownThread: If there is none of that id and none is to be opened.
        """
        _check(given)
        chosen = self.default if given is None else given
        if isinstance(chosen, Thread):
            return chosen
        if chosen is not None:
            return self.memory.thread(chosen, create=self.on_unknown == "open")
        if self.on_missing == "new":
            return self.memory.thread(new_id())
        raise MissingThread(
            "this call does not say in which thread it is remembered; nothing was stored or sent: pass "
            "thread='an id', or give remember() a thread= for all calls, or on_missing='new'"
        )


def _check(given: object) -> None:
    if given is not None and not isinstance(given, (str, Thread)):
        raise BadSetting(f"thread: give an id or a Thread, not a {type(given).__name__}")
