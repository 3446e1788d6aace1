"""One turn on the command line: an answer is printed as it comes."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, cast

from memex import Event, Refusal, Thread
from memex.commands import note, safe_json, say
from memex_cli.shapes import cost_json, message_json, usage_json

if TYPE_CHECKING:
    from collections.abc import Generator


def print_answer(thread: Thread, text: str | None) -> None:
    """Say ``text``, or go on with the unfinished turn, and print the answer's words as they come.

    However this is left, what came is stored: an interrupt closes the stream, and the host stores
    the partial answer then.
    """
    stream = thread.resume_stream() if text is None else thread.stream(text)
    events = cast("Generator[Event, None, None]", stream)
    at_line_start = True
    with closing(events):
        try:
            for event in events:
                words = _words(event)
                if words:
                    say(words, newline=False)
                    at_line_start = words.endswith("\n")
                if event.tool_call is not None:
                    note(f"the model wants {event.tool_call.name} called: {event.tool_call.arguments}")
                if event.finish == "length":
                    note("the answer was cut off: the tokens reserved for it are used up")
        finally:
            if not at_line_start:
                say()


def _words(event: Event) -> str:
    # A text part repeats the words that came before it.
    return event.part.text if isinstance(event.part, Refusal) else event.text


def print_answer_json(thread: Thread, text: str | None) -> None:
    """Say ``text``, or go on with the unfinished turn, and print the whole turn as one line of JSON."""
    reply = thread.resume() if text is None else thread.send(text)
    plan = reply.plan
    say(
        safe_json(
            {
                "thread": thread.id,
                "seq": reply.entry.seq,
                "text": reply.text,
                "finish": reply.finish,
                "message": message_json(reply.message),
                "usage": usage_json(reply.usage),
                "cost": cost_json(reply.cost),
                "plan": {
                    "number": plan.number,
                    "tokens": plan.tokens,
                    "limit": plan.limit,
                    "fresh_tokens": plan.fresh_tokens,
                },
            }
        )
    )
