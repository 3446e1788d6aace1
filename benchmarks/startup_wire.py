"""What do memex and memex-openai cost to install and to start, beside what others use for the same?

Each is installed with pip into an environment of its own, made anew. Printed of each: distributions
and megabytes on disk (without pip), the CPU time of importing it, and the CPU time until its first
request has left the process: a chat completion to a port on which nobody listens, retries off.
CPU time is user and system time of fresh processes, the median of the runs.
Printed by ``startup.py``.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fresh_processes import ROOT, cpu_ms, make_environment

URL = "http://127.0.0.1:9/v1"  # the discard port: refused at once
OURS = "memex-core, -openai, -inmemory"
# What to install, how it is imported, and how it makes its first request.
SUBJECTS: Mapping[str, tuple[tuple[str, ...], str, str | None]] = {
    OURS: (
        tuple(str(ROOT / part) for part in (".", "plugins/memex-openai", "plugins/memex-inmemory")),
        "import memex, memex_openai",
        f"""
from memex import Memex, Unavailable
backend = {{"use": "openai:gpt-x@{URL}", "api_key": "x", "attempts": 1}}
memory = Memex("inmemory:", backend=backend, chain=[])
try:
    memory.thread("t").send("hello")
except Unavailable:
    pass
""",
    ),
    "openai": (
        ("openai",),
        "import openai",
        f"""
from openai import APIConnectionError, OpenAI
client = OpenAI(api_key="x", base_url="{URL}", max_retries=0)
try:
    client.chat.completions.create(model="gpt-x", messages=[{{"role": "user", "content": "hello"}}])
except APIConnectionError:
    pass
""",
    ),
    "llm": (("llm",), "import llm", None),
    "langchain-openai": (
        ("langchain-openai",),
        "from langchain_openai import ChatOpenAI",
        f"""
from langchain_openai import ChatOpenAI
from openai import APIConnectionError
model = ChatOpenAI(model="gpt-x", api_key="x", base_url="{URL}", max_retries=0)
try:
    model.invoke("hello")
except APIConnectionError:
    pass
""",
    ),
    "litellm": (
        ("litellm",),
        "import litellm",
        f"""
import litellm
from openai import APIError
try:
    asked = [{{"role": "user", "content": "hello"}}]
    litellm.completion("openai/gpt-x", asked, api_base="{URL}", api_key="x", max_retries=0)
except APIError:
    pass
""",
    ),
}


def size_of(python: Path) -> tuple[int, float]:
    """Return how many distributions an environment has and their megabytes, without pip."""
    code = (
        "import importlib.metadata as m, json, os\n"
        "names, total = 0, 0\n"
        "for d in m.distributions():\n"
        "    if d.name.lower() in ('pip', 'setuptools', 'wheel'): continue\n"
        "    names += 1\n"
        "    for f in d.files or ():\n"
        "        p = d.locate_file(f)\n"
        "        total += os.path.getsize(p) if os.path.isfile(p) else 0\n"
        "print(json.dumps([names, total / 1e6]))"
    )
    found = json.loads(subprocess.run([python, "-c", code], capture_output=True, check=True).stdout)
    return int(found[0]), round(float(found[1]), 1)


def measure(name: str, place: Path, runs: int, folder: Path) -> dict[str, Any] | None:
    """Return the figures of one subject, None where it cannot be installed."""
    requirements, imported, first_request = SUBJECTS[name]
    environment = place / f"wire-{name.split(maxsplit=1)[0].strip(',')}"
    shutil.rmtree(environment, ignore_errors=True)
    python = make_environment(environment, *requirements)
    if python is None:
        return None
    distributions, megabytes = size_of(python)
    bare = cpu_ms(python, "pass", runs, folder) or 0.0
    importing = cpu_ms(python, imported, runs, folder)
    sending = cpu_ms(python, first_request, runs, folder) if first_request else None
    return {
        "distributions": distributions,
        "megabytes": megabytes,
        "import_ms": None if importing is None else round(importing - bare, 1),
        "first_request_ms": None if sending is None else round(sending - bare, 1),
    }


def report(place: Path, runs: int) -> bool:
    """Print a table and JSON; return whether memex could not be measured.

    Args:
        place: Folder of the environments.
        runs: Processes per figure.
    """
    results: dict[str, dict[str, Any] | None] = {}
    print(f"\n{'':31} {'distributions':>13} {'MB':>7} {'import':>10} {'first request':>14}")
    with tempfile.TemporaryDirectory() as folder:
        for name in SUBJECTS:
            found = results[name] = measure(name, place, runs, Path(folder))
            if found is None:
                print(f"{name:31} absent")
                continue
            first = "" if found["first_request_ms"] is None else f"{found['first_request_ms']:,.0f} ms"
            print(
                f"{name:31} {found['distributions']:13} {found['megabytes']:7} "
                f"{found['import_ms'] or 0:7,.0f} ms {first:>14}"
            )
    print(json.dumps({"benchmark": "startup, over a wire", "subjects": results}))
    ours = results[OURS]
    return ours is None or ours["first_request_ms"] is None
