"""The plugin contract passes for a good plugin, and each promise fails for the plugin that breaks it."""

from __future__ import annotations

import inspect

import pytest

from memex.testing import PluginContract

CHECKS = [name for name in vars(PluginContract) if name.startswith("test_")]

GOOD = '''
import memex

@memex.hookimpl
def memex_policies():
    return [memex.Provider("own", "{module}:make", "Keeps everything")]

def make(low_water: float = 0.5, *, host=None):
    """A policy that changes nothing."""
    return lambda window: window
'''


@pytest.fixture
def failures(tmp_path, monkeypatch, fakes):
    """Install a plugin and return which promises it breaks: ``failures(code="...")``."""
    monkeypatch.delenv("MEMEX_STRICT", raising=False)

    def check(
        code=GOOD,
        *,
        name="fake-own",
        distribution="memex-fake-own",
        module="memex_fake_own",
        requires="memex-core>=0.1",
        readme="A plugin.",
        files=(),
    ):
        info = tmp_path / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        head = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\nRequires-Dist: {requires}\n"
        (info / "METADATA").write_text(f"{head}\n{readme}\n")
        (info / "entry_points.txt").write_text(f"[memex]\n{name} = {module}\n")
        (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))
        for file in files:
            (tmp_path / file).parent.mkdir(parents=True)
            (tmp_path / file).touch()
        (tmp_path / f"{module}.py").write_text(code.replace("{module}", module))
        monkeypatch.syspath_prepend(tmp_path)
        contract = type("TestOwn", (PluginContract,), {"name": "fake-own"})
        broken = {}
        for test in CHECKS:
            try:
                getattr(contract(), test)()
            except AssertionError as error:
                broken[test.removeprefix("test_")] = str(error)
        return broken

    return check


class TestGood(PluginContract):
    """A fake plugin that keeps every promise; run as a plugin's author would run it."""

    name = "fake-good"

    @pytest.fixture(autouse=True)
    def _installed(self, fakes):
        fakes("good")


def test_every_promise_is_documented():
    assert len(CHECKS) == 10
    for name in CHECKS:
        assert inspect.getdoc(getattr(PluginContract, name))


def test_a_good_plugin_breaks_no_promise(failures):
    assert failures() == {}


@pytest.mark.parametrize(
    ("code", "promise", "said"),
    [
        (f"import asyncio\n{GOOD}", "its_top_module_is_light", "brings asyncio"),
        (f"import wave, csv, tarfile, sqlite3\n{GOOD}", "its_top_module_is_light", "more than 12"),
        (GOOD.replace("low_water: float", "low_water"), "every_setting_has_a_type", "low_water"),
        (GOOD.replace('"""A policy that changes nothing."""', "pass"), "every_target_can", "no docstring"),
        (GOOD.replace("def make(", "make = 3\ndef other("), "every_target_can", "cannot be called"),
        (GOOD.replace(', "Keeps everything"', ""), "it_offers_or_listens", "no summary"),
        (GOOD.replace("Keeps", "Keeps\\n"), "it_offers_or_listens", "longer than one line"),
        (GOOD.replace("memex_policies", "memex_polices"), "the_host_knows_every_hook", "memex_polices"),
        (GOOD.replace("@memex.hookimpl", ""), "the_host_knows_every_hook", "mark it with"),
        ("import memex\n@memex.hookimpl\ndef memex_policies(): return []", "it_offers_or_listens", "nothing"),
        ("import memex\n@memex.hookimpl\ndef memex_policies(): return 42", "it_offers_or_listens", "int 42"),
    ],
)  # fmt: skip
def test_code_that_breaks_a_promise(failures, code, promise, said):
    broken = failures(code)
    (found,) = [name for name in broken if name.startswith(promise)]
    assert said in broken[found]


@pytest.mark.parametrize(
    ("changes", "promise", "said"),
    [
        ({"distribution": "memex"}, "its_names_agree", "memex is not a name for a plugin"),
        ({"distribution": "memex-other"}, "its_names_agree", "do not agree"),
        ({"module": "memex_other"}, "its_names_agree", "do not agree"),
        ({"requires": "memex>=1"}, "it_requires_the_host", "a stranger's package"),
        ({"requires": "pluggy"}, "it_requires_the_host", "does not require 'memex-core'"),
        ({"readme": ""}, "it_brings_its_readme", "no description"),
        ({"files": ["memex/plugins/own.py"]}, "it_installs_nothing_into_the_host", "memex/plugins/own.py"),
    ],
)
def test_packaging_that_breaks_a_promise(failures, changes, promise, said):
    broken = failures(**changes)
    (found,) = broken
    assert found.startswith(promise)
    assert said in broken[found]


def test_a_third_party_may_use_a_name_of_its_own(failures):
    assert failures(distribution="acme-memory", module="acme_memory") == {}


def test_a_plugin_that_is_not_installed_is_told_how_to_be(failures):
    broken = failures(name="other")
    assert "[project.entry-points.memex]" in broken["it_is_found_through_its_entry_point"]


def test_a_plugin_that_only_listens_keeps_every_promise(failures):
    assert failures("import memex\n@memex.hookimpl\ndef memex_message_stored(entry): ...") == {}


@pytest.mark.parametrize("hook", ["memex_message_stored", "memex_messages_forgotten"])
@pytest.mark.parametrize("takes", ["handle", "handle=None", "thread, handle=None"])
def test_an_argument_that_a_hook_gained_may_be_taken_with_a_default_or_without(failures, hook, takes):
    assert failures(f"import memex\n@memex.hookimpl\ndef {hook}({takes}): ...") == {}


def test_a_slow_import_breaks_no_promise_because_a_busy_machine_is_no_fault(failures, monkeypatch):
    monkeypatch.setattr("memex._loader.SLOW_SECONDS", 0.0)
    assert failures() == {}
