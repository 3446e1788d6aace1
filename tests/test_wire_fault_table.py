"""Every fault, with every provider, blocking and on an event loop, streamed and not.

Whatever happens, the user's message is stored once, half an answer never passes for a whole one, a
second try makes no second turn, and every exception is memex's own. The table that comes of it is
printed at the end of the run and kept in ``docs/reference/faults.md``.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from doubles import evict
from wire_answers import TEXT, WIRES, WORDS, Wire

from memex import (
    AuthFailed,
    BadRequest,
    ContextOverflow,
    Memex,
    MemexError,
    RateLimited,
    Thread,
    Truncated,
    Unavailable,
)
from memex.testing import ScratchStore
from memex.testing.wire import Behaviour, Reset, WireServer, answer, slowly

QUESTION = "Where do the keys hang?"
PAGE = Path(__file__).parents[1] / "docs" / "reference" / "faults.md"
IMPATIENT = {"first_timeout": 0.4, "idle_timeout": 0.4}
IMPATIENT_WHOLE = {"timeout": 0.8}  # an answer that comes at once has no first word to wait for
MODES = ("send", "stream", "asend", "astream")


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """A fault.

    Attributes:
        name: What the table calls it.
        behaviours: What the server does with the requests of the turn, in order.
        errors: What may be raised; nothing where the turn is expected to succeed all the same.
        always: Whether the last behaviour is also that for every further request.
        attempts: How often the backend may try.
        begun: Whether a stream has given its first word before the fault.
        slow: Whether the fault is that nothing comes, so that a deadline has to end it.
    """

    name: str
    behaviours: Callable[[Wire, bool], Sequence[Behaviour]]
    errors: tuple[type[MemexError], ...] = ()
    always: bool = False
    attempts: int = 1
    begun: bool = False
    slow: bool = False


def _always_refused(status: int, kind: str, sentence: str) -> Callable[[Wire, bool], Sequence[Behaviour]]:
    return lambda wire, _: [wire.refusing(status, kind, sentence)]


FAULTS = (
    Fault(name="nobody listens", behaviours=lambda _, __: [], errors=(Unavailable,)),
    Fault(
        name="reset before the headers",
        behaviours=lambda _, __: [[Reset()]],
        errors=(Unavailable,),
    ),
    Fault(
        name="headers byte by byte",
        behaviours=lambda wire, streamed: [slowly(wire.good(streamed=streamed), every=0.1)],
        errors=(Unavailable,),
        slow=True,
    ),
    Fault(
        name="reset in the middle",
        behaviours=lambda wire, streamed: [wire.cut("reset", streamed=streamed)],
        errors=(Truncated, Unavailable),
        begun=True,
    ),
    Fault(
        name="closed in the middle",
        behaviours=lambda wire, streamed: [wire.cut("close", streamed=streamed)],
        errors=(Truncated, Unavailable),
        begun=True,
    ),
    Fault(
        name="silent in the middle",
        behaviours=lambda wire, streamed: [wire.cut("stall", streamed=streamed)],
        errors=(Truncated, Unavailable),
        begun=True,
        slow=True,
    ),
    Fault(
        name="what cannot be read",
        behaviours=lambda wire, streamed: [wire.garbled(streamed=streamed)],
        errors=(Truncated, Unavailable),
        begun=True,
    ),
    Fault(
        name="an error in the stream, or a proxy's page",
        behaviours=lambda wire, streamed: [wire.failing(streamed=streamed)],
        errors=(Truncated, Unavailable),
        begun=True,
    ),
    Fault(
        name="200 with an error in it",
        behaviours=lambda wire, _: [answer(wire.error("server_error", "The server had an error"))],
        errors=(Truncated, Unavailable),
    ),
    Fault(name="an empty answer", behaviours=lambda _, __: [answer(b"")], errors=(Truncated, Unavailable)),
    Fault(
        name="429, then well",
        behaviours=lambda wire, streamed: [
            wire.refusing(429, "rate_limit_exceeded", "Slow down", retry_after_ms="5", retry_after="0"),
            wire.good(streamed=streamed),
        ],
        attempts=3,
    ),
    Fault(
        name="503 twice, then well",
        behaviours=lambda wire, streamed: [
            wire.refusing(503, "server_error", "Down", retry_after_ms="5", retry_after="0"),
            wire.refusing(503, "server_error", "Down", retry_after_ms="5", retry_after="0"),
            wire.good(streamed=streamed),
        ],
        attempts=3,
    ),
    Fault(
        name="429 for ever",
        behaviours=lambda wire, _: [
            wire.refusing(429, "rate_limit_exceeded", "Slow down", retry_after_ms="5", retry_after="0")
        ],
        errors=(RateLimited,),
        always=True,
        attempts=2,
    ),
    Fault(
        name="500 for ever",
        behaviours=lambda wire, _: [
            wire.refusing(500, "server_error", "Down", retry_after_ms="5", retry_after="0")
        ],
        errors=(Unavailable,),
        always=True,
        attempts=2,
    ),
    Fault(
        name="401",
        behaviours=_always_refused(401, "authentication_error", "Incorrect API key provided: sk-test-0123"),
        errors=(AuthFailed,),
    ),
    Fault(
        name="400",
        behaviours=_always_refused(400, "invalid_request_error", "No such thing"),
        errors=(BadRequest,),
    ),
    Fault(
        name="too long, then well",
        behaviours=lambda wire, streamed: [
            wire.refusing(400, "context_length_exceeded", wire.too_long),
            wire.good(streamed=streamed),
        ],
    ),
    Fault(
        name="too long for ever",
        behaviours=lambda wire, _: [wire.refusing(400, "context_length_exceeded", wire.too_long)],
        errors=(ContextOverflow,),
        always=True,
    ),
)


class Outcome(msgspec.Struct, frozen=True):
    """What became of one turn.

    Attributes:
        ended: Name of the error, or ``"answered"``.
        kept: Whether a part of the answer was kept as incomplete.
        lost: Messages of the user that are not stored.
        half: Half answers that are stored as whole ones.
        doubled: Turns that stand twice after the second try.
        foreign: Exceptions that are not memex's.
    """

    ended: str
    kept: bool = False
    lost: int = 0
    half: int = 0
    doubled: int = 0
    foreign: int = 0


def say(thread: Thread, mode: str) -> str:
    """Say the question in one of the four ways and return how it ended."""

    async def in_loop() -> None:
        if mode == "asend":
            await thread.asend(QUESTION)
        else:
            async for _ in thread.astream(QUESTION):
                pass

    try:
        if mode == "send":
            thread.send(QUESTION)
        elif mode == "stream":
            for _ in thread.stream(QUESTION):
                pass
        else:
            asyncio.run(in_loop())
    except Exception as error:
        return type(error).__name__ if isinstance(error, MemexError) else f"foreign {type(error).__name__}"
    return "answered"


@contextmanager
def nobody() -> Iterator[str]:
    """Give an address at which nobody listens, nor anybody else can begin to."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def trial(fault: Fault, wire: Wire, mode: str) -> Outcome:
    """Have a turn with the fault, then try it again without; look at what the thread holds."""
    streamed = "stream" in mode
    store = ScratchStore()
    with WireServer() as server, nobody() as nowhere:
        played = fault.behaviours(wire, streamed)
        server.play(*played)
        if fault.always:
            server.always(played[-1])
        url = server.url if played else nowhere
        impatient = (IMPATIENT if streamed else IMPATIENT_WHOLE) if fault.slow else {}
        settings = {"attempts": fault.attempts, **impatient}
        with Memex(store, backend=wire.backend(url, **settings), chain=[evict], budget=8_000) as memory:
            ended = say(memory.thread("t"), mode)
            after = list(memory.thread("t").messages())
    with WireServer() as server:
        server.always(lambda seen: wire.good(streamed=b'"stream":true' in seen.body.replace(b" ", b"")))
        with Memex(store, backend=wire.backend(server.url), chain=[evict], budget=8_000) as memory:
            thread = memory.thread("t")
            if ended != "answered":
                again = thread.resume() if mode in ("send", "astream") else thread.send(QUESTION)
                assert again.text == TEXT
            finally_there = list(thread.messages())
    asked = [m for m in finally_there if m.role == "user"]
    whole = [m for m in finally_there if m.role == "assistant" and m.status == "complete"]
    return Outcome(
        ended=ended,
        kept=any(m.role == "assistant" and m.status == "incomplete" and m.text for m in after),
        lost=int([m.text for m in after if m.role == "user"] != [QUESTION]),
        half=sum(m.text != TEXT for m in whole),
        doubled=len(asked) - 1 + len(whole) - 1,
        foreign=int(ended.startswith("foreign")),
    )


OUTCOMES: dict[tuple[str, str, str], Outcome] = {}
WELL = Fault(name="none", behaviours=lambda wire, streamed: [wire.good(streamed=streamed)])


def outcome(fault: Fault, wire: Wire, mode: str) -> Outcome:
    """Return what became of one turn; each is tried once in a run.

    Before a slow one a good turn is had: an SDK's first call takes longer than the deadline.
    """
    key = (fault.name, wire.name, mode)
    if fault.slow:
        assert outcome(WELL, wire, mode).ended == "answered"
    if key not in OUTCOMES:
        OUTCOMES[key] = trial(fault, wire, mode)
    return OUTCOMES[key]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name.replace(" ", "-"))
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "-"))
def test_a_fault_costs_nothing(fault: Fault, wire: Wire, mode: str) -> None:
    found = outcome(fault, wire, mode)
    assert (found.lost, found.half, found.doubled, found.foreign) == (0, 0, 0, 0), found
    if fault.errors:
        names = {error.__name__ for kind in fault.errors for error in (kind, *kind.__subclasses__())}
        assert found.ended in names
    else:
        assert found.ended == "answered"
    assert found.kept == (fault.begun and "stream" in mode), found


def test_the_table_is_kept_in_the_docs(record_property: Callable[[str, object], None]) -> None:
    table = page()
    for line in table.splitlines():
        if line.startswith(("|", "In ", "whole, ")):
            record_property("faults", line)
    if os.environ.get("REWRITE_DOCS"):
        PAGE.write_text(table, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == table, "REWRITE_DOCS=1 writes it anew; look at the difference"


def page() -> str:
    """Return the page of the documentation."""
    found = {
        (fault.name, wire.name): [outcome(fault, wire, mode) for mode in MODES]
        for fault in FAULTS
        for wire in WIRES
    }
    outcomes = [each for several in found.values() for each in several]
    sums = {name: sum(getattr(o, name) for o in outcomes) for name in ("lost", "half", "doubled", "foreign")}
    lines = [
        "# Faults over the wire",
        "",
        "Written by `tests/test_wire_fault_table.py`, which has every one of these turns against a server on",
        "the loopback: with each provider's own SDK, blocking and on an event loop, streamed and not. After",
        "each fault the turn is tried again, by `resume()` or by sending the same once more.",
        "",
        f"In {len(outcomes)} turns: {sums['lost']} messages lost, {sums['half']} half answers stored as",
        f"whole, {sums['doubled']} turns doubled by the second try, {sums['foreign']} foreign exceptions.",
        "",
        "A cell says how the turn ended; where a stream ends otherwise than a whole answer, the stream comes",
        f"second. *kept* means that what had come ({WORDS[0].strip()!r}) was stored as `incomplete`.",
        "",
        "| fault | " + " | ".join(wire.name for wire in WIRES) + " |",
        "|---" * (len(WIRES) + 1) + "|",
    ]
    for fault in FAULTS:
        cells = [_cell(found[fault.name, wire.name]) for wire in WIRES]
        lines.append(f"| {fault.name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(outcomes: Sequence[Outcome]) -> str:
    """Return how a turn ended in the four ways, each ending once."""
    told = [f"{o.ended}{', kept' if o.kept else ''}" for o in outcomes]
    return "; ".join(dict.fromkeys(told))
