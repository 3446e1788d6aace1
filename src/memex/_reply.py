"""What a turn gives back."""

from __future__ import annotations

import msgspec

from memex._backend import FinishReason
from memex._entry import Entry
from memex._message import Message
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
        earlier: The answers before it in the same turn, where functions were run in between.
    """

    entry: Entry
    usage: Usage
    finish: FinishReason
    window: Window
    earlier: tuple[Reply, ...] = ()

    @property
    def message(self) -> Message:
        """The answer."""
        return self.entry.message

    @property
    def text(self) -> str:
        """The answer's words."""
        return self.entry.message.text

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tools that the model wants called."""
        return self.entry.message.tool_calls

    @property
    def plan(self) -> Plan:
        """Why the model saw what it saw."""
        return self.window.plan
