"""The log of ``llm`` (its ``logs.db``), through ``Response.log_to_db``, as it comes.

A response is logged with the prompt it answers, so one append is two messages. The model repeats
what it is told to say; it has answered before the clock starts.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import llm
import sqlite_utils
from talk import Said


class Told(llm.Model):
    """A model that says what it is told to."""

    model_id = "told"
    answer = ""

    def execute(self, prompt: Any, stream: Any, response: Any, conversation: Any) -> Iterator[str]:  # noqa: ARG002
        """Say it."""
        yield self.answer


class Log:
    """One conversation in one log."""

    messages_per_append = 2

    def __init__(self, folder: Path, thread: str) -> None:
        self.db = sqlite_utils.Database(folder / "logs.db")
        self.model = Told()
        self.conversation = llm.Conversation(model=self.model, id=thread)

    def prepare(self, said: list[Said]) -> list[Any]:
        """Return responses, each with its prompt."""
        responses = []
        for asked, answered in itertools.batched(said, 2) if hasattr(itertools, "batched") else _pairs(said):
            self.model.answer = answered.text
            response = self.conversation.prompt(asked.text)
            response.text()
            responses.append(response)
        return responses

    def append(self, unit: Any) -> None:
        """Log one response."""
        unit.log_to_db(self.db)

    def load(self, units: list[Any]) -> None:
        """Log several responses; there is no batch."""
        for unit in units:
            unit.log_to_db(self.db)

    def close(self) -> None:
        """Close the file."""
        self.db.conn.close()


def _pairs(said: list[Said]) -> Iterator[tuple[Said, Said]]:
    return zip(said[::2], said[1::2], strict=False)
