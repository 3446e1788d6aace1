"""Loads a model and its tokenizer, and says in one line what went wrong where that fails."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from typing import Any

import msgspec
import torch
import transformers

from memex import ConfigError
from memex_hf.backend import ends_of
from memex_hf.running.engine import Engine
from memex_hf.tokenizing import Words


class How(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that makes two loaded models different; see :func:`memex_hf.opening.hf`."""

    model: str
    device: str | None
    dtype: str
    device_map: str | Mapping[str, Any] | None
    quantization: Mapping[str, Any] | None
    attention: str | None
    revision: str | None
    trust_remote_code: bool
    chat_template: str | None
    budget: int
    lanes: int
    chunk: int | None


class Loaded(msgspec.Struct, frozen=True):
    """A model that runs, with its tokenizer."""

    engine: Engine
    words: Words


def load(how: How, *, progress: bool | None = None) -> Loaded:
    """Load a model.

    Raises:
        ConfigError: If it cannot be loaded, or has no chat template.
    """
    from transformers.utils import logging

    bar = sys.stderr.isatty() if progress is None else progress
    before = logging.is_progress_bar_enabled()
    _show_progress(bar)
    common = {"revision": how.revision, "trust_remote_code": how.trust_remote_code}
    common = {name: value for name, value in common.items() if value}
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(how.model, **common)
        model: Any = transformers.AutoModelForCausalLM.from_pretrained(how.model, **common, **_options(how))
    except (OSError, ValueError, ImportError, RuntimeError, KeyError, TypeError) as error:
        first = " ".join(str(error).split())[:300]
        raise ConfigError(f"hf: the model {how.model!r} cannot be loaded: {first}") from error
    finally:
        _show_progress(before)
    if how.device_map is None and how.quantization is None:
        model = model.to(torch.device(how.device or best_device()))
    model.train(False)
    words = Words(tokenizer, name=how.model, ends=ends_of(model, tokenizer), template=how.chat_template)
    return Loaded(Engine(model, budget=how.budget, chunk=how.chunk, most_lanes=how.lanes), words)


def _show_progress(wanted: bool) -> None:
    from transformers.utils import logging

    set_bar: Any = logging.enable_progress_bar if wanted else logging.disable_progress_bar
    set_bar()


def best_device() -> str:
    """Return the name of the fastest device there is."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _options(how: How) -> dict[str, Any]:
    options: dict[str, Any] = {"dtype": how.dtype if how.dtype == "auto" else _dtype(how.dtype)}
    if how.attention:
        options["attn_implementation"] = how.attention
    if how.device_map is not None:
        if importlib.util.find_spec("accelerate") is None:
            raise ConfigError("hf: device_map needs the package accelerate; pip install accelerate")
        options["device_map"] = how.device_map
    if how.quantization is not None:
        options["quantization_config"] = _quantization(how.quantization)
    return options


def _dtype(name: str) -> torch.dtype:
    found = getattr(torch, name, None)
    if not isinstance(found, torch.dtype):
        raise ConfigError(f"hf: dtype is {name!r}; write 'auto' or a type of torch, such as 'bfloat16'")
    return found


def _quantization(told: Mapping[str, Any]) -> Any:
    fields = {name: value for name, value in told.items() if name != "method"}
    from transformers.quantizers.auto import AutoQuantizationConfig

    return AutoQuantizationConfig.from_dict({"quant_method": told.get("method", "bitsandbytes"), **fields})
