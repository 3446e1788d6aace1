"""What is wrong with a plugin's hook implementations, in words that its author can act on."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator

import pluggy

from memex import hookspecs

HOOKS = tuple(name for name in vars(hookspecs) if name.startswith("memex_"))


def implementations(manager: pluggy.PluginManager, plugin: object) -> list[tuple[str, pluggy.HookImpl]]:
    """Return the hook implementations of a registered plugin, with the hooks' names."""
    return [
        (caller.name, impl)
        for caller in manager.get_hookcallers(plugin) or ()
        for impl in caller.get_hookimpls()
        if impl.plugin is plugin
    ]


def fault_of(manager: pluggy.PluginManager, plugin: object) -> str:
    """Return what makes a registered plugin unusable, or an empty string."""
    found = implementations(manager, plugin)
    faults = [_unknown_hook(name) for name in _pending(manager, found)]
    faults += [fault for name, impl in found if (fault := _fault(name, impl))]
    faults += _unmarked(plugin)
    if not found and not faults:
        return "implements no hook: mark its functions with @memex.hookimpl"
    return "; ".join(faults)


def wrong_arguments(manager: pluggy.PluginManager, plugin: object) -> str:
    """Return which implementations take arguments that their hook does not give, or an empty string."""
    faults = []
    for name in dir(plugin):
        options = manager.parse_hookimpl_opts(plugin, name)
        hook = (options and options.get("specname")) or name
        if options is None or hook not in HOOKS:
            continue
        given = tuple(inspect.signature(getattr(hookspecs, hook)).parameters)
        taken = inspect.signature(getattr(plugin, name)).parameters.values()
        strange = [
            repr(parameter.name)
            for parameter in taken
            if parameter.name not in (*given, "self") and parameter.default is parameter.empty
        ]
        if strange:
            gives = f"gives {', '.join(given)}" if given else "gives no arguments"
            faults.append(f"{name} takes {', '.join(strange)}, but the hook {gives}")
    return "; ".join(faults)


def _pending(manager: pluggy.PluginManager, found: Iterable[tuple[str, pluggy.HookImpl]]) -> list[str]:
    try:
        manager.check_pending()
    except pluggy.PluginValidationError:
        return [name for name, impl in found if name not in HOOKS and not impl.optionalhook]
    return []


def _unknown_hook(name: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, HOOKS, n=1)
    hint = f" (did you mean {close[0]}?)" if close else ""
    return f"unknown hook {name!r}: misspelt{hint} or made for a newer memex"


def _fault(name: str, impl: pluggy.HookImpl) -> str:
    function = impl.function
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        return f"{name} is async, but a hook is a plain function; async belongs on the backend"
    if impl.hookwrapper:
        return f"{name} is an old-style hookwrapper; write @memex.hookimpl(wrapper=True)"
    if inspect.isgeneratorfunction(function) and not impl.wrapper:
        return f"{name} is a generator, but a hook is a plain function; return a list"
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY:
            return f"{name} takes {parameter.name!r} after a '*', where hooks fill in nothing; drop the '*'"
        if parameter.name == "self":
            return f"{name} is a method of a class; give an instance of the class"
    return ""


def _unmarked(plugin: object) -> Iterator[str]:
    """Yield functions that are named like a hook but would never be called."""
    for name in HOOKS:
        function = inspect.getattr_static(plugin, name, None)
        marks = getattr(function, "__dict__", {})
        if inspect.isfunction(function) and not marks.keys() & {"memex_impl", "memex_spec"}:
            yield f"{name} is never called: mark it with @memex.hookimpl"
