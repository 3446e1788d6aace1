"""What a turn gives back."""

from __future__ import annotations

from typing import Any

import msgspec

from memex._backend import FinishReason
from memex._cost import Cost
from memex._entry import Entry
from memex._errors import ConfigError
from memex._message import Message
from memex._output import Output
from memex._parts import ToolCall
from memex._plan import Plan
from memex._usage import Usage
from memex._window import Window


class Reply(msgspec.Struct, frozen=True):
    """An answer, stored.

    Attributes:
        entry: The answer in its place in the log.
        usage: What the call cost, fresh tokens included.
        finish: Why the model stopped.
        window: What the model saw.
        output: What the answer has to be, where that was asked for.
        earlier: The answers before it in the same turn, where functions were run in between.
    """

    entry: Entry
    usage: Usage
    finish: FinishReason
    window: Window
    earlier: tuple[Reply, ...] = ()
    output: Output | None = None

    @property
    def message(self) -> Message:
        """The answer."""
        return self.entry.message

    @property
    def text(self) -> str:
        """The answer's words."""
        return self.entry.message.text

    @property
    def parsed(self) -> Any:
        """The answer as the value that was asked for with ``output=``.

        Raises:
            InvalidAnswer: If it does not follow the schema; it is stored all the same.
            ConfigError: If nothing was asked for.
        """
        if self.output is None:
            raise ConfigError(
                "reply.parsed is for answers that were asked for with output=...; see reply.text"
            )
        cut = ", which was cut off," if self.message.status != "complete" else ""
        return self.output.value(self.text, f"the answer #{self.entry.seq}{cut}")

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tools that the model wants called."""
        return self.entry.message.tool_calls

    @property
    def cost(self) -> Cost | None:
        """What the call cost in money; None where the prices of the model are not known."""
        return self.plan.outcome.cost if self.plan.outcome else None

    @property
    def plan(self) -> Plan:
        """Why the model saw what it saw, and what came of it."""
        return self.window.plan
