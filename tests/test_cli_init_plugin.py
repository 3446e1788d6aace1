"""Packages made by ``memex init-plugin``, installed for real: their tests pass and memex finds them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from memex_cli.scaffold import KINDS, make_plugin

NAMES = {kind: f"first-{kind}" for kind in KINDS} | {"policy": "my-policy"}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with everything of this one, and a new plugin of each kind."""
    folder = tmp_path_factory.mktemp("new plugins")
    venv = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(venv), "platbase": str(venv)}))
    here = sysconfig.get_path("purelib")
    (site / "everything_else.pth").write_text(f"import site; site.addsitedir({here!r})\n")
    packages = []
    for kind, name in NAMES.items():
        make_plugin(kind, name, folder)
        packages.append(str(folder / f"memex-{name}"))
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        f"--python={venv}",
        "install",
        "--no-deps",
    ]
    if find_spec("hatchling"):
        pip.append("--no-build-isolation")
    done = subprocess.run([*pip, "-q", *packages], capture_output=True, text=True, check=False)
    if "hatchling" in done.stderr and not find_spec("hatchling"):
        pytest.skip(f"needs hatchling, installed or from an index: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    return venv


@pytest.fixture
def run(environment: Path, tmp_path: Path) -> Callable[..., str]:
    """Run Python in the environment; gives what it prints."""

    def run(*arguments: str) -> str:
        settings = {name: value for name, value in os.environ.items() if not name.startswith("MEMEX_")}
        python = environment / ("Scripts" if os.name == "nt" else "bin") / "python"
        done = subprocess.run(
            [str(python), *arguments],
            cwd=tmp_path,
            env=settings
            | {"XDG_STATE_HOME": str(tmp_path / "state"), "MEMEX_DISABLE": "importance,semantic"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.mark.parametrize("kind", KINDS)
def test_its_own_tests_pass(kind: str, environment: Path, run: Callable[..., str]) -> None:
    package = environment.parent / f"memex-{NAMES[kind]}"
    told = run("-m", "pytest", "-q", "-p", "no:cacheprovider", str(package))
    assert " passed" in told


def test_a_policy_appears_in_the_chain(run: Callable[..., str]) -> None:
    program = "import sys; from memex_cli.main import main; main()"
    links = json.loads(run("-c", program, "chain", "--json"))
    assert ("my-policy", "memex-my-policy") in {(link["policy"], link["plugin"]) for link in links}
    exactly = json.loads(run("-c", program, "chain", "--json", "--chain", "{use = 'my-policy', most = 7}"))
    assert [link["settings"] for link in exactly] == [{"most": 7}]


def test_all_of_them_work_together(run: Callable[..., str]) -> None:
    program = "import sys; from memex_cli.main import main; main()"
    told = json.loads(run("-c", program, "plugins", "--json"))
    assert set(NAMES.values()) <= {plugin["name"] for plugin in told["plugins"]}
    assert told["problems"] == []
    store = f"{NAMES['store']}"
    answer = run("-c", program, "send", "password: hunter2", "--store", store, "--backend", NAMES["backend"])
    assert answer == "password: ***\n", "through the new filter, to the new model"


def test_a_command_is_one_of_the_program(run: Callable[..., str]) -> None:
    program = "import sys; from memex_cli.main import main; main()"
    name = NAMES["command"]
    assert f"  {name} " in run("-c", program, "--help")
    run("-c", program, "send", "hello", "--backend", NAMES["backend"], "--store", "sqlite:chats.db")
    told = run("-c", program, "--json", name, "--store", "sqlite:chats.db")
    assert json.loads(told) == {"user": 1, "assistant": 1}
