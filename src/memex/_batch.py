"""What every store checks when it is given a batch of messages."""

from __future__ import annotations

from collections.abc import Sequence

from memex._errors import Conflict, InvalidMessage
from memex._message import Message
from memex._serial import check_id


def checked_batch(messages: Sequence[Message], tokens: Sequence[int] | None) -> Sequence[int]:
    """Return what each message of a batch costs, after checking that it can be appended at all.

    Args:
        messages: The batch.
        tokens: What each costs; None where nobody has counted, which is 0 for each.

    Raises:
        InvalidMessage: If there are more or fewer counts than messages, or an id is no id.
        Conflict: If an id is there twice.
    """
    costs = [0] * len(messages) if tokens is None else tokens
    if len(costs) != len(messages):
        raise InvalidMessage(
            f"{len(messages)} messages came with {len(costs)} token counts; give one each, or None for all"
        )
    if len({check_id(message.id, "message") for message in messages}) < len(messages):
        raise Conflict("the batch holds the same message id twice; nothing was appended")
    return costs
