"""Hypothesis strategies for texts, JSON values and parts.

Each is built once and kept: building them again for every draw costs far more than the draws.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Literal

from hypothesis import strategies as st

from memex._codecs.arguments import compact
from memex._parts import Citation, Media, Opaque, Part, Reasoning, Refusal, Text, ToolCall, ToolResult

Role = Literal["system", "developer", "user", "assistant", "tool"]

# One sentence each of scripts that tokenizers, searches and counters tell apart.
_SENTENCES = (
    "The quick brown fox jumps over the lazy dog.",
    "Łódź and Zürich agreed: “naïve café” costs 12,50 €.",
    "Съешь же ещё этих мягких французских булок.",
    "我们决定周五部署到生产环境。",
    "金曜日にデプロイすることに決めました。",
    "우리는 금요일에 배포하기로 했다.",
    "قررنا النشر يوم الجمعة.",
    "हमने शुक्रवार को तैनात करने का निर्णय लिया।",
    "เราตัดสินใจติดตั้งวันศุกร์",
    "👩‍👩‍👧‍👦 👍🏽 🇺🇳 ✅",
    "def f(x):\n\treturn {'a': [x, -1.5e-3]}\n",
    '{"status": "ok", "items": [1, 2, 3]}',
    "data:image/png;base64,AAAA is not a picture",
    "  \n\t two\r\nlines  ",
)
_ALPHABET = st.characters(codec="utf-8", exclude_characters="\0")
_KEYS = st.text(_ALPHABET, max_size=6)
_NAMES = st.sampled_from(["search", "read_file", "weather", "book_flight"])
_BROKEN_ARGUMENTS = (
    "",
    "{",
    '{"a": 1',
    "[1, 2]",
    '"text"',
    "null",
    '{"a": 1, "a": 2}',
    '{"a": NaN}',
    '{"a": 123456789012345678901234567890}',
    '{"a": 0.1000000000000000055511151231257827}',
    '{"memex_exact_arguments": "{"}',
    "print('free text for a custom tool')",
)
_BASE64 = st.binary(min_size=3, max_size=12).map(lambda data: data.hex())


@cache
def texts(*, min_size: int = 0) -> st.SearchStrategy[str]:
    """Texts in many scripts: whole sentences, arbitrary characters, and both together.

    No lone surrogates, which no store takes, and no NUL, which some refuse.

    Args:
        min_size: Fewest characters.
    """
    arbitrary = st.text(_ALPHABET, min_size=min_size, max_size=12)
    sentence = st.sampled_from(_SENTENCES)
    return sentence | arbitrary | st.builds("{} {}".format, sentence, arbitrary)


@cache
def json_values() -> st.SearchStrategy[Any]:
    """JSON values as a message can hold them: ints of 64 bits, finite floats, a few levels deep."""
    leaves = (
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**64 - 1)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(_ALPHABET, max_size=8)
    )
    return st.recursive(leaves, lambda inner: _lists(inner) | _objects(inner), max_leaves=5)


def _lists(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=3)


def _objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(_KEYS, inner, max_size=3)


@cache
def json_objects() -> st.SearchStrategy[dict[str, Any]]:
    """JSON objects; see :func:`json_values`."""
    return _objects(json_values())


@cache
def arguments() -> st.SearchStrategy[str]:
    """Arguments of a tool call, as a model writes them: JSON objects, and text that is none."""
    return json_objects().map(compact) | st.sampled_from([*_BROKEN_ARGUMENTS, '{ "spaced" : 1.50 }', "{}"])


@cache
def media() -> st.SearchStrategy[Media]:
    """Images, sounds, films and files, by URL, as data, and by file id."""
    names = st.none() | st.sampled_from(["plan.pdf", "写真.png"])
    return st.one_of(
        st.builds(
            Media,
            kind=st.sampled_from(["image", "audio", "video", "file"]),
            source=st.just("url"),
            value=st.sampled_from(["https://example.org/a.png", "https://example.org/b?x=1&y=é"]),
            name=names,
            width=st.none() | st.just(640),
        ),
        st.builds(
            Media,
            kind=st.just("image"),
            source=st.just("base64"),
            value=_BASE64,
            media_type=st.none() | st.sampled_from(["image/png", "image/jpeg"]),
            detail=st.none() | st.sampled_from(["low", "high", "auto"]),
        ),
        st.builds(
            Media,
            kind=st.just("audio"),
            source=st.just("base64"),
            value=_BASE64,
            media_type=st.sampled_from(["audio/wav", "audio/mpeg", "audio/flac"]),
        ),
        st.builds(
            Media,
            kind=st.just("file"),
            source=st.just("base64"),
            value=_BASE64,
            media_type=st.just("application/pdf"),
            name=names,
        ),
        st.builds(
            Media,
            kind=st.sampled_from(["image", "file", "audio"]),
            source=st.just("file_id"),
            value=st.sampled_from(["file-abc123", "file_011"]),
            name=names,
        ),
    )


@cache
def reasoning() -> st.SearchStrategy[Reasoning]:
    """Thoughts in plain text, signed, encrypted, and with a provider's id."""
    signature = st.sampled_from(["EqQBCgIYAhIM", "sig=="])
    item_id = st.integers(0, 10**6).map("rs_{}".format)
    return st.one_of(
        st.builds(Reasoning, text=texts(min_size=1)),
        st.builds(Reasoning, text=texts(), signature=signature),
        st.builds(Reasoning, encrypted=signature),
        st.builds(Reasoning, text=texts(), encrypted=st.none() | signature, id=item_id),
    )


@cache
def _citations() -> st.SearchStrategy[Citation]:
    sources = st.sampled_from(
        [
            {"type": "document", "id": "doc:0", "document": {"title": "Minutes"}},
            {
                "type": "url_citation",
                "start_index": 0,
                "end_index": 1,
                "url": "https://example.org",
                "title": "A",
            },
            {
                "type": "char_location",
                "cited_text": "a",
                "document_index": 0,
                "document_title": None,
                "start_char_index": 0,
                "end_char_index": 1,
            },
            {
                "type": "char_location",
                "cited_text": "a",
                "document_index": 0,
            },  # not whole: Anthropic refuses it
        ]
    )
    return st.builds(
        Citation, text=texts(min_size=1), start=st.just(0), end=st.just(1), sources=st.tuples(sources)
    )


@cache
def opaque() -> st.SearchStrategy[Opaque]:
    """Parts that only one wire format understands."""
    formats = st.sampled_from(["openai", "openai-responses", "anthropic", "cohere", "hf", "irc"])
    data = st.builds(lambda value: {"type": "of_the_future", "value": value}, json_values())
    return st.builds(Opaque, format=formats, data=data)


@cache
def tool_results() -> st.SearchStrategy[ToolResult]:
    """Results of invented tool calls: a text, or any number of texts and media."""
    content = st.lists(st.builds(Text, texts()) | media(), max_size=3).map(tuple)
    words = st.builds(lambda text: (Text(text),), texts())
    return st.builds(
        ToolResult,
        call_id=st.integers(0, 99).map("call_{}".format),
        parts=words | content,
        is_error=st.booleans(),
        name=st.none() | _NAMES,
    )


@cache
def tool_calls() -> st.SearchStrategy[ToolCall]:
    """Calls of a tool; their ids may repeat."""
    return st.builds(
        ToolCall, id=st.integers(0, 99).map("call_{}".format), name=_NAMES, arguments=arguments()
    )


@cache
def parts(role: Role | None = None) -> st.SearchStrategy[Part]:
    """Parts, any or those that a role would have.

    Args:
        role: Who speaks; None for every kind of part.
    """
    words = st.builds(Text, texts())
    said: dict[Role | None, st.SearchStrategy[Part]] = {
        "system": words,
        "developer": words,
        "user": words | media() | opaque(),
        "tool": tool_results(),
        "assistant": words | reasoning() | st.builds(Refusal, texts(min_size=1)) | _citations() | opaque(),
    }
    every = said["user"] | said["assistant"] | said["tool"] | tool_calls()
    return said.get(role, every)
