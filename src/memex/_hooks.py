"""Typed methods around the hooks. Nothing else in memex calls a plugin's hook.

Each implementation is called on its own, in hook order, so that one that fails is named and
the others go on. Offers are asked for once. Listeners fail open: an error is logged, written
down as a :class:`~memex.Problem`, and never raised unless ``MEMEX_STRICT`` is set.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import pluggy

from memex._call import call, in_order
from memex._discovery import EntryPointInfo
from memex._errors import ConfigError, NameClash, UnknownProvider
from memex._loader import Loaded, load, strict
from memex._offers import KINDS, ask, clash_message, clashes, not_found_message
from memex._plugin import Offer, PluginInfo, Problem, Stage, describe

if TYPE_CHECKING:
    from memex import Entry, MemexError, Receipt, Reply, Thread, ThreadInfo, Window

__all__ = ["KINDS", "LISTENERS", "Hooks", "Offer"]

LISTENERS: Final = (
    "memex_thread_opened",
    "memex_message_stored",
    "memex_window_built",
    "memex_reply_received",
    "memex_call_failed",
    "memex_messages_forgotten",
)

_Counts = dict[str, Annotated[int, msgspec.Meta(ge=0)]]

MOST_PROBLEMS: Final = 1000
"""A listener whose error reads differently every time must not fill the memory."""


class Hooks:
    """The hooks of one Memex. Safe to use from several threads.

    Args:
        loaded: The plugins, as :func:`memex._loader.load` gave them.
    """

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._plugins = {plugin.name: plugin for plugin in loaded.plugins}
        self._problems = list(loaded.problems)
        self._offers: dict[str, tuple[Offer, ...]] = {}
        self._lock = threading.RLock()
        self._listeners = {hook: in_order(loaded.manager, hook) for hook in LISTENERS}

    @classmethod
    def installed(cls, *, disable: Iterable[str] = ()) -> Hooks:
        """Load the installed plugins and return their hooks.

        Args:
            disable: Plugins to leave out, by name or by distribution.
        """
        return cls(load(disable=disable))

    def offers(self, kind: str) -> tuple[Offer, ...]:
        """Return what the plugins offer, in hook order: for policies, the default chain.

        Two offers of one name are both in it; :meth:`find` refuses that name.

        Args:
            kind: ``"stores"``, ``"backends"``, ``"policies"`` or another plural noun of the hooks.
        """
        if kind not in KINDS:
            raise ConfigError(f"plugins offer no {kind!r}; they offer {', '.join(KINDS)}")
        known = self._offers.get(kind)
        if known is not None:
            return known
        with self._lock:
            if kind not in self._offers:
                offers = ask(in_order(self._loaded.manager, f"memex_{kind}"), self._plugins, self.report)
                for same in clashes(offers):
                    self.report(same[-1].plugin, "offer", clash_message(kind, same))
                self._offers[kind] = offers
            return self._offers[kind]

    def find(self, kind: str, name: str) -> Offer:
        """Return the offer of that name.

        Raises:
            UnknownProvider: If no plugin offers it; says what there is.
            NameClash: If several plugins do; names their distributions.
        """
        found = [offer for offer in self.offers(kind) if offer.provider.name == name]
        if not found:
            names = [offer.provider.name for offer in self.offers(kind)]
            message = f"{not_found_message(kind, name, names)} {self._whereabouts(name)}"
            raise UnknownProvider(message, kind=kind, name=name)
        if len(found) > 1:
            raise NameClash(clash_message(kind, found))
        return found[0]

    def _whereabouts(self, name: str) -> str:
        """Return what is known about a plugin of that name, which may be why the offer is missing."""
        for problem in self.problems:
            if problem.plugin == name:
                return f"The plugin of that name has a problem: {problem}"
        for point in self.disabled:
            if point.name == name:
                return f"The plugin {point} is disabled"
        return "Is the plugin installed? 'memex plugins' lists what is"

    @property
    def plugins(self) -> tuple[PluginInfo, ...]:
        """The plugins in use, in hook order, each with what it offers."""
        offered: dict[str, dict[str, tuple[str, ...]]] = {name: {} for name in self._plugins}
        for kind in KINDS:
            for offer in self.offers(kind):
                mine = offered[offer.plugin.name]
                mine[kind] = (*mine.get(kind, ()), offer.provider.name)
        return tuple(
            msgspec.structs.replace(plugin, offers=offered[name]) for name, plugin in self._plugins.items()
        )

    @property
    def disabled(self) -> tuple[EntryPointInfo, ...]:
        """Plugins that are installed and were left out on demand."""
        return self._loaded.disabled

    @property
    def problems(self) -> list[Problem]:
        """What went wrong so far, each thing once, oldest first."""
        with self._lock:
            return list(self._problems)

    def report(self, plugin: PluginInfo, stage: Stage, message: str) -> None:
        """Log what went wrong with a plugin, and write it down if it is new.

        Args:
            plugin: The plugin at fault.
            stage: What the host was doing with it.
            message: What happened and what to do, on one line.
        """
        import logging  # 5 ms that a program without problems does not pay

        problem = Problem(plugin.name, plugin.distribution, plugin.version, stage, message)
        with self._lock:
            if problem not in self._problems and len(self._problems) < MOST_PROBLEMS:
                self._problems.append(problem)
        logging.getLogger("memex").warning("%s", problem)

    def listens(self, event: str) -> bool:
        """Return whether any plugin wants to be told: ``listens("message_stored")``."""
        return bool(self._listeners[f"memex_{event}"])

    def thread_opened(self, thread: ThreadInfo) -> None:
        """Tell that a thread was opened."""
        if listeners := self._listeners["memex_thread_opened"]:
            self._tell(listeners, {"thread": thread})

    def message_stored(self, thread: str, entry: Entry, handle: Thread | None = None) -> None:
        """Tell that a message is durable."""
        if listeners := self._listeners["memex_message_stored"]:
            self._tell(listeners, {"thread": thread, "entry": entry, "handle": handle})

    def window_built(self, thread: str, window: Window) -> None:
        """Tell that a window is ready."""
        if listeners := self._listeners["memex_window_built"]:
            self._tell(listeners, {"thread": thread, "window": window})

    def reply_received(self, thread: str, reply: Reply) -> None:
        """Tell that a reply is durable."""
        if listeners := self._listeners["memex_reply_received"]:
            self._tell(listeners, {"thread": thread, "reply": reply})

    def call_failed(self, thread: str, error: MemexError) -> None:
        """Tell that a call of the model failed."""
        if listeners := self._listeners["memex_call_failed"]:
            self._tell(listeners, {"thread": thread, "error": error})

    def messages_forgotten(
        self, thread: str, receipt: Receipt, handle: Thread | None = None
    ) -> dict[str, int]:
        """Tell that messages were erased and return what listeners erased of their own, by place."""
        places: dict[str, int] = {}
        for impl in self._listeners["memex_messages_forgotten"]:
            self._tell([impl], {"thread": thread, "receipt": receipt, "handle": handle}, places)
        return places

    def _tell(
        self,
        listeners: Sequence[pluggy.HookImpl],
        given: Mapping[str, object],
        counted: dict[str, int] | None = None,
    ) -> None:
        for impl in listeners:
            try:
                answer = call(impl, given, [])
                if counted is not None and answer is not None and not impl.wrapper:
                    counts = msgspec.convert(answer, _Counts)
                    counted.update((f"{impl.plugin_name}: {place}", n) for place, n in counts.items())
            except (Exception, SystemExit) as error:
                plugin, name = self._plugins[impl.plugin_name], impl.function.__name__
                if strict():
                    error.add_note(f"memex plugin {plugin}, stage: listener, hook: {name}")
                    raise
                self.report(plugin, "listener", f"{name} raised {describe(error)}")
