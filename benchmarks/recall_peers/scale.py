"""What a question and a message cost on threads of rising length."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from chains import message_of

from memex import Memex, Thread

_ASKED = 60
_START = datetime(2020, 1, 1, tzinfo=UTC)


def times(conversations: Sequence[Any], sizes: Sequence[int], store: str) -> dict[str, Any]:
    """Return milliseconds of processor time by thread length.

    The messages of the conversations are said again and again until a thread is long enough, so each
    word of a question stands in hundreds of places: more than in real life.
    """
    asked = [q["query"] for conversation in conversations for q in conversation["questions"] if q["scored"]]
    asked = asked[:: max(1, len(asked) // _ASKED)]
    said = [message_of(row) for conversation in conversations for row in conversation["messages"]]
    return {str(size): _of_size(asked, said, size, store) for size in sizes}


def _of_size(asked: Sequence[str], said: Sequence[Any], size: int, store: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        where = f"{store}{Path(folder) / 't.db'}" if store.endswith(("sqlite:", "jsonl:")) else store
        with Memex(where, chain=["recall", "fifo"], budget=4_000) as memory:
            thread = memory.thread("t")
            batch = [
                msgspec.structs.replace(
                    said[number % len(said)],
                    id=f"m{number}",
                    created=_START + timedelta(minutes=20 * number + 600 * (number // 20)),
                )
                for number in range(size)
            ]
            spent = time.process_time()
            for start in range(0, size, 5_000):
                thread.append(batch[start : start + 5_000])
            spent = time.process_time() - spent
            thread.window("warm up")
            return {"ms per message": round(1e3 * spent / size, 3), **_questions(thread, asked)}


def _questions(thread: Thread, asked: Sequence[str]) -> dict[str, float]:
    spent = []
    for question in asked:
        started = time.process_time()
        thread.window(question, record=False)
        spent.append(1e3 * (time.process_time() - started))
    return {
        "ms per question": round(statistics.median(spent), 2),
        "ms per question, 9 of 10 below": round(sorted(spent)[len(spent) * 9 // 10], 2),
    }
