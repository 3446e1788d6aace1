"""One model of one provider, as all that talks to it needs it: key, clients, limits, calls."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar

from memex._backend import Event
from memex._errors import BackendError
from memex.wire._attempt import Attempt
from memex.wire._caller import Caller
from memex.wire._keys import find_key
from memex.wire._limits import RateLimits
from memex.wire._secret import Secret
from memex.wire._settings import WireSettings


class Closable(Protocol):
    """The clients of an SDK."""

    def close(self) -> object:
        """Close the connections."""


_C = TypeVar("_C", bound=Closable)


class Asking(Protocol):
    """One request of a backend, and how a try of it is made; what a plugin writes."""

    @property
    def settings(self) -> Collection[str]:
        """The names of what the call sends and could do without."""

    def tokens(self) -> int:
        """Return about how many tokens the call costs; asked where there are limits."""

    def stream(self, attempt: Attempt) -> Iterator[Event]:
        """Make a streamed call."""

    def whole(self, attempt: Attempt) -> Iterator[Event]:
        """Make a call whose answer comes at once."""

    def astream(self, attempt: Attempt) -> AsyncIterator[Event]:
        """Make a streamed call on an event loop."""

    def awhole(self, attempt: Attempt) -> AsyncIterator[Event]:
        """Make a call on an event loop whose answer comes at once."""


class Connection(Generic[_C]):
    """One model of one provider: finds the key and connects with the first call, and makes the callers.

    Backends, embedders and counters hold one each.

    Args:
        provider: Name of the backend.
        model: The model.
        wire: Deadlines, tries, limits, key, address.
        connect: Makes the SDK's clients, with a key.
        translate: Makes a typed error of an exception of the SDK; see :class:`Caller`.
        environment: Environment variables that may hold the key.
        refused: Names the setting that an error says the model does not take.
        never_dropped: Settings that are sent even if they are refused.
        refuses: Settings that the model is known to refuse.
        host: The Memex, whose store counts calls for other processes where that is asked for.
    """

    def __init__(  # noqa: PLR0913 - what one model of one provider is
        self,
        provider: str,
        model: str,
        wire: WireSettings,
        *,
        connect: Callable[[Secret, WireSettings], _C],
        translate: Callable[[BaseException], BackendError | None],
        environment: Sequence[str],
        refused: Callable[[BackendError], str | None] | None = None,
        never_dropped: Collection[str] = (),
        refuses: Collection[str] = (),
        host: object = None,
    ) -> None:
        self.provider = provider
        self.model = model
        self.wire = wire
        self._connect = connect
        self._translate = translate
        self._environment = environment
        self._refused = refused
        self._never_dropped = frozenset(never_dropped)
        self._refuses = refuses
        self._host = host

    @cached_property
    def key(self) -> Secret:
        """The key: as it was given, or from the first place that has one."""
        return find_key(self.provider, self.wire.api_key, environment=self._environment)

    @cached_property
    def clients(self) -> _C:
        """The SDK's clients."""
        return self._connect(self.key, self.wire)

    @cached_property
    def limits(self) -> RateLimits | None:
        """The limits that all who use this key share; None for none."""
        return self.wire.limits(self.provider, self.key, getattr(self._host, "store", None))

    def caller(self, settings: Collection[str] = ()) -> Caller:
        """Return who makes a call.

        Args:
            settings: Names of the settings that it sends.
        """
        return Caller(
            provider=self.provider,
            model=self.model,
            translate=self._translate,
            retries=self.wire.retries,
            deadlines=self.wire.deadlines,
            limits=self.limits,
            refused=self._refused,
            droppable=frozenset(settings) - self._never_dropped,
            refuses=self._refuses,
            endpoint=self.wire.base_url or "",
        )

    def stream(self, asking: Asking, *, whole: bool = False) -> Iterator[Event]:
        """Yield the answer to a request as it comes, or once it is ``whole``."""
        caller, told = self._caller_for(asking)
        return caller.stream(asking.whole if whole else asking.stream, whole=whole, **told)

    def astream(self, asking: Asking, *, whole: bool = False) -> AsyncIterator[Event]:
        """Do what :meth:`stream` does on an event loop."""
        caller, told = self._caller_for(asking)
        return caller.astream(asking.awhole if whole else asking.astream, whole=whole, **told)

    def close(self) -> None:
        """Close the connections, if there are any. A later call opens new ones."""
        if "clients" in vars(self):
            self.clients.close()

    def _caller_for(self, asking: Asking) -> tuple[Caller, dict[str, Any]]:
        settings = asking.settings
        tokens = 0 if self.limits is None else asking.tokens()
        return self.caller(settings), {"tokens": tokens, "settings": settings}
