"""Local models through transformers, with a KV cache that lives across turns."""

from __future__ import annotations

from memex import Provider, hookimpl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from memex import Receipt
    from memex_hf.door import Cache as Cache
    from memex_hf.door import generate as generate


@hookimpl
def memex_backends() -> list[Provider]:
    """Offer ``hf``: a local model that computes only what is new of every turn."""
    return [Provider("hf", "memex_hf.opening:hf", "Local models, with a KV cache that lives across turns")]


@hookimpl
def memex_counters() -> list[Provider]:
    """Offer ``hf``: exact counts with a model's own tokenizer and chat template."""
    return [Provider("hf", "memex_hf.counter:hf_counter", "Exact counts of a local model's tokenizer")]


@hookimpl
def memex_messages_forgotten(thread: str, receipt: Receipt) -> None:
    """Forget every key, value and piece of text that is kept: what was erased may be in any of them."""
    import sys

    del thread, receipt
    if "memex_hf.backend" in sys.modules:
        from memex_hf.backend import forget_everything

        forget_everything()


def __getattr__(name: str) -> Any:
    if name not in ("Cache", "generate"):
        raise AttributeError(f"module 'memex_hf' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module("memex_hf.door"), name)
