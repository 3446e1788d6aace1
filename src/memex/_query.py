"""What a person types into a search, taken apart the same way for every store."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from memex._errors import BadSetting, InvalidMessage
from memex._frozen import freeze
from memex._message import Message
from memex._terms import terms

_QUOTED = re.compile(r'"([^"]*)"(\*?)')


class Clause(NamedTuple):
    """One thing that a message has to hold: a word, a phrase, or the beginning of either.

    Attributes:
        words: Terms that stand one after the other, as :func:`memex.terms` gives them.
        prefix: Whether the last of them may go on.
    """

    words: tuple[str, ...]
    prefix: bool = False


def parse_query(query: str) -> tuple[Clause, ...]:
    """Return what a query asks for, each thing once. Every string is a query.

    ``deploy friday`` are two words; ``"deploy on friday"`` is a phrase; ``depl*`` is how a word
    begins, ``"deploy on fri"*`` how a phrase does. Anything else is a word, or nothing: there are
    no operators, and a quote without a partner is no quote.
    """
    return tuple(dict.fromkeys(_clauses(query)))


def _clauses(query: str) -> Iterator[Clause]:
    at = 0
    for quoted in _QUOTED.finditer(query):
        yield from _loose(query[at : quoted.start()])
        at = quoted.end()
        if words := terms(quoted.group(1)):
            yield Clause(tuple(words), prefix=bool(quoted.group(2)))
    yield from _loose(query[at:])


def _loose(text: str) -> Iterator[Clause]:
    if "*" not in text:
        yield from (Clause((word,)) for word in terms(text))
        return
    for chunk in text.split():
        words = terms(chunk)
        begun = words.pop() if words and chunk.endswith("*") else None
        yield from (Clause((word,)) for word in words)
        if begun is not None:
            yield Clause((begun,), prefix=True)


class Sieve(NamedTuple):
    """Which messages a search may find, besides those that hold its words.

    Attributes:
        roles: Only these; None for all.
        since: Only messages created at this moment or later.
        until: Only messages created before this moment.
        meta: Only messages whose notes have these values, compared as JSON.
    """

    roles: frozenset[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    meta: Mapping[str, Any] | None = None

    def checked(self) -> Sieve:
        """Return it, if it can be compared with a message.

        Raises:
            BadSetting: If a time has no zone, or a note is no JSON value.
        """
        for name, moment in (("since", self.since), ("until", self.until)):
            if moment is not None and moment.utcoffset() is None:
                raise BadSetting(f"{name}: {moment} has no time zone; say which, such as UTC")
        if self.meta is None:
            return self
        try:
            return self._replace(meta=freeze(self.meta))
        except InvalidMessage as error:
            raise BadSetting(f"meta: {self.meta!r} holds what is no JSON value: {error}") from error

    def accepts(self, message: Message) -> bool:
        """Tell whether a message may be found."""
        if self.roles is not None and message.role not in self.roles:
            return False
        if self.since is not None and message.created < self.since:
            return False
        if self.until is not None and message.created >= self.until:
            return False
        return self.meta is None or all(_same(message.meta, key, value) for key, value in self.meta.items())


def _same(meta: Mapping[str, Any], key: str, value: Any) -> bool:
    if key not in meta:
        return False
    # In JSON true is not 1, though Python's bool says so; 1 and 1.0 are the same number.
    return isinstance(meta[key], bool) == isinstance(value, bool) and bool(meta[key] == value)
