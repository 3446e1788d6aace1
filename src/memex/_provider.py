"""What a plugin offers: a name, where to find it, and one line about it."""

from __future__ import annotations

import re

import msgspec

from memex._errors import ConfigError

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}\Z")
_TARGET = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*\Z")


class Provider(msgspec.Struct, frozen=True):
    """An offer. The target is imported on first use, never before.

    Attributes:
        name: What settings call it, such as ``"fifo"``: lower case letters, digits, ``-``, ``_``.
        target: A callable as ``"package.module:attribute"``; its parameters are the settings.
        summary: One line for a person.
        default: Of a policy: whether it is in the chain that is used where no chain is set. One that
            helps some conversations and not others is better named in a chain.
    """

    name: str
    target: str
    summary: str = ""
    default: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.match(self.name):
            raise ConfigError(f"{self.name!r} is no provider name: use a-z, 0-9, '-' and '_'")
        if not isinstance(self.target, str) or not _TARGET.match(self.target):
            raise ConfigError(
                f"provider {self.name!r}: the target {self.target!r} is not 'package.module:attribute'"
            )
