"""Memex: the object a program opens. Plugins, a store, a chain, and maybe a backend."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self, cast

import msgspec

from memex._async_opening import AsyncOpening
from memex._backend import Backend
from memex._budget import Budget
from memex._counter import Counter
from memex._errors import ConfigError, FilterFailed, PluginError, StoreError
from memex._factory import build, parse_spec
from memex._filters import NamedFilter, run_filters
from memex._home import Home, home_of
from memex._hooks import Hooks, Offer
from memex._loader import load
from memex._log import ThreadIndexes
from memex._message import Message
from memex._plugin import PluginInfo, Problem, Stage
from memex._serial import check_id
from memex._store import Hit, Receipt, Store, ThreadInfo, searchable
from memex._thread import Thread

if TYPE_CHECKING:
    # What builds windows is imported with the first one: opening to append costs half without it.
    from memex._chain import Chain, OnError, Policy
    from memex._linking import Spec
    from memex._plan import PolicyRef
    from memex._work import Work


class Memex:
    """A memory: open it, take a thread, send.

    Methods may be called from any thread. As a context manager it closes what it opened; with
    asyncio, use ``async with Memex.aopen(...)``.

    Args:
        store: Where threads live: ``"sqlite:chats.db"``, a mapping with ``use``, or a
            :class:`~memex.Store`, which stays the caller's to close.
        backend: The model: ``"quote"``, a mapping with ``use``, or a backend. It is
            built on first use.
        chain: Exactly these policies, in order: names, mappings with ``use`` and settings, or
            callables. By default every installed policy, in hook order.
        budget: Tokens of a call, prompt and answer together.
        answer_tokens: Tokens of it kept for the answer; a quarter, at most 1,024, by default.
        counter: How tokens are counted; by default an upper bound that needs no tokenizer.
        namespace: The tenant whose threads these are.
        order: Names of policies that go first in the default chain, in this order.
        disable: Plugins not to load, by name or distribution.
        on_error: ``"raise"`` when a policy fails, or ``"skip"`` it and say so in the plan.
        plugins: Plugin objects of the program's own, besides the installed ones.
        background: Whether plugins may work on after a call has returned, such as embedding what
            it stored.

    Attributes:
        store: The store.
        hooks: The plugins' hooks, typed.
        budget: The token budget of new threads.
        indexes: Term indexes of threads whose store keeps none.
        background: Whether plugins may work on after a call has returned.

    Raises:
        ConfigError: If a setting makes no sense. Nothing is left open.
        PluginError: If a plugin that is asked for cannot be built.
        StoreError: If the store cannot be opened.
    """

    def __init__(
        self,
        store: Spec | Store,
        *,
        backend: Spec | Backend | None = None,
        chain: Sequence[Spec | Policy] | None = None,
        budget: int | Budget = 8_000,
        answer_tokens: int | None = None,
        counter: Spec | Counter | None = None,
        namespace: str = "default",
        order: Sequence[str] = (),
        disable: Iterable[str] = (),
        on_error: OnError = "raise",
        plugins: Sequence[object] = (),
        background: bool = True,
    ) -> None:
        if on_error not in ("raise", "skip"):
            raise ConfigError(f"on_error: {on_error!r} is neither 'raise' nor 'skip'")
        self.budget = Budget.of(budget, answer_tokens)
        self.namespace = check_id(namespace, "namespace")
        self.indexes = ThreadIndexes()
        self.background = background
        self._work: list[Work] = []
        self._lock = threading.RLock()
        self._told: set[str] = set()
        self._closing: list[Callable[[], object]] = []
        self._on_error: OnError = on_error
        self._order = tuple(order)
        self.hooks = Hooks(load(disable=disable, extra=plugins))
        self._counter = None if counter is None else self._given_counter(counter)
        self._chain = None if chain is None else self._exactly(chain)
        self._filters = tuple(self._filter(offer) for offer in self.hooks.offers("filters"))
        self._backend_spec = backend
        self._backend = None if _is_spec(backend) else cast("Backend", backend)
        if _is_spec(backend):
            self.hooks.find("backends", parse_spec(cast("Spec", backend))[0])
        self._check_order()
        self._owns_store = _is_spec(store)
        self.store = self._open_store(cast("Spec", store)) if self._owns_store else cast("Store", store)

    # -- opening and closing -------------------------------------------------------------------

    @classmethod
    def from_settings(cls, folder: str | None = None, **overrides: Any) -> Memex:
        """Open what ``memex.toml`` and the environment say.

        Looks for ``memex.toml`` in ``folder`` (the working folder by default) and its parents,
        then in the platform's config folder; ``MEMEX_STORE``, ``MEMEX_BACKEND``,
        ``MEMEX_CHAIN``, ``MEMEX_BUDGET`` and the like win over it, arguments over both.

        Args:
            folder: Where to look first.
            **overrides: Arguments of :class:`Memex`.

        Raises:
            ConfigError: If a file is not TOML or holds an unknown setting; names it.
        """
        from memex._settings import load_settings

        return cls(**(load_settings(folder) | overrides))

    @classmethod
    def aopen(cls, store: Spec | Store, **settings: Any) -> AsyncOpening:
        """Open a memory without blocking the event loop: ``async with Memex.aopen(...)``.

        Takes what :class:`Memex` takes.
        """
        return AsyncOpening(lambda: cls(store, **settings))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Let plugins finish, then close the backend and the store, where this memory opened them."""
        with ExitStack() as stack:  # one that cannot be closed does not keep the others open
            if self._owns_store:
                stack.callback(self.store.close)
            if self._backend is not None and _is_spec(self._backend_spec):
                stack.callback(self._backend.close)
            stack.callback(self._let_plugins_finish)

    def _let_plugins_finish(self) -> None:
        if self._closing:
            with ExitStack() as stack:
                stack.callback(self._let_plugins_finish)  # some may have asked meanwhile
                while self._closing:
                    stack.callback(self._closing.pop(0))

    def on_close(self, call: Callable[[], object]) -> None:
        """Have this called once, before the store is closed; for plugins that have work to finish.

        Args:
            call: What to call; the last to ask is called first.
        """
        self._closing.append(call)

    @property
    def home(self) -> Home:
        """Which store object its threads live in; see :attr:`Log.home`."""
        return home_of(self.store, self.indexes)

    @property
    def work(self) -> tuple[Work, ...]:
        """What plugins do in the background for this memory, or did: wait for it, stop it."""
        return tuple(self._work)

    def add_work(self, work: Work) -> None:
        """Let others see what a plugin does in the background; it is the plugin's to begin and to end.

        Args:
            work: One object for all that the plugin does of a kind for this memory.
        """
        self._work.append(work)

    def __repr__(self) -> str:
        return f"<Memex {type(self.store).__name__} {self.chain}>"

    # -- threads -------------------------------------------------------------------------------

    def thread(
        self,
        thread_id: str,
        *,
        create: bool = True,
        chain: Sequence[Spec | Policy] | None = None,
        budget: int | Budget | None = None,
        answer_tokens: int | None = None,
    ) -> Thread:
        """Return a thread, opened now if it is new.

        Args:
            thread_id: Its id.
            create: Whether to open it if it is new.
            chain: A chain for this thread alone.
            budget: A budget for this thread alone.
            answer_tokens: Tokens of it kept for the answer.

        Raises:
            UnknownThread: If it is not there and ``create`` is false.
        """
        check_id(thread_id, "thread")
        budgeted = Budget.of(self.budget if budget is None else budget, answer_tokens)
        own = None if chain is None else self._exactly(chain)
        return self.adopt(self.store.open_thread(thread_id, create=create), budgeted, own)

    def threads(self) -> Iterator[ThreadInfo]:
        """Yield every thread of the namespace, by id."""
        return self.store.threads()

    def search(self, query: str, **filters: Any) -> list[Hit]:
        """Return the best messages for ``query``, best first, of all threads or one.

        Args:
            query: Words, "phrases" and begin*, as a person types them; see :func:`memex.parse_query`.
            **filters: ``thread``, ``match``, ``roles``, ``since``, ``until``, ``meta`` and ``limit``,
                as in :meth:`SearchableStore.search`.

        Raises:
            StoreError: If the store cannot search.
        """
        if (store := searchable(self.store)) is None:
            raise StoreError(f"{self.store!r} cannot search; use a store that can, such as sqlite")
        return store.search(query, **filters)

    def forgotten(self, receipt: Receipt, handle: Thread | None = None) -> Receipt:
        """Drop what this memory keeps of erased messages, tell of it, and return the whole receipt."""
        for thread in (receipt.thread, *receipt.forks):
            self.indexes.discard(thread)
        if receipt.whole_thread:
            self._told.discard(receipt.thread)
        places = self.hooks.messages_forgotten(receipt.thread, receipt, handle)
        return msgspec.structs.replace(receipt, places=receipt.places | places) if places else receipt

    def adopt(self, info: ThreadInfo, budget: Budget, chain: Chain | None) -> Thread:
        """Return the thread of a store's own record, and tell of it once."""
        if info.id not in self._told:
            self._told.add(info.id)
            self.hooks.thread_opened(info)
        return Thread(self, info.id, budget, chain)

    # -- plugins -------------------------------------------------------------------------------

    @property
    def plugins(self) -> tuple[PluginInfo, ...]:
        """The plugins that are loaded."""
        return self.hooks.plugins

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What went wrong with plugins so far, each named."""
        return tuple(self.hooks.problems)

    @property
    def chain(self) -> Chain:
        """The chain that new threads get."""
        with self._lock:
            if self._chain is None:
                from memex._linking import default_chain

                self._chain = default_chain(self.hooks, self, self._order)
            return self._chain

    @property
    def counter(self) -> Counter:
        """How tokens are counted; the one that needs no tokenizer is made on first use."""
        if self._counter is None:  # without the lock, which is held for long where a chain is made
            with self._lock:
                if self._counter is None:
                    from memex._estimate import ScriptCounter

                    self._counter = ScriptCounter()
        return self._counter

    @property
    def backend(self) -> Backend:
        """The model, built on first use.

        Raises:
            ConfigError: If there is none.
        """
        with self._lock:
            if self._backend is None:
                if self._backend_spec is None:
                    raise ConfigError("this memory has no backend: open it with backend=..., such as 'quote'")
                name, settings = parse_spec(cast("Spec", self._backend_spec))
                offer = self.hooks.find("backends", name)
                self._backend = cast("Backend", build(offer, settings, host=self))
            return self._backend

    def provide(self, kind: str, spec: Spec) -> Any:
        """Build what a plugin offers, for plugins that need another one.

        Args:
            kind: ``"backends"``, ``"embedders"``, ``"codecs"``, ``"importers"``, ...
            spec: Its name, with settings as in the constructor.
        """
        name, settings = parse_spec(spec)
        return build(self.hooks.find(kind, name), settings, host=self)

    def filtered(self, thread: str, message: Message) -> Message:
        """Return what the filters make of a message; for the host's own use and for importers."""
        if not self._filters:
            return message
        try:
            return run_filters(self._filters, thread, message)
        except FilterFailed as error:
            self.report(error, "filter")
            raise

    def report(self, error: PluginError, stage: Stage) -> None:
        """Write down that a plugin failed at run time, so that ``problems`` names it."""
        for plugin in self.plugins:
            if error.plugin in (plugin.name, plugin.distribution):
                self.hooks.report(plugin, stage, str(error))
                return

    def chain_of(self, refs: Iterable[PolicyRef], current: Chain) -> Chain:
        """Return the chain that a plan names; policies of the program's own come from ``current``."""
        from memex._linking import chain_of

        return chain_of(self.hooks, self, refs, current)

    @property
    def on_error(self) -> OnError:
        """What happens to a policy that fails."""
        return self._on_error

    # -- building ------------------------------------------------------------------------------

    def _exactly(self, chain: Sequence[Spec | Policy]) -> Chain:
        from memex._linking import links

        return links(self.hooks, self, chain)

    def _check_order(self) -> None:
        if self._order:
            from memex._linking import check_order

            check_order(self.hooks, self._order)

    def _open_store(self, spec: Spec) -> Store:
        name, settings = parse_spec(spec)
        offer = self.hooks.find("stores", name)
        return cast("Store", build(offer, settings, host=self, namespace=self.namespace))

    def _given_counter(self, given: Spec | Counter) -> Counter:
        return cast("Counter", self.provide("counters", cast("Spec", given)) if _is_spec(given) else given)

    def _filter(self, offer: Offer) -> NamedFilter:
        made = cast("Any", build(offer, {}, host=self))
        return NamedFilter(offer.provider.name, made, offer.plugin.distribution, offer.plugin.version)


def _is_spec(value: object) -> bool:
    return isinstance(value, (str, Mapping))
