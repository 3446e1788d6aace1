"""Tool calls in a ``tool_calls`` list, as OpenAI's chat messages and Cohere's have them."""

from __future__ import annotations

from typing import Any

from memex._codecs.content import settle
from memex._codecs.leftovers import shape_of, shaped, with_shape
from memex._codecs.outgoing import Outgoing
from memex._codecs.reading import object_field, text_field
from memex._frozen import FrozenDict
from memex._parts import Opaque, Part, ToolCall


def read_call(call: FrozenDict, where: str, codec: str) -> Part:
    """Read one element: a function call, a custom call, or opaque."""
    kind = text_field(call, "type", where) if "type" in call else "function"
    if kind not in {"function", "custom"}:
        return opaque_call(call, codec)
    body = object_field(call, kind, where)
    part = ToolCall(
        id=text_field(call, "id", where),
        name=text_field(body, "name", f"{where}.{kind}"),
        arguments=text_field(body, "arguments" if kind == "function" else "input", f"{where}.{kind}"),
        extra=shaped(codec, custom=kind == "custom", untyped="type" not in call),
    )
    return settle(part, call, codec, write_call)


def opaque_call(call: FrozenDict, codec: str) -> Part:
    """Return an element that memex has no word for, marked to go back into the list."""
    return with_shape(Opaque(format=codec, data=call), codec, place="tool_calls")


def write_call(part: ToolCall, out: Outgoing) -> dict[str, Any]:
    """Write one element."""
    shape = shape_of(part, out.codec)
    if shape.get("custom"):
        return {"id": part.id, "type": "custom", "custom": {"name": part.name, "input": part.arguments}}
    call = {"id": part.id, "function": {"name": part.name, "arguments": part.arguments}}
    return call if shape.get("untyped") else {**call, "type": "function"}
