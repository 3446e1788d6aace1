"""From a request to the parameters of Cohere's ``v2.chat``. No input or output happens here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from memex import BadRequest, Capabilities, Request, Tool, encode, thaw
from memex.wire import parts_left_out, refuse_host_settings
from memex_cohere.faults import PROVIDER

_OURS: Final = {
    "model": "the backend's model",
    "messages": "the thread's messages",
    "stream": "thread.stream()",
    "tools": "tools=",
}
_ALIASES: Final = {"top_p": "p", "top_k": "k", "stop": "stop_sequences"}
NAMED: Final = frozenset(
    {"strict_tools", "documents", "citation_options", "response_format", "safety_mode", "max_tokens"}
    | {"stop_sequences", "temperature", "seed", "frequency_penalty", "presence_penalty", "k", "p", "logprobs"}
    | {"tool_choice", "thinking", "priority"}
)
"""Named parameters of the SDK's call; what is not among them travels as a further field of the body."""


class Asked(msgspec.Struct):
    """A call that is ready to be made.

    Attributes:
        params: Keyword arguments of ``v2.chat`` and ``v2.chat_stream``, but for ``request_options``.
        body: Further fields of the body.
        left_out: What could not be sent, with the reason.
    """

    params: dict[str, Any]
    body: dict[str, Any]
    left_out: list[tuple[str, str]]


def build(
    request: Request,
    *,
    model: str,
    capabilities: Capabilities,
    dropped: Mapping[str, str] | None = None,
) -> Asked:
    """Return the call for a request.

    Args:
        request: What is asked.
        model: Whom.
        capabilities: What it can take.
        dropped: Settings to leave out as well, with the reasons.

    Raises:
        BadRequest: If it cannot be asked: no messages, several answers, or a setting that memex makes.
    """
    dropped = dropped or {}
    settings = dict(thaw(request.settings))
    left_out: list[tuple[str, str]] = []
    refuse_host_settings(f"{PROVIDER}:{model}", settings, _OURS)
    for name in [name for name in settings if name in capabilities.refuses or name in dropped]:
        del settings[name]
        if name not in dropped:  # whoever dropped it notes it
            left_out.append((name, f"{model} does not take it"))
    encoded = encode(request.messages, PROVIDER, model=model)
    left_out += parts_left_out(encoded)
    params: dict[str, Any] = {"model": model, **encoded.payload}
    if not params["messages"]:
        raise BadRequest(f"{PROVIDER}:{model}: there is no message to send")
    if request.tools:
        params["tools"] = [tool_param(tool) for tool in request.tools]
    elif settings.pop("tool_choice", None) is not None:
        left_out.append(("tool_choice", "no tools are offered"))
    _add_settings(params, settings)
    _add_schema(params, request, capabilities, dropped, left_out)
    params["max_tokens"] = _most(params, request, capabilities)
    return Asked(params, {name: value for name, value in settings.items() if value is not None}, left_out)


def tool_param(tool: Tool) -> dict[str, Any]:
    """Return a tool's definition."""
    schema = dict(thaw(tool.parameters)) or {"type": "object", "properties": {}}
    function: dict[str, Any] = {"name": tool.name, "parameters": schema}
    if tool.description:
        function["description"] = tool.description
    return {"type": "function", "function": function}


def _add_settings(params: dict[str, Any], settings: dict[str, Any]) -> None:
    """Move the settings that the SDK names into the call; what stays is for the body."""
    for alias, name in _ALIASES.items():
        if (value := settings.pop(alias, None)) is not None:
            settings.setdefault(name, value)
    if isinstance(stop := settings.get("stop_sequences"), str):
        settings["stop_sequences"] = [stop]
    if isinstance(choice := settings.get("tool_choice"), str):
        # Cohere has no word for "auto": it is what happens where nothing is said.
        settings["tool_choice"] = None if choice == "auto" else choice.upper()
    if isinstance(thinking := settings.get("thinking"), bool):
        settings["thinking"] = {"type": "enabled" if thinking else "disabled"}
    for name in [*settings]:
        if name in NAMED and (value := settings.pop(name)) is not None:
            params[name] = value


def _add_schema(
    params: dict[str, Any],
    request: Request,
    capabilities: Capabilities,
    dropped: Mapping[str, str],
    left_out: list[tuple[str, str]],
) -> None:
    if request.schema is None or "schema" in dropped or "response_format" in dropped:
        return
    beside = [name for name in ("tools", "documents") if params.get(name)]
    if not capabilities.schema:
        left_out.append(("schema", f"{params['model']} cannot be held to one"))
    elif beside:
        left_out.append(("schema", f"Cohere takes none beside {beside[0]}"))
    else:
        params["response_format"] = {"type": "json_object", "json_schema": thaw(request.schema)}


def _most(params: Mapping[str, Any], request: Request, capabilities: Capabilities) -> int:
    """Return ``max_tokens``: thoughts count, so a budget for them comes on top of the answer's."""
    most = params.get("max_tokens")
    if most is None:
        thinking = params.get("thinking")
        budget = thinking.get("token_budget") if isinstance(thinking, Mapping) else None
        most = request.answer_tokens + (budget or 0)
    limit = capabilities.output_tokens
    return int(most) if limit is None else min(int(most), limit)
