"""Habits of the repository: what every plugin has, and what no file does."""

from __future__ import annotations

import ast
import configparser
import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import memex

ROOT = Path(__file__).parents[1]
PLUGINS = sorted(path.parent.name for path in ROOT.glob("plugins/memex-*/pyproject.toml"))
SOURCES = sorted([*ROOT.glob("src/**/*.py"), *ROOT.glob("plugins/*/src/**/*.py")])
MOST_LINES = 400
LIGHT = {"__future__", "collections.abc", "typing", "memex"}


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def toml(name: str) -> dict[str, Any]:
    return tomllib.loads(read(name))


def module_of(plugin: str) -> str:
    return plugin.replace("-", "_")


def offers_commands(plugin: str) -> bool:
    return "def memex_commands(" in read(f"plugins/{plugin}/src/{module_of(plugin)}/__init__.py")


def test_there_are_plugins_and_sources() -> None:
    assert len(PLUGINS) >= 6
    assert len(SOURCES) > 50


def test_every_folder_of_plugins_is_a_plugin() -> None:
    folders = {path.name for path in (ROOT / "plugins").iterdir() if path.is_dir()}
    assert folders == set(PLUGINS)


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_plugin_is_complete(plugin: str) -> None:
    folder = ROOT / "plugins" / plugin
    assert (folder / "src" / module_of(plugin) / "py.typed").is_file()
    assert (folder / "README.md").read_text(encoding="utf-8").startswith(f"# {plugin}\n\n")
    assert list((folder / "tests").glob("test_*.py"))
    assert [path.name for path in (folder / "src").iterdir() if path.suffix != ".egg-info"] == [
        module_of(plugin)
    ]


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_plugin_says_what_it_is_as_the_others_do(plugin: str) -> None:
    project = toml(f"plugins/{plugin}/pyproject.toml")["project"]
    host = toml("pyproject.toml")["project"]
    assert project["name"] == plugin
    assert project["entry-points"] == {"memex": {plugin.removeprefix("memex-"): module_of(plugin)}}
    for field in ("version", "license", "requires-python"):
        assert project[field] == host[field], field
    assert project["readme"] == "README.md"


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_plugin_requires_the_host_and_never_a_strangers_package(plugin: str) -> None:
    project = toml(f"plugins/{plugin}/pyproject.toml")["project"]
    extras = project.get("optional-dependencies", {}).values()
    everything = [*project["dependencies"], *(name for extra in extras for name in extra)]
    names = [re.split(r"[^\w-]", requirement, maxsplit=1)[0] for requirement in everything]
    minor = ".".join(memex.__version__.split(".")[:2])
    extra = "[commands]" if offers_commands(plugin) else ""
    assert "memex" not in names
    assert f"memex-core{extra}>={minor},<0.{int(minor.split('.')[1]) + 1}" in project["dependencies"]
    assert {name for name in names if name.startswith("memex")} == {"memex-core"}


@pytest.mark.parametrize("plugin", PLUGINS)
def test_the_top_module_of_a_plugin_imports_next_to_nothing(plugin: str) -> None:
    path = ROOT / "plugins" / plugin / "src" / module_of(plugin) / "__init__.py"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = set()
    for statement in tree.body:
        if isinstance(statement, ast.Import):
            imported |= {alias.name for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom):
            imported.add(statement.module or ".")
    assert imported <= LIGHT
    assert any(isinstance(s, ast.FunctionDef) and s.name.startswith("memex_") for s in tree.body)


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_plugin_is_known_wherever_plugins_are_listed(plugin: str) -> None:
    module = module_of(plugin)
    linter = configparser.ConfigParser()
    linter.read(ROOT / ".importlinter")
    host = toml("pyproject.toml")
    assert f"(../../plugins/{plugin}/README.md)" in read("docs/reference/plugins.md")
    assert f"`{plugin}`" in read("CHANGELOG.md")
    assert module in linter["importlinter"]["root_packages"].split()
    assert module in linter["importlinter:contract:host"]["forbidden_modules"].split()
    assert module in linter["importlinter:contract:independence"]["modules"].split()
    assert f"plugins/{plugin}/src" in host["tool"]["mypy"]["mypy_path"].split(":")
    assert host["tool"]["uv"]["sources"][plugin] == {"workspace": True}


def test_make_installs_every_plugin_and_the_starter_set_is_the_extra() -> None:
    makefile = read("Makefile")
    starter = re.search(r"^STARTER := (.*)$", makefile, re.M)
    extra = toml("pyproject.toml")["project"]["optional-dependencies"]["starter"]
    assert "PLUGINS := $(sort $(wildcard plugins/memex-*))" in makefile
    assert starter is not None
    assert sorted(starter[1].split()) == sorted(extra)
    assert set(extra) <= set(PLUGINS)


def test_the_host_has_one_version_and_a_changelog() -> None:
    changelog = re.findall(r"^## (.*)$", read("CHANGELOG.md"), re.M)
    assert toml("pyproject.toml")["project"]["version"] == memex.__version__
    assert changelog[0] == "Unreleased"


def test_no_file_is_too_long_to_live_in() -> None:
    lengths = {path.relative_to(ROOT).as_posix(): len(path.read_bytes().splitlines()) for path in SOURCES}
    assert {path: lines for path, lines in lengths.items() if lines > MOST_LINES} == {}


def test_names_of_modules_say_what_is_in_them() -> None:
    vague = {"manager", "helper", "helpers", "util", "utils", "base", "common"}
    assert [str(path.relative_to(ROOT)) for path in SOURCES if vague & set(path.stem.split("_"))] == []


def test_the_host_prints_nothing() -> None:
    kit = ROOT / "src" / "memex" / "testing"  # what its tests print, pytest shows
    calls = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in ROOT.glob("src/**/*.py")
        if kit not in path.parents
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert calls == []


def test_names_of_test_files_are_unique() -> None:
    """Also of the modules that tests share: they are imported by name, from one path."""
    found = [*ROOT.glob("tests/*.py"), *ROOT.glob("plugins/*/tests/*.py")]
    names = Counter(path.name for path in found if path.name not in ("conftest.py", "__init__.py"))
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("path", sorted(ROOT.glob("plugins/*/src/**/*.py")), ids=lambda path: path.stem)
def test_a_plugin_imports_only_the_public_names_of_the_host(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "memex":
            assert node.module in (
                "memex",
                "memex.commands",
                "memex.hookspecs",
                "memex.wire",
            ) or node.module.startswith("memex.testing")
            names = [name.name for name in node.names]
            assert not [name for name in names if name.startswith("_") and name != "__version__"]
        if isinstance(node, ast.Import):
            assert not [name.name for name in node.names if name.name.startswith("memex._")]
