"""The table of models: patterns, the user's own file, prices, and what is not known."""

from __future__ import annotations

from pathlib import Path

import pytest

from memex import BadSetting, Capabilities, ConfigError, Cost, Usage
from memex.wire import Deadlines, ModelTable, Retries, Secret, wire_settings

OURS = """
dated = "2026-11-01"

[parrot."grey*"]
context_tokens = 400_000
tools = true
images = true
refuses = ["temperature"]
price = { input = 2.0, cache_read = 0.2, cache_write = 2.5, output = 10.0 }

[parrot."grey-mini*"]
context_tokens = 100_000
tools = true

[parrot."grey-large"]
price = [{ input = 1, output = 4 }, { above = 200_000, input = 2, output = 6 }]
dated = "2026-10-01"
currency = "EUR"

[raven."*"]
context_tokens = 1
"""


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))

    def make(ours: str = OURS, users: str = "") -> ModelTable:
        (tmp_path / "ours.toml").write_text(ours)
        (tmp_path / "memex").mkdir(exist_ok=True)
        (tmp_path / "memex" / "models.toml").write_text(users)
        return ModelTable.for_provider("parrot", tmp_path / "ours.toml")

    return make


def test_the_longest_pattern_counts_alone(table):
    models = table()
    assert models.capabilities("grey-2026-10-10").context_tokens == 400_000
    assert models.capabilities("grey-2026-10-10").refuses == ("temperature",)
    mini = models.capabilities("grey-mini-2")
    assert (mini.context_tokens, mini.images, mini.refuses) == (100_000, False, ())


def test_an_unknown_model_promises_nothing_and_has_no_price(table):
    models = table()
    assert not models.known("macaw")
    assert models.capabilities("macaw") == Capabilities()
    assert models.cost("macaw", Usage(input_tokens=5)) is None
    assert models.dated("macaw") == ""


def test_a_call_has_its_price(table):
    usage = Usage(input_tokens=1_000, cache_read_tokens=100_000, cache_write_tokens=2_000, output_tokens=500)
    cost = table().cost("grey-2", usage)
    assert cost == Cost(input=0.002, cache_read=0.02, cache_write=0.005, output=0.005, dated="2026-11-01")


def test_long_prompts_may_cost_more(table):
    models = table()
    short = models.cost("grey-large", Usage(input_tokens=200_000, output_tokens=1_000_000))
    long = models.cost("grey-large", Usage(input_tokens=200_001, output_tokens=1_000_000))
    assert (short.output, long.output) == (4.0, 6.0)
    assert (short.dated, short.currency) == ("2026-10-01", "EUR")


def test_a_price_that_is_not_known_is_not_made_up(table):
    models = table()
    assert models.cost("grey-large", Usage(input_tokens=1, cache_read_tokens=1)) is None
    assert models.cost("grey-mini", Usage(input_tokens=1)) is None
    undated = table(OURS.replace('dated = "2026-11-01"', ""))
    assert undated.cost("grey-2", Usage(input_tokens=1)) is None


def test_the_users_file_wins_field_by_field(table):
    users = """
    [parrot."grey-2*"]
    context_tokens = 50_000
    refuses = []
    [parrot."my-finetune"]
    tools = true
    price = { input = 1, output = 1 }
    dated = "2026-01-01"
    """
    models = table(users=users)
    mine = models.capabilities("grey-2")
    assert (mine.context_tokens, mine.refuses, mine.images) == (50_000, (), True)
    assert models.cost("grey-2", Usage(input_tokens=1_000_000)).input == 2.0
    assert models.capabilities("my-finetune").tools
    assert models.cost("my-finetune", Usage(output_tokens=1_000_000)).output == 1.0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[parrot."grey*"]\ncontext_token = 1', "context_token"),
        ('[parrot."grey*"]\ntools = "yes"', "tools"),
        ('[parrot."grey*"]\nprice = { input = -1 }', "price"),
        ('[parrot."grey*"]\nprice = { inputs = 1 }', "inputs"),
        ("parrot = 3", "must be tables"),
        ('[parrot]\ngrey = "x"', "must be tables"),
        ("[parrot", "cannot be read"),
    ],
)
def test_a_wrong_entry_is_named(table, text, told):
    with pytest.raises(ConfigError) as caught:
        table(users=text)
    assert told in str(caught.value)
    assert "models.toml" in str(caught.value)


def test_without_any_file_nothing_is_known(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert not ModelTable.for_provider("parrot", None).known("grey")


# -- the settings that all share --------------------------------------------------------------------


def test_settings_have_defaults_and_are_read_loosely():
    settings = wire_settings("parrot", {"attempts": "2", "timeout": 0, "headers": {"x-a": "b"}})
    assert settings.retries == Retries(attempts=2)
    assert settings.deadlines == Deadlines(total=None)
    assert settings.headers == {"x-a": "b"}
    assert wire_settings("parrot", {}).deadlines == Deadlines()
    assert wire_settings("parrot", {"api_key": Secret("x")}).api_key.reveal() == "x"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"atempts": 2}, "unexpected setting 'atempts'"),
        ({"attempts": "many"}, "attempts"),
        ({"attempts": 0}, "at least once"),
        ({"timeout": -1}, "total"),
        ({"requests_per_minute": 0}, "requests_per_minute"),
        ({"api_key": 3}, "'api_key' is a int"),
    ],
)
def test_a_wrong_setting_is_named(given, told):
    with pytest.raises(BadSetting, match=told):
        wire_settings("parrot", given)
