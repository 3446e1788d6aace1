"""The backend: finds the best sentences, writes them with their references, streams the words."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import Final

from memex import BadSetting, Capabilities, Event, Request, ScriptCounter, Usage, snippet, terms
from memex_quote.matching import best_matches
from memex_quote.passages import NAME, NOTHING, passages, question_of

_LONGEST_QUOTE: Final = 300
_CHUNK: Final = re.compile(r"\S{1,16}\s*")


class Quote:
    """Answers with the sentences of the window that match the newest user message best.

    Deterministic, offline, and without state: it may be used from several threads. It sees what
    a model would see, so it also shows what a chain of policies brought into the window.

    Args:
        model: How it answers; there is one way, ``"extract"``.

    Raises:
        BadSetting: If ``model`` is another.
    """

    name = NAME

    def __init__(self, model: str = "extract") -> None:
        if model != "extract":
            raise BadSetting(f"quote: model is {model!r}; the only one is 'extract'")
        self.model = model
        self._counter = ScriptCounter()

    @property
    def capabilities(self) -> Capabilities:
        """What it can take and give: text of any length."""
        return Capabilities()

    def stream(self, request: Request) -> Iterator[Event]:
        """Yield the answer, a word at a time."""
        answer = _answer(request)
        said = ""
        yield Event(kind="start", model=self.model)
        for chunk in _CHUNK.findall(answer):
            if self._counter.count_text(said + chunk) > request.answer_tokens:
                break
            said += chunk
            yield Event(kind="text", text=chunk)
        yield Event(kind="usage", usage=self._usage(request, said))
        yield Event(kind="finish", finish="stop" if said == answer else "length")

    def generate(self, request: Request) -> list[Event]:
        """Return the whole answer as events."""
        return list(self.stream(request))

    async def astream(self, request: Request) -> AsyncIterator[Event]:
        """Yield what :meth:`stream` yields."""
        for event in self.stream(request):
            yield event

    def close(self) -> None:
        """Release nothing; there is nothing to release."""

    def _usage(self, request: Request, said: str) -> Usage:
        prompt = sum(self._counter.count_message(message) for message in request.messages)
        if request.tools:
            prompt += self._counter.count_tools(request.tools)
        return Usage(input_tokens=prompt, output_tokens=self._counter.count_text(said))


def _answer(request: Request) -> str:
    question = question_of(request.messages)
    if question is None:
        return NOTHING
    found = best_matches(question.text, list(passages(request.messages, question, request.seqs)))
    words = set(terms(question.text))
    quotes = (f'"{snippet(passage.text, words, _LONGEST_QUOTE)}" {passage.reference}' for passage in found)
    return "\n".join(quotes) or NOTHING
