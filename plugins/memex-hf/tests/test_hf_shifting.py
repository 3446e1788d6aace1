"""Keys that are moved after an eviction: only where asked for, only where it is known how, and told of."""

from __future__ import annotations

import pytest
import tiny_models as tiny
import torch
from hf_talks import Talk, backend
from memex_hf.ledger import APPROXIMATE
from memex_hf.opening import hf
from memex_hf.running.shifting import Shifting, turned

from memex import BadSetting, ConfigError, Message


def shifting(name="llama", **settings):
    made = backend(name, dtype=torch.float64, **settings)
    made._shifting = Shifting(made.engine)
    return made


def evicted(talk):
    """Leave out the oldest turns, as a window does."""
    del talk.messages[1:5]
    return talk


def long_talk(made, turns=4):
    talk = Talk(made, Message.system(tiny.text(12)))
    for turn in range(turns):
        talk.ask(tiny.text(15, turn))
    return talk


@pytest.mark.parametrize("name", ["llama", "qwen"])
def test_what_stays_after_an_eviction_is_not_computed_again_and_that_is_told(name):
    talk = long_talk(shifting(name))
    assert APPROXIMATE not in talk.messages[-1].extra
    evicted(talk).ask("and today?")
    assert talk.usage.input_tokens < 40 < talk.usage.cache_read_tokens
    told = talk.messages[-1].extra[APPROXIMATE]["tokens"]
    assert 40 < told < talk.usage.cache_read_tokens
    talk.ask("who knows?")  # it goes on from what was moved
    assert talk.messages[-1].extra[APPROXIMATE]["tokens"] > told


def test_without_the_setting_nothing_is_moved():
    talk = evicted(long_talk(backend(dtype=torch.float64)))
    talk.ask("and today?")
    assert talk.usage.input_tokens > 80
    assert APPROXIMATE not in talk.messages[-1].extra


@pytest.mark.parametrize("name", ["llama", "qwen"])
def test_moved_keys_of_the_first_layer_are_exact(name):
    """They depend on token and position alone; what differs further up is what the evicted text did."""
    made = shifting(name)
    talk = evicted(long_talk(made))
    talk.ask("and today?", 1)
    lane = next(lane for lane in made.engine.shelf.lanes if lane.used == made.engine.shelf.tree.clock)
    ids = list(lane.ids)
    fresh = made.engine.lane(len(ids))
    made.engine.forward(fresh, ids)
    first, second = (
        float((a.keys - b.keys).abs().max() / b.keys.abs().max())
        for a, b in zip(lane.cache.rows, fresh.cache.rows, strict=True)
    )
    assert first < 1e-5
    assert second > 1e-3


def test_turning_twice_is_turning_once():
    frequencies = torch.tensor([1.0, 0.1, 0.01, 0.001])
    keys = torch.randn(1, 2, 5, 8, dtype=torch.float64)
    there = turned(keys, 700, frequencies)
    assert float((turned(there, -700, frequencies) - keys).abs().max()) < 1e-12
    assert (
        float(
            (turned(turned(keys, 30, frequencies), 12, frequencies) - turned(keys, 42, frequencies))
            .abs()
            .max()
        )
        < 1e-12
    )


def test_without_the_first_tokens_nothing_is_moved():
    talk = long_talk(shifting())
    lane = max(talk.backend.engine.shelf.lanes, key=lambda lane: len(lane.ids))
    start = next(at for at in range(40, 80) if lane.ids[at] != lane.ids[0])
    assert talk.backend._shifting.shift(lane.ids[start : start + 60]) == 0
    assert talk.backend._shifting.shift([*lane.ids[:4], *lane.ids[start : start + 60]]) > 30


@pytest.mark.parametrize("name", ["gpt2", "smollm", "sliding", "linear"])
def test_models_whose_positions_cannot_be_moved_are_refused(name):
    with pytest.raises(ConfigError, match="leave it out"):
        Shifting(backend(name).engine)


def test_layers_without_positions_are_found_by_trying():
    made = backend("smollm")
    made.engine.config.model_type = "llama"
    try:
        with pytest.raises(ConfigError, match="leave it out"):
            Shifting(made.engine)
    finally:
        made.engine.config.model_type = "smollm3"


def test_forgetting_forgets_what_was_moved():
    talk = evicted(long_talk(shifting()))
    talk.ask("and today?")
    talk.backend.forget()
    talk.ask("who knows?")
    assert APPROXIMATE not in talk.messages[-1].extra


def test_settings_that_make_no_sense_are_told(tmp_path):
    with pytest.raises(BadSetting, match="write 'sinks'"):
        hf("tiny", approximate="all")
    with pytest.raises(BadSetting, match="never kept on disk"):
        hf("tiny", approximate="sinks", kv_folder=str(tmp_path))
