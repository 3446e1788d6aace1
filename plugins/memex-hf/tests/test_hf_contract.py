"""What every plugin and every backend must be, on hf."""

from __future__ import annotations

import tiny_models as tiny
from memex_hf.backend import HF, defaults_of, ends_of
from memex_hf.running.engine import Engine
from memex_hf.tokenizing import Words

from memex.testing import BackendContract, PluginContract


def backend(name: str = "llama", *, many_ends: bool = True, budget: int = 2**28, **settings) -> HF:
    """Return a backend with a tiny model; with ``many_ends`` it soon comes to an end by itself."""
    model, tokenizer = tiny.model(name), tiny.tokenizer()
    ends = [*ends_of(model, tokenizer), *(range(300, 448) if many_ends else ())]
    engine = Engine(model, budget=budget)
    return HF(name, engine, Words(tokenizer, name=name, ends=ends), defaults=defaults_of(model), **settings)


class TestPlugin(PluginContract):
    name = "hf"


class TestBackend(BackendContract):
    def make_backend(self):
        return backend()

    def make_failing_backend(self):
        made = backend()
        made.close()
        return made


class TestLinearBackend(TestBackend):
    def make_backend(self):
        return backend("linear")
