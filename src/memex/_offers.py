"""Asks plugins what they offer, and says what is wrong with the answers."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from typing import Final

import pluggy

from memex._call import call
from memex._loader import strict
from memex._plugin import Offer, PluginInfo, Stage, describe
from memex._provider import Provider

KINDS: Final = {
    "stores": "store",
    "backends": "backend",
    "policies": "policy",
    "embedders": "embedder",
    "counters": "counter",
    "filters": "filter",
    "codecs": "codec",
    "importers": "importer",
    "commands": "command",
}
"""What plugins offer, and the word for one of them. The hook is ``memex_`` and the kind."""

Report = Callable[[PluginInfo, Stage, str], None]


class _Junk(Exception):
    """What a plugin answered is not a list of providers."""


def ask(
    impls: Sequence[pluggy.HookImpl], plugins: Mapping[str, PluginInfo], report: Report
) -> tuple[Offer, ...]:
    """Ask each implementation, then let each wrapper rewrite the answers, the innermost first.

    A wrapper is given what pluggy would give it, a list of the others' lists, and may return
    such a list or a flat one. What it adds counts as its own plugin's.

    Args:
        impls: The implementations in hook order.
        plugins: The plugins by the name under which they are registered.
        report: Called with what went wrong; the answer at fault is left out whole.
    """
    answers: list[list[Offer]] = []
    for impl in impls:
        if not impl.wrapper:
            plugin = plugins[impl.plugin_name]
            providers = _answer(impl, plugin, None, report)
            if providers is not None:
                answers.append([Offer(provider, plugin) for provider in providers])
    for impl in reversed(impls):
        if impl.wrapper:
            # By identity: equal providers of two plugins are two offers, which clash.
            owners = {id(offer.provider): offer.plugin for answer in answers for offer in answer}
            plugin = plugins[impl.plugin_name]
            inner = [[offer.provider for offer in answer] for answer in answers]
            providers = _answer(impl, plugin, inner, report)
            if providers is not None:
                answers = [[Offer(provider, owners.get(id(provider), plugin)) for provider in providers]]
    return tuple(offer for answer in answers for offer in answer)


def _answer(
    impl: pluggy.HookImpl, plugin: PluginInfo, inner: list[list[Provider]] | None, report: Report
) -> list[Provider] | None:
    name = impl.function.__name__
    try:
        return list(_providers(call(impl, {}, inner), nested=inner is not None))
    except (Exception, SystemExit) as error:
        if strict():
            error.add_note(f"memex plugin {plugin}, stage: offer, hook: {name}")
            raise
        report(
            plugin, "offer", f"{name} {error if isinstance(error, _Junk) else f'raised {describe(error)}'}"
        )
        return None


def _providers(answer: object, *, nested: bool) -> Iterator[Provider]:
    if isinstance(answer, Coroutine):
        answer.close()  # or Python warns that it was never awaited
    if not isinstance(answer, Iterable) or isinstance(answer, (str, bytes, Mapping)):
        raise _Junk(f"returned {_kind(answer)} instead of a list of memex.Provider")
    for item in answer:
        if isinstance(item, Provider):
            yield item
        elif nested:
            yield from _providers(item, nested=False)
        else:
            raise _Junk(f"returned a list with {_kind(item)} in it instead of a memex.Provider")


def _kind(value: object) -> str:
    return "None" if value is None else f"the {type(value).__name__} {value!r:.80}"


def clashes(offers: Iterable[Offer]) -> list[list[Offer]]:
    """Return the offers that share a name with another, name by name."""
    by_name: dict[str, list[Offer]] = {}
    for offer in offers:
        by_name.setdefault(offer.provider.name, []).append(offer)
    return [same for same in by_name.values() if len(same) > 1]


def clash_message(kind: str, same: Sequence[Offer]) -> str:
    """Return what to say about offers of one name, and what to do."""
    what = f"the {KINDS[kind]} {same[0].provider.name!r}"
    plugins = list(dict.fromkeys(str(offer.plugin) for offer in same))
    if len(plugins) == 1:
        return f"{plugins[0]} offers {what} {len(same)} times; its author must rename all but one"
    return (
        f"{what} is offered by {' and by '.join(plugins)}; uninstall one of them, "
        f"or disable one: MEMEX_DISABLE={same[-1].plugin.name}"
    )


def not_found_message(kind: str, name: str, names: Iterable[str]) -> str:
    """Return what to say when nothing of that name is offered."""
    from difflib import get_close_matches

    known = list(dict.fromkeys(names))
    close = get_close_matches(name, known, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    if not close and name.isascii() and name.replace("-", "").isalnum():
        hint = f" It may come with memex-{name}."  # plugins are called so; the host knows none
    there = f"there are {', '.join(known)}" if known else "no plugin offers any"
    return f"no {KINDS[kind]} {name!r}: {there}.{hint}"
