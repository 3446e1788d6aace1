"""What the host knows about a plugin: who it is, what it offers, and what went wrong with it."""

from __future__ import annotations

from typing import Literal

import msgspec

from memex._provider import Provider

IN_PROGRAM = "(in program)"

Stage = Literal[
    "discover", "import", "register", "check", "offer", "build", "listener", "filter", "policy", "slow"
]


def label(name: str, distribution: str, version: str = "") -> str:
    """Return how errors call a plugin or a provider: ``"fifo (memex-fifo 0.1.0)"``."""
    if distribution in ("", IN_PROGRAM):
        return f"{name} {distribution}".strip()
    return f"{name} ({f'{distribution} {version}'.strip()})"


def one_line(text: object, limit: int = 300) -> str:
    """Return ``text`` on one line, shortened to ``limit`` characters.

    Whatever a plugin raises ends up in a list that people read, so even an exception whose
    ``__str__`` fails, or gives a lone surrogate, must give a line that can be written as JSON.
    """
    try:
        line = " ".join(str(text).encode("utf-8", "backslashreplace").decode().split())
    except Exception:  # noqa: BLE001 - any error, it is a stranger's __str__
        line = f"this {type(text).__name__} cannot be shown"
    return line if len(line) <= limit else line[: limit - 3] + "..."


def describe(error: BaseException) -> str:
    """Return an exception as one line: ``"ValueError: no such file"``."""
    said = one_line(error)
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


class PluginInfo(msgspec.Struct, frozen=True):
    """A plugin that was loaded.

    Attributes:
        name: Its name: the entry point's, unique among the loaded plugins.
        distribution: The distribution that brought it, or ``"(in program)"``.
        version: Version of that distribution, empty when unknown.
        module: The module it lives in.
        load_ms: Milliseconds that importing and registering it took.
        offers: Names of its providers by kind, such as ``{"stores": ("sqlite",)}``; empty until
            it has been asked.
    """

    name: str
    distribution: str
    version: str
    module: str
    load_ms: float = 0.0
    offers: dict[str, tuple[str, ...]] = {}

    def __str__(self) -> str:
        """Name, distribution and version: ``fifo (memex-fifo 0.1.0)``."""
        return label(self.name, self.distribution, self.version)


class Problem(msgspec.Struct, frozen=True):
    """Something that went wrong with one plugin, while everything else went on.

    Attributes:
        plugin: Name of the plugin.
        distribution: Its distribution.
        version: Version of that distribution, empty when unknown.
        stage: What the host was doing with it.
        message: What happened and what to do, on one line.
    """

    plugin: str
    distribution: str
    version: str
    stage: Stage
    message: str

    def __str__(self) -> str:
        """One line: ``fifo (memex-fifo 0.1.0), import: ValueError: no such file``."""
        who = label(self.plugin, self.distribution, self.version)
        return f"{who}, {self.stage}: {one_line(self.message)}"


class Offer(msgspec.Struct, frozen=True):
    """A provider together with the plugin that offers it.

    Attributes:
        provider: What is offered.
        plugin: Who offers it.
    """

    provider: Provider
    plugin: PluginInfo

    def __str__(self) -> str:
        """Name, distribution and version: ``fifo (memex-fifo 0.1.0)``."""
        return label(self.provider.name, self.plugin.distribution, self.plugin.version)
