"""The group behind ``memex``: its commands are what plugins offer, listed without importing them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, cast

import click

from memex import ConfigError, Hooks, MemexError, Offer, PluginError, load_settings, load_target
from memex.commands import given, note
from memex_cli import COMMANDS
from memex_cli.failing import failures_as_one_line

WITHOUT_PLUGINS: Final = frozenset({"plugins", "doctor", "init-plugin"})
"""Commands that must work whatever is installed: they are found without loading any plugin."""


class MemexGroup(click.Group):
    """A group whose commands come from the ``memex_commands`` hook."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands: this plugin's first, then the others'."""
        own = [command.name for command in COMMANDS]
        others = {offer.provider.name for offer in _offers(ctx)} - set(own)
        return [*own, *sorted(others)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name in WITHOUT_PLUGINS:
            return _own(cmd_name)
        if cmd_name not in self.list_commands(ctx):
            return None
        try:
            return _loaded(_hooks(ctx).find("commands", cmd_name))
        except MemexError as error:
            raise failures_as_one_line(error) from error

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command; suggest one where there is none of that name."""
        name = args[0]
        if name not in WITHOUT_PLUGINS and not name.startswith("-") and name not in self.list_commands(ctx):
            raise _unknown(name, self.list_commands(ctx), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the plugins' own summaries."""
        own = {command.name for command in COMMANDS}
        with _quiet_log():
            others = [offer for offer in _offers(ctx) if offer.provider.name not in own]
        with formatter.section("Commands"):
            formatter.write_dl([(command.name, command.summary) for command in COMMANDS])
        if others:
            with formatter.section("Commands of other plugins"):
                formatter.write_dl(sorted(_described(others)))
        if problems := _hooks(ctx).problems:
            note(f"{len(problems)} problem(s) with plugins; 'memex plugins' names them")

    def make_context(self, *args: Any, **settings: Any) -> click.Context:
        """Read the options; ``--help`` and ``--version`` print here, and printing can fail."""
        with _one_line():
            return super().make_context(*args, **settings)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; whatever goes wrong becomes one line and an exit code."""
        with _one_line(), _problems_noted(ctx), _quiet_log():
            result = super().invoke(ctx)
            sys.stdout.flush()
        return result


@contextmanager
def _one_line() -> Iterator[None]:
    try:
        yield
    except BaseException as error:  # an interrupt has an exit code of its own
        failure = failures_as_one_line(error)
        if failure is error:
            raise
        raise failure from error


@contextmanager
def _problems_noted(ctx: click.Context) -> Iterator[None]:
    """Note for ``memex plugins`` what plugins did wrong in the memories that the command opened."""
    try:
        yield
    finally:
        if problems := ctx.meta.get("memex.problems"):
            from memex_cli.journal import note_problems

            note_problems(problems)


@contextmanager
def _quiet_log() -> Iterator[None]:
    """Keep Python's logging from printing what the program says in its own words."""
    import logging

    silent, logger = logging.NullHandler(), logging.getLogger("memex")
    logger.addHandler(silent)
    try:
        yield
    finally:
        logger.removeHandler(silent)


def _described(offers: Iterable[Offer]) -> Iterable[tuple[str, str]]:
    for offer in offers:
        yield offer.provider.name, f"{offer.provider.summary} ({offer.plugin.distribution})".strip()


def _hooks(ctx: click.Context) -> Hooks:
    key = "memex_cli.hooks"
    if key not in ctx.meta:
        try:
            disable = load_settings(given("settings", ctx)).get("disable", ())
        except ConfigError:
            disable = ()  # the command itself will say what is wrong with the settings
        ctx.meta[key] = Hooks.installed(disable=disable)
    return cast("Hooks", ctx.meta[key])


def _offers(ctx: click.Context) -> tuple[Offer, ...]:
    return _hooks(ctx).offers("commands")


def _own(name: str) -> click.Command:
    from importlib import import_module

    target = next(command.target for command in COMMANDS if command.name == name)
    module, _, attribute = target.partition(":")
    return cast("click.Command", getattr(import_module(module), attribute))


def _loaded(offer: Offer) -> click.Command:
    target = load_target(offer)
    if not isinstance(target, click.Command):
        raise PluginError(
            f"{offer}: {offer.provider.target} is a {type(target).__name__}, not a click command",
            plugin=offer.plugin.name,
            version=offer.plugin.version,
        )
    return target


def _unknown(name: str, known: Iterable[str], ctx: click.Context) -> click.UsageError:
    from difflib import get_close_matches

    close = get_close_matches(name, list(known), n=1)
    hint = f" Did you mean {close[0]!r}?" if close else " 'memex --help' lists what there is."
    return click.UsageError(f"there is no command {name!r}.{hint}", ctx)
