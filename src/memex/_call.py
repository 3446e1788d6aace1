"""Calls one hook implementation on its own.

pluggy calls all of them at once and raises the first error without saying whose it was. memex
calls them one by one, through what pluggy documents: ``HookCaller.get_hookimpls`` and the
attributes of ``HookImpl``.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, cast

import pluggy

from memex._errors import PluginError


def in_order(manager: pluggy.PluginManager, hook: str) -> tuple[pluggy.HookImpl, ...]:
    """Return the implementations of a hook in the order in which pluggy would call them."""
    caller: pluggy.HookCaller = getattr(manager.hook, hook)
    return tuple(reversed(caller.get_hookimpls()))


def call(impl: pluggy.HookImpl, given: Mapping[str, object], inner: object = None) -> object:
    """Call an implementation with those of the arguments that it takes.

    Args:
        impl: The implementation.
        given: All arguments of the hook, by name.
        inner: For a wrapper, what its ``yield`` gives: the results of the others.
    """
    answer = impl.function(
        *[given[name] for name in impl.argnames],
        **{name: given[name] for name in impl.kwargnames if name in given},
    )
    return _through(cast("Generator[None, object, Any]", answer), inner) if impl.wrapper else answer


def _through(wrapper: Generator[None, object, Any], inner: object) -> object:
    try:
        next(wrapper)
    except StopIteration:
        raise PluginError("the wrapper did not yield") from None
    try:
        wrapper.send(inner)
    except StopIteration as end:
        return end.value
    wrapper.close()
    raise PluginError("the wrapper yielded twice")
