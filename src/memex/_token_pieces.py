"""An upper bound on the tokens of a text, without a tokenizer.

Byte-level vocabularies differ, but they agree on their frequent part: some ten thousand words,
word stems, punctuation runs and characters are one token in all of them. ``_token_pieces.txt``
lists those that cl100k, o200k, Qwen and Mistral's Tekken share. A text is cut where their
tokenizers cut it (words, case changes, punctuation, white space, scripts); a piece that is in
the list costs one token, any other is covered greedily with pieces that are. What a model's own,
larger vocabulary does can then hardly be worse. A character outside the list costs its bytes
in UTF-8, which no byte-level tokenizer exceeds, or two where all of them know its first two bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_LOWER = "a-z\u00df-\u00f6\u00f8-\u024f"
_UPPER = "A-Z\u00c0-\u00d6\u00d8-\u00de"
_SIGNS = "\\x00-\\x08\\x0e-\\x1f!-/:-@\\[-`{-\u00bf\u00d7\u00f7"
_KANA = "\u3040-\u30ff"
_HAN = "\u3400-\u9fff"

SPLIT = re.compile(
    f"'(?:[stmd]|ll|ve|re)(?![{_LOWER}])|"  # don't, they'll
    " ?(?:"  # a space belongs to the word after it
    f"[{_LOWER}]+"
    f"|[{_UPPER}](?:[{_LOWER}]+|[{_UPPER}]*(?![{_LOWER}]))"  # Word, HTTP, the HTTP of HTTPServer
    f"|[{_SIGNS}]+\n*"  # punctuation takes the line's end with it
    f"|[{_HAN}]"
    f"|[{_KANA}]+"
    f"|[^\\x00-\u024f\\s{_KANA}{_HAN}]+"  # a word of any other script
    ")"
    "|[0-9]+"
    "|\\s+(?= \\S)"  # white space, but for the space of the next word
    "|\\s+"
    "|.",
    re.DOTALL,
)
_REMEMBERED = 32_768
_LONGEST_WORD = 24

FORMS: dict[str, Callable[[str], str]] = {
    "w": str,
    "W": str.capitalize,
    "WW": str.upper,
    "-w": " {}".format,
    "-W": lambda word: f" {word.capitalize()}",
    "-WW": lambda word: f" {word.upper()}",
    "w/": "{}\n".format,
    "w//": "{}\n\n".format,
    "-w/": " {}\n".format,
    "-w//": " {}\n\n".format,
}


class Costs(dict[str, int]):
    """Tokens of a piece. One outside the table is worked out, and remembered for a while.

    What is remembered are single words, never a text: at most ``_REMEMBERED`` of them, in memory.

    Args:
        pieces: What costs one token.
        halves: Blocks of 64 characters, by number, whose characters cost two tokens.
    """

    def __init__(self, pieces: Iterable[str], halves: Iterable[int] = ()) -> None:
        super().__init__(dict.fromkeys(pieces, 1))
        self._halves = frozenset(halves)
        self._longest: dict[str, int] = {}
        for piece in self:
            start = piece[:2]
            if self._longest.get(start, 0) < len(piece):
                self._longest[start] = len(piece)
        self._recent = _Recent(self)

    def __missing__(self, piece: str) -> int:
        return self.work_out(piece)

    def of(self, pieces: Iterable[str]) -> int:
        """Return what pieces cost together."""
        return sum(map(self._recent.__getitem__, pieces))

    def work_out(self, piece: str) -> int:
        if piece.isspace():
            return sum(_blank(char, sum(1 for _ in run)) for char, run in groupby(piece))
        if piece.isdecimal() and piece.isascii():
            return len(piece)  # Qwen, Gemma and Mistral give every digit its own token
        cost, start, end, longest = 0, 0, len(piece), self._longest
        if piece[0] == " " and "\u2fff" < piece[1:2] < "\ud800" and piece[:2] not in self:
            # " 换": the space takes the first byte of the character, and breaks what was a token
            cost = int(piece[1] in self or ord(piece[1]) >> 6 in self._halves)
        while start < end:
            stop = min(start + longest.get(piece[start : start + 2], 1), end)
            while stop > start and piece[start:stop] not in self:
                stop -= 1
            if stop > start:
                cost += 1
                start = stop
            else:
                cost += 2 if ord(piece[start]) >> 6 in self._halves else _bytes(piece[start])
                start += 1
        if end > _LONGEST_WORD and piece.isascii() and piece.lstrip(" ").isalpha():
            return max(cost, end * 3 // 4)  # no word: of repeated letters a tokenizer makes more pieces
        return cost


class _Recent(dict[str, int]):
    """Costs of pieces that were asked for lately: what is in here is found without a call in Python."""

    def __init__(self, costs: Costs) -> None:
        super().__init__()
        self._costs = costs

    def __missing__(self, piece: str) -> int:
        cost = self._costs[piece]
        if len(piece) <= _LONGEST_WORD:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[piece] = cost
        return cost


def _bytes(char: str) -> int:
    code = ord(char)
    return 1 if code < 0x80 else 2 if code < 0x800 else 3 if code < 0x10000 else 4


def _blank(char: str, count: int) -> int:
    """Return the tokens of one kind of white space; every vocabulary has long runs of spaces."""
    if char == " ":
        return -(-count // 24)
    if char == "\n":
        return -(-count // 4)
    if char == "\t" and count > 1:  # the word after it may not take the last one
        return 1 - (1 - count) // 8
    return count * _bytes(char)


def read_table(text: str) -> Costs:
    """Return the costs that ``text`` lists.

    Each line holds the forms its words have, joined by commas, then the words. Lines that
    start with ``#`` are for the reader.
    """
    pieces = {*map(chr, range(33, 127)), *("\n" * count for count in range(1, 5))}
    pieces.update(" " * count for count in range(1, 25))
    halves: set[int] = set()
    for line in text.split("\n"):
        forms, *words = line.split(" ")
        if forms == "2":
            halves.update(ord(char) >> 6 for char in words)
        elif words and forms != "#":
            for form in forms.split(","):
                pieces.update(map(FORMS[form], words))
    return Costs(pieces, halves)


def table_path() -> Path:
    """Return where the table lies."""
    from pathlib import Path

    return Path(__file__).with_name("_token_pieces.txt")


@cache
def costs() -> Costs:
    """Read the table on the first count, not at import: it takes some milliseconds."""
    return read_table(table_path().read_text(encoding="utf-8"))


def text_tokens(text: str) -> int:
    """Return an upper bound on the tokens of ``text``. Every string is accepted."""
    return costs().of(SPLIT.findall(text))
