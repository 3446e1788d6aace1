"""Loading: each plugin on its own, problems named with stage, order as documented."""

from __future__ import annotations

import sys
import types

import pytest

import memex
from memex import _loader
from memex._call import in_order
from memex._errors import PluginError
from memex._loader import API, load


def problems_of(loaded, distribution):
    return [problem for problem in loaded.problems if problem.distribution == distribution]


def names(loaded):
    return [plugin.name for plugin in loaded.plugins]


def plugin_with(name, *functions, **attributes):
    """Make a plugin object: a module with these functions, marked unless they are already."""
    module = types.ModuleType(name)
    for function in functions:
        setattr(module, function.__name__, function)
    vars(module).update(attributes)
    return module


def offers_nothing(**options):
    def memex_policies():
        return []

    return memex.hookimpl(memex_policies, **options)


BAD = {
    "raises_at_import": ("raises", "import", "RuntimeError: this plugin cannot be imported"),
    "exits_at_import": ("exits", "import", "SystemExit: this plugin ends the program"),
    "wrong_argument": (
        "argument",
        "register",
        "memex_message_stored takes 'colour', but the hook gives thread, entry, handle",
    ),
    "misspelt_hook": (
        "misspelt",
        "check",
        "unknown hook 'memex_polices': misspelt (did you mean memex_policies?) or made for a newer memex",
    ),
    "newer_api": (
        "newer",
        "check",
        f"needs plugin API 99; this is memex-core {memex.__version__} with API {API}: upgrade memex-core",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_plugin_is_named_with_version_and_stage_and_the_others_load(fakes, case):
    name, stage, message = BAD[case]
    fakes("good", case)
    loaded = load()
    (problem,) = problems_of(loaded, f"memex-fake-{name}")
    assert (problem.plugin, problem.version, problem.stage) == (f"fake-{name}", "1.0", stage)
    assert problem.message == message
    assert str(problem) == f"fake-{name} (memex-fake-{name} 1.0), {stage}: {message}"
    assert "fake-good" in names(loaded)
    assert f"fake-{name}" not in names(loaded)
    assert not loaded.manager.has_plugin(f"fake-{name}")


def test_all_bad_plugins_at_once_are_all_named(fakes):
    fakes("good", *BAD)
    loaded = load()
    found = [p.plugin for p in loaded.problems if p.distribution.startswith("memex-fake")]
    assert found == ["fake-argument", "fake-exits", "fake-misspelt", "fake-newer", "fake-raises"]
    assert "fake-good" in names(loaded)


def test_a_refused_plugin_leaves_no_implementation_behind(fakes):
    fakes("wrong_argument", "misspelt_hook")
    manager = load().manager
    left = {impl.plugin_name for impl in in_order(manager, "memex_policies")}
    assert not left & {"fake-argument", "fake-misspelt"}
    manager.check_pending()  # nothing unknown is registered


@pytest.mark.parametrize("case", BAD)
def test_strict_raises_and_names_the_plugin(fakes, monkeypatch, case):
    fakes(case)
    monkeypatch.setenv("MEMEX_STRICT", "1")
    monkeypatch.setenv("MEMEX_DISABLE", ",".join(point.name for point in others_than("memex-fake")))
    with pytest.raises(BaseException) as caught:
        load()
    name, stage, _ = BAD[case]
    expected = {"raises_at_import": RuntimeError, "exits_at_import": SystemExit}.get(case, PluginError)
    assert caught.type is expected
    assert caught.value.__notes__ == [f"memex plugin fake-{name} (memex-fake-{name} 1.0), stage: {stage}"]


def others_than(prefix):
    return [point for point in _loader.discover() if not point.distribution.startswith(prefix)]


@pytest.mark.parametrize("off", ["", "0", "false", "No"])
def test_strict_is_off_by_these(monkeypatch, off):
    monkeypatch.setenv("MEMEX_STRICT", off)
    assert not _loader.strict()


def test_interrupting_an_import_is_not_swallowed(tmp_path, monkeypatch):
    info = tmp_path / "zz-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: zz\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[memex]\nzz = zz_interrupts\n")
    (tmp_path / "zz_interrupts.py").write_text("raise KeyboardInterrupt")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        load()


# What is refused, and why


def is_async():
    async def memex_policies(): ...

    return memex_policies


def is_generator():
    def memex_policies():
        yield

    return memex_policies


def is_async_generator():
    async def memex_policies():
        yield

    return memex_policies


def has_keyword_only():
    def memex_message_stored(thread, *, entry): ...

    return memex_message_stored


FAULTS = {
    "is async": is_async(),
    "is a generator": is_generator(),
    "is async, but": is_async_generator(),
    "'entry' after a '*'": has_keyword_only(),
}


@pytest.mark.parametrize("part", FAULTS)
def test_a_hook_that_could_not_work_is_refused(part):
    loaded = load(entry_points=False, extra=[plugin_with("own", memex.hookimpl(FAULTS[part]))])
    assert loaded.plugins == ()
    (problem,) = loaded.problems
    assert problem.stage == "check"
    assert part in problem.message


def test_old_style_wrappers_are_refused_and_new_ones_are_not():
    old = plugin_with("old", memex.hookimpl(is_generator(), hookwrapper=True))
    new = plugin_with("new", memex.hookimpl(is_generator(), wrapper=True))
    loaded = load(entry_points=False, extra=[old, new])
    assert names(loaded) == ["new"]
    assert "wrapper=True" in loaded.problems[0].message


def test_a_forgotten_marker_is_seen():
    def memex_policies():
        return []

    loaded = load(entry_points=False, extra=[plugin_with("own", memex_policies)])
    assert [problem.message for problem in loaded.problems] == [
        "memex_policies is never called: mark it with @memex.hookimpl"
    ]


def test_an_object_without_hooks_is_no_plugin():
    loaded = load(entry_points=False, extra=["fifo"])
    assert str(loaded.problems[0]) == (
        "str (in program), check: implements no hook: mark its functions with @memex.hookimpl"
    )


def test_a_hook_of_the_future_may_be_optional():
    @memex.hookimpl(optionalhook=True)
    def memex_oracles(question): ...

    loaded = load(entry_points=False, extra=[plugin_with("own", memex_oracles)])
    assert names(loaded) == ["own"]
    assert loaded.problems == []


@pytest.mark.parametrize(("value", "accepted"), [(API, True), (API + 1, False), ("1", False), (0, True)])
def test_the_api_a_plugin_may_demand(value, accepted):
    loaded = load(entry_points=False, extra=[plugin_with("own", offers_nothing(), MEMEX_API=value)])
    assert bool(loaded.plugins) == accepted
    assert bool(loaded.problems) != accepted


def test_a_module_that_raises_when_looked_at_is_isolated():
    class Hostile:
        def __getattr__(self, name):
            raise RuntimeError(f"do not touch\n{name}")

    loaded = load(entry_points=False, extra=[Hostile(), plugin_with("own", offers_nothing())])
    assert names(loaded) == ["own"]
    assert "do not touch" in loaded.problems[0].message


# Names and order


def test_the_same_object_twice_is_loaded_once():
    own = plugin_with("own", offers_nothing())
    loaded = load(entry_points=False, extra=[own, own])
    assert len(loaded.plugins) == 1
    assert "is loaded already" in loaded.problems[0].message


def test_objects_are_named_after_module_or_class_and_numbered():
    class Audit:
        @memex.hookimpl
        def memex_thread_opened(self, thread): ...

    loaded = load(entry_points=False, extra=[Audit(), plugin_with("own", offers_nothing()), Audit()])
    assert names(loaded) == ["Audit", "own", "Audit-2"]
    assert {plugin.distribution for plugin in loaded.plugins} == {"(in program)"}
    assert str(loaded.plugins[0]) == "Audit (in program)"


def test_a_class_in_place_of_an_instance_is_refused():
    class Audit:
        @memex.hookimpl
        def memex_thread_opened(self, thread): ...

    assert "give an instance" in load(entry_points=False, extra=[Audit]).problems[0].message


def test_hook_order_is_tryfirst_then_plain_then_trylast_each_in_program_then_by_name(fakes):
    fakes("good", "slow", "duplicate_name")
    extra = [
        plugin_with("last", offers_nothing(trylast=True)),
        plugin_with("zz", offers_nothing()),
        plugin_with("first", offers_nothing(tryfirst=True)),
        plugin_with("aa", offers_nothing()),
    ]
    installed = [point for point in _loader.discover() if point.distribution.startswith("memex-fake")]
    loaded = load(extra=extra, entry_points=installed)
    order = [impl.plugin_name for impl in in_order(loaded.manager, "memex_policies")]
    by_name = ["fake-good", "fake-slow", "fake-twin-one", "fake-twin-two"]
    assert order == ["first", "zz", "aa", *by_name, "last"]
    assert names(loaded) == ["last", "zz", "first", "aa", *by_name]


# Leaving plugins out


@pytest.mark.parametrize("by", ["fake-good", "memex-fake-good", "Memex_Fake_Good"])
@pytest.mark.parametrize("how", ["argument", "environment"])
def test_a_plugin_is_disabled_by_name_or_distribution_and_never_imported(fakes, monkeypatch, by, how):
    fakes("good", "slow")
    monkeypatch.setenv("FAKE_SLOW_SECONDS", "0")
    if how == "environment":
        monkeypatch.setenv("MEMEX_DISABLE", f"nothing, {by}")
    else:
        monkeypatch.delenv("MEMEX_DISABLE")
    loaded = load(disable=[by] if how == "argument" else [])
    assert "fake-good" not in names(loaded)
    assert "fake-slow" in names(loaded)
    assert [point.name for point in loaded.disabled] == ["fake-good"]
    assert problems_of(loaded, "memex-fake-good") == []
    assert "memex_fake_good" not in sys.modules


def test_an_object_in_the_program_can_be_disabled_too():
    assert (
        load(entry_points=False, extra=[plugin_with("own", offers_nothing())], disable=["own"]).plugins == ()
    )


def test_a_slow_import_is_reported_and_the_plugin_is_used(fakes, monkeypatch):
    fakes("slow")
    monkeypatch.setenv("FAKE_SLOW_SECONDS", "0.02")
    monkeypatch.setattr(_loader, "SLOW_SECONDS", 0.01)
    monkeypatch.setenv("MEMEX_STRICT", "1")
    loaded = load(entry_points=[p for p in _loader.discover() if p.name == "fake-slow"])
    assert names(loaded) == ["fake-slow"]
    assert [problem.stage for problem in loaded.problems] == ["slow"]
    assert loaded.plugins[0].load_ms >= 20


def test_each_load_has_a_manager_of_its_own(fakes):
    fakes("good")
    one, two = load(), load()
    assert one.manager is not two.manager
    assert names(one) == names(two)
