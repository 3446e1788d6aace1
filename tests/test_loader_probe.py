"""The probe: plugins are looked at from outside, whatever they do to the process that loads them."""

from __future__ import annotations

import sys

import pytest

from memex import _probe
from memex._discovery import scan
from memex._probe import look, probe


@pytest.fixture(autouse=True)
def _only_fakes(monkeypatch):
    """Leave out what else is installed, so that each child has little to do."""
    others = [p.distribution for p in scan()[0] if not p.distribution.startswith("memex-fake")]
    monkeypatch.setenv("MEMEX_DISABLE", ",".join(others))
    monkeypatch.delenv("MEMEX_STRICT", raising=False)


def names(result):
    return [plugin.name for plugin in result.plugins]


def fates(result):
    return {problem.plugin: (problem.stage, problem.message) for problem in result.problems}


def test_plugins_are_listed_with_offers_and_none_is_imported_here(fakes):
    fakes("good", "duplicate_name")
    result = probe()
    good, one, _ = result.plugins
    assert names(result) == ["fake-good", "fake-twin-one", "fake-twin-two"]
    assert (good.distribution, good.version, good.module) == ("memex-fake-good", "1.0", "memex_fake_good")
    assert good.offers == {"policies": ("fake-good",), "filters": ("fake-good",)}
    assert one.offers == {"stores": ("fake-twin",), "policies": ("fake-twin", "fake-one")}
    assert good.load_ms > 0
    assert "memex-fake-twin-one 1.0" in fates(result)["fake-twin-two"][1]
    assert not [name for name in sys.modules if name.startswith("memex_fake_")]


def test_problems_come_back_even_where_strict_is_set(fakes, monkeypatch):
    monkeypatch.setenv("MEMEX_STRICT", "1")
    fakes("good", "exits_at_import", "misspelt_hook", "returns_junk")
    result = probe()
    assert names(result) == ["fake-good", "fake-junk"]
    assert {plugin: stage for plugin, (stage, _) in fates(result).items()} == {
        "fake-exits": "import",
        "fake-misspelt": "check",
        "fake-junk": "offer",
    }


def test_a_plugin_that_ends_the_process_is_named_and_the_others_are_listed(fakes):
    fakes("good", "kills_process", "duplicate_name")
    result = probe()
    assert names(result) == ["fake-good", "fake-twin-one", "fake-twin-two"]
    assert fates(result)["fake-kills"] == ("import", "it ended the process with exit code 3")
    assert "fake-twin-two" in fates(result)  # the rest was still looked at together


def test_a_plugin_that_never_returns_is_named(fakes):
    fakes("good", "hangs")
    result = probe(timeout=5)  # the good one has to load in it, also on a busy machine
    assert names(result) == ["fake-good"]
    assert fates(result) == {"fake-hangs": ("import", "it did not load within 5 s")}


def install(folder, monkeypatch, code):
    """Write a plugin ``fake-own`` and put it on ``sys.path``."""
    info = folder / "memex_fake_own-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: memex-fake-own\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[memex]\nfake-own = memex_fake_own\n")
    (folder / "memex_fake_own.py").write_text(code)
    monkeypatch.syspath_prepend(folder)


def test_a_plugin_that_crashes_the_interpreter_is_named(tmp_path, monkeypatch, fakes):
    fakes("good")
    install(tmp_path, monkeypatch, "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    result = probe()
    assert names(result) == ["fake-good"]
    assert "crashed the process (Segmentation fault)" in fates(result)["fake-own"][1]


def test_a_plugin_that_prints_or_leaves_a_thread_running_does_no_harm(tmp_path, monkeypatch):
    code = """
import os, threading, time, memex
print("noise", flush=True)
os.write(1, b"more noise")
threading.Thread(target=time.sleep, args=(300,)).start()

@memex.hookimpl
def memex_policies():
    print("and more")
    return [memex.Provider("own", "memex_fake_own:x")]
"""
    install(tmp_path, monkeypatch, code)
    result = probe()
    assert [plugin.offers for plugin in result.plugins] == [{"policies": ("own",)}]
    assert result.problems == ()


def test_when_only_the_combination_fails_each_is_shown_as_it_is_alone(fakes, monkeypatch):
    fakes("good", "duplicate_name")
    monkeypatch.setattr(
        _probe, "_in_child", lambda names, *_: look(names) if len(names) == 1 else "crashed the process (x)"
    )
    result = probe()
    assert names(result) == ["fake-good", "fake-twin-one", "fake-twin-two"]
    assert "together it crashed the process (x)" in fates(result)[""][1]


def test_plugins_can_be_disabled(fakes):
    fakes("good", "kills_process")
    result = probe(disable=["fake-kills"])
    assert names(result) == ["fake-good"]
    assert result.problems == ()
    assert "fake-kills" in [point.name for point in result.disabled]


def test_a_file_in_the_working_folder_stands_in_for_no_module(fakes, tmp_path, monkeypatch):
    fakes("good")
    (tmp_path / "memex.py").write_text("raise SystemExit('the wrong memex')")
    (tmp_path / "pluggy.py").write_text("raise SystemExit('the wrong pluggy')")
    monkeypatch.chdir(tmp_path)
    assert names(probe()) == ["fake-good"]
