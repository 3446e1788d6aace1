"""Looks at the installed plugins from outside: a child process loads them, this one does not.

``python -m memex._probe`` loads every plugin, asks what it offers, and prints one JSON document.
:func:`probe` runs that, and survives a plugin that ends its process, crashes it or never returns:
then each plugin is looked at in a process of its own, and the culprit is named.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence

import msgspec

from memex._discovery import EntryPointInfo, scan
from memex._hooks import Hooks
from memex._loader import load
from memex._plugin import PluginInfo, Problem, one_line


class ProbeResult(msgspec.Struct, frozen=True):
    """What a look from outside found.

    Attributes:
        plugins: The plugins that load, in hook order, each with what it offers.
        problems: What went wrong, and with which plugin.
        disabled: Plugins that are installed and were left out on demand.
    """

    plugins: tuple[PluginInfo, ...] = ()
    problems: tuple[Problem, ...] = ()
    disabled: tuple[EntryPointInfo, ...] = ()


def probe(timeout: float = 30, *, disable: Iterable[str] = ()) -> ProbeResult:
    """Load the installed plugins in a child process and return what it found.

    Args:
        timeout: Seconds that a child may take before it is ended.
        disable: Plugins to leave out, by name or distribution; ``MEMEX_DISABLE`` adds to it.
    """
    unwanted = ",".join([*disable, os.environ.get("MEMEX_DISABLE", "")])
    answer = _in_child([], timeout, unwanted)
    if isinstance(answer, ProbeResult):
        return answer
    points, _ = scan()
    alone = {point: _in_child([point.name], timeout, unwanted) for point in points}
    culprits = tuple(
        Problem(point.name, point.distribution, point.version, "import", f"it {fate}")
        for point, fate in alone.items()
        if isinstance(fate, str)
    )
    harmless = [point.name for point, fate in alone.items() if not isinstance(fate, str)]
    rest = (_in_child(harmless, timeout, unwanted) if culprits else answer) if harmless else ProbeResult()
    if isinstance(rest, ProbeResult):
        return msgspec.structs.replace(rest, problems=culprits + rest.problems)
    # Each loads, all of them do not: show each as it is alone.
    together = Problem("", "", "", "import", f"{', '.join(harmless)} load one by one, but together it {rest}")
    found = [fate for fate in alone.values() if isinstance(fate, ProbeResult)]
    return ProbeResult(
        plugins=tuple(plugin for result in found for plugin in result.plugins),
        problems=(*culprits, together, *dict.fromkeys(p for result in found for p in result.problems)),
        disabled=tuple(point for result in found for point in result.disabled),
    )


def look(names: Sequence[str] = ()) -> ProbeResult:
    """Load the installed plugins in this process, or only those of these names."""
    points, problems = scan()
    hooks = Hooks(load(entry_points=[point for point in points if not names or point.name in names]))
    plugins = hooks.plugins
    return ProbeResult(plugins, (*problems, *hooks.problems), hooks.disabled)


def same_modules(**changes: str) -> dict[str, str]:
    """Return an environment in which a child process finds the modules that this one finds."""
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)  # noqa: PTH109 - needs a str
    return {**os.environ, "PYTHONPATH": path, **changes}


def _in_child(names: Sequence[str], timeout: float, unwanted: str) -> ProbeResult | str:
    """Return what a child process found, or how it ended instead of telling."""
    environment = same_modules(MEMEX_DISABLE=unwanted, MEMEX_STRICT="")
    # -P: a file in the working folder must not stand in for a module. Files instead of pipes: a
    # process that a plugin left behind would hold a pipe open for ever.
    command = [sys.executable, "-P", "-m", "memex._probe", *names]
    with tempfile.TemporaryFile() as document, tempfile.TemporaryFile() as chatter:
        child = subprocess.Popen(  # noqa: S603 - our own module, in our own interpreter
            command,
            stdin=subprocess.DEVNULL,
            stdout=document,
            stderr=chatter,
            env=environment,
            start_new_session=True,
        )
        try:
            code = child.wait(timeout)
        except subprocess.TimeoutExpired:
            return f"did not load within {timeout:g} s"
        finally:
            _end(child)
        document.seek(0)
        try:
            return msgspec.json.decode(document.read(), type=ProbeResult)
        except msgspec.DecodeError:
            chatter.seek(0)
            return _how_it_ended(code, chatter.read().decode(errors="replace"))


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        if hasattr(os, "killpg"):
            os.killpg(child.pid, signal.SIGKILL)  # with the processes that a plugin started
        else:
            child.kill()
        child.wait()


def _how_it_ended(code: int, chatter: str) -> str:
    if code < 0:
        return f"crashed the process ({signal.strsignal(-code)})"
    last = chatter.strip().rpartition("\n")[2]
    return f"ended the process with exit code {code}" + (f", saying: {one_line(last)}" if last else "")


def main(names: Sequence[str]) -> None:
    """Print what the plugins of these names, or all, offer and do wrong, as one JSON document."""
    out = os.dup(1)
    os.dup2(2, 1)  # a plugin that prints must not spoil the document
    with open(out, "wb") as document:  # noqa: PTH123 - a file descriptor, not a path
        document.write(msgspec.json.encode(look(names)))
    os._exit(0)  # a thread that a plugin left running must not keep this process alive


if __name__ == "__main__":
    main(sys.argv[1:])
