"""Citations as both formats of OpenAI write them: annotations of a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from memex._codecs.leftovers import single
from memex._codecs.outgoing import NoPlace, Outgoing
from memex._codecs.reading import int_or_none
from memex._frozen import FrozenDict, thaw
from memex._parts import Citation

_TYPES = frozenset({"url_citation", "file_citation", "container_file_citation", "file_path"})


def read_annotations(value: Any, text: str, *, nested: bool) -> list[Citation]:
    """Return a citation for each annotation, or none if one of them is of an unknown kind.

    Args:
        value: The frozen field.
        text: The annotated text; the citation's ``text``, ``start`` and ``end`` are read from it.
        nested: Whether the fields are inside a ``url_citation`` object, as in chat messages.
    """
    if not isinstance(value, tuple) or not all(_is_known(item, nested=nested) for item in value):
        return []
    return [_read(item, text, nested=nested) for item in value]


def write_annotation(part: Citation, _out: Outgoing | None = None, *, nested: bool) -> dict[str, Any]:
    """Return the annotation that a citation was read from."""
    source = single(part.sources)
    if not _is_known(source, nested=nested):
        raise NoPlace("its sources are of another format")
    if _span(source, nested=nested) != (part.start, part.end):
        raise NoPlace("it no longer says what its source says")
    value: dict[str, Any] = thaw(source)
    return value


def _is_known(source: Any, *, nested: bool) -> bool:
    if not isinstance(source, Mapping):
        return False
    kind = source.get("type")
    if nested:
        return kind == "url_citation" and isinstance(source.get("url_citation"), Mapping)
    return isinstance(kind, str) and kind in _TYPES and "url_citation" not in source


def _read(source: FrozenDict, text: str, *, nested: bool) -> Citation:
    start, end = _span(source, nested=nested)
    known = start is not None and end is not None and 0 <= start <= end <= len(text)
    return Citation(text=text[start:end] if known else "", start=start, end=end, sources=(source,))


def _span(source: Mapping[str, Any], *, nested: bool) -> Sequence[int | None]:
    fields = source["url_citation"] if nested else source
    return int_or_none(fields, "start_index"), int_or_none(fields, "end_index")
