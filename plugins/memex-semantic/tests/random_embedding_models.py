"""Models with random weights, made in a moment: for plumbing, never for quality."""

from __future__ import annotations

import string
from pathlib import Path

WORDS = ["the", "door", "red", "deploy", "friday", "ottoline", "line", "one", "two", "minutes", "what"]


def _vocabulary() -> dict[str, int]:
    letters = [
        *string.ascii_lowercase,
        *string.digits,
        *string.punctuation,
        *"金曜日にはデプロイ定قررناعدملشيوجة部署💥",
    ]
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS, *letters, *(f"##{letter}" for letter in letters)]
    return {token: number for number, token in enumerate(dict.fromkeys(tokens))}


def make_transformer(folder: Path, seed: int = 1) -> Path:
    """Write a BERT of a few thousand weights with its tokenizer, as sentence-transformers loads one."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    vocabulary = _vocabulary()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder)
    BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=64).save_pretrained(folder)
    return folder


def make_static(folder: Path, seed: int = 1) -> Path:
    """Write a static model with random vectors."""
    import numpy as np
    from model2vec import StaticModel
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    tokenizer = Tokenizer(models.WordPiece(_vocabulary(), unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    vectors = np.random.default_rng(seed).standard_normal((len(_vocabulary()), 16)).astype("float32")
    StaticModel(vectors, tokenizer, config={"normalize": False}).save_pretrained(folder)
    return folder
