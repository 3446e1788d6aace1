"""From a request to the parameters of ``messages.create``. No input or output happens here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from memex import BadRequest, Capabilities, Message, Request, Text, Tool, encode, thaw
from memex.wire import parts_left_out, refuse_host_settings
from memex_anthropic.binding import binds_thoughts, with_valid_thoughts, without_thoughts
from memex_anthropic.caching import Lifetime, keep_last, mark

PROVIDER: Final = "anthropic"

_OURS: Final = {
    "model": "the backend's model",
    "messages": "the thread's messages",
    "system": "a system message of the thread",
    "stream": "thread.stream()",
    "tools": "tools=, or server_tools= for those that Anthropic runs",
}
# Named parameters of the SDK's call; what is not among them travels in extra_body.
NAMED: Final = frozenset(
    {"cache_control", "container", "diagnostics", "inference_geo", "max_tokens", "metadata", "output_config"}
    | {
        "service_tier",
        "speed",
        "stop_sequences",
        "thinking",
        "tool_choice",
        "user_profile_id",
        "workspace_id",
    }
    | {"extra_headers", "extra_query", "extra_body"}
)
THOUGHTS: Final = "thoughts"
"""Dropped where a model turns out to refuse its thoughts after another beginning."""
UNDEFINED: Final = "calls of undefined tools"
"""Dropped where a server wants a definition for every tool that was called in the history."""
LEADING: Final = "an answer as the first message"
"""Dropped where a server wants the user to speak first, and the window begins with an answer."""
NEVER_DROPPED: Final = frozenset({"max_tokens", "server_tools", "tool_choice"})
"""Settings without which a call would be another call: a model that refuses them is an error."""


class Asked(msgspec.Struct):
    """A call that is ready to be made.

    Attributes:
        params: Keyword arguments of ``messages.create``, but for ``stream`` and ``timeout``.
        left_out: What could not be sent, with the reason.
        prefix: Digest of what is sent, for models whose thoughts are bound to it; empty for others.
    """

    params: dict[str, Any]
    left_out: list[tuple[str, str]]
    prefix: str = ""


def build(
    request: Request,
    *,
    model: str,
    capabilities: Capabilities,
    dropped: Mapping[str, str] | None = None,
    lifetime: Lifetime = "5m",
    diagnostics: bool = True,
    thinking_room: int = 0,
) -> Asked:
    """Return the call for a request.

    Args:
        request: What is asked.
        model: Whom.
        capabilities: What it can take.
        dropped: Settings to leave out as well, with the reasons.
        lifetime: How long the prompt cache keeps what it writes.
        diagnostics: Whether to ask why the cache did not serve more.
        thinking_room: Tokens to allow on top of the answer's, for thoughts.

    Raises:
        BadRequest: If it cannot be asked: no messages, several answers, or a setting that memex makes.
    """
    settings = dict(thaw(request.settings))
    left_out: list[tuple[str, str]] = []
    refuse_host_settings(f"{PROVIDER}:{model}", settings, _OURS)
    _drop(settings, capabilities.refuses, dropped or {}, model, left_out)
    request = msgspec.structs.replace(request, messages=tuple(map(without_blanks, request.messages)))
    tools = [*map(tool_param, request.tools), *(settings.get("server_tools") or ())]
    request, prefix = _with_valid_thoughts(request, tools, dropped or {}, model, left_out)
    encoded = encode(request.messages, PROVIDER, model=model)
    left_out += parts_left_out(encoded)
    params: dict[str, Any] = {"model": model, **encoded.payload}
    _check_messages(params["messages"], model, capabilities)
    _add_tools(params, request, settings, left_out)
    if UNDEFINED in (dropped or {}) and "tools" not in params:
        _define_called(params)
    _add_settings(params, settings)
    _add_schema(params, request, capabilities, dropped or {}, left_out)
    params["max_tokens"] = _most(params, request, capabilities, thinking_room)
    if diagnostics and lifetime != "off" and "diagnostics" not in {*params, *(dropped or {})}:
        params["diagnostics"] = {"previous_message_id": _previous(request.messages, model)}
    if "cache_control" in (dropped or {}):
        lifetime = "off"
    mark(params, request, lifetime=lifetime, floor=capabilities.cache_floor)
    if LEADING in (dropped or {}) and params["messages"][0]["role"] == "assistant":
        params["messages"].insert(0, {"role": "user", "content": "[...]"})
    return Asked(params, left_out, prefix)


def implied(request: Request) -> Iterator[str]:
    """Yield what a request holds besides its settings that a server may turn out not to take."""
    if request.schema is not None:
        yield "schema"
    said = [message for message in request.messages if message.role not in ("system", "developer")]
    if said and said[0].role == "assistant":
        yield LEADING
    if not request.tools and any(message.tool_calls for message in said):
        yield UNDEFINED
    if any(without_thoughts(message) is not message for message in said):
        yield THOUGHTS


def window_params(request: Request, tools: Sequence[Any], *, model: str, breakpoints: int) -> Asked:
    """Return ``system`` and ``messages`` alone, for a call that somebody else makes.

    Breakpoints of the prompt cache are those that messages bring along, the last so many; the rest are
    of calls that are long over.

    Args:
        request: What is asked.
        tools: The definitions of that call.
        model: Whom.
        breakpoints: How many there is room for.
    """
    left_out: list[tuple[str, str]] = []
    request = msgspec.structs.replace(request, messages=tuple(map(without_blanks, request.messages)))
    request, prefix = _with_valid_thoughts(request, tools, {}, model, left_out)
    encoded = encode(request.messages, PROVIDER, model=model)
    keep_last(encoded.payload, breakpoints)
    return Asked(encoded.payload, left_out + parts_left_out(encoded), prefix)


def tool_param(tool: Tool) -> dict[str, Any]:
    """Return a tool's definition."""
    schema = dict(thaw(tool.parameters)) or {"type": "object", "properties": {}}
    definition: dict[str, Any] = {"name": tool.name, "input_schema": schema}
    return {**definition, "description": tool.description} if tool.description else definition


def _drop(
    settings: dict[str, Any],
    refused: Iterable[str],
    dropped: Mapping[str, str],
    model: str,
    left_out: list[tuple[str, str]],
) -> None:
    for name in [name for name in settings if name in refused or name in dropped]:
        del settings[name]
        if name not in dropped:  # whoever dropped it notes it
            left_out.append((name, f"{model} does not take it"))


def _with_valid_thoughts(
    request: Request,
    tools: Sequence[Any],
    dropped: Mapping[str, str],
    model: str,
    left_out: list[tuple[str, str]],
) -> tuple[Request, str]:
    """Return the request with those thoughts that the model will take back, and its digest."""
    messages, prefix, count = request.messages, "", 0
    if THOUGHTS in dropped:
        messages = tuple(map(without_thoughts, messages))
    if binds_thoughts(model):
        request = msgspec.structs.replace(request, messages=messages)
        messages, prefix, count = with_valid_thoughts(request, tools, model)
    if count:
        why = "it was thought after another beginning of the conversation, and is valid only there"
        left_out.append(("reasoning", why if count == 1 else f"{why} ({count} times)"))
    return msgspec.structs.replace(request, messages=messages), prefix


def without_blanks(message: Message) -> Message:
    """Return the message without texts of white space, which Claude writes and the API refuses."""
    if all(not isinstance(part, Text) or part.text.strip() for part in message.parts):
        return message
    said = [part for part in message.parts if not isinstance(part, Text) or part.text.strip()]
    return message.replace(parts=said)


def _check_messages(messages: Sequence[Mapping[str, Any]], model: str, capabilities: Capabilities) -> None:
    if not messages:
        raise BadRequest(
            f"{PROVIDER}:{model}: there is no message to send; the window holds system text only"
        )
    last = messages[-1]
    if last["role"] != "assistant":
        return
    content = last["content"]
    begun = content if isinstance(content, str) else (content[-1].get("text") if content else None)
    if not isinstance(begun, str):
        return  # a turn that paused goes on where its last block ended
    if not capabilities.prefill:
        raise BadRequest(
            f"{PROVIDER}:{model} does not go on with an answer that was begun for it; "
            "end with a message of the user that asks it to"
        )
    if isinstance(content, str):
        last["content"] = begun.rstrip()  # type: ignore[index]  # our own dict
    else:
        content[-1]["text"] = begun.rstrip()  # the API refuses white space at the end


def _add_tools(
    params: dict[str, Any], request: Request, settings: dict[str, Any], left_out: list[tuple[str, str]]
) -> None:
    tools = [tool_param(tool) for tool in request.tools]
    tools += settings.pop("server_tools", None) or []
    if tools:
        params["tools"] = tools
    elif "tool_choice" in settings:
        left_out.append(("tool_choice", "no tools are offered"))
        del settings["tool_choice"]


def _define_called(params: dict[str, Any]) -> None:
    """Define the tools that were called in the history; now none may be called."""
    blocks = (
        block
        for message in params["messages"]
        if isinstance(message["content"], list)
        for block in message["content"]
        if block.get("type") == "tool_use"
    )
    names = dict.fromkeys(block["name"] for block in blocks)
    if names:
        params["tools"] = [tool_param(Tool(name)) for name in names]
        params["tool_choice"] = {"type": "none"}


def _add_settings(params: dict[str, Any], settings: dict[str, Any]) -> None:
    stop = settings.pop("stop", None)
    if stop is not None:
        settings.setdefault("stop_sequences", [stop] if isinstance(stop, str) else list(stop))
    if (effort := settings.pop("effort", None)) is not None:
        settings["output_config"] = {**(settings.get("output_config") or {}), "effort": effort}
    if isinstance(thinking := settings.get("thinking"), bool):
        settings["thinking"] = {"type": "adaptive" if thinking else "disabled"}
    if isinstance(choice := settings.get("tool_choice"), str):
        settings["tool_choice"] = {"type": {"required": "any"}.get(choice, choice)}
    if betas := settings.pop("betas", None):
        header = betas if isinstance(betas, str) else ",".join(betas)
        settings["extra_headers"] = {**(settings.get("extra_headers") or {}), "anthropic-beta": header}
    body = {name: settings.pop(name) for name in [*settings] if name not in NAMED}
    if body:
        settings["extra_body"] = {**body, **(settings.get("extra_body") or {})}
    params.update((name, value) for name, value in settings.items() if value is not None)


def _add_schema(
    params: dict[str, Any],
    request: Request,
    capabilities: Capabilities,
    dropped: Mapping[str, str],
    left_out: list[tuple[str, str]],
) -> None:
    if request.schema is None or "schema" in dropped or "output_config" in dropped:
        return
    if not capabilities.schema:
        left_out.append(("schema", f"{params['model']} cannot be held to one"))
        return
    form = {"type": "json_schema", "schema": _accepted(thaw(request.schema))}
    params["output_config"] = {**(params.get("output_config") or {}), "format": form}


def _accepted(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema as the API takes it: limits that it cannot enforce go into the descriptions."""
    from anthropic import transform_schema

    try:
        return transform_schema(schema)
    except (ValueError, TypeError, AttributeError):  # not of the kind that it knows; the API will say
        return schema


def _most(params: Mapping[str, Any], request: Request, capabilities: Capabilities, room: int) -> int:
    """Return ``max_tokens``: thoughts count, so those that are asked for come on top of the answer."""
    most = params.get("max_tokens")
    if most is None:
        thinking = params.get("thinking") or {}
        most = request.answer_tokens + max(room, thinking.get("budget_tokens") or 0)
    limit = capabilities.output_tokens
    return int(most) if limit is None else min(int(most), limit)


def _previous(messages: Iterable[Message], model: str) -> str | None:
    """Return the id of this model's last answer in the conversation, for the cache's diagnosis."""
    found = None
    for message in messages:
        origin = message.origin
        if origin is not None and (origin.provider, origin.model) == (PROVIDER, model):
            found = origin.response_id or found
    return found
