"""A local model in a whole memory: sqlite keeps the ids, fifo evicts, and a second process goes on."""

from __future__ import annotations

import json

import pytest
import torch
from click.testing import CliRunner
from memex_cli.main import cli
from memex_hf.ledger import NOTE, ledger_of
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from memex import Memex, Message

SAYING = "the lighthouse door is painted blue and nobody knows why it was left open again today"
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    torch.set_num_threads(1)
    path = tmp_path_factory.mktemp("model")
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = ["<|im_start|>", "<|im_end|>"]
    raw.train_from_iterator(
        [SAYING], trainers.BpeTrainer(initial_alphabet=alphabet, special_tokens=special, show_progress=False)
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="<|im_end|>")
    tokenizer.chat_template = TEMPLATE
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        initializer_range=0.2,
        eos_token_id=1,
        bos_token_id=None,
    )
    LlamaForCausalLM(config).save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


def opened(folder, file, **settings):
    backend = {"use": f"hf:{folder}", "device": "cpu", "dtype": "float64", "progress": False} | settings
    counter = f"hf:{folder}"
    return Memex(
        f"sqlite:{file}", backend=backend, counter=counter, chain=["fifo"], budget=700, answer_tokens=40
    )


def hold(memory, turns, name="t", **settings):
    thread = memory.thread(name)
    return [thread.send(f"{turn} {SAYING}", max_new_tokens=12, **settings) for turn in turns]


def test_turns_evict_and_a_second_opening_goes_on_with_the_stored_ids(folder, tmp_path):
    with opened(folder, tmp_path / "a.db") as memory:
        memory.thread("t").append(Message.system(SAYING))
        replies = hold(memory, range(24))
        words = memory.backend._words
        evicted = [any(c.kind == "drop" for s in reply.plan.steps for c in s.changes) for reply in replies]
        assert any(evicted)
        assert sum(reply.usage.cache_read_tokens > 0 for reply in replies) == 23
        assert all(reply.usage.prompt_tokens <= reply.plan.tokens for reply in replies)
        told = list(memory.thread("t").messages())
    with opened(folder, tmp_path / "a.db") as memory:
        assert list(memory.thread("t").messages()) == told
        answers = [message for message in told if message.role == "assistant"]
        assert all(NOTE in message.extra for message in answers)
        assert {len(ledger_of(message, words.fingerprint).ids) for message in answers} <= set(range(1, 13))
        [reply] = hold(memory, [24])
        assert "hf:prompt" not in reply.message.extra, "every answer went in as it was generated"
        assert reply.usage.cache_read_tokens == 0, "a new process has nothing yet"


def test_with_background_and_without_and_after_an_opening_the_answers_are_the_same(folder, tmp_path):
    found = []
    for name, settings in (
        ("a", {}),
        ("b", {"background": False}),
        ("c", {"lanes": 1, "kv_budget": "64KiB"}),
    ):
        texts = []
        for part in (range(7), range(7, 14)):
            with opened(folder, tmp_path / f"{name}.db", **settings) as memory:
                texts += [reply.text for reply in hold(memory, part)]
        found.append(texts)
    assert found[0] == found[1] == found[2]


def test_a_fork_of_a_thread_computes_what_is_new(folder, tmp_path):
    with opened(folder, tmp_path / "a.db") as memory:
        hold(memory, range(3))
        thread = memory.thread("t")
        fork = thread.fork("other")
        hold(memory, [3])
        reply = fork.send("and the roof?", max_new_tokens=12)
        assert reply.usage.input_tokens < 60 < reply.usage.cache_read_tokens


def test_what_is_on_disk_serves_the_next_opening_and_goes_with_memex_forget(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    kept = tmp_path / "kv"
    with opened(folder, tmp_path / "chats.db", kv_folder=str(kept)) as memory:
        hold(memory, range(3))
    with opened(folder, tmp_path / "chats.db", kv_folder=str(kept)) as memory:
        (reply,) = hold(memory, [3])
    assert reply.usage.input_tokens < 60
    assert reply.usage.cache_read_tokens > 100
    assert list(kept.glob("*.safetensors"))
    store = f"sqlite:{tmp_path / 'chats.db'}"
    forget = ["forget", "1", "--thread", "t", "--yes", "--store", store, "--json"]
    done = CliRunner().invoke(cli, forget)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["places"]["hf: kv files"] > 0
    assert list(kept.glob("*.safetensors")) == []
