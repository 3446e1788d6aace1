"""What a conversation is after a wire format has carried it, worked out without the codecs.

``carried`` says which parts a format takes, ``normal`` how they are arranged when they come back.
Both restate what the docstrings of the codecs promise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from memex import Citation, Media, Message, Opaque, Part, Reasoning, Refusal, Text, ToolCall, ToolResult, thaw
from memex._codecs.arguments import to_object, to_text

Key = tuple[Any, ...]
Shown = tuple[str, str | None, tuple[Key, ...]]

NO_REFUSALS = {"anthropic", "cohere", "hf"}
OBJECTS = {"anthropic", "hf"}
TOOL_NAMES = {"openai", "openai-responses", "hf"}
SPEAKERS = {"openai", "hf"}
ALL = {"system", "developer", "user", "result"}
URL, DATA, ID = "url", "base64", "file_id"
# By format and kind: where it may stand, how it may be given, and what is said about it.
MEDIA: dict[tuple[str, str], tuple[set[str], set[str], set[str]]] = {
    ("openai", "image"): ({"user"}, {URL, DATA}, {"detail", "media_type"}),
    ("openai", "audio"): ({"user"}, {DATA}, {"media_type"}),
    ("openai", "file"): ({"user"}, {DATA, ID}, {"name", "media_type"}),
    ("openai-responses", "image"): (ALL, {URL, DATA, ID}, {"detail", "media_type"}),
    ("openai-responses", "file"): (ALL, {URL, DATA, ID}, {"name", "media_type", "detail"}),
    ("anthropic", "image"): ({"user", "result"}, {URL, DATA, ID}, {"media_type"}),
    ("anthropic", "file"): ({"user", "result"}, {URL, DATA, ID}, {"name", "media_type"}),
    ("cohere", "image"): ({"user"}, {URL, DATA}, {"detail", "media_type"}),
    ("hf", "image"): (ALL, {URL, DATA}, {"media_type"}),
    ("hf", "audio"): (ALL, {URL, DATA}, set()),
    ("hf", "video"): (ALL, {URL, DATA}, set()),
}


def shown(messages: Iterable[Message]) -> list[Shown]:
    """Return everything of messages but ids, times, notes and what only one format reads."""
    return [(m.role, m.name, tuple(key(part) for part in m.parts)) for m in messages]


def key(part: Part) -> Key:
    """Return all that a part says."""
    return (_tag(part), *_KEYS[type(part)](part))


def _tag(part: Part) -> str:
    return str(part.__struct_config__.tag)


_KEYS: dict[type[Part], Callable[[Any], Key]] = {
    Text: lambda part: (part.text,),
    Refusal: lambda part: (part.text,),
    Reasoning: lambda part: (part.text, part.signature, part.encrypted, part.id),
    ToolCall: lambda part: (part.id, part.name, part.arguments),
    ToolResult: lambda part: (part.call_id, part.is_error, part.name, tuple(map(key, part.parts))),
    Media: lambda part: (part.kind, part.source, part.value, part.media_type, part.name, part.detail),
    Citation: lambda part: (part.text, part.start, part.end, repr(thaw(part.sources))),
    Opaque: lambda part: (part.format, repr(thaw(part.data))),
}


# -- what a format takes --------------------------------------------------------------------------


def carried(codec: str, place: str, part: Part, before: Part | None) -> bool:
    """Say whether a format takes a part.

    Args:
        codec: Name of the format.
        place: Role of the message, or ``"result"`` for what is inside a tool result.
        part: The part.
        before: The part before it in the message, citations aside.
    """
    if isinstance(part, Media):
        return _takes_media(codec, place, part)
    if isinstance(part, Reasoning):
        return _takes_reasoning(codec, part)
    if isinstance(part, Citation):
        return _takes_citation(codec, part, before)
    if isinstance(part, Opaque):
        return part.format == codec
    return not (codec == "anthropic" and isinstance(part, Text) and not part.text)


def _takes_media(codec: str, place: str, part: Media) -> bool:
    places, sources, _ = MEDIA.get((codec, part.kind), (set(), set(), set()))
    untyped = part.kind == "image" and part.source == DATA and part.media_type is None
    return place in places and part.source in sources and not (untyped and codec != "hf")


def _takes_reasoning(codec: str, part: Reasoning) -> bool:
    match codec:
        case "anthropic":
            return part.id is None and (part.signature is not None) != (part.encrypted is not None)
        case "openai-responses":
            return part.id is not None and part.signature is None
        case "cohere" | "hf":
            return part.signature is None and part.encrypted is None
    return False


def _takes_citation(codec: str, part: Citation, before: Part | None) -> bool:
    kind = part.sources[0]["type"]
    if codec == "cohere":
        return bool(kind == "document")
    wanted = {"anthropic": "char_location", "openai-responses": "url_citation"}.get(codec)
    whole = codec != "anthropic" or "start_char_index" in part.sources[0]
    return kind == wanted and whole and isinstance(before, Text) and carried(codec, "assistant", before, None)


# -- how it comes back ----------------------------------------------------------------------------


def normal(messages: Sequence[Message], codec: str) -> tuple[list[Shown], Counter[tuple[str, str]]]:
    """Return what a conversation is when it comes back, and the parts that are left out."""
    lost: Counter[tuple[str, str]] = Counter()
    back: list[Shown] = []
    for message in messages:
        for role, run in _runs(message):
            parts = _kept(run, role, codec, lambda part, m=message: lost.update([(m.id, _tag(part))]))
            keys = tuple(_arranged(parts, codec) if role == "assistant" else (_key(p, codec) for p in parts))
            name = message.name if codec in SPEAKERS and role != "tool" else None
            if keys:
                _add(back, (_role(role, codec), name, keys), codec)
    return back, lost


def _runs(message: Message) -> list[tuple[str, list[Part]]]:
    if message.role != "tool":
        return [(message.role, list(message.parts))]
    return [("tool", [part]) for part in message.parts]


def _role(role: str, codec: str) -> str:
    return "system" if role == "developer" and codec in {"anthropic", "cohere"} else role


def _add(back: list[Shown], message: Shown, codec: str) -> None:
    merged = {"anthropic": {"user", "assistant", "system"}, "openai-responses": {"assistant"}}.get(
        codec, set()
    )
    if back and back[-1][0] == message[0] and message[0] in merged:
        back[-1] = (message[0], None, (*back[-1][2], *message[2]))
    else:
        back.append(message)


def _kept(run: list[Part], place: str, codec: str, lose: Callable[[Part], None]) -> list[Part]:
    kept: list[Part] = []
    said: Part | None = None  # the text that citations would belong to
    for part in run:
        if not carried(codec, place, part, said):
            lose(part)
        elif isinstance(part, ToolResult):
            kept.append(_result(part, codec, lose))
        elif isinstance(part, Citation) and isinstance(said, Text):
            _cite(kept, part, said, codec)
        else:
            kept.append(part)
        if not isinstance(part, Citation):
            said = part
    return kept


def _result(part: ToolResult, codec: str, lose: Callable[[Part], None]) -> ToolResult:
    inner = _kept(list(part.parts), "result", codec, lose)
    if not inner and codec != "anthropic":
        inner = [Text("")]
    failed = part.is_error and codec == "anthropic"
    name = part.name if codec in TOOL_NAMES else None
    return ToolResult(call_id=part.call_id, parts=tuple(inner), is_error=failed, name=name)


def _cite(kept: list[Part], part: Citation, said: Text, codec: str) -> None:
    if codec == "openai-responses":
        whole = part.end is not None and part.end <= len(said.text)
        part = Citation(
            text=said.text[part.start : part.end] if whole else "", start=0, end=1, sources=part.sources
        )
    elif codec == "anthropic":
        sources = part.sources
        if isinstance(kept[-1], Citation):
            sources = (*kept.pop().sources, *sources)  # type: ignore[union-attr]
        part = Citation(text=said.text, start=0, end=len(said.text), sources=sources)
    kept.append(part)


def _key(part: Part, codec: str) -> Key:
    if isinstance(part, Refusal) and codec in NO_REFUSALS:
        return ("text", part.text)
    if isinstance(part, ToolCall) and codec in OBJECTS:
        return ("tool_call", part.id, part.name, to_text(to_object(part.arguments)))
    if isinstance(part, Reasoning) and codec in {"cohere", "hf"}:
        return ("reasoning", part.text, None, None, None)
    if isinstance(part, Media):
        fields = MEDIA[codec, part.kind][2] - (set() if part.source == DATA else {"media_type"})
        said = [getattr(part, name) if name in fields else None for name in ("media_type", "name", "detail")]
        if (codec, part.kind) == ("openai-responses", "image"):
            said[2] = part.detail or "auto"
        return ("media", part.kind, part.source, part.value, *said)
    if isinstance(part, ToolResult):
        inner = tuple(_key(each, codec) for each in part.parts)
        return ("tool_result", part.call_id, part.is_error, part.name, inner)
    return key(part)


def _arranged(parts: list[Part], codec: str) -> list[Key]:
    if codec in {"anthropic", "openai-responses"}:
        return [_key(part, codec) for part in parts]
    thoughts = [part for part in parts if isinstance(part, Reasoning)]
    refusals = [part for part in parts if isinstance(part, Refusal)]
    ranked: list[tuple[int, Key]] = []
    if codec == "hf" and thoughts:
        ranked.append((0, ("reasoning", "\n\n".join(each.text for each in thoughts), None, None, None)))
    for part in parts:
        rank = {ToolCall: 3, Citation: 4}.get(type(part), 1)
        if codec == "openai" and refusals and part is refusals[-1]:
            rank = 2
        if not (codec == "hf" and isinstance(part, Reasoning)):
            ranked.append((rank, _key(part, codec)))
    return [key for _, key in sorted(ranked, key=lambda pair: pair[0])]
