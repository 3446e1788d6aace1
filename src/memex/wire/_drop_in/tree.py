"""The wrapper itself: the client's own tree of resources, with remembered calls at some of its leaves."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from memex._thread import Thread
from memex.wire._drop_in.call import RememberedCall
from memex.wire._drop_in.endpoint import Endpoint
from memex.wire._drop_in.posting import MakeCall, Posting
from memex.wire._drop_in.threads import ThreadChoice

_VIEWS: Final = ("with_raw_response", "with_streaming_response")
_COPIES: Final = ("with_options", "copy")
_OWN_FIELDS: Final = frozenset({"_drop_in", "_client", "_own", "_branches", "_view"})
Branches = Mapping[str, Any]


class DropIn(msgspec.Struct, frozen=True, kw_only=True):
    """How a client is remembered.

    Attributes:
        provider: Name of the provider.
        threads: How the thread of a call is found.
        asynchronous: Whether the client is one for asyncio.
        branches: The remembered resources by attribute, nested: ``{"chat": {"completions": endpoint}}``.
    """

    provider: str
    threads: ThreadChoice
    asynchronous: bool
    branches: Branches

    def wrap(self, client: Any) -> Any:
        """Return the client, remembered."""
        return Wrapped(client, self)

    def call(
        self, client: Any, resource: Any, endpoint: Endpoint, path: tuple[str, ...], thread: Any
    ) -> Callable[..., Any]:
        """Return a method of a resource whose posts are remembered.

        Args:
            client: The client.
            resource: The client's own resource.
            endpoint: What is remembered of it.
            path: The method, with the view before it where there is one.
            thread: What the caller says of the thread.
        """

        def make_call(posted: str) -> RememberedCall | None:
            if posted != endpoint.path:
                return None
            return RememberedCall(endpoint, lambda: self.threads.choose(thread), self.provider)

        made: Callable[..., Any] = functools.reduce(
            getattr, path, type(resource)(self._stand_in(client, make_call))
        )
        return made

    def _stand_in(self, client: Any, make_call: MakeCall) -> Any:
        if not self.asynchronous:
            return Posting(client, make_call)
        from memex.wire._drop_in.posting_async import AsyncPosting  # loads asyncio

        return AsyncPosting(client, make_call)


class _Node:
    """A resource of the client, or one of its views of raw responses."""

    def __init__(
        self,
        drop_in: DropIn,
        client: Any,
        own: Any,
        branches: Branches | Endpoint,
        view: tuple[str, ...] = (),
    ) -> None:
        self._drop_in = drop_in
        self._client = client
        self._own = own
        self._branches = branches
        self._view = view

    def __getattr__(self, name: str) -> Any:
        if name in _OWN_FIELDS:  # asked before they are set: by copy and pickle
            raise AttributeError(name)
        branches = self._branches
        if isinstance(branches, Mapping):
            if name in branches:
                return self._keep(name, getattr(self._own, name), branches[name], self._view)
        elif name in branches.methods and hasattr(self._shown, name):
            return self._method(name, branches)
        if name in _VIEWS and not self._view:
            return self._keep(name, self._own, branches, (name,))
        return getattr(self._shown, name)

    def __setattr__(self, name: str, value: Any) -> None:
        """Set a field of the client, as ``client.api_key = ...``; a method of ours is replaced here only."""
        ours = name in _OWN_FIELDS or (
            not isinstance(self._branches, Mapping) and name in self._branches.methods
        )
        if ours:
            object.__setattr__(self, name, value)
        else:
            setattr(self._own, name, value)

    def __repr__(self) -> str:
        return f"<remembered {self._shown!r}>"

    @property
    def _shown(self) -> Any:
        return functools.reduce(getattr, self._view, self._own)

    def _keep(self, name: str, own: Any, branches: Any, view: tuple[str, ...]) -> Any:
        node = _Node(self._drop_in, self._client, own, branches, view)
        self.__dict__[name] = node  # the same object every time, as the client's own resources are
        return node

    def _method(self, name: str, endpoint: Endpoint) -> Callable[..., Any]:
        own = getattr(self._shown, name)

        @functools.wraps(own)
        def remembered(*args: Any, thread: str | Thread | None = None, **kwargs: Any) -> Any:
            path = (*self._view, name)
            return self._drop_in.call(self._client, self._own, endpoint, path, thread)(*args, **kwargs)

        @functools.wraps(own)
        async def aremembered(*args: Any, **kwargs: Any) -> Any:
            return await remembered(*args, **kwargs)

        return aremembered if inspect.iscoroutinefunction(own) else remembered


class Wrapped(_Node):
    """A client whose calls are remembered."""

    def __init__(self, client: Any, drop_in: DropIn) -> None:
        super().__init__(drop_in, client, client, drop_in.branches)

    def __getattr__(self, name: str) -> Any:
        if name in _COPIES:
            return self._copy(name)
        return super().__getattr__(name)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:  # libraries ask isinstance(client, OpenAI)
        return type(self._own)

    def __enter__(self) -> Any:
        self._own.__enter__()
        return self

    def __exit__(self, *exc: object) -> Any:
        return self._own.__exit__(*exc)

    async def __aenter__(self) -> Any:
        await self._own.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> Any:
        return await self._own.__aexit__(*exc)

    def _copy(self, name: str) -> Callable[..., Any]:
        own = getattr(self._own, name)

        @functools.wraps(own)
        def copied(*args: Any, **kwargs: Any) -> Any:
            return self._drop_in.wrap(own(*args, **kwargs))

        return copied
