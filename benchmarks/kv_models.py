"""Models for kv.py: real architectures built from configs, random weights, a tokenizer trained here."""

from __future__ import annotations

import functools
import itertools
import random
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

VOCABULARY = 1024
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SYLLABLES = "ba ce di fo gu ha je ki lo mu na pe ri so tu va".split()  # noqa: SIM905
WORDS = ["".join(pair) for pair in itertools.product(SYLLABLES, repeat=2)]


def words(count: int, seed: int) -> str:
    """Return some words, the same ones for the same seed; each is about one token."""
    chance = random.Random(seed)
    return " ".join(chance.choice(WORDS) for _ in range(count))


@functools.cache
def tokenizer() -> PreTrainedTokenizerFast:
    """Return a byte-level tokenizer trained on such words."""
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<|pad|>", "<|im_start|>", "<|im_end|>"],
        show_progress=False,
    )
    raw.train_from_iterator([words(2000, seed) for seed in range(10)], trainer)
    made = PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="<|im_end|>", pad_token="<|pad|>")
    made.chat_template = CHATML
    return made


def _fields(hidden: int, layers: int, **more: Any) -> dict[str, Any]:
    return {
        "vocab_size": VOCABULARY,
        "hidden_size": hidden,
        "intermediate_size": 3 * hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": max(4, hidden // 32),
        "num_key_value_heads": max(2, hidden // 64),
        "max_position_embeddings": 131_072,
        "bos_token_id": None,
        "eos_token_id": 2,
        "pad_token_id": 0,
        **more,
    }


def configs(hidden: int, layers: int) -> dict[str, dict[str, Any]]:
    """Return the fields of every architecture, by the name it has in the table."""
    head = hidden // max(4, hidden // 32)
    alternating = ["sliding_attention" if index % 2 == 0 else "full_attention" for index in range(layers)]
    mixed = ["linear_attention" if index % 2 == 0 else "full_attention" for index in range(layers)]
    linear = dict.fromkeys(("linear_num_key_heads", "linear_num_value_heads"), max(2, hidden // 64))
    linear |= dict.fromkeys(("linear_key_head_dim", "linear_value_head_dim"), head)
    gpt2 = {
        "vocab_size": VOCABULARY,
        "n_embd": hidden,
        "n_layer": layers,
        "n_head": max(4, hidden // 32),
        "n_positions": 8192,
        "bos_token_id": 2,
        "eos_token_id": 2,
        "pad_token_id": 0,
    }
    return {
        "llama": {"model_type": "llama", **_fields(hidden, layers)},
        "qwen": {"model_type": "qwen3", **_fields(hidden, layers, head_dim=head)},
        "gpt2": {"model_type": "gpt2", **gpt2},
        "smollm": {"model_type": "smollm3", **_fields(hidden, layers, no_rope_layer_interval=2)},
        "sliding": {
            "model_type": "gemma3_text",
            **_fields(hidden, layers, head_dim=head, sliding_window=128, layer_types=alternating),
        },
        "linear": {
            "model_type": "qwen3_next",
            **_fields(hidden, layers, head_dim=head, layer_types=mixed, num_experts=0),
            "mlp_only_layers": list(range(layers)),
            **linear,
        },
    }


def build(
    fields: dict[str, Any], *, dtype: torch.dtype, device: str, spread: float | None = 0.1, seed: int = 0
) -> Any:
    """Return a model with random weights that ends no answer by itself.

    Args:
        fields: From :func:`configs`.
        dtype: Of its weights.
        device: Where it is.
        spread: Standard deviation of the weights, so that answers are not all alike; None for the
            architecture's own.
        seed: Of the weights.
    """
    fields = dict(fields)
    if spread is not None:
        fields["initializer_range"] = spread
    config = AutoConfig.for_model(fields.pop("model_type"), **fields)
    torch.manual_seed(seed)
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            model = AutoModelForCausalLM.from_config(config, dtype=dtype)
    finally:
        torch.set_default_dtype(before)
    model = model.to(device=device, dtype=dtype).eval()
    model.generation_config.do_sample = False
    model.generation_config.eos_token_id = None
    model.generation_config.pad_token_id = 0
    if config.vocab_size == VOCABULARY:  # answers are words: no control tokens, nothing without a text
        with torch.no_grad():
            model.get_output_embeddings().weight[[0, 1, 2, *range(len(tokenizer()), VOCABULARY)]] = 0
    return model


BIG = {
    "model_type": "llama",
    **_fields(2048, 22, intermediate_size=5632, num_attention_heads=32, num_key_value_heads=4),
    "vocab_size": 32_000,
}
"""About 1.1 billion weights: the shape of TinyLlama."""
