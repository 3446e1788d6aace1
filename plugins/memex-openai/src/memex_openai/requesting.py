"""What both of OpenAI's APIs share when a request is made ready."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import msgspec

from memex import BadSetting, Capabilities, Message, Part, Reasoning, Tool, thaw
from memex_openai.presets import Address

_CODECS: Final = ("openai", "openai-responses")
LIMITS: Final = ("max_tokens", "max_completion_tokens", "max_output_tokens")
_NOT_YOURS: Final = {
    "model": "the model is set where the backend is opened",
    "messages": "the window decides what is sent",
    "input": "the window decides what is sent",
    "stream": "send() and stream() decide that",
    "previous_response_id": "memex keeps the conversation itself",
    "conversation": "memex keeps the conversation itself",
    "background": "memex waits for the answer",
}
# What makes the request what it is. All else may be left out when a model refuses it.
ESSENTIAL: Final = frozenset(
    {"model", "messages", "input", "instructions", "stream", "tools", "response_format", "text"}
)
SAMPLING: Final = frozenset(
    {
        "temperature",
        "top_p",
        "presence_penalty",
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "top_logprobs",
    }
)
BREAKPOINT: Final = "prompt_cache_breakpoint"
_LONGEST_KEY: Final = 64
_VERSION: Final = re.compile(r"gpt-(\d+)(?:\.(\d+))?(?![\d.])")


class Prepared(msgspec.Struct, frozen=True):
    """A request that is ready to be sent.

    Attributes:
        body: Its fields, as they go over the wire.
        left_out: Settings and parts that the API or the server does not take, each with the reason.
        headers: Further headers of this request.
    """

    body: dict[str, Any]
    left_out: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = {}

    @property
    def settings(self) -> frozenset[str]:
        """Names of all that could be left out of it."""
        names = frozenset(self.body) - ESSENTIAL
        return names | {BREAKPOINT} if _has_breakpoint(self.body) else names


class Wishes(msgspec.Struct, frozen=True):
    """The settings of a call, sorted.

    Attributes:
        fields: Those that go into the body as they are.
        limit: The longest answer in tokens; None for no limit.
        headers: Further headers.
        further: What the caller gave as ``extra_body``.
    """

    fields: dict[str, Any]
    limit: int | None
    headers: dict[str, str]
    further: dict[str, Any]


def wishes_of(settings: Mapping[str, Any], answer_tokens: int) -> Wishes:
    """Sort the settings of a call.

    Raises:
        BadSetting: If one of them is memex's to decide, or asks for several answers.
    """
    fields = {name: thaw(value) for name, value in settings.items()}
    further = fields.pop("extra_body", None) or {}
    headers = fields.pop("extra_headers", None) or {}
    for name, kind in (("extra_body", further), ("extra_headers", headers)):
        if not isinstance(kind, dict):
            raise BadSetting(f"openai: {name} is {kind!r}; it must be a table")
    for name in (*fields, *further):
        if name in _NOT_YOURS:
            raise BadSetting(f"openai: {name!r} cannot be set for a call: {_NOT_YOURS[name]}")
    if (count := fields.pop("n", further.get("n"))) not in (None, 1):
        raise BadSetting(
            f"openai: n is {count!r}; a thread goes on from one answer. Ask several times, in forks of it"
        )
    limit: int | None = answer_tokens
    for name in LIMITS:
        if name in fields:
            limit = fields.pop(name)
            if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
                raise BadSetting(
                    f"openai: {name} is {limit!r}; it must be a number of tokens, or None for no limit"
                )
    return Wishes(fields, limit, {str(k): str(v) for k, v in headers.items()}, further)


def refusals(address: Address, capabilities: Capabilities, settings: Mapping[str, Any]) -> frozenset[str]:
    """Return the settings that are known to be refused.

    A reasoning model that is told not to think may take the sampling settings after all.
    """
    refused = frozenset(capabilities.refuses) | frozenset(address.server.refuses)
    return refused - SAMPLING if settings.get("reasoning_effort") == "none" else refused


def prune(body: dict[str, Any], dropped: Collection[str]) -> dict[str, Any]:
    """Return the body without what the model refuses."""
    kept = {name: value for name, value in body.items() if name not in dropped or name in ESSENTIAL}
    return _without_breakpoints(kept) if BREAKPOINT in dropped else kept


def add_further(body: dict[str, Any], further: Mapping[str, Any]) -> None:
    """Add the fields that memex has no word for. Tools, such as the provider's own, join those there are."""
    for name, value in further.items():
        if name == "tools" and isinstance(value, list):
            body["tools"] = [*body.get("tools", ()), *value]
        elif name != "n":
            body[name] = value


def cache_key(thread: str) -> str:
    """Return the thread's id as a cache key: as it is, or a digest of one that is too long."""
    if len(thread) <= _LONGEST_KEY and thread.isprintable():
        return thread
    from hashlib import sha256

    return sha256(thread.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def takes_breakpoints(address: Address) -> bool:
    """Say whether the prompt cache takes breakpoints: on OpenAI's own models since GPT-5.6."""
    found = _VERSION.match(address.model)
    return address.official and found is not None and (int(found[1]), int(found[2] or 0)) >= (5, 6)


def last_response(messages: Sequence[Message], address: Address) -> str | None:
    """Return the id of the newest answer of this model in the window, to compare the cache with."""
    for message in reversed(messages):
        if message.role == "assistant" and message.origin is not None:
            own = message.origin.provider == "openai" and message.origin.model == address.label
            return message.origin.response_id if own else None
    return None


def for_this_model(message: Message, address: Address, *, echo: bool) -> Message:
    """Return a message without what only its own author would understand.

    The host has left out what is signed or encrypted. Beyond that, thoughts in plain words, fields
    that OpenAI's format does not have, and ids of items belong to the server that sent them.

    Args:
        message: A message of the window.
        address: Who will read it.
        echo: Whether the reader takes back what it said beyond the format.
    """
    origin = message.origin
    own = origin is None or (origin.provider == "openai" and origin.model == address.label)
    if message.role != "assistant" or (own and echo):
        return message
    parts = tuple(_bare(part, own=own) for part in message.parts if not _thought(part, own=own))
    extra = {key: value for key, value in message.extra.items() if key not in _CODECS}
    return message.replace(parts=parts, extra=extra)


def strict_schema(schema: Any) -> bool:
    """Say whether a schema may be enforced strictly: every object closed, every field required."""
    if isinstance(schema, Mapping):
        properties = schema.get("properties")
        if isinstance(properties, Mapping) or schema.get("type") == "object":
            names = set(properties or ())
            if schema.get("additionalProperties") is not False or set(schema.get("required") or ()) != names:
                return False
        return all(strict_schema(value) for value in schema.values())
    if isinstance(schema, (list, tuple)):
        return all(strict_schema(value) for value in schema)
    return True


def parameters_of(tool: Tool) -> dict[str, Any]:
    """Return the JSON schema of a tool's arguments; a tool without any takes none."""
    schema: dict[str, Any] = thaw(tool.parameters)
    return schema or {"type": "object", "properties": {}}


def _thought(part: Part, *, own: bool) -> bool:
    # The Responses API knows its own thoughts by their id; elsewhere they are words of another model.
    return isinstance(part, Reasoning) and not (own and part.id is not None)


def _bare(part: Part, *, own: bool) -> Part:
    keys = (_CODECS[0],) if own else (*_CODECS, "openai-responses:shape")
    if not any(key in part.extra for key in keys):
        return part
    extra = {key: value for key, value in part.extra.items() if key not in keys}
    bare: Part = msgspec.structs.replace(part, extra=extra)
    return bare


def _has_breakpoint(value: Any) -> bool:
    if isinstance(value, dict):
        return BREAKPOINT in value or any(map(_has_breakpoint, value.values()))
    return isinstance(value, list) and any(map(_has_breakpoint, value))


def _without_breakpoints(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_breakpoints(item) for key, item in value.items() if key != BREAKPOINT}
    return [_without_breakpoints(item) for item in value] if isinstance(value, list) else value
