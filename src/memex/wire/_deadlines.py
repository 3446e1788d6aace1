"""How long a call may take, step by step."""

from __future__ import annotations

import msgspec

from memex._errors import BadSetting


class Deadlines(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds that a call may take; None for no limit.

    The time that the reader of a stream takes between two events is nobody's fault and not counted.

    Attributes:
        connect: Until the connection stands.
        first: Until the first words of an answer, once it is asked for. An answer that is not
            streamed has none: only ``total`` holds for it.
        idle: Between two signs of life after that: a stalled stream.
        total: For everything, retries and waiting included.
    """

    connect: float | None = 10.0
    first: float | None = 120.0
    idle: float | None = 60.0
    total: float | None = 600.0

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            seconds = getattr(self, name)
            if seconds is not None and not seconds > 0:
                raise BadSetting(
                    f"the deadline {name!r} is {seconds!r}; give seconds above 0, or None for none"
                )
