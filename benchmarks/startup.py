"""What does it cost to start, in CPU time, against the bare interpreter and against peers?

Every figure is the median CPU time (user and system) of fresh processes. memex with its starter
plugins, and each peer, is measured in an environment of its own, made under ``--environments`` with
pip: memex's anew each time from this tree, the peers' once. A peer that cannot be installed is
reported as absent. A second table is about memex-openai: what it costs to install, to import and to
send a first request, beside what others use for the same.

    python benchmarks/startup.py [--runs 15] [--environments build/environments] [--no-peers] [--no-wire]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import startup_wire
from fresh_processes import ROOT, cpu_ms, make_environment

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
STARTER = ("cli", "inmemory", "sqlite", "fifo", "recall", "quote")
PEERS = {
    "llm": "import llm",
    "openai-agents": "import agents",
    "langchain-core": "from langchain_core.chat_history import InMemoryChatMessageHistory",
    "pydantic-ai-slim": "import pydantic_ai",
}


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
    parser.add_argument("--no-wire", action="store_true", help="leave out memex-openai and its peers")
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
    if not options.no_wire:
        failed |= startup_wire.report(place, options.runs)
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
