"""One request on its way: what is sent, how, and what has come so far."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from memex import Event, FinishReason, Usage
from memex_hf.answering import Answer
from memex_hf.ledger import APPROXIMATE, NOTE, PROMPT
from memex_hf.prompts import Prompt
from memex_hf.running.generating import Run
from memex_hf.sampling import Sampling


class Asked:
    """A request while it is answered.

    Args:
        thread: Whose it is.
        prompt: What the model is given.
        sampling: How tokens are chosen.
        most: Most tokens of the answer.
        answer: Collects it.

    Attributes:
        run: What was computed.
        began: When it was asked.
        moved: Tokens of the prompt whose keys and values are only approximately theirs.
    """

    def __init__(self, thread: str, prompt: Prompt, sampling: Sampling, most: int, answer: Answer) -> None:
        self.thread = thread
        self.prompt = prompt
        self.sampling = sampling
        self.most = most
        self.answer = answer
        self.run = Run()
        self.began = time.time()
        self.moved = 0

    @property
    def computed(self) -> list[int]:
        """The tokens whose keys and values were computed: all but the last."""
        return [*self.prompt.ids, *self.run.out[:-1]]

    def last_events(self) -> Iterator[Event]:
        """Yield what comes after the answer's words."""
        usage = Usage(
            input_tokens=self.run.prefilled,
            cache_read_tokens=self.run.reused,
            output_tokens=len(self.run.out),
            reasoning_tokens=self.answer.reasoning,
        )
        yield Event(kind="usage", usage=usage)
        ledger, prompt = self.answer.ledger(), self.prompt
        extra: dict[str, Any] = {} if ledger is None else {NOTE: ledger.to_note()}
        if prompt.remade:
            extra[PROMPT] = {"exact": prompt.exact, "remade": prompt.remade}
        if self.moved:
            extra[APPROXIMATE] = {"tokens": self.moved}
        yield Event(kind="finish", finish=self._finish(), extra=extra)

    def _finish(self) -> FinishReason:
        if self.answer.calls:
            return "tool_calls"
        return "stop" if self.answer.stopped or self.run.finish == "stop" else "length"
