"""From messages to token ids: the chat template, with the exact ids of what was generated.

The template is rendered once, as text, with marks that no user can write: around every control
token in what people said, which is then encoded as plain text; and at the end of every message.
What a model generated is put in as the ids it generated, wherever the template still shows it as
it was said. The rest is encoded in pieces that never change, and each piece once.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, Final

import msgspec

from memex import BadRequest, Message, Tool, encode, thaw
from memex_hf.ledger import Ledger, digest, ledger_of
from memex_hf.tokenizing import Words

# Unicode keeps these code points for a program's own use: no text holds them.
_OPEN, _CLOSE, _BEFORE, _AT = "\ufdd0", "\ufdd1", "\ufdd2", "\ufdd3"
_MARKS: Final = re.compile(f"[{_OPEN}{_CLOSE}{_BEFORE}{_AT}]")
_FOUND: Final = re.compile(f"{_OPEN}([^{_CLOSE}]*){_CLOSE}|{_AT}(\\d+){_AT}|[{_OPEN}{_CLOSE}{_BEFORE}{_AT}]")
_MOST_RECENT: Final = 256


class Prompt(msgspec.Struct, frozen=True):
    """What a model is given.

    Attributes:
        ids: The tokens.
        cuts: Where messages end, in tokens.
        tail: The last words of it, which a thought may begin in.
        exact: How many answers are in it as they were generated.
        remade: How many had to be encoded again, because the template shows them otherwise.
    """

    ids: tuple[int, ...]
    cuts: tuple[int, ...]
    tail: str
    exact: int = 0
    remade: int = 0


class _Splice(msgspec.Struct, frozen=True):
    """Ids that stand for a stretch of the rendered text; without ids, plain text."""

    start: int
    stop: int
    ids: tuple[int, ...] | None


class Prompts:
    """Makes prompts for one tokenizer.

    Args:
        words: The tokenizer.
        variables: For the template, such as ``enable_thinking``.
    """

    def __init__(self, words: Words, variables: Mapping[str, Any] | None = None) -> None:
        self.words = words
        self._variables = dict(variables or {})
        self._recent: OrderedDict[str, Ledger] = OrderedDict()
        self._lock = threading.Lock()

    def remember(self, text: str, ledger: Ledger) -> None:
        """Keep the ids of an answer that could not be stored with it, as when it was cancelled."""
        with self._lock:
            self._recent[text] = ledger
            self._recent.move_to_end(text)
            while len(self._recent) > _MOST_RECENT:
                self._recent.popitem(last=False)

    def forget(self) -> None:
        """Forget every text that was seen."""
        with self._lock:
            self._recent.clear()
        self.words.forget()

    def prompt(
        self,
        messages: Sequence[Message],
        tools: Sequence[Tool] = (),
        variables: Mapping[str, Any] | None = None,
        *,
        answer: bool = True,
    ) -> Prompt:
        """Return the prompt for an answer to ``messages``.

        Args:
            messages: What the model sees.
            tools: What it may call.
            variables: For the template, for this call.
            answer: Whether the beginning of an answer is written after them.

        Raises:
            BadRequest: If the template refuses the messages.
        """
        ledgers: dict[int, Ledger] = {}
        items: list[dict[str, Any]] = []
        for index, message in enumerate(messages):
            ledger = self._ledger(message)
            if ledger is not None:
                ledgers[index] = ledger
            for item in encode([message], "hf").payload["messages"]:
                items.append(_anchored(self._neutral(item), index, exact=ledger is not None))
        if not items:
            raise BadRequest("hf: there is nothing to answer: no message has anything in it")
        rendered = self._rendered(items, tools, {**self._variables, **(variables or {})}, answer=answer)
        clean, plain, starts, anchors = _read_marks(rendered)
        splices = []
        end = 0
        for index, ledger in ledgers.items():
            found = self._place(clean, starts.get(index, -1), anchors.get(index), ledger, end)
            if found is not None:
                splices.append(found)
                end = found.stop
        ids, cuts = self._ids(clean, _merged(splices, plain), sorted(anchors.values()))
        return Prompt(ids, cuts, clean[-200:], len(splices), len(ledgers) - len(splices))

    # -- rendering -----------------------------------------------------------------------------

    def _rendered(
        self,
        items: list[dict[str, Any]],
        tools: Sequence[Tool],
        variables: Mapping[str, Any],
        *,
        answer: bool,
    ) -> str:
        from jinja2.exceptions import TemplateError

        given = [self._neutral(described(tool)) for tool in tools] or None
        try:
            return self.words.render(items, given, variables, answer=answer)
        except TemplateError as error:
            first = error
        try:  # many templates know no system role, or want user and assistant to alternate
            return self.words.render(_alternating(items), given, variables, answer=answer)
        except TemplateError as error:
            raise BadRequest(f"hf: the chat template of {self.words.name} refuses this: {first}") from error

    def _neutral(self, value: Any) -> Any:
        """Return a JSON value whose control tokens are marked as what they are: words."""
        if isinstance(value, str):
            return self.words.control.sub(f"{_OPEN}\\g<0>{_CLOSE}", _MARKS.sub("", value))
        if isinstance(value, dict):
            return {self._neutral(key): self._neutral(item) for key, item in value.items()}
        return [self._neutral(item) for item in value] if isinstance(value, list) else value

    # -- exact ids -----------------------------------------------------------------------------

    def _ledger(self, message: Message) -> Ledger | None:
        if message.role != "assistant":
            return None
        found = ledger_of(message, self.words.fingerprint)
        return found or self._recent.get(message.text)

    def _place(
        self, clean: str, begin: int, anchor: int | None, ledger: Ledger, after: int
    ) -> _Splice | None:
        """Return where the template shows what was generated, None where it shows something else."""
        if anchor is None:
            return None
        ids = self.words.without_end(ledger.ids)
        if begin >= after and ledger.said == digest(clean[begin:anchor]):
            return _Splice(begin, anchor, ids)
        written = (self.words.exact_text, self.words.text)  # a template shows words, not stray control tokens
        for first, spell in product(sorted({0, ledger.answer}), written):
            text = spell(ids[first:])
            if not text:
                continue
            start = anchor - len(text)
            if start < after or not clean.startswith(text, start):
                start = clean.find(text, max(after, start), anchor + len(text))
            if start >= after and start <= anchor:
                return _Splice(start, start + len(text), ids[first:])
        return None

    # -- ids -----------------------------------------------------------------------------------

    def _ids(
        self, clean: str, splices: Sequence[_Splice], anchors: Sequence[int]
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return the ids of a text, and where in them the places ``anchors`` of it are, or soon after."""
        ids: list[int] = []
        places: list[tuple[int, int]] = []  # (character, token) where a piece begins
        at = 0
        for splice in (*splices, None):
            stop = len(clean) if splice is None else splice.start
            for piece in self.words.pieces(clean[at:stop]):
                places.append((at, len(ids)))
                ids.extend(self.words.encoded(piece, first=not ids))
                at += len(piece)
            if splice is not None:
                places.append((at, len(ids)))
                text = clean[splice.start : splice.stop]
                ids.extend(self.words.plain(text) if splice.ids is None else splice.ids)
                at = splice.stop
        places.append((at, len(ids)))
        cuts = []
        for anchor in anchors:
            cuts.append(next(token for char, token in places if char >= anchor))
        return tuple(ids), tuple(sorted({cut for cut in cuts if 0 < cut < len(ids)}))


def described(tool: Tool) -> dict[str, Any]:
    """Return a tool as chat templates take it."""
    parameters = thaw(tool.parameters) or {"type": "object", "properties": {}}
    function = {"name": tool.name, "description": tool.description, "parameters": parameters}
    return {"type": "function", "function": function}


def _anchored(item: dict[str, Any], index: int, *, exact: bool) -> dict[str, Any]:
    """Return a wire message that says where its words end.

    A template may trim what people said, as it always does; what was generated stays as it was.
    """
    mark = f"{_AT}{index}{_AT}"
    content = item.get("content")
    if isinstance(content, list):
        texts = [block for block in content if isinstance(block.get("text"), str)]
        if texts:
            texts[-1]["text"] += mark
    elif content:
        bare = content if exact else content.rstrip()
        item["content"] = f"{_BEFORE if exact else ''}{bare}{mark}{content[len(bare) :]}"
    elif exact and item.get("tool_calls"):
        function = item["tool_calls"][0].get("function", item["tool_calls"][0])
        function["name"] += mark
    return item


def _read_marks(rendered: str) -> tuple[str, list[_Splice], dict[int, int], dict[int, int]]:
    """Return the text without marks, what in it is plain, and where messages begin and end."""
    clean: list[str] = []
    plain: list[_Splice] = []
    starts: dict[int, int] = {}
    anchors: dict[int, int] = {}
    at = length = 0
    begin = -1
    for found in _FOUND.finditer(rendered):
        clean.append(rendered[at : found.start()])
        length += len(clean[-1])
        at = found.end()
        if found[1]:
            clean.append(_MARKS.sub("", found[1]))
            plain.append(_Splice(length, length + len(clean[-1]), None))
            length += len(clean[-1])
        elif found[2]:
            anchors[int(found[2])] = length
            starts[int(found[2])] = begin
            begin = -1
        elif found[0] == _BEFORE:
            begin = length
    clean.append(rendered[at:])
    return "".join(clean), plain, starts, anchors


def _merged(exact: Sequence[_Splice], plain: Sequence[_Splice]) -> list[_Splice]:
    """Return all of them in order; what was generated is exact, whatever it looks like."""
    outside = [p for p in plain if not any(e.start < p.stop and p.start < e.stop for e in exact)]
    return sorted([*exact, *outside], key=lambda splice: splice.start)


def _alternating(items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return wire messages without a system role, and never two of one role in a row."""
    merged: list[dict[str, Any]] = []
    for item in items:
        role = "user" if item["role"] in ("system", "developer") else item["role"]
        last = merged[-1] if merged else None
        texts = last is not None and isinstance(last["content"], str) and isinstance(item.get("content"), str)
        if last is not None and last["role"] == role and role != "tool" and texts:
            last["content"] += "\n\n" + item["content"]
        else:
            merged.append({**item, "role": role, "content": item.get("content", "")})
    return merged
