"""Thoughts that are valid only in the conversation they were thought in.

Since Claude Fable 5.1 the signature of a thought covers the system text, the tools and all messages
before it. A window changes between turns: old messages leave it, others are recalled. Sent after another
beginning, such a thought is an error. So each answer is stored with a digest of what was sent for it, and
its thoughts go back only after just that.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Any, Final

from memex import Message, Reasoning, Request, encode

PREFIX: Final = "anthropic:prefix"
"""Key of the digest in the extra of an answer."""

_BINDING: Final = ("claude-fable-5-[12]*", "claude-mythos-5-[12]*")


def binds_thoughts(model: str) -> bool:
    """Say whether a model is known to refuse its thoughts after another beginning."""
    return any(fnmatchcase(model, pattern) for pattern in _BINDING)


def with_valid_thoughts(
    request: Request, tools: Sequence[Any], model: str
) -> tuple[tuple[Message, ...], str, int]:
    """Return the messages without thoughts that are no longer valid, a digest of all, and how many left.

    An answer that was stored without a digest keeps its thoughts.
    """
    digest = sha256(_bytes(tools))
    kept: list[Message] = []
    dropped = 0
    for message in request.messages:
        said = message
        issued = message.extra.get(PREFIX)
        if issued is not None and issued != digest.hexdigest()[:32]:
            said = without_thoughts(message)
            dropped += len(message.parts) - len(said.parts)
        kept.append(said)
        digest.update(_bytes(encode([said], "anthropic", model=model).payload))
    return tuple(kept), digest.hexdigest()[:32], dropped


def without_thoughts(message: Message) -> Message:
    """Return the message without signed and sealed thoughts."""
    kept = [part for part in message.parts if not _is_bound(part)]
    return message if len(kept) == len(message.parts) else message.replace(parts=kept)


def _is_bound(part: object) -> bool:
    return isinstance(part, Reasoning) and (part.signature is not None or part.encrypted is not None)


def _bytes(value: Iterable[Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"
