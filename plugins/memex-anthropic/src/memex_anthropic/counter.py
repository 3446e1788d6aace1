"""Counts as Anthropic counts: by its endpoint, which costs a call for each message it has not seen."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from memex import BadSetting, Event, Message, ScriptCounter, Tool, Usage, encode
from memex.wire import Attempt, KeptCounts, wire_settings
from memex_anthropic.clients import ADDRESS, connection, timeout
from memex_anthropic.faults import error_in_body
from memex_anthropic.requesting import PROVIDER, tool_param, without_blanks

_ASK: Final = {"role": "user", "content": "."}
_STAND_IN: Final = "counted"


class AnthropicCounter:
    """Counts what messages cost a Claude model, by Anthropic's endpoint.

    A message cannot be counted alone: an answer needs a question, a result needs its call. So each is
    counted with the least that the API asks for around it; what is known of that is taken off again,
    and the stand-ins for calls and results are not. A count is what a message costs inside a
    conversation, and a few tokens more.

    Every count is kept by a digest of what was counted, for the life of this object; the host keeps
    the counts of stored messages. Thread-safe.

    Args:
        model: Name of the model.
        **wire: The settings of every backend over a wire; see :class:`memex.wire.WireSettings`.

    Attributes:
        name: ``"anthropic:MODEL"``.
        exact: False: an upper bound.
        error: 0.

    Raises:
        BadSetting: If a setting is unknown or of the wrong type.
    """

    exact = False
    error = 0.0

    def __init__(self, model: str, **wire: Any) -> None:
        if not model:
            raise BadSetting(
                f"{PROVIDER}: count for which model? Write its name, as in {PROVIDER}:claude-opus-5-5"
            )
        self.name = f"{PROVIDER}:{model}"
        self._model = model
        self._connection = connection(model, wire_settings(PROVIDER, wire, url_environment=ADDRESS))
        self._kept = KeptCounts()

    def __repr__(self) -> str:
        """Name what it is for."""
        return f"AnthropicCounter({self._model!r})"

    def count_text(self, text: str) -> int:
        """Return the tokens of a bare text."""
        if not text.strip():
            return ScriptCounter().count_text(text)  # the endpoint refuses white space alone
        return max(0, self._count(messages=[{"role": "user", "content": "." + text}]) - self._alone)

    def count_message(self, message: Message) -> int:
        """Return the tokens of a message with its framing."""
        requests = _surrounded(message, self._model)
        if requests is None:
            return ScriptCounter().count_message(message)
        whole, around = requests
        return max(1, self._count(**whole) - (self._count(**around) if around else 0))

    def count_tools(self, tools: Sequence[Tool]) -> int:
        """Return the tokens of tool definitions, and of what Anthropic adds to them; none cost nothing."""
        if not tools:
            return 0
        return max(0, self._count(messages=[_ASK], tools=[tool_param(tool) for tool in tools]) - self._alone)

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    @property
    def _alone(self) -> int:
        return self._count(messages=[_ASK])

    def _count(self, **params: Any) -> int:
        text = json.dumps(params, sort_keys=True, ensure_ascii=True)

        def ask() -> int:
            events = self._connection.caller().stream(partial(self._asked, params), whole=True)
            return next(event.usage.input_tokens for event in events if event.usage is not None)

        return self._kept.count(text, ask)

    def _asked(self, params: Mapping[str, Any], attempt: Attempt) -> Iterator[Event]:
        count_tokens = self._connection.clients.blocking().messages.count_tokens
        answer = count_tokens(model=self._model, timeout=timeout(attempt.timeouts), **params)
        count = getattr(answer, "input_tokens", None)
        if not isinstance(count, int):
            raise error_in_body(answer.to_dict(), model=self._model, headers={})
        yield Event(kind="finish", finish="stop", usage=Usage(input_tokens=count))


def _surrounded(message: Message, model: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return a request that holds the message, and one that holds what was put around it, if anything.

    None where nothing of the message would be sent.
    """
    payload = encode([without_blanks(message)], PROVIDER, model=model).payload
    if "system" in payload:
        return {"system": payload["system"], "messages": [_ASK]}, {"messages": [_ASK]}
    said = payload["messages"]
    if not said:
        return None
    blocks = [block for one in said if isinstance(one["content"], list) for block in one["content"]]
    calls = {block["id"]: block["name"] for block in blocks if block.get("type") == "tool_use"}
    answered = [block["tool_use_id"] for block in blocks if block.get("type") == "tool_result"]
    orphans = [call for call in answered if call not in calls]
    before: list[dict[str, Any]] = []
    if orphans or said[0]["role"] == "assistant":
        before.append(_ASK)
    if orphans:
        uses = [{"type": "tool_use", "id": call, "name": _STAND_IN, "input": {}} for call in orphans]
        before.append({"role": "assistant", "content": uses})
    after: list[dict[str, Any]] = []
    if said[-1]["role"] == "assistant":
        results = [{"type": "tool_result", "tool_use_id": call} for call in calls if call not in answered]
        after.append({"role": "user", "content": results} if results else _ASK)
    names = dict.fromkeys([*calls.values(), *([_STAND_IN] if orphans else [])])
    tools = {"tools": [tool_param(Tool(name)) for name in names]} if names else {}
    around = {"messages": [_ASK], **tools} if before or after or tools else {}
    return {"messages": [*before, *said, *after], **tools}, around
