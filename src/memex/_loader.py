"""Loads plugins, each on its own: what one does wrong is written down and stops no other.

Hook order, which is also the default order of the policy chain: inside ``tryfirst``, then
unmarked, then ``trylast``, objects given in the program come first, in the order given; then
installed plugins by name. pluggy calls the last registered first, so they are registered in
reverse.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Final

import msgspec
import pluggy

from memex import __version__, hookspecs
from memex._checks import fault_of, wrong_arguments
from memex._discovery import EntryPointInfo, canonical, discover, resolve, scan
from memex._errors import PluginError
from memex._plugin import IN_PROGRAM, PluginInfo, Problem, Stage, describe, one_line

__all__ = ["API", "SLOW_SECONDS", "EntryPointInfo", "Loaded", "discover", "load", "strict"]

API: Final = 1
"""What a plugin may demand with a module attribute ``MEMEX_API = 1``. Raised when hooks change."""

SLOW_SECONDS = 0.5
"""A plugin whose import takes longer is reported: SDKs belong inside functions."""


class Loaded(msgspec.Struct, frozen=True):
    """What loading gave.

    Attributes:
        manager: The plugin manager; one per Memex.
        plugins: The plugins in use, in hook order.
        problems: What went wrong, in the order of the plugins.
        disabled: Installed plugins that were left out on demand.
    """

    manager: pluggy.PluginManager
    plugins: tuple[PluginInfo, ...]
    problems: list[Problem]
    disabled: tuple[EntryPointInfo, ...] = ()


def strict() -> bool:
    """Return whether ``MEMEX_STRICT`` asks for every plugin's error to be raised."""
    return os.environ.get("MEMEX_STRICT", "").strip().lower() not in ("", "0", "false", "no")


def load(
    *,
    disable: Iterable[str] = (),
    extra: Sequence[object] = (),
    entry_points: bool | Iterable[EntryPointInfo] = True,
) -> Loaded:
    """Load the installed plugins and those given in the program.

    Args:
        disable: Plugins to leave out, by name or by distribution; ``MEMEX_DISABLE=a,b`` adds to it.
        extra: Plugins as objects: modules, or instances with marked methods.
        entry_points: Whether to load the installed plugins, or just these of them.

    Raises:
        BaseException: Whatever a plugin raised, if ``MEMEX_STRICT`` is set; nothing otherwise.
    """
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    installed, problems = _installed(entry_points)
    if problems and strict():
        raise PluginError(str(problems[0]), plugin=problems[0].plugin, version=problems[0].version)
    names = [*disable, *os.environ.get("MEMEX_DISABLE", "").split(",")]
    unwanted = {canonical(name.strip()) for name in names}
    disabled = tuple(point for point in installed if unwanted & _names(point))
    wanted: list[tuple[EntryPointInfo, object]] = [
        (point, None) for point in installed if point not in disabled
    ]
    given = [pair for pair in _in_program(extra, installed) if not unwanted & _names(pair[0])]

    plugins: list[PluginInfo] = []
    found: list[Problem] = []
    for point, plugin in [*reversed(wanted), *reversed(given)]:
        info, problem = _load_one(manager, point, plugin)
        plugins += [info] if info else []
        found += [problem] if problem else []
    return Loaded(manager, tuple(reversed(plugins)), [*problems, *reversed(found)], disabled)


def _installed(
    entry_points: bool | Iterable[EntryPointInfo],
) -> tuple[list[EntryPointInfo], list[Problem]]:
    if isinstance(entry_points, bool):
        return scan() if entry_points else ([], [])
    return list(entry_points), []


def _names(point: EntryPointInfo) -> set[str]:
    """Return every name that a person may disable the plugin by."""
    bare = point.name.partition("@")[0]
    return {canonical(name) for name in (point.name, bare, point.distribution)}


def _in_program(
    extra: Sequence[object], installed: Iterable[EntryPointInfo]
) -> list[tuple[EntryPointInfo, object]]:
    """Name each object after its ``__name__`` or its class, with a number where that is taken."""
    taken = {point.name for point in installed}
    pairs: list[tuple[EntryPointInfo, object]] = []
    for plugin in extra:
        # Asked of nothing else: an object's own __getattr__ may raise.
        name = plugin.__name__ if isinstance(plugin, (ModuleType, type)) else type(plugin).__name__
        unique, count = name, 1
        while unique in taken:
            count += 1
            unique = f"{name}-{count}"
        taken.add(unique)
        module = name if isinstance(plugin, ModuleType) else type(plugin).__module__
        pairs.append((EntryPointInfo(unique, module, IN_PROGRAM, ""), plugin))
    return pairs


def _load_one(
    manager: pluggy.PluginManager, point: EntryPointInfo, plugin: object
) -> tuple[PluginInfo | None, Problem | None]:
    """Import a plugin (if it is None), check and register it; leave no trace of one that fails."""
    stage: Stage = "import"
    started = time.perf_counter()
    try:
        if plugin is None:
            plugin = resolve(point)
        imported = time.perf_counter() - started
        stage = "check"
        _check_api(plugin)
        stage = "register"
        _register(manager, plugin, point.name)
        stage = "check"
        if fault := fault_of(manager, plugin):
            raise PluginError(fault)  # noqa: TRY301 - one place turns every failure into a problem
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin that calls sys.exit() must not end the program
        if manager.has_plugin(point.name):
            manager.unregister(name=point.name)
        if strict():
            error.add_note(f"memex plugin {point}, stage: {stage}")
            raise
        message = one_line(error) if isinstance(error, PluginError) else describe(error)
        return None, Problem(point.name, point.distribution, point.version, stage, message)
    spent = round((time.perf_counter() - started) * 1000, 3)
    module = point.value.partition(":")[0].strip()
    info = PluginInfo(point.name, point.distribution, point.version, module, spent)
    if imported <= SLOW_SECONDS:
        return info, None
    message = f"its import took {imported:.2f} s: import what is heavy inside the functions that need it"
    return info, Problem(point.name, point.distribution, point.version, "slow", message)


def _check_api(plugin: object) -> None:
    wanted = getattr(plugin, "MEMEX_API", API)
    if not isinstance(wanted, int):
        raise PluginError(f"MEMEX_API is {wanted!r}, not a number")
    if wanted > API:
        raise PluginError(
            f"needs plugin API {wanted}; this is memex-core {__version__} with API {API}: upgrade memex-core"
        )


def _register(manager: pluggy.PluginManager, plugin: object, name: str) -> None:
    known = manager.get_name(plugin)
    if known is not None:
        raise PluginError(f"is loaded already, as {known!r}")
    try:
        manager.register(plugin, name)
    except pluggy.PluginValidationError as error:
        raise PluginError(wrong_arguments(manager, plugin) or one_line(error)) from error
