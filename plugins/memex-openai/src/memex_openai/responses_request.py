"""From a request of memex's to a request of the Responses API."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from memex import Capabilities, Message, Request, Tool, encode, thaw
from memex_openai.presets import Address
from memex_openai.requesting import (
    BREAKPOINT,
    Prepared,
    add_further,
    cache_key,
    for_this_model,
    last_response,
    parameters_of,
    prune,
    strict_schema,
    takes_breakpoints,
    wishes_of,
)

CODEC: Final = "openai-responses"
_SHORTEST_ANSWER: Final = 16  # OpenAI refuses a lower limit
_ONLY_CHAT: Final = frozenset(
    {"audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs", "modalities",
     "prediction", "presence_penalty", "seed", "stop", "web_search_options"}
)  # fmt: skip
_ENCRYPTED: Final = "reasoning.encrypted_content"


def responses_request(
    request: Request,
    address: Address,
    capabilities: Capabilities,
    *,
    dropped: Collection[str] = (),
    stream: bool = True,
) -> Prepared:
    """Return the request as the Responses API takes it: nothing is stored there.

    Args:
        request: What is asked.
        address: Of whom.
        capabilities: What the model can do.
        dropped: Fields that it is known to refuse.
        stream: Whether the answer is to come in pieces.

    Raises:
        BadSetting: If a setting makes no sense for one answer.
    """
    wishes = wishes_of(request.settings, request.answer_tokens)
    fields = wishes.fields
    left_out = [(name, "the Responses API has no such setting") for name in fields if name in _ONLY_CHAT]
    body: dict[str, Any] = {"model": address.model, "store": False}
    payload, lost = _input(request, address, breakpoints=BREAKPOINT not in dropped)
    body |= payload
    left_out += lost
    if wishes.limit is not None:
        least = _SHORTEST_ANSWER if address.official else 1
        body["max_output_tokens"] = max(least, wishes.limit)
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    if capabilities.reasoning:
        body["include"] = [_ENCRYPTED]
    body |= _cache(request, address)
    body["stream"] = stream  # in so many words: transformers serve streams where nothing is said
    for name, value in fields.items():
        if name not in _ONLY_CHAT:
            _set(body, name, value)
    if request.schema is not None:
        body.setdefault("text", {}).setdefault("format", _format(thaw(request.schema)))
    add_further(body, wishes.further)
    return Prepared(prune(body, dropped), tuple(left_out), wishes.headers)


def window_input(request: Request, address: Address) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Return ``input``, and ``instructions`` where there are any, for a call that somebody else makes.

    Also returned is what was left out of them.
    """
    return _input(request, address, breakpoints=False)


def _input(
    request: Request, address: Address, *, breakpoints: bool
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    stable = request.stable if breakpoints and takes_breakpoints(address) else 0
    before, lost_before = _encoded(request.messages[:stable], address)
    after, lost_after = _encoded(request.messages[stable:], address)
    if stable and "instructions" in after:  # system text in the middle, which two halves cannot express
        before, after, lost_before = {"input": []}, *_encoded(request.messages, address)
    elif before["input"]:
        _mark(before["input"])
    lost = dict.fromkeys([*lost_before, *lost_after])
    instructions = {key: value for half in (before, after) for key, value in half.items() if key != "input"}
    return {**instructions, "input": [*before["input"], *after["input"]]}, list(lost)


def _encoded(messages: Sequence[Message], address: Address) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    own = [for_this_model(message, address, echo=True) for message in messages]
    encoded = encode(own, CODEC, model=address.label)
    payload = dict(encoded.payload)
    if isinstance(payload["input"], str):
        payload["input"] = [{"role": "user", "content": payload["input"]}]
    for item in payload["input"]:
        if item.get("role") == "assistant" and "id" not in item:
            _plain(item)
    return payload, [(left.part, left.why) for left in encoded.left_out]


def _plain(item: dict[str, Any]) -> None:
    """Say as a string what another model said: OpenAI's schema has refusals with the ids of its own only."""
    content = item.get("content")
    blocks = content if isinstance(content, list) else []
    words = [block.get("text") or block.get("refusal") for block in blocks]
    if words and all(isinstance(word, str) for word in words):
        item["content"] = "\n".join(words)


def _mark(items: list[dict[str, Any]]) -> None:
    """Set the breakpoint of the prompt cache at the end of items that stay as they are.

    What a model said takes none: the nearest item before it does.
    """
    for item in reversed(items):
        field = "output" if item.get("type") == "function_call_output" else "content"
        if field == "content" and item.get("role") not in ("user", "system", "developer"):
            continue
        content = item.get(field)
        if isinstance(content, str) and content:
            content = item[field] = [{"type": "input_text", "text": content}]
        blocks = [block for block in content or () if isinstance(block, dict)]
        if blocks:
            blocks[-1][BREAKPOINT] = {"mode": "explicit"}
            return


def _cache(request: Request, address: Address) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if address.server.cache_key and request.thread:
        fields["prompt_cache_key"] = cache_key(request.thread)
    if takes_breakpoints(address) and (compared := last_response(request.messages, address)):
        # OpenAI then says why its cache did not serve more of the prompt.
        fields["prompt_cache_options"] = {"comparison_response_id": compared}
    return fields


def _set(body: dict[str, Any], name: str, value: Any) -> None:
    """Set a field; those that Chat Completions spells otherwise are translated."""
    if name == "reasoning_effort":
        body["reasoning"] = {**body.get("reasoning", {}), "effort": value}
    elif name == "reasoning_summary":
        body["reasoning"] = {**body.get("reasoning", {}), "summary": value}
    elif name == "verbosity":
        body["text"] = {**body.get("text", {}), "verbosity": value}
    elif name == "response_format":
        body["text"] = {**body.get("text", {}), "format": _translated_format(value)}
    elif name in ("reasoning", "text", "prompt_cache_options") and isinstance(value, dict):
        body[name] = {**body.get(name, {}), **value}
    elif name == "include" and isinstance(value, list):
        body[name] = list(dict.fromkeys([*body.get(name, ()), *value]))
    else:
        body[name] = value


def _format(schema: Any) -> dict[str, Any]:
    return {"type": "json_schema", "name": "answer", "schema": schema, "strict": strict_schema(schema)}


def _translated_format(value: Any) -> Any:
    if isinstance(value, dict) and isinstance(value.get("json_schema"), dict):
        return {"type": "json_schema", **value["json_schema"]}
    return value


def _tool(tool: Tool) -> dict[str, Any]:
    described = {"description": tool.description} if tool.description else {}
    # Strict is this API's default, and would refuse schemas that do not list every field.
    return {
        "type": "function",
        "name": tool.name,
        **described,
        "parameters": parameters_of(tool),
        "strict": False,
    }
