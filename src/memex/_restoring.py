"""What every store checks when it is given a thread that another store had."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from memex._entry import Entry
from memex._errors import InvalidMessage
from memex._serial import check_id
from memex._store import StoredPlan, ThreadImage


def checked_entries(image: ThreadImage, entries: Iterable[Entry]) -> Iterator[Entry]:
    """Yield a thread's own entries, as long as none is missing.

    Raises:
        InvalidMessage: If the places are not those that the image names, or an id is no id.
    """
    check_id(image.info.id, "thread")
    for key in image.state:
        check_id(key, "state key")
    seq = image.info.forked_at or 0
    for entry in entries:
        seq += 1
        if entry.seq != seq or seq > image.info.head:
            raise InvalidMessage(
                f"thread {image.info.id!r}: message {entry.seq} came in place of {seq}; nothing was restored"
            )
        check_id(entry.message.id, "message")
        yield entry
    if seq != image.info.head:
        raise InvalidMessage(
            f"thread {image.info.id!r}: messages after {seq} are missing, up to {image.info.head}; "
            "nothing was restored"
        )


def checked_plans(image: ThreadImage, plans: Iterable[StoredPlan]) -> Iterator[StoredPlan]:
    """Yield a thread's own plans, as long as none is missing.

    Raises:
        InvalidMessage: If the numbers have a gap, or one is of its parent.
    """
    if not 0 <= image.shared_plans <= image.plan_base:
        raise InvalidMessage(f"thread {image.info.id!r}: its numbers of plans make no sense")
    for number, plan in enumerate(plans, image.plan_base + 1):
        if plan.number != number:
            raise InvalidMessage(
                f"thread {image.info.id!r}: plan {plan.number} came in place of {number}; "
                "nothing was restored"
            )
        yield plan
