"""A measure for kv.py: 4,000 tokens that another process computed, read from disk."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from kv_clock import now
from kv_models import build, configs, words
from kv_turns import backend
from memex_hf.backend import HF
from memex_hf.folder import Folder
from memex_hf.keeping import Keeping
from memex_hf.running.identity import identity

from memex import Message, Request

Row = dict[str, Any]
HIDDEN, LAYERS, TOKENS = 512, 8, 4_000


def restore(device: str, models: Sequence[str], *, quick: bool) -> Iterator[Row]:
    """Time the first token of an engine that finds 4,000 tokens on disk, and of one that computes them."""
    for name in models:
        model = build(configs(HIDDEN, LAYERS)[name], dtype=torch.float32, device=device, spread=None)
        messages = tuple(Message.user(words(100, turn)) for turn in range(TOKENS // 100))
        request = Request(messages=messages, answer_tokens=1, thread="t")
        if backend(model).engine.continues != "anywhere":
            continue  # layers with a state are not kept on disk
        with tempfile.TemporaryDirectory() as path:
            fingerprint = identity(model)
            begun = now()
            identity(model)
            fingerprinting = now() - begun
            read, computed, restored = [], [], 0
            for turn in range(3 if quick else 7):
                made = backend(model)
                if turn < (1 if quick else 3):
                    computed.append(_first(made, request))
                made.keeping = Keeping(made.engine, Folder(Path(path), 2**34), fingerprint)
                if turn == 0:
                    list(made.stream(request))  # writes what was computed just now
                    made.close()
                    made = backend(model)
                    made.keeping = Keeping(made.engine, Folder(Path(path), 2**34), fingerprint)
                made.forget()
                read.append(_first(made, request))
                restored = made.keeping.tally.restored
                made.close()
            sizes = [file.stat().st_size for file in Path(path).glob("*.safetensors")]
        fast, slow = statistics.median(read), statistics.median(computed)
        yield {
            "measure": f"first token of an engine that begins empty, {restored:,} tokens, from disk "
            "against computed",
            "model": name,
            "figure": f"{slow / fast:.0f}x faster ({1e3 * fast:.0f} ms, {1e3 * slow:,.0f} ms; "
            f"{len(sizes)} files of {sum(sizes) / 2**20:.0f} MiB, in the page cache; "
            f"fingerprint of the model once a start {1e3 * fingerprinting:.0f} ms)",
            "limit": "at least 20x",
            "passed": slow / fast >= 20 and restored >= 0.95 * TOKENS,
        }


def _first(made: HF, request: Request) -> float:
    begun = now()
    list(made.stream(request))
    return now() - begun
