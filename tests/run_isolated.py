"""Runs each plugin's tests with only that plugin and the host installed, from built wheels.

    python tests/run_isolated.py [memex-fifo ...]

Every plugin gets an empty environment of its own, outside this tree, so that nothing is found by luck:
neither another plugin nor a source folder. Its tests are copied there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
INI = """[pytest]
addopts = --import-mode=importlib --strict-markers --strict-config -q
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
filterwarnings = error
"""


def build_wheels(folder: Path) -> None:
    """Build the wheels of the host and of every plugin into ``folder``."""
    parts = [ROOT, *sorted((ROOT / "plugins").glob("memex-*"))]
    _run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", folder, *parts)


def run_alone(plugin: str, wheels: Path, folder: Path) -> int:
    """Return the exit status of a plugin's tests in an environment with only it and the host."""
    place = folder / plugin
    venv.create(place, with_pip=True)
    python = place / "bin" / "python"
    [host] = wheels.glob("memex_core-*.whl")
    [wheel] = wheels.glob(f"{plugin.replace('-', '_')}-*.whl")
    constraints = ROOT / "constraints.txt"
    packages = [f"{host}[testing]", f"{wheel}[test]", "pytest-asyncio"]
    _run(python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-c", constraints, *packages)
    tests = folder / f"{plugin}-tests"
    shutil.copytree(ROOT / "plugins" / plugin / "tests", tests)
    (tests / "pytest.ini").write_text(INI)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment.setdefault("CI", "true")  # hypothesis then sets no time limit for an example
    return subprocess.run(
        [python, "-P", "-m", "pytest", "."], cwd=tests, env=environment, check=False
    ).returncode


def _run(*command: object) -> None:
    subprocess.run([str(word) for word in command], check=True)


def main(plugins: list[str]) -> int:
    """Test the plugins that are named, or all of them; return 1 if any failed."""
    chosen = plugins or sorted(path.name for path in (ROOT / "plugins").glob("memex-*"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build_wheels(folder / "wheels")
        failed = [plugin for plugin in chosen if _announced(plugin, folder)]
    print(
        "alone with the host:",
        f"{', '.join(failed)} failed" if failed else f"all of {', '.join(chosen)} pass",
    )
    return int(bool(failed))


def _announced(plugin: str, folder: Path) -> int:
    print(f"== {plugin} alone with the host", flush=True)
    return run_alone(plugin, folder / "wheels", folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
