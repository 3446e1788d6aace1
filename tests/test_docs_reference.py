"""The reference says what the code says: hooks, names, errors, settings and commands."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import types
from pathlib import Path
from typing import get_args

import pytest

import memex
from memex import Hooks, Memex, _errors, _explain, _guard, hookspecs
from memex._hooks import LISTENERS
from memex._loader import load
from memex._plugin import Stage

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference"
HOOKS = {name: hook for name, hook in vars(hookspecs).items() if name.startswith("memex_")}


def read(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


def test_the_generated_parts_are_current(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MEMEX_DISABLE")  # the reference is of all plugins
    script = [sys.executable, "docs/generate.py", "--check"]
    done = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"run python docs/generate.py\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_is_a_heading_with_its_exact_arguments(name: str) -> None:
    headings = re.findall(r"^### (memex_.*)$", read("hooks.md"), re.M)
    arguments = ", ".join(inspect.signature(HOOKS[name]).parameters)
    assert headings.count(f"{name}({arguments})") == 1


def test_no_hook_is_described_that_is_not_there() -> None:
    described = re.findall(r"^### (\w+)", read("hooks.md"), re.M)
    assert described == list(HOOKS)


@pytest.mark.parametrize("name", HOOKS)
def test_the_example_of_every_hook_is_a_plugin_that_loads(name: str) -> None:
    doc = inspect.getdoc(HOOKS[name]) or ""
    example = inspect.cleandoc(doc.partition("Example::")[2])
    plugin = types.ModuleType(name)
    plugin.memex = memex  # type: ignore[attr-defined] - what the page imports for all of them
    plugin.click = pytest.importorskip("click", reason="the example of a command needs click")  # type: ignore[attr-defined]
    exec(example, vars(plugin))
    loaded = load(extra=[plugin], entry_points=False)
    hooks = Hooks(loaded)
    kind = name.removeprefix("memex_")
    assert [str(problem) for problem in loaded.problems] == []
    assert hooks.listens(kind) if name in LISTENERS else len(hooks.offers(kind)) == 1
    assert hooks.problems == []


def test_every_public_name_is_in_the_reference() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", read("names.md"), re.M)
    drawn = re.findall(r"^[│├└─ ]*(\w+) ", read("errors.md"), re.M)
    assert sorted(name for name in memex.__all__ if name not in drawn) == sorted(listed)


def test_every_error_is_where_its_docstring_draws_it() -> None:
    drawn: dict[str, str] = {}
    above: dict[int, str] = {}
    for indent, name in re.findall(r"^ {4}([│├└─ ]*)(\w+)", _errors.__doc__ or "", re.M):
        depth = len(indent) // 4
        above[depth] = name
        drawn[name] = above.get(depth - 1, "")
    public = {name: cls for name, cls in vars(_errors).items() if getattr(memex, name, None) is cls}
    real = {name: _public_parent(cls) for name, cls in public.items() if isinstance(cls, type)}
    assert drawn == real


def _public_parent(cls: type) -> str:
    parents = [parent.__name__ for parent in cls.__mro__[1:] if hasattr(memex, parent.__name__)]
    return parents[0] if parents else ""


def test_every_setting_has_a_row() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(MEMEX_\w+)` \|", read("settings.md"), re.M)
    settings = [name for name in inspect.signature(Memex).parameters if name != "plugins"]
    assert rows == [(name, f"MEMEX_{name.upper()}") for name in settings]


def test_every_reason_of_a_plan_has_a_row() -> None:
    assert re.findall(r"^\| `([\w-]+)` \|", read("reasons.md"), re.M)[-len(_explain.REASONS) :] == list(
        _explain.REASONS
    )


def test_every_law_of_the_guard_is_explained() -> None:
    guard = inspect.getsource(_guard) + inspect.getsource(memex.Window)
    codes = {code for pair in re.findall(r'yield "([\w-]+)",|law="([\w-]+)"', guard) for code in pair if code}
    laws = (ROOT / "docs" / "explanation" / "laws.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([\w-]+)` \|", laws, re.M)) == codes


def test_every_stage_of_a_problem_is_explained() -> None:
    page = (ROOT / "docs" / "how-to" / "bad-plugin.md").read_text(encoding="utf-8")
    first_cells = re.findall(r"^\| (`.*?`) \|", page, re.M)
    assert sorted(re.findall(r"`(\w+)`", " ".join(first_cells))) == sorted(get_args(Stage))
