"""A chain: policies folded in order. The value of each goes to the next."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import msgspec

from memex._errors import PolicyFailed, PolicyViolation
from memex._guard import check_step
from memex._plan import PolicyRef, Size, Step
from memex._plugin import label
from memex._ranking import Ranking, is_ranker
from memex._selecting import Selection
from memex._window import Window

Policy = Callable[[Window], Window]
OnError = Literal["raise", "skip"]


class Link(msgspec.Struct, frozen=True):
    """A policy in its place in the chain.

    Attributes:
        name: What settings call it.
        policy: The callable.
        settings: What it was built with, as JSON values.
        plugin: Distribution it comes from.
        version: Version of that.
        why: Why it stands where it stands, for ``memex chain``.
    """

    name: str
    policy: Policy
    settings: Mapping[str, Any] = {}
    plugin: str = ""
    version: str = ""
    why: str = ""

    @property
    def ref(self) -> PolicyRef:
        """What a plan keeps of it."""
        return PolicyRef(policy=self.name, plugin=self.plugin, version=self.version, settings=self.settings)

    def __str__(self) -> str:
        return label(self.name, self.plugin, self.version)


class Chain(msgspec.Struct, frozen=True):
    """Policies in order."""

    links: tuple[Link, ...] = ()

    def __iter__(self) -> Iterator[Link]:
        return iter(self.links)

    def __len__(self) -> int:
        return len(self.links)

    def __str__(self) -> str:
        return " ▸ ".join(link.name for link in self.links) or "(no policy)"

    def run(
        self, window: Window, *, on_error: OnError, fresh: Callable[[Window], int]
    ) -> tuple[Window, list[Step], list[float]]:
        """Fold the window through every policy.

        Args:
            window: The opened window.
            on_error: Whether a failing policy stops the call or is skipped.
            fresh: Counts the fresh tokens of a window.

        Where policies ranked, the selection is a step of its own after the last of them. What the
        chain left free is filled by one more, which is in the plan where it quotes something.

        Returns:
            The last window, one step per policy, and the milliseconds each took.

        Raises:
            PolicyFailed: If a policy raised and ``on_error`` is ``"raise"``.
            PolicyViolation: If it broke a law, likewise.
        """
        steps: list[Step] = []
        times: list[float] = []
        selected: tuple[Ranking, ...] = ()
        selection = Selection()

        def take(link: Link, *, told: bool = True) -> None:
            nonlocal window
            started = time.perf_counter()
            given = window.replace(changes=())
            error: str | None = None
            try:
                window = _apply(link, given)
            except (PolicyFailed, PolicyViolation) as failure:
                if on_error == "raise":
                    raise
                window, error = given, str(failure)
            if not told and window is given and error is None:
                return
            times.append(round((time.perf_counter() - started) * 1e3, 3))
            steps.append(_step(link, given, window, fresh(window), error))

        for link in (*self.links, None):
            if window.rankings != selected and not (link and is_ranker(link.policy)):
                selected = window.rankings
                take(_own("select", selection.select, "packs what the rankings before it found"))
            if link:
                take(link)
        if selected:
            take(_own("fill", selection.fill, "quotes more in what was left free"), told=False)
        return window, steps, times


def _own(name: str, policy: Policy, why: str) -> Link:
    """Return a step of the host itself."""
    return Link(name=name, policy=policy, plugin="memex-core", why=why)


def _apply(link: Link, given: Window) -> Window:
    try:
        return check_step(given, link.policy(given))
    except PolicyViolation as error:
        raise PolicyViolation(
            f"policy {link} broke a law of memex ({error.law}): {error}",
            law=error.law,
            plugin=link.plugin,
            version=link.version,
        ) from error
    except (Exception, SystemExit) as error:
        raise PolicyFailed(
            f"policy {link} failed: {type(error).__name__}: {error}",
            plugin=link.plugin,
            version=link.version,
        ) from error


def size_of(window: Window) -> Size:
    """Return the size of a window as a plan records it."""
    return Size(messages=len(window), tokens=window.tokens)


def _step(link: Link, before: Window, after: Window, fresh: int, error: str | None) -> Step:
    return Step(
        policy=link.name,
        plugin=link.plugin,
        version=link.version,
        before=size_of(before),
        after=size_of(after),
        fresh_tokens=fresh,
        changes=after.changes,
        error=error,
    )
