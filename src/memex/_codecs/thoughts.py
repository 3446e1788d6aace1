"""Reasoning in a text field of an assistant message, as open models and their servers send it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from memex._codecs.leftovers import shape_of, shaped
from memex._codecs.outgoing import Outgoing
from memex._codecs.reading import text_or_none
from memex._parts import Part, Reasoning

# vLLM and DeepSeek; OpenRouter and newer vLLM; gpt-oss chat templates; Cohere before a tool call.
FIELDS: Final = ("reasoning_content", "reasoning", "thinking")


def read_thoughts(
    item: Mapping[str, Any], codec: str, fields: Iterable[str] = FIELDS, usual: str = ""
) -> list[Reasoning]:
    """Return the reasoning in an assistant message; ``usual`` is the field that needs no note."""
    return [
        Reasoning(text, extra=shaped(codec, field=field if field != usual else None))
        for field in fields
        if (text := text_or_none(item, field)) is not None
    ]


def field_of(part: Part, codec: str) -> str:
    """Return the field that a thought came from in this format, or an empty string."""
    field = shape_of(part, codec).get("field")
    return field if isinstance(field, str) and isinstance(part, Reasoning) else ""


def write_thoughts(parts: Iterable[Part], out: Outgoing, usual: str = "") -> dict[str, str]:
    """Return the fields that hold these thoughts; several for one field are joined.

    Args:
        parts: Reasoning parts.
        out: Where those that cannot be written are noted.
        usual: The field for thoughts that did not come from this format; empty if it has none.
    """
    fields: dict[str, list[str]] = {}
    for part in parts:
        field = field_of(part, out.codec) or usual
        if not isinstance(part, Reasoning) or not out.takes(part):
            continue
        if part.signature is not None or part.encrypted is not None:
            out.leave(part, f"{out.codec} has no place for signed or encrypted reasoning")
        elif not field:
            out.leave(part, f"{out.codec} has no place for reasoning")
        else:
            fields.setdefault(field, []).append(part.text)
            out.check_reasoning(part)
    return {field: "\n\n".join(texts) for field, texts in fields.items()}
