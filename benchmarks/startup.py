"""What does it cost to start, in CPU time, against the bare interpreter and against peers?

Every figure is the median CPU time (user and system) of fresh processes. memex with its starter
plugins, and each peer, is measured in an environment of its own, made under ``--environments`` with
pip: memex's anew each time from this tree, the peers' once. A peer that cannot be installed is
reported as absent.

    python benchmarks/startup.py [--runs 15] [--environments build/environments] [--no-peers]
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

READY = "from memex import Memex, Message; m = Memex({store!r}); t = m.thread('t'); "
# What is measured: its code, and the most CPU time in ms that it may take.
LIMITS = {
    "import memex, over bare": ("import memex", 10.0),
    "Memex('inmemory:') ready to append": (READY.format(store="inmemory:"), 100.0),
    "Memex('sqlite:new.db') ready to append": (READY.format(store="sqlite:new.db"), 150.0),
    "Memex('sqlite:old.db') ready to append": (READY.format(store="sqlite:old.db"), 150.0),
    "memex --help": (
        "import sys; sys.argv = ['memex', '--help']; from memex_cli.main import main; main()",
        200.0,
    ),
}
ROOT = Path(__file__).parents[1]
STARTER = ("cli", "inmemory", "sqlite", "fifo", "recall", "quote")
PEERS = {
    "llm": "import llm",
    "openai-agents": "import agents",
    "langchain-core": "from langchain_core.chat_history import InMemoryChatMessageHistory",
    "pydantic-ai-slim": "import pydantic_ai",
}


def cpu_ms(python: Path, code: str, runs: int, folder: Path) -> float | None:
    """Return the median CPU time of a fresh process in ms, None if it fails."""
    times = []
    for run in range(runs + 1):
        for left in folder.glob("new.db*"):
            left.unlink()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([python, "-c", code], cwd=folder, capture_output=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            print(done.stderr.decode()[-500:], file=sys.stderr)
            return None
        if run:  # the first one warms the disk cache
            times.append((after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) * 1e3)
    return round(statistics.median(times), 1)


def make_environment(place: Path, *requirements: str) -> Path | None:
    """Return the interpreter of an environment with these installed, None if it cannot be made."""
    python = place / "bin" / "python"
    if not python.exists():
        venv.create(place, with_pip=True)
    done = subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements],
        capture_output=True,
        check=False,
    )
    return None if done.returncode else python


def memex_python(place: Path) -> Path:
    """Return the interpreter of an environment with the host and the starter plugins of this tree."""
    plugins = [ROOT / "plugins" / f"memex-{name}" for name in STARTER]
    python = make_environment(place / "memex", "--force-reinstall", str(ROOT), *map(str, plugins))
    if python is None:
        sys.exit("memex could not be installed into its environment")
    return python


def main() -> int:
    """Print a table and JSON; fail if a limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--environments", type=Path, default=Path("build/environments"))
    parser.add_argument("--no-peers", action="store_true")
    options = parser.parse_args()
    place = options.environments.resolve()
    python = memex_python(place)
    results: dict[str, float | None] = {}
    failed = False
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bare = cpu_ms(python, "pass", options.runs, folder) or 0.0
        print(f"{'bare interpreter':45} {bare:8.1f} ms")
        for what, (code, limit) in LIMITS.items():
            if "old.db" in code:
                subprocess.run([python, "-c", code], cwd=folder, check=True)
            total = cpu_ms(python, code, options.runs, folder)
            taken = None if total is None else round(total - (bare if "over bare" in what else 0.0), 1)
            results[what] = taken
            over = taken is None or taken > limit
            failed |= over
            shown = "failed" if taken is None else f"{taken:8.1f} ms"
            print(f"{what:45} {shown}   at most {limit:.0f}{'   MISSED' if over else ''}")
        peers = {} if options.no_peers else measure_peers(place, options.runs, folder)
    ours = results["Memex('sqlite:new.db') ready to append"]
    ratios = {peer: round(ms / ours, 1) for peer, ms in peers.items() if ms and ours}
    for peer, ms in peers.items():
        times = f"{ms:8.1f} ms   {ratios.get(peer)} times ours with a store open" if ms else "absent"
        print(f"{'import of ' + peer:45} {times}")
    print(
        json.dumps(
            {"benchmark": "startup", "bare_ms": bare, "ms": results, "peers_ms": peers, "ratios": ratios}
        )
    )
    return int(failed)


def measure_peers(place: Path, runs: int, folder: Path) -> dict[str, float | None]:
    """Return the import time of each peer in its own environment; None where it is absent."""
    found: dict[str, float | None] = {}
    for name, code in PEERS.items():
        python = make_environment(place / name, name)
        found[name] = cpu_ms(python, code, runs, folder) if python else None
    return found


if __name__ == "__main__":
    sys.exit(main())
