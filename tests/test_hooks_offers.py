"""Offers: asked once, each plugin on its own, junk left out, clashes named when asked for."""

from __future__ import annotations

import logging
import threading
import time
import types

import pytest

import memex
from memex import NameClash, Provider, UnknownProvider
from memex._hooks import KINDS, Hooks
from memex._loader import discover, load


def hooks_for(*cases_or_plugins, disable=()):
    """Return hooks of the fake plugins that are installed, and of these objects."""
    installed = [point for point in discover() if point.distribution.startswith("memex-fake")]
    return Hooks(load(entry_points=installed, extra=cases_or_plugins, disable=disable))


def offering(name, answer, *, kind="policies", **options):
    """Make a plugin whose hook calls ``answer``."""

    def hook():
        return answer()

    hook.__name__ = f"memex_{kind}"
    module = types.ModuleType(name)
    setattr(module, hook.__name__, memex.hookimpl(hook, **options))
    return module


def wrapping(name, rewrite, **options):
    """Make a plugin that wraps ``memex_policies``."""

    def memex_policies():
        return rewrite((yield))

    module = types.ModuleType(name)
    module.memex_policies = memex.hookimpl(memex_policies, wrapper=True, **options)
    return module


def provider(name):
    return Provider(name, f"{name.replace('-', '_')}:make")


def names(offers):
    return [offer.provider.name for offer in offers]


@pytest.fixture(autouse=True)
def _not_strict(monkeypatch):
    monkeypatch.delenv("MEMEX_STRICT", raising=False)


def test_an_offer_knows_its_plugin(fakes):
    fakes("good")
    (offer,) = hooks_for().offers("policies")
    assert offer.provider == Provider("fake-good", "memex_fake_good:keep_everything", "Keeps everything")
    assert str(offer.plugin) == "fake-good (memex-fake-good 1.0)"
    assert str(offer) == "fake-good (memex-fake-good 1.0)"


def test_offers_come_in_hook_order():
    hooks = hooks_for(
        offering("c", lambda: [provider("three"), provider("four")]),
        offering("a", lambda: [provider("five")]),
        offering("b", lambda: [provider("six")], trylast=True),
        offering("z", lambda: [provider("one"), provider("two")], tryfirst=True),
    )
    assert names(hooks.offers("policies")) == ["one", "two", "three", "four", "five", "six"]


def test_every_kind_can_be_asked_for():
    plugins = [offering(f"p-{kind}", lambda kind=kind: [provider(f"my-{kind}")], kind=kind) for kind in KINDS]
    hooks = hooks_for(*plugins)
    for kind in KINDS:
        assert names(hooks.offers(kind)) == [f"my-{kind}"]
    assert {p.name: p.offers for p in hooks.plugins} == {f"p-{k}": {k: (f"my-{k}",)} for k in KINDS}


def test_an_unknown_kind_says_what_there_is():
    with pytest.raises(memex.ConfigError, match="'oracles'; they offer stores, backends"):
        hooks_for().offers("oracles")


def test_a_plugin_is_asked_once_even_by_many_threads():
    asked = []

    def answer():
        asked.append(threading.get_ident())
        time.sleep(0.02)  # long enough for the others to arrive
        return [provider("one")]

    hooks = hooks_for(offering("own", answer))
    found = []
    threads = [threading.Thread(target=lambda: found.append(hooks.offers("policies"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(asked) == 1
    assert len(found) == 8
    assert all(offers is found[0] for offers in found)


# Junk


JUNK = {
    "stores": "memex_stores returned the int 42 instead of a list of memex.Provider",
    "backends": ("memex_backends returned a list with the str 'a string' in it instead of a memex.Provider"),
    "counters": "memex_counters returned None instead of a list of memex.Provider",
    "embedders": "memex_embedders returned the str 'fake' instead of a list of memex.Provider",
    "codecs": "memex_codecs raised ConfigError: provider 'fake-junk': the target 'no target' is not",
    "importers": "memex_importers raised ZeroDivisionError",
    "commands": "memex_commands returned the coroutine",
}


def test_junk_is_left_out_named_and_logged_while_others_go_on(fakes, caplog):
    fakes("returns_junk")
    hooks = hooks_for(*(offering(f"p-{k}", lambda: [provider("fine")], kind=k) for k in JUNK))
    for kind, message in JUNK.items():
        with caplog.at_level(logging.WARNING, logger="memex"):
            assert names(hooks.offers(kind)) == ["fine"], kind
        problem = hooks.problems[-1]
        assert (problem.plugin, problem.version, problem.stage) == ("fake-junk", "1.0", "offer")
        assert problem.message.startswith(message)
        assert str(problem) in caplog.text
    assert len(hooks.problems) == len(JUNK)


def test_strict_raises_what_the_plugin_raised_and_names_it(fakes, monkeypatch):
    fakes("returns_junk")
    hooks = hooks_for()
    monkeypatch.setenv("MEMEX_STRICT", "1")
    with pytest.raises(ZeroDivisionError) as caught:
        hooks.offers("importers")
    assert "fake-junk (memex-fake-junk 1.0)" in caught.value.__notes__[0]


def test_a_hook_that_exits_is_a_problem_and_not_the_end():
    def leave():
        raise SystemExit(3)

    hooks = hooks_for(offering("own", leave))
    assert hooks.offers("policies") == ()
    assert "SystemExit: 3" in hooks.problems[0].message


def test_a_single_provider_must_be_in_a_list():
    hooks = hooks_for(offering("own", lambda: provider("one")))
    assert hooks.offers("policies") == ()
    assert "returned the Provider" in hooks.problems[0].message


# Wrappers


def test_a_wrapper_rewrites_the_list_and_owners_stay():
    hooks = hooks_for(
        offering("a", lambda: [provider("one"), provider("two")]),
        offering("b", lambda: [provider("three")]),
        wrapping("w", lambda lists: [p for answer in reversed(lists) for p in answer] + [provider("mine")]),
    )
    offers = hooks.offers("policies")
    assert [(offer.provider.name, offer.plugin.name) for offer in offers] == [
        ("three", "b"),
        ("one", "a"),
        ("two", "a"),
        ("mine", "w"),
    ]


def test_a_plugin_may_offer_and_wrap_and_is_asked_once():
    plugin = offering("own", lambda: [provider("one")])

    def put_last():
        answers = yield
        return sorted(answers, key=lambda answer: answer[0].name == "one")

    plugin.put_last = memex.hookimpl(put_last, wrapper=True, specname="memex_policies")
    hooks = hooks_for(plugin, offering("b", lambda: [provider("two")]))
    assert names(hooks.offers("policies")) == ["two", "one"]


def test_the_outermost_wrapper_has_the_last_word_as_in_pluggy():
    def adding(name):
        return lambda lists: [*lists, [provider(name)]]

    hooks = hooks_for(wrapping("outer", adding("outer"), tryfirst=True), wrapping("inner", adding("inner")))
    assert names(hooks.offers("policies")) == ["inner", "outer"]


@pytest.mark.parametrize("rewrite", [lambda lists: 1 // 0, lambda lists: None, lambda lists: [[["x"]]]])
def test_a_wrapper_that_fails_changes_nothing(rewrite):
    hooks = hooks_for(offering("a", lambda: [provider("one")]), wrapping("w", rewrite))
    assert names(hooks.offers("policies")) == ["one"]
    assert [problem.plugin for problem in hooks.problems] == ["w"]


def yields_never():
    if False:
        yield
    return []


def yields_twice():
    yield
    yield


@pytest.mark.parametrize(("function", "said"), [(yields_never, "did not yield"), (yields_twice, "twice")])
def test_a_wrapper_must_yield_once(function, said):
    module = types.ModuleType("w")
    module.wrap = memex.hookimpl(function, wrapper=True, specname="memex_policies")
    hooks = hooks_for(offering("a", lambda: [provider("one")]), module)
    assert names(hooks.offers("policies")) == ["one"]
    assert said in hooks.problems[0].message


# Finding


def test_finding_by_name(fakes):
    fakes("good", "raises_in_filter")
    assert hooks_for().find("filters", "fake-raises").plugin.distribution == "memex-fake-filter"


def test_a_clash_names_both_distributions_and_what_to_do_but_only_when_asked_for(fakes):
    fakes("duplicate_name")
    hooks = hooks_for()
    assert hooks.find("policies", "fake-one").plugin.name == "fake-twin-one"
    for kind, word in {"policies": "policy", "stores": "store"}.items():
        with pytest.raises(NameClash) as caught:
            hooks.find(kind, "fake-twin")
        assert str(caught.value) == (
            f"the {word} 'fake-twin' is offered by fake-twin-one (memex-fake-twin-one 1.0) and by "
            "fake-twin-two (memex-fake-twin-two 1.0); uninstall one of them, or disable one: "
            "MEMEX_DISABLE=fake-twin-two"
        )
        assert str(caught.value) in [problem.message for problem in hooks.problems]
    assert hooks_for(disable=["fake-twin-two"]).find("stores", "fake-twin")


def test_one_plugin_that_offers_a_name_twice_is_told_so():
    hooks = hooks_for(offering("own", lambda: [provider("one"), provider("one")]))
    with pytest.raises(NameClash, match=r"own \(in program\) offers the policy 'one' 2 times"):
        hooks.find("policies", "one")


def test_an_unknown_name_gives_a_hint_and_what_there_is(fakes):
    fakes("good", "duplicate_name")
    with pytest.raises(UnknownProvider) as caught:
        hooks_for().find("policies", "fake-god")
    assert str(caught.value) == (
        "no policy 'fake-god': there are fake-good, fake-twin, fake-one, fake-two. Did you mean "
        "'fake-good'? Is the plugin installed? 'memex plugins' lists what is"
    )
    assert (caught.value.kind, caught.value.name) == ("policies", "fake-god")


def test_an_unknown_name_where_nothing_is_offered():
    with pytest.raises(UnknownProvider, match=r"no backend 'gpt': no plugin offers any\. It may .*-gpt"):
        hooks_for().find("backends", "gpt")


def test_a_plugin_that_failed_to_load_explains_a_missing_name(fakes):
    fakes("raises_at_import")
    with pytest.raises(UnknownProvider, match=r"has a problem: fake-raises .*, import: RuntimeError"):
        hooks_for().find("stores", "fake-raises")


def test_a_disabled_plugin_explains_a_missing_name(fakes):
    fakes("good")
    with pytest.raises(UnknownProvider, match=r"The plugin fake-good \(memex-fake-good 1.0\) is disabled"):
        hooks_for(disable=["fake-good"]).find("stores", "fake-good")
