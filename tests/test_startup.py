"""Start-up: what comes into a fresh process. Counted in modules, which no busy machine can change."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from memex._discovery import discover
from memex.testing.plugin import HEAVY, modules_loaded_by

FIRST_PARTY = sorted(
    path.parent.name.removeprefix("memex-")
    for path in (Path(__file__).parents[1] / "plugins").glob("memex-*/pyproject.toml")
)


def brought_by(run, code: str, *cases: str) -> set[str]:
    """Return the modules that ``code`` brings into a process."""
    wrapped = (
        "import sys; before = set(sys.modules)\n"
        f"{code}\n"
        "new = sorted(set(sys.modules) - before)\n"
        "import json; print(json.dumps(new))"
    )
    return set(json.loads(run(wrapped, *cases).splitlines()[-1]))


def top_level(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def test_import_memex_brings_two_modules(in_fresh_process):
    assert brought_by(in_fresh_process, "import memex") <= {"memex", "__future__"}


def test_listing_and_asking_for_the_version_bring_nothing_more(in_fresh_process):
    code = "import memex; dir(memex); memex.__version__; memex.__all__"
    assert brought_by(in_fresh_process, code) <= {"memex", "__future__"}


def test_a_message_needs_msgspec_and_no_plugin_machinery(in_fresh_process):
    modules = brought_by(in_fresh_process, "from memex import Message, Text; Message.user('x')")
    assert "msgspec" in modules
    assert not modules & {"pluggy", "importlib_metadata", "asyncio", "logging", "sqlite3"}


def test_what_a_plugin_needs_at_import_is_pluggy_and_msgspec(in_fresh_process):
    modules = brought_by(in_fresh_process, "from memex import Provider, hookimpl")
    assert {name for name in modules if name.startswith("memex")} <= {
        "memex", "memex._errors", "memex._provider", "memex.hookspecs"
    }  # fmt: skip
    assert not top_level(modules) & HEAVY
    assert len(modules) <= 100


def test_what_wire_backends_share_brings_no_sdk_and_no_event_loop(in_fresh_process):
    code = "import memex.wire; [getattr(memex.wire, name) for name in memex.wire.__all__]"
    assert brought_by(in_fresh_process, "import memex.wire") <= {"memex", "memex.wire", "__future__"}
    modules = brought_by(in_fresh_process, code)
    assert not top_level(modules) & (HEAVY - {"urllib", "importlib_metadata"})
    assert not modules & {"asyncio", "logging", "keyring", "tempfile"}


def test_what_commands_share_brings_click_and_only_when_it_is_used(in_fresh_process):
    assert brought_by(in_fresh_process, "import memex.commands; dir(memex.commands)") <= {
        "memex", "memex.commands", "__future__"
    }  # fmt: skip
    options = brought_by(in_fresh_process, "from memex.commands import every_option, given, note")
    assert {name for name in options if name.startswith("memex")} == {
        "memex", "memex.commands", "memex.commands._options", "memex.commands._terminal"
    }  # fmt: skip
    code = "import memex.commands; [getattr(memex.commands, name) for name in memex.commands.__all__]"
    modules = brought_by(in_fresh_process, code)
    assert not top_level(modules) & (HEAVY - {"click"})
    assert not modules & {"rich", "sqlite3", "logging"}


def test_loading_plugins_brings_no_sdk_and_few_modules(in_fresh_process):
    code = "from memex._loader import load; from memex._hooks import Hooks; Hooks(load()).plugins"
    modules = brought_by(in_fresh_process, code, "good")
    assert "memex_fake_good" in modules
    # Reading metadata is what importlib_metadata is for, and it brings these along.
    allowed = {"importlib_metadata", "email", "urllib"}
    assert not top_level(modules) & (HEAVY - allowed)
    assert not modules & {"logging", "difflib", "asyncio"}
    assert len(modules) <= 190


def test_discovery_imports_no_plugin(in_fresh_process):
    code = "from memex._discovery import discover; assert any(p.name == 'fake-good' for p in discover())"
    modules = brought_by(in_fresh_process, code, "good", "raises_at_import", "kills_process")
    assert not [name for name in modules if name.startswith("memex_")]


@pytest.mark.parametrize("name", FIRST_PARTY)
def test_the_top_module_of_a_first_party_plugin_is_light(name):
    if name not in [point.name for point in discover()]:
        pytest.skip(f"needs memex-{name} to be installed")
    modules = {module for module in modules_loaded_by(f"memex_{name}") if not module.startswith("memex.")}
    assert not top_level(modules) & HEAVY
    assert modules <= {f"memex_{name}", "__future__"}, "import the rest inside functions or in submodules"
