"""What settings make: a model that is loaded once and shared by whoever asks for it."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from memex import BadSetting, ConfigError

if TYPE_CHECKING:
    from memex_hf.backend import HF

_UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_LOADED: dict[str, tuple[Any, int]] = {}
_LOCK = threading.Lock()


def hf(  # noqa: PLR0913 - the settings of a backend
    model: str,
    *,
    device: str | None = None,
    dtype: str = "auto",
    device_map: str | Mapping[str, Any] | None = None,
    quantization: Mapping[str, Any] | None = None,
    attention: str | None = None,
    revision: str | None = None,
    trust_remote_code: bool = False,
    chat_template: str | None = None,
    template: Mapping[str, Any] | None = None,
    generation: Mapping[str, Any] | None = None,
    kv_budget: str | int = "4GiB",
    lanes: int = 8,
    chunk: int | None = None,
    background: bool = True,
    progress: bool | None = None,
) -> HF:
    """Return a backend that answers with a local model.

    Args:
        model: Name on the hub or path of a folder.
        device: ``"cuda"``, ``"mps"``, ``"cpu"``; the best there is by default.
        dtype: ``"auto"`` for the checkpoint's, or ``"float32"``, ``"bfloat16"``, ...
        device_map: For transformers, instead of ``device``: ``"auto"`` spreads a model.
        quantization: ``{"method": "bitsandbytes", "load_in_4bit": true}``; fields of the method's config.
        attention: transformers' ``attn_implementation``.
        revision: Of the model on the hub.
        trust_remote_code: Run code that comes with the model.
        chat_template: A template to use instead of the tokenizer's own.
        template: Variables for the template, such as ``{"enable_thinking": false}``.
        generation: Settings of every call: ``{"temperature": 0.7, "top_p": 0.9}``.
        kv_budget: Bytes of keys and values to keep, such as ``"4GiB"``.
        lanes: Conversations that stay ready to go on without a copy.
        chunk: Tokens of a prompt that are run at once; 512 on a CPU, 2,048 elsewhere by default.
        background: Prepare the next prompt while the user reads.
        progress: Show a bar while loading; by default where there is a terminal.

    Raises:
        BadSetting: If a setting makes no sense.
        ConfigError: If torch or transformers is missing, or the model cannot be loaded.
    """
    budget = read_bytes(kv_budget)
    _check(lanes=lanes, chunk=1 if chunk is None else chunk)
    require()
    from memex_hf.backend import HF, defaults_of
    from memex_hf.running import loading
    from memex_hf.sampling import sampling_of

    sampling_of({}, generation or {})  # a wrong setting is told now
    how = loading.How(
        model=model,
        device=device,
        dtype=dtype,
        device_map=device_map,
        quantization=quantization,
        attention=attention,
        revision=revision,
        trust_remote_code=trust_remote_code,
        chat_template=chat_template,
        budget=budget,
        lanes=lanes,
        chunk=chunk,
    )
    key = msgspec.json.encode(how, order="sorted").decode()
    with _LOCK:
        loaded, users = _LOADED.get(key, (None, 0))
        loaded = loaded or loading.load(how, progress=progress)
        _LOADED[key] = (loaded, users + 1)
    return HF(
        model,
        loaded.engine,
        loaded.words,
        defaults={**defaults_of(loaded.engine.model), **(generation or {})},
        variables=template,
        background=background,
        release=lambda: _release(key),
    )


def _release(key: str) -> None:
    with _LOCK:
        loaded, users = _LOADED[key]
        if users > 1:
            _LOADED[key] = (loaded, users - 1)
        else:
            del _LOADED[key]


def read_bytes(told: str | int) -> int:
    """Return a size in bytes: ``"4GiB"``, ``"500 MB"`` or a number.

    Raises:
        BadSetting: If it is none.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", str(told).lower())
    unit = _UNITS.get(found[2]) if found else None
    if found is None or unit is None:
        raise BadSetting(f"hf: kv_budget is {told!r}; write a size such as '4GiB' or '500MB'")
    return int(float(found[1]) * unit)


def _check(**counts: int) -> None:
    for name, value in counts.items():
        if value < 1:
            raise BadSetting(f"hf: {name} is {value}; it must be at least 1")


def require() -> None:
    """Raise what to install where torch or transformers is missing."""
    from importlib.util import find_spec

    missing = [name for name in ("torch", "transformers") if find_spec(name) is None]
    if missing:
        raise ConfigError(f"hf: {' and '.join(missing)} not installed; pip install {' '.join(missing)}")
