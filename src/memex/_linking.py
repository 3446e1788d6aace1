"""From settings to a chain: which policies, in which order, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import msgspec

from memex._chain import Chain, Link, Policy
from memex._errors import BadSetting, ConfigError, NameClash, PluginError
from memex._factory import build, parse_spec
from memex._hooks import Hooks
from memex._plan import PolicyRef
from memex._plugin import IN_PROGRAM

Spec = str | Mapping[str, Any]


def links(hooks: Hooks, host: object, chain: Sequence[Spec | Policy]) -> Chain:
    """Return exactly the chain that the setting names.

    Args:
        hooks: The plugins.
        host: What a policy's factory gets as ``host``.
        chain: Names, mappings with ``use`` and settings, or callables.

    Raises:
        ConfigError: If it is no list, or names what is not there.
    """
    if isinstance(chain, (str, Mapping)) or not isinstance(chain, Iterable):
        raise ConfigError(f"chain: give a list of policies, not {chain!r}")
    return Chain(tuple(_link(hooks, host, item, "the chain setting names it") for item in chain))


def default_chain(hooks: Hooks, host: object, order: Sequence[str]) -> Chain:
    """Return every installed policy in hook order, those of ``order`` first.

    Those that are offered only by name are left out, unless ``order`` names them. One that cannot be
    built is a problem that is written down; nobody asked for it by name.
    """
    names = list(dict.fromkeys(offer.provider.name for offer in hooks.offers("policies")))
    first = [name for name in order if name in names]
    only_by_name = {offer.provider.name for offer in hooks.offers("policies") if not offer.provider.default}
    made = []
    for name in [*first, *(name for name in names if name not in first and name not in only_by_name)]:
        why = "the order setting puts it here" if name in first else "hook order"
        try:
            made.append(_link(hooks, host, name, why))
        except NameClash:
            continue  # recorded when the plugins were asked; the others still make a chain
        except PluginError as error:
            hooks.report(hooks.find("policies", name).plugin, "build", str(error))
    return Chain(tuple(made))


def check_order(hooks: Hooks, order: Sequence[str]) -> None:
    """Raise if ``order`` names a policy that is not installed.

    Raises:
        BadSetting: Names it and what there is.
    """
    if not order:
        return
    names = {offer.provider.name for offer in hooks.offers("policies")}
    unknown = [name for name in order if name not in names]
    if unknown:
        there = ", ".join(sorted(names)) or "none"
        raise BadSetting(f"order: no policy {unknown[0]!r} is installed; there is {there}")


def chain_of(hooks: Hooks, host: object, refs: Iterable[PolicyRef], current: Chain) -> Chain:
    """Return the chain that a plan names; callables of the program's own come from ``current``.

    Raises:
        ConfigError: If one of them is not there.
    """
    own = {link.name: link for link in current if link.plugin == IN_PROGRAM}
    offered = {o.provider.name for o in hooks.offers("policies") if o.plugin.distribution == IN_PROGRAM}
    made = []
    for ref in refs:
        if ref.plugin != IN_PROGRAM:
            made.append(_link(hooks, host, _spec_of(ref), "the plan names it"))
        elif ref.policy in own and msgspec.to_builtins(own[ref.policy].settings) == ref.settings:
            made.append(own[ref.policy])
        elif ref.policy in offered:  # by a plugin that the program passed as an object
            made.append(_link(hooks, host, _spec_of(ref), "the plan names it"))
        else:
            raise ConfigError(f"the policy {ref.policy!r} was the program's own and is not there now")
    return Chain(tuple(made))


def _spec_of(ref: PolicyRef) -> Spec:
    """Return the setting that made a link: what followed the colon is kept under an empty name."""
    settings = dict(ref.settings)
    first = settings.pop("", None)
    return {"use": ref.policy if first is None else f"{ref.policy}:{first}", **settings}


def _link(hooks: Hooks, host: object, item: Spec | Policy, why: str) -> Link:
    if callable(item):
        name = getattr(item, "__name__", type(item).__name__)
        return Link(name, item, {}, IN_PROGRAM, "", why)
    name, settings = parse_spec(item)
    offer = hooks.find("policies", name)
    policy = build(offer, settings, host=host)
    if not callable(policy):
        raise PluginError(
            f"{offer}: a policy is a callable, not a {type(policy).__name__}",
            plugin=offer.plugin.name,
            version=offer.plugin.version,
        )
    plugin = offer.plugin
    return Link(name, cast("Policy", policy), settings, plugin.distribution, plugin.version, why)
