"""What the requests to every provider have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from memex._backend import Request
from memex._codec import Encoded
from memex._errors import BadRequest
from memex._estimate import ScriptCounter

_SEVERAL: Final = frozenset({"n", "best_of", "num_generations", "candidate_count"})


def refuse_host_settings(who: str, settings: dict[str, Any], ours: Mapping[str, str]) -> None:
    """Refuse settings that are the host's business; one that asks for one answer is taken out.

    Args:
        who: Provider and model, for errors.
        settings: Settings of a call.
        ours: Names of what is no setting, each with what to use instead.

    Raises:
        BadRequest: If there is one.
    """
    for name in settings.keys() & _SEVERAL:
        if settings.pop(name) not in (1, None):
            raise BadRequest(
                f"{who}: {name} asks for several answers, and a thread has room for one; "
                "ask again in a fork for another"
            )
    for name in settings.keys() & ours.keys():
        raise BadRequest(f"{who}: {name} is no setting of a call; use {ours[name]}")


def parts_left_out(encoded: Encoded) -> list[tuple[str, str]]:
    """Return the parts that a format has no place for: one line for each kind, however many."""
    counts = Counter((part.part, part.why) for part in encoded.left_out)
    return [(part, why if count == 1 else f"{why} ({count} times)") for (part, why), count in counts.items()]


def tokens_of(request: Request, most: int) -> int:
    """Return about how many tokens a call costs, for the limits: what is sent, and the answer at its longest.

    Args:
        request: What is asked.
        most: Most tokens that the answer may have, with thoughts: it is what the provider is told, which
            may be more than the request reserves.
    """
    counter = ScriptCounter()
    said = sum(counter.count_message(message) for message in request.messages)
    return said + counter.count_tools(request.tools) + most
