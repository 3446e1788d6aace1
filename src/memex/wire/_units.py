"""What of a message a caller sends back, piece by piece, so that it can be recognised."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec

from memex._frozen import thaw
from memex._message import Message
from memex._parts import Media, Opaque, Part, Refusal, Text, ToolCall, ToolResult

Kind = Literal["user", "assistant", "results", "system"]
_KINDS: dict[str, Kind] = {"developer": "system", "tool": "user"}


class Unit(msgspec.Struct, frozen=True):
    """A piece of a conversation that is known or not as a whole.

    A user's message is one unit for each of its parts, as some formats merge the messages of one
    speaker. An answer is one unit. Tool results that stand together are one, in whatever order.

    Attributes:
        kind: Who speaks.
        print: What it says, comparable: no ids of messages, no times, no thoughts, white space at
            the ends or order of keys. For results, a set of such, one for each result.
        pieces: The messages it comes from, each with those of its parts that belong here.
        seq: Place of its last message in the log; 0 for what was sent.
        gone: Whether its text was forgotten, so that any text of its kind is the same.
        whole: Whether it is complete; an answer that was cut off may come back longer, or not at all.
    """

    kind: Kind
    print: Any
    pieces: tuple[tuple[Message, tuple[Part, ...]], ...]
    seq: int = 0
    gone: bool = False
    whole: bool = True

    @property
    def shown(self) -> str:
        """Its words, short, for an error."""
        text = " ".join(part.text for _, parts in self.pieces for part in parts if isinstance(part, Text))
        names = [part.name for _, parts in self.pieces for part in parts if isinstance(part, ToolCall)]
        text = " ".join(text.split()) or (f"a call of {', '.join(names)}" if names else f"({self.kind})")
        return repr(text if len(text) <= 60 else text[:57] + "...")

    def same(self, other: Unit, *, exactly: bool = False) -> bool:
        """Say whether this, which was sent, is that piece of the log.

        Of results some may be missing, unless it has to be the same ``exactly``.
        """
        if self.kind != other.kind:
            return False
        if other.gone or self.print == other.print:
            return True
        if self.kind == "results" and not exactly:
            return bool(self.print <= other.print)
        if self.kind == "assistant" and not (self.whole and other.whole):
            one, two = self.print[0], other.print[0]
            return bool(one and two) and (one.startswith(two) or two.startswith(one))
        return False

    def without(self, known: Unit) -> Unit | None:
        """Return the results that ``known`` has not; None where that is not a part of these."""
        if self.kind != "results" or known.kind != "results" or not known.print <= self.print:
            return None
        new = [(m, tuple(p for p in parts if _print_of(p) not in known.print)) for m, parts in self.pieces]
        return Unit("results", self.print - known.print, tuple((m, parts) for m, parts in new if parts))


def units_of(messages: Iterable[tuple[int, Message]]) -> Iterator[Unit]:
    """Yield the units of messages in the order of a conversation, with the places they have in the log."""
    run: list[Unit] = []
    for seq, message in messages:
        for unit in _units(seq, message):
            if unit.kind == "results":
                run.append(unit)
                continue
            yield from _merged(run)
            run = []
            yield unit
    yield from _merged(run)


def covered(sent: Unit, known: Iterable[Unit], *, backwards: bool, exactly: bool = False) -> int:
    """Return for how many units of the log one that was sent stands, from the first of them on; 0 for none.

    For several only if they are whole answers next to each other: who begins an answer for the model sends
    the beginning first, and may send it and what followed back as one message.

    Args:
        sent: What was sent.
        known: Units of the log.
        backwards: Whether these come newest first.
        exactly: As in :meth:`Unit.same`.
    """
    run: list[Unit] = []
    room = len(sent.print[0]) if sent.kind == "assistant" else 0
    for unit in known:
        if not run and sent.same(unit, exactly=exactly):
            return 1
        if not sent.kind == unit.kind == "assistant" or unit.gone or not unit.whole:
            return 0
        run.append(unit)
        room -= len(unit.print[0])
        if room < 0:
            return 0
        ordered = run[::-1] if backwards else run
        if len(run) > 1 and sent.print == _answer(
            p for one in ordered for _, parts in one.pieces for p in parts
        ):
            return len(run)
    return 0


def messages_of(units: Iterable[Unit]) -> list[Message]:
    """Return the messages that units come from, with those of their parts only that are in the units."""
    parts_of: dict[int, list[Part]] = {}
    messages: dict[int, Message] = {}
    for unit in units:
        for message, parts in unit.pieces:
            messages[id(message)] = message
            parts_of.setdefault(id(message), []).extend(parts)
    made = []
    for key, message in messages.items():
        chosen = {id(part) for part in parts_of[key]}
        kept = tuple(part for part in message.parts if id(part) in chosen or not _is_compared(part, message))
        made.append(message if kept == message.parts else message.replace(parts=kept))
    return made


def _merged(run: list[Unit]) -> Iterator[Unit]:
    if run:
        prints = frozenset(one for unit in run for one in unit.print)
        pieces = tuple(piece for unit in run for piece in unit.pieces)
        yield Unit("results", prints, pieces, run[-1].seq, any(unit.gone for unit in run))


def _units(seq: int, message: Message) -> Iterator[Unit]:
    kind: Kind = _KINDS.get(message.role) or message.role  # type: ignore[assignment]
    gone = message.status == "forgotten"
    if kind == "assistant" or gone or not message.parts:
        if message.role == "tool":
            kind = "results"
        empty: Any = frozenset() if kind == "results" else _answer(message.parts)
        yield Unit(kind, empty, ((message, message.parts),), seq, gone, message.status == "complete")
        return
    compared = [part for part in message.parts if _is_compared(part, message)]
    if not compared:
        yield Unit(kind, (message.name, ("text", "")), ((message, message.parts),), seq)
    for part in compared:
        if isinstance(part, ToolResult):
            yield Unit("results", frozenset({_print_of(part)}), ((message, (part,)),), seq)
        else:
            yield Unit(
                kind, (message.name if kind == "user" else None, _print_of(part)), ((message, (part,)),), seq
            )


def _answer(parts: Iterable[Part]) -> tuple[Any, ...]:
    parts = tuple(parts)
    text = "".join(part.text for part in parts if isinstance(part, Text | Refusal)).strip()
    rest = [_print_of(part) for part in parts if isinstance(part, ToolCall | Media)]
    return text, tuple(sorted(rest))


def _is_compared(part: Part, message: Message) -> bool:
    if message.role == "assistant":
        return isinstance(part, Text | Refusal | ToolCall | Media)
    return isinstance(part, Media | Opaque | ToolResult) or (
        isinstance(part, Text) and bool(part.text.strip())
    )


def _print_of(part: Part) -> tuple[str, ...]:
    match part:
        case Text() | Refusal():
            return "text", part.text.strip()
        case ToolCall():
            parsed = part.parsed
            arguments = part.arguments.strip() if parsed is None else _json(parsed)
            return "call", part.id, part.name, arguments
        case ToolResult():
            inner = [p for one in part.parts if (p := _print_of(one)) != ("text", "")]
            return "result", part.call_id, repr(inner)
        case Media():
            return "media", part.kind, part.source, part.value
        case Opaque():
            return "opaque", part.format, _json(thaw(part.data))
        case _:
            return (type(part).__name__.lower(),)


def _json(value: object) -> str:
    return msgspec.json.encode(value, order="deterministic").decode()
