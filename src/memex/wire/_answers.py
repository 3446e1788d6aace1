"""What the answers of every provider have in common."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from memex._backend import Event


def noted(events: Iterable[Event], notes: Mapping[str, Any]) -> Iterator[Event]:
    """Yield the events; the finish gets notes on how the answer was asked for, for its message's extra."""
    for event in events:
        if event.kind == "finish" and notes:
            yield msgspec.structs.replace(event, extra={**event.extra, **notes})
        else:
            yield event


def left_out_notes(provider: str, left_out: Collection[tuple[str, str]]) -> dict[str, Any]:
    """Return the notes that say what a request was sent without, for an answer's extra; none for nothing.

    Args:
        provider: Name of the backend; the note is ``"<provider>:left_out"``.
        left_out: Each part or setting, with why.
    """
    return {f"{provider}:left_out": [list(pair) for pair in left_out]} if left_out else {}


def is_event_stream(headers: Mapping[str, str]) -> bool:
    """Say whether a response is a stream of server-sent events, as far as it says what it is."""
    return "text/event-stream" in headers.get("content-type", "text/event-stream")


def raised_in(error: BaseException, package: str) -> bool:
    """Say whether the last frame of an exception is in a package: an SDK that checked what it was given."""
    trace = error.__traceback__
    last = ""
    while trace is not None:
        last = trace.tb_frame.f_globals.get("__name__", "")
        trace = trace.tb_next
    return last.partition(".")[0] == package
