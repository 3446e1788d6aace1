"""From a request of memex's to a request of Chat Completions."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from hashlib import sha256
from typing import Any, Final

from memex import Capabilities, Message, Request, Tool, encode, thaw
from memex_openai.presets import OPENAI, Address
from memex_openai.requesting import (
    BREAKPOINT,
    LIMITS,
    Prepared,
    add_further,
    cache_key,
    for_this_model,
    parameters_of,
    prune,
    strict_schema,
    takes_breakpoints,
    wishes_of,
)

CODEC: Final = "openai"
_NAME: Final = re.compile(r"[^\s<|\\/>]{1,64}\Z")
_NINE: Final = re.compile(r"[A-Za-z0-9]{9}\Z")
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ONLY_RESPONSES: Final = {
    "include": "only the Responses API has it",
    "reasoning_summary": "only the Responses API has it",
    "truncation": "the window is memex's",
    "max_tool_calls": "only the Responses API has it",
}


def chat_request(
    request: Request,
    address: Address,
    capabilities: Capabilities,  # noqa: ARG001 - the other API needs it
    *,
    dropped: Collection[str] = (),
    stream: bool = True,
) -> Prepared:
    """Return the request as Chat Completions takes it.

    Args:
        request: What is asked.
        address: Of whom.
        capabilities: What the model can do.
        dropped: Fields that it is known to refuse.
        stream: Whether the answer is to come in pieces.

    Raises:
        BadSetting: If a setting makes no sense for one answer.
    """
    server = address.server
    wishes = wishes_of(request.settings, request.answer_tokens)
    left_out = [(name, why) for name, why in _ONLY_RESPONSES.items() if name in wishes.fields]
    body: dict[str, Any] = {"model": address.model, "messages": []}
    body["messages"], lost = _messages(request, address, breakpoints=BREAKPOINT not in dropped)
    left_out += lost
    if wishes.limit is not None and (limit := _limit_name(server.limit, dropped)):
        body[limit] = wishes.limit
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    if request.schema is not None:
        body |= _schema(request, address, body["messages"], left_out)
    if server.cache_key and request.thread:
        body["prompt_cache_key"] = cache_key(request.thread)
    body["stream"] = stream  # in so many words: some servers stream where nothing is said
    if stream and server.stream_options:
        body["stream_options"] = {"include_usage": True}
    body |= {name: value for name, value in wishes.fields.items() if name not in _ONLY_RESPONSES}
    add_further(body, wishes.further)
    return Prepared(prune(body, dropped), tuple(left_out), wishes.headers)


def window_messages(request: Request, address: Address) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    """Return the messages alone, for a call that somebody else makes, and what was left out of them."""
    return _messages(request, address, breakpoints=False)


def _limit_name(usual: str, dropped: Collection[str]) -> str:
    names = (usual, *(name for name in LIMITS[:2] if name != usual))
    return next((name for name in names if name not in dropped), "")


def _messages(
    request: Request, address: Address, *, breakpoints: bool
) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    stable = request.stable if breakpoints and takes_breakpoints(address) else 0
    before, lost_before = _encoded(request.messages[:stable], address)
    if before:
        _mark(before)
    after, lost_after = _encoded(request.messages[stable:], address)
    messages = [*before, *after]
    lost = dict.fromkeys([*lost_before, *lost_after])
    for message in messages:
        _fit(message, address, lost)
    return messages, list(lost)


def _encoded(
    messages: Sequence[Message], address: Address
) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    own = [for_this_model(message, address, echo=address.server.echo) for message in messages]
    encoded = encode(own, CODEC, model=address.label)
    return encoded.payload["messages"], [(left.part, left.why) for left in encoded.left_out]


def _fit(message: dict[str, Any], address: Address, lost: dict[tuple[str, str], None]) -> None:
    """Say a message in the server's dialect."""
    server = address.server
    if message["role"] == "developer" and not server.developer:
        message["role"] = "system"
    if "name" in message:
        if message["role"] in ("tool", "function"):
            if not server.names and message["role"] == "tool":
                del message["name"]
        elif not _NAME.match(message["name"]) or server.name == "groq":
            del message["name"]
            lost["name", f"{server.name} takes no such name of a speaker"] = None
    if server is OPENAI and isinstance(message.get("content"), list):
        _leave_sounds(message, lost)
    if message.pop("annotations", None):
        lost["citation", "Chat Completions takes no citations back"] = None
    if server.blank_thoughts and message.get("tool_calls"):
        message.setdefault("reasoning_content", "")
    if server.call_ids == "nine":
        _shorten_ids(message)


def _leave_sounds(message: dict[str, Any], lost: dict[tuple[str, str], None]) -> None:
    """Leave out the sounds that OpenAI does not hear."""
    heard = [block for block in message["content"] if _sound(block) in (None, "wav", "mp3")]
    if len(heard) < len(message["content"]):
        lost["media", "OpenAI hears sounds of the types wav and mp3 only"] = None
        message["content"] = heard or ""


def _sound(block: Any) -> Any:
    sound = block.get("input_audio") if isinstance(block, dict) else None
    return sound.get("format", "") if isinstance(sound, dict) else None


def _shorten_ids(message: dict[str, Any]) -> None:
    """Give calls and results the ids that Mistral takes; the same call always gets the same one."""
    for call in message.get("tool_calls") or ():
        call["id"] = _nine(call["id"])
    if "tool_call_id" in message:
        message["tool_call_id"] = _nine(message["tool_call_id"])


def _nine(call_id: str) -> str:
    if _NINE.match(call_id):
        return call_id
    number = int.from_bytes(sha256(call_id.encode("utf-8", "surrogatepass")).digest()[:8])
    digits = []
    for _ in range(9):
        number, rest = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[rest])
    return "".join(digits)


def _mark(messages: list[dict[str, Any]]) -> None:
    """Set the breakpoint of the prompt cache at the end of messages that stay as they are."""
    for message in reversed(messages):
        content = message.get("content")
        if isinstance(content, str) and content:
            content = message["content"] = [{"type": "text", "text": content}]
        blocks = [b for b in content or () if isinstance(b, dict) and b.get("type") != "refusal"]
        if blocks:
            blocks[-1][BREAKPOINT] = {"mode": "explicit"}
            return


def _tool(tool: Tool) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name, "parameters": parameters_of(tool)}
    if tool.description:
        function["description"] = tool.description
    return {"type": "function", "function": function}


def _schema(
    request: Request,
    address: Address,
    messages: list[dict[str, Any]],
    left_out: list[tuple[str, str]],
) -> dict[str, Any]:
    """Return the field that holds the answer to the schema, as far as the server can."""
    schema = thaw(request.schema)
    if address.server.schema == "json_schema":
        named: dict[str, Any] = {"name": "answer", "schema": schema}
        if strict_schema(schema):
            named["strict"] = True
        return {"response_format": {"type": "json_schema", "json_schema": named}}
    words = "Answer with one JSON value and nothing else. It must follow this JSON schema: "
    messages.insert(0, {"role": "system", "content": words + json.dumps(schema, ensure_ascii=False)})
    left_out.append(("schema", f"{address.server.name} enforces no schema; it is told in words"))
    return {"response_format": {"type": "json_object"}} if address.server.schema == "json_object" else {}
