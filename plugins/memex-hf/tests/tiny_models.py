"""Tiny models of real architectures with random weights, and a tokenizer trained on the spot."""

from __future__ import annotations

import functools
import random

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

torch.set_num_threads(1)  # tiny steps on a busy machine wait for each other's threads otherwise

SPECIAL = ["<|pad|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>", "<tool_call>", "</tool_call>"]
CHATML = (
    "{% if tools %}<|im_start|>system\nTools:{% for tool in tools %}\n{{ tool | tojson }}{% endfor %}"
    "<|im_end|>\n{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.reasoning_content %}<think>\n{{ m.reasoning_content }}\n</think>\n\n{% endif %}"
    "{% if m.content is string %}{{ m.content }}{% elif m.content %}"
    "{% for b in m.content %}{{ b.text }}{% endfor %}{% endif %}"
    "{% if m.tool_calls %}{% for c in m.tool_calls %}<tool_call>\n"
    '{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}}\n'
    "</tool_call>{% endfor %}{% endif %}"
    "<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SAYING = "the lighthouse door is painted blue and nobody knows why it was left open again today"
WORDS = SAYING.split()


def text(count: int, seed: int = 0) -> str:
    chance = random.Random(seed)
    return " ".join(chance.choice(WORDS) for _ in range(count))


@functools.cache
def _backend_json() -> str:
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=SPECIAL[:3],
        show_progress=False,
    )
    raw.train_from_iterator([text(400, seed) for seed in range(5)], trainer)
    return raw.to_str()


def tokenizer(template: str = CHATML) -> PreTrainedTokenizerFast:
    made = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(_backend_json()),
        eos_token="<|im_end|>",
        pad_token="<|pad|>",
    )
    made.add_tokens(SPECIAL[3:])
    made.chat_template = template
    return made


COMMON = {
    "vocab_size": 448,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 8192,
    "eos_token_id": 2,
    "bos_token_id": None,
    "pad_token_id": 0,
}
CONFIGS = {
    "llama": {**COMMON, "model_type": "llama", "num_key_value_heads": 2},
    "qwen": {**COMMON, "model_type": "qwen3", "num_key_value_heads": 2, "head_dim": 8},
    "smollm": {**COMMON, "model_type": "smollm3", "num_key_value_heads": 2, "no_rope_layer_interval": 2},
    "gpt2": {
        "model_type": "gpt2",
        "vocab_size": 448,
        "n_embd": 32,
        "n_layer": 2,
        "n_head": 4,
        "n_positions": 8192,
        "eos_token_id": 2,
        "bos_token_id": 2,
        "pad_token_id": 0,
        "resid_pdrop": 0.0,
        "embd_pdrop": 0.0,
        "attn_pdrop": 0.0,
    },
    "sliding": {
        **COMMON,
        "model_type": "gemma3_text",
        "num_key_value_heads": 2,
        "head_dim": 8,
        "sliding_window": 16,
        "layer_types": ["sliding_attention", "full_attention"],
    },
    "linear": {
        **COMMON,
        "model_type": "qwen3_next",
        "num_key_value_heads": 2,
        "head_dim": 8,
        "layer_types": ["linear_attention", "full_attention"],
        "linear_num_key_heads": 2,
        "linear_num_value_heads": 2,
        "linear_key_head_dim": 8,
        "linear_value_head_dim": 8,
        "num_experts": 0,
        "mlp_only_layers": [0, 1],
    },
}


@functools.cache
def model(name: str = "llama", dtype: torch.dtype = torch.float32, seed: int = 0, spread: float = 0.25):
    """Return a model with weights spread widely enough that its answers are not all alike."""
    fields = dict(CONFIGS[name])
    config = AutoConfig.for_model(fields.pop("model_type"), **fields, initializer_range=spread)
    torch.manual_seed(seed)
    made = AutoModelForCausalLM.from_config(config).to(dtype).eval()
    made.generation_config.do_sample = False
    words = len(tokenizer()) - len(SPECIAL[3:])
    with torch.no_grad():  # no stray control tokens: the tests that want them write them
        made.get_output_embeddings().weight[[0, 1, 2, *range(words, 448)]] = 0
    return made
