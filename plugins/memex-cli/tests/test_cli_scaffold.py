"""New plugins: what is written, what is refused, and that nothing is written half."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from memex_cli.scaffold import KINDS, make_plugin

from memex import ConfigError

_AUTHORS = "From here on it is yours"


@pytest.mark.parametrize("kind", KINDS)
def test_a_package_is_whole_and_compiles(kind: str, apart: Path) -> None:
    files = make_plugin(kind, "my-first", apart)
    root = apart / "memex-my-first"
    assert {str(file.relative_to(root)) for file in files} == {
        "pyproject.toml",
        "README.md",
        "src/memex_my_first/py.typed",
        "src/memex_my_first/__init__.py",
        f"src/memex_my_first/{kind}.py",
        "tests/test_my_first_contract.py",
    }
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert "$" not in text
        if file.suffix == ".py":
            compile(text, str(file), "exec")
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["memex"] == {"my-first": "memex_my_first"}
    host = "memex-core[commands]>=" if kind == "command" else "memex-core>="
    assert [line for line in project["dependencies"] if line.startswith(host)]


def test_the_author_of_a_policy_writes_at_most_ten_lines(apart: Path) -> None:
    *_, code = make_plugin("policy", "my-first", apart)
    lines = code.read_text().splitlines()
    first = next(number for number, line in enumerate(lines) if _AUTHORS in line)
    last = lines.index("    return policy")
    assert 1 <= len([line for line in lines[first + 1 : last] if line.strip()]) <= 10


@pytest.mark.parametrize(
    "name", ["", "My-Policy", "a_b", "1st", "-a", "a-", "a--b", "core", "memex-core", "../x", "a" * 65, "é"]
)
def test_names_that_will_not_do(name: str, apart: Path) -> None:
    with pytest.raises(ConfigError, match="no name for a plugin"):
        make_plugin("policy", name, apart)
    assert not list(apart.iterdir())


def test_nothing_is_overwritten(apart: Path, bad: Callable[..., str]) -> None:
    (apart / "memex-mine").mkdir()
    assert "is there already; nothing was changed" in bad("init-plugin", "policy", "mine")
    assert not list((apart / "memex-mine").iterdir())


def test_a_folder_that_cannot_be_written_is_one_line(apart: Path, bad: Callable[..., str]) -> None:
    (apart / "file").write_text("")
    bad("init-plugin", "policy", "mine", "--dir", str(apart / "file"), code=2)
    if Path("/proc/self").is_dir():  # a folder in which nobody can make another
        assert "/proc" in bad("init-plugin", "policy", "mine", "--dir", "/proc/self")


def test_the_command_says_what_is_next(apart: Path, good: Callable[..., str]) -> None:
    told = good("init-plugin", "backend", "memex-parrot")
    assert "memex-parrot: your code goes into src/memex_parrot/backend.py" in told
    assert "pip install -e '.[test]' && pytest" in told
    plain = json.loads(good("init-plugin", "filter", "hush", "--json"))
    assert plain["files"][-1] == "src/memex_hush/filter.py"
