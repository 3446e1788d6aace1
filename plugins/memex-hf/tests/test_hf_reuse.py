"""What is reused gives what would have been computed, for every kind of model, and only what is new runs."""

from __future__ import annotations

import threading

import pytest
import tiny_models as tiny
import torch
from hf_talks import Talk, backend, without_reuse
from memex_hf.running import continuing
from memex_hf.running.engine import Engine
from memex_hf.running.tensor_lane import TensorLane
from transformers import AutoConfig, AutoModelForCausalLM

from memex import BackendError, Message

MODELS = list(tiny.CONFIGS)


def check(talk, most=12):
    """The last answer is the one that a new engine gives for the whole prompt."""
    expected, prompt = without_reuse(talk, most)
    assert talk.out == expected
    assert talk.usage.prompt_tokens == prompt


def check_scores(talk):
    """What is kept gives the scores of a whole pass: a spoilt state need not change the likeliest token."""
    engine = talk.backend.engine
    ids = talk.backend._prompts.prompt(talk.messages[:-1]).ids
    with torch.no_grad():
        whole = engine.model(input_ids=torch.tensor([ids])).logits[0, -1]
    with engine.turn:
        lane = engine.begin(ids, len(ids))
        assert len(lane.ids) > 0
    parts = engine.prefill(lane, ids)
    with engine.turn:
        engine.end(lane)
    assert float((whole - parts).abs().max()) < 1e-4


@pytest.mark.parametrize("name", MODELS)
def test_answers_are_those_of_a_full_recompute_continued_forked_and_evicted(name):
    talk = Talk(backend(name, dtype=torch.float64), Message.system(tiny.text(20)))
    for turn in range(3):
        talk.ask(tiny.text(8, turn))
        check(talk)
        assert (talk.usage.cache_read_tokens > 0) == (turn > 0)
    fork = talk.fork()
    talk.ask("and the door?")
    fork.ask("and the lighthouse?")
    check(fork)
    check(talk)
    del talk.messages[1:5]
    for turn in range(2):
        talk.ask(tiny.text(6, 9 + turn))
        check(talk)
    fork.ask("so it was open?")
    check(fork)
    for held in (fork, talk):
        check_scores(held)


@pytest.mark.parametrize("name", MODELS)
def test_answers_are_those_of_generate(name):
    talk = Talk(backend(name, dtype=torch.float64), Message.system(tiny.text(20)))
    for turn in range(3):
        ids = talk.backend._prompts.prompt([*talk.messages, Message.user(tiny.text(8, turn))]).ids
        talk.ask(tiny.text(8, turn))
        given = torch.tensor([ids])
        whole = talk.backend.engine.model.generate(
            given, attention_mask=torch.ones_like(given), max_new_tokens=12, eos_token_id=None, pad_token_id=0
        )
        assert talk.out == tuple(whole[0, len(ids) :].tolist())


@pytest.mark.parametrize("name", MODELS)
def test_a_turn_computes_what_is_new_and_one_token_more(name):
    talk = Talk(backend(name), Message.system(tiny.text(30)))
    known = 0
    for turn in range(6):
        talk.ask(tiny.text(10, turn))
        new = talk.usage.prompt_tokens - known
        assert talk.usage.input_tokens == new + (turn > 0), "the last token of an answer is not in the cache"
        known = talk.usage.prompt_tokens + len(talk.out)
    assert talk.backend.engine.shelf.tally.copied == 0


def test_the_kinds_of_models_are_told_apart():
    found = {name: Engine(tiny.model(name), budget=2**20).continues for name in MODELS}
    assert found == dict.fromkeys(MODELS, "anywhere") | {"linear": "chunks"}


def test_a_model_whose_state_cannot_be_kept_is_computed_anew_and_counted(monkeypatch):
    monkeypatch.setattr(TensorLane, "put_state", lambda _lane, _state: None)
    talk = Talk(backend("linear", dtype=torch.float64))
    assert talk.backend.engine.continues == "never"
    for turn in range(3):
        talk.ask(tiny.text(8, turn))
        assert talk.usage.cache_read_tokens == 0
        assert talk.usage.input_tokens == talk.usage.prompt_tokens
        check(talk)


def test_a_model_that_takes_one_token_at_a_time_is_given_one(monkeypatch):
    whole = continuing._in_parts
    monkeypatch.setattr(
        continuing, "_in_parts", lambda engine, ids, step: whole(engine, ids, step) + (1 if step > 1 else 0)
    )
    talk = Talk(backend("linear", dtype=torch.float64))
    assert talk.backend.engine.continues == "tokens"
    for turn in range(3):
        talk.ask(tiny.text(8, turn))
        check(talk)
    assert talk.usage.cache_read_tokens > 0


def test_a_model_whose_layers_see_no_past_is_found_out(monkeypatch):
    forward = Engine.forward

    def forgetful(engine, lane, ids):
        scores = forward(engine, engine.lane(64), ids)
        lane.ids.extend(ids)
        return scores

    monkeypatch.setattr(Engine, "forward", forgetful)
    assert Engine(tiny.model("llama"), budget=2**20).continues == "never"


def test_a_model_that_does_not_take_our_layers_is_given_those_of_transformers(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise TypeError("another cache, please")

    monkeypatch.setattr("memex_hf.running.layers.RowLayer.update", refuse)
    talk = Talk(backend("llama", dtype=torch.float64))
    assert not talk.backend.engine.own_rows
    assert talk.backend.engine.continues == "chunks"
    for turn in range(3):
        talk.ask(tiny.text(8, turn))
        check(talk)
    assert talk.usage.cache_read_tokens > 0


def test_a_model_that_keeps_something_in_itself_answers_one_at_a_time(monkeypatch):
    monkeypatch.setattr(continuing, "_same", lambda *_: False)
    made = backend("llama", dtype=torch.float64)
    assert made.engine.continues == "never"
    talks = [Talk(made, thread=str(number)) for number in range(2)]
    for number, talk in enumerate(talks):
        talk.messages.append(Message.user(tiny.text(5, number)))
    first = made.stream(talks[0].request())
    while not next(first).text:
        pass
    answered = threading.Event()

    def second():
        list(made.stream(talks[1].request()))
        answered.set()

    other = threading.Thread(target=second)
    other.start()
    assert not answered.wait(0.1)
    first.close()
    other.join()
    assert answered.is_set()


def test_positions_that_change_with_the_length_are_computed_anew():
    fields = {**tiny.CONFIGS["llama"], "max_position_embeddings": 64}
    fields["rope_parameters"] = {"rope_type": "dynamic", "factor": 4.0, "rope_theta": 10_000.0}
    config = AutoConfig.for_model(fields.pop("model_type"), **fields, initializer_range=0.25)
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config).to(torch.float64).eval()
    engine = Engine(model, budget=2**20)
    with engine.turn:
        short = engine.begin([5] * 20, 30)
        engine.end(short)
        long = engine.begin([5] * 20, 80)
    assert short in engine.shelf.lanes
    assert long not in engine.shelf.lanes


@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_the_size_of_a_chunk_changes_nothing(chunk):
    talk = Talk(backend("sliding", dtype=torch.float64, chunk=chunk), Message.system(tiny.text(30)))
    talk.ask(tiny.text(20))
    check(talk)


@pytest.mark.parametrize("name", MODELS)
def test_single_precision_drifts_little(name):
    engine = backend(name).engine
    ids = [3 + at % 400 for at in range(150)]
    with torch.no_grad():
        whole = engine.model(input_ids=torch.tensor([ids])).logits[0, -1]
    with engine.turn:
        lane = engine.begin(ids[:100], 150)
    engine.prefill(lane, ids[:100])
    with engine.turn:
        engine.end(lane)
        lane = engine.begin(ids, 150)
        assert len(lane.ids) == 100
    parts = engine.prefill(lane, ids)
    assert float((whole - parts).abs().max()) < 1e-4 * float(whole.abs().max())


# -- several at once ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["llama", "linear"])
def test_threads_at_once_get_what_each_would_get_alone(name):
    shared = backend(name, dtype=torch.float64, lanes=2, budget=2**18)
    talks = [Talk(shared, Message.system(tiny.text(20)), thread=f"t{n}") for n in range(5)]

    def hold(talk, number):
        for turn in range(3):
            talk.ask(tiny.text(6, 10 * number + turn))

    threads = [threading.Thread(target=hold, args=(talk, n)) for n, talk in enumerate(talks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for talk in talks:
        assert len(talk.messages) == 7
        check(talk)
    check_scores(talks[-1])
    assert shared.engine.shelf.nbytes <= 2**18


def test_the_budget_counts_what_tensors_take():
    talk = Talk(backend(budget=40_000, lanes=2))
    shelf = talk.backend.engine.shelf
    for number in range(12):
        Talk(talk.backend, Message.system(tiny.text(10)), thread=str(number)).ask(tiny.text(20, number))
        assert shelf.nbytes <= 40_000
    held = {
        tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes()
        for lane in shelf.lanes
        for layer in lane.cache.rows
        for tensor in (layer.key_rows, layer.value_rows)
    }
    cold = [node.kept.rows for node in shelf.tree.nodes() if hasattr(node.kept, "rows")]
    held |= {
        t.untyped_storage().data_ptr(): t.untyped_storage().nbytes()
        for r in cold
        for p in r.layers
        for t in p
    }
    assert sum(held.values()) == shelf.nbytes
    assert shelf.tally.dropped > 0


# -- when it goes wrong ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_leaving_early_keeps_what_was_computed(name):
    talk = Talk(backend(name, dtype=torch.float64), Message.system(tiny.text(20)))
    talk.messages.append(Message.user("why was the door open?"))
    stream = talk.backend.stream(talk.request())
    said = next(event.text for event in stream if event.text)
    stream.close()
    assert not any(lane.busy for lane in talk.backend.engine.shelf.lanes)
    talk.messages.append(Message.assistant(said))
    talk.ask("and today?")
    assert talk.usage.input_tokens < 40 < talk.usage.cache_read_tokens
    check(talk)


@pytest.mark.parametrize("name", ["llama", "linear"])
def test_a_failure_in_the_middle_of_a_step_leaves_nothing_wrong_behind(name):
    made = backend(name, dtype=torch.float64)
    talk = Talk(made, Message.system(tiny.text(20)))
    talk.ask("why?")
    layer = made.engine.model.get_decoder().layers[1]
    steps = iter(range(100))

    def fail(*_):
        if next(steps) == 4:
            raise RuntimeError("out of memory")

    handle = layer.register_forward_pre_hook(fail)
    with pytest.raises(BackendError, match=r"failed: out of memory; lower kv_budget"):
        talk.ask("and then?")
    handle.remove()
    talk.messages.pop()
    assert not any(lane.busy for lane in made.engine.shelf.lanes)
    talk.ask("and then?")
    check(talk)
    check_scores(talk)


@pytest.mark.parametrize("name", ["llama", "linear"])
def test_a_failure_while_preparing_leaves_nothing_wrong_behind(name):
    made = backend(name, dtype=torch.float64)
    talk = Talk(made, Message.system(tiny.text(20)))
    talk.ask("why?")
    steps = iter(range(100))

    def fail(*_):
        if next(steps) == 1:
            raise RuntimeError("out of memory")

    handle = made.engine.model.get_decoder().layers[1].register_forward_pre_hook(fail)
    talk.messages.append(Message.user(tiny.text(14)))
    made.prepare(talk.request())
    assert made.wait_until_prepared(30)
    handle.remove()
    assert next(steps) >= 2, "it failed in the middle"
    talk.messages.pop()
    assert not any(lane.busy for lane in made.engine.shelf.lanes)
    talk.ask(tiny.text(14))
    check(talk)
    check_scores(talk)
    made.close()
