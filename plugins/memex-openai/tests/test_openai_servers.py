"""Which server is meant, which key goes there, and what its models can do and cost."""

from __future__ import annotations

import tomllib
from importlib.resources import files

import pytest
from memex_openai.backend import openai
from memex_openai.connecting import key_for, resolve
from memex_openai.presets import PRESETS, find_server

from memex import AuthFailed, BadSetting, Message, Request, Usage
from memex.testing.wire import WireServer, answer

HELLO = Request(messages=(Message.user("Hi"),), answer_tokens=99)


@pytest.mark.parametrize(
    ("spec", "model", "url", "label", "dialect"),
    [
        ("gpt-5", "gpt-5", "https://api.openai.com/v1", "gpt-5", "openai"),
        ("m@vllm", "m", "http://localhost:8000/v1", "m@vllm", "vllm"),
        ("m@http://h:1/v1/", "m", "http://h:1/v1", "m@h:1/v1", "server"),
        ("a/b@c@https://h/v1", "a/b@c", "https://h/v1", "a/b@c@h/v1", "server"),
        ("gemini@001", "gemini@001", "https://api.openai.com/v1", "gemini@001", "openai"),
        ("m@https://api.groq.com/openai/v1", "m", "https://api.groq.com/openai/v1", "m@groq", "groq"),
        ("m@https://u:pw@h/v1", "m", "https://h/v1", "m@h/v1", "server"),
        ("@cf/meta/llama", "@cf/meta/llama", "https://api.openai.com/v1", "@cf/meta/llama", "openai"),
        ("x/@cf/m@vllm", "x/@cf/m", "http://localhost:8000/v1", "x/@cf/m@vllm", "vllm"),
        ("gpt-5@https://eu.api.openai.com/v1", "gpt-5", "https://eu.api.openai.com/v1", "gpt-5", "openai"),
        ("m@https://api.openai.com.x", "m", "https://api.openai.com.x", "m@api.openai.com.x", "server"),
    ],
)  # fmt: skip
def test_what_a_spec_means(spec, model, url, label, dialect):
    address = find_server(spec)
    assert (address.model, address.base_url, address.label) == (model, url, label)
    assert address.server.name == dialect


def test_a_preset_with_an_address_of_ones_own():
    address = find_server("m", preset="vllm", base_url="http://gpu:9000/v1")
    assert (address.server.name, address.label) == ("vllm", "m@gpu:9000/v1")


@pytest.mark.parametrize(
    "wrong",
    [
        {"spec": ""},
        {"spec": "@vllm"},
        {"spec": "m", "preset": "nobody"},
        {"spec": "m", "base_url": "localhost:8000"},
        {"spec": "m@http://ho st/v1"},
        {"spec": "m@http://h:99999/v1"},
        {"spec": "m@file:///etc/passwd"},
        {"spec": "m@localhost:8000"},
    ],
)
def test_what_means_nothing_is_refused(wrong):
    with pytest.raises(BadSetting):
        find_server(**wrong)


@pytest.mark.parametrize(
    "name", ["m@nowhere", "m@olama", "a/m@Groq", "m@cf/meta", "m@localhost", "m@10.0.0.5", "m@"]
)
def test_an_unknown_server_is_refused_and_the_known_ones_told(name):
    with pytest.raises(BadSetting) as caught:
        openai(name)
    for told in (repr(name.rpartition("@")[2]), "vllm", "groq", "MODEL@http://host:8000/v1", "preset="):
        assert told in str(caught.value)


@pytest.mark.parametrize(
    "version",
    ["001", "20240620", "2024-06-20", "v2", "default", "latest", "q4_k_m", "iq4_xs", "bf16", "8bit", "4.1"],
)
def test_a_version_after_an_at_belongs_to_the_models_name(version):
    address = find_server(f"publisher/m@{version}")
    assert (address.model, address.server.name) == (f"publisher/m@{version}", "openai")
    assert find_server(f"m@{version}@ollama").model == f"m@{version}"


def test_beside_a_preset_or_an_address_an_at_is_the_names():
    assert find_server("m@nowhere", preset="openai").model == "m@nowhere"
    assert find_server("m@nowhere", base_url="http://h/v1").label == "m@nowhere@h/v1"


def test_every_preset_has_an_address_of_its_own():
    assert len(PRESETS) == 15
    assert len({server.base_url for server in PRESETS.values()}) == 15
    for server in PRESETS.values():
        assert server.environment
        assert find_server(f"m@{server.name}").server is server


@pytest.mark.parametrize(
    ("spec", "api"),
    [
        ("gpt-5", "responses"),
        ("gpt-4o-audio-preview", "chat"),
        ("m@vllm", "chat"),
        ("m@http://h/v1", "chat"),
        ("gpt-5@https://eu.api.openai.com/v1", "responses"),
    ],
)
def test_the_api_that_is_chosen(spec, api):
    assert openai(spec).api == api
    assert openai(spec, api="chat").api == "chat"


def test_an_unknown_setting_is_refused():
    for wrong in ({"api": "soap"}, {"colour": "grey"}, {"attempts": 0}):
        with pytest.raises(BadSetting):
            openai("gpt-5", **wrong)


def key(spec, **settings):
    address, environment = resolve(spec, settings.pop("preset", None), settings.pop("base_url", None))
    return key_for(address, settings.pop("api_key", None), environment)().reveal()


def test_openais_key_goes_to_openai_only(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-openai-0123456789abcdef")
    assert key("gpt-5") == "sk-openai-0123456789abcdef"
    for spec in ("m@http://h/v1", "m@vllm", "m@ollama", "m@https://api.openai.com.x/v1"):
        assert key(spec) == "no-key"
    for spec in ("m@groq", "m@https://api.groq.com/openai/v1"):
        with pytest.raises(AuthFailed, match="GROQ_API_KEY"):
            key(spec)


def test_openais_address_from_the_environment_is_where_its_key_goes(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-openai-0123456789abcdef")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://gateway:1/v1")
    address, _ = resolve("gpt-5", None, None)
    assert (address.base_url, address.label) == ("http://gateway:1/v1", "gpt-5@gateway:1/v1")
    assert key("gpt-5") == "sk-openai-0123456789abcdef"
    assert key("m@http://h/v1") == "no-key"
    assert resolve("m@vllm", None, None)[0].server.name == "vllm"


def test_a_key_from_a_variable_of_ones_own(monkeypatch, server):
    monkeypatch.setenv("OUR_KEY", "our-own-0123456789")
    server.play(answer({"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}))
    list(openai(f"m@{server.url}/v1", key_environment="OUR_KEY").generate(HELLO))
    assert server.requests[0].headers["authorization"] == "Bearer our-own-0123456789"


def test_no_key_is_looked_for_before_the_first_call(monkeypatch):
    backend = openai("gpt-5")
    assert backend.capabilities.reasoning
    with pytest.raises(AuthFailed, match="memex keys set openai"):
        list(backend.stream(HELLO))


def test_who_one_is_at_openai_is_told_to_openai_only(monkeypatch, server):
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-secret")
    server.play(answer({"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}))
    list(openai(f"m@{server.url}/v1").generate(HELLO))
    assert "secret" not in str(server.requests[0].headers)


def test_limits_are_kept_by_key(server):
    body = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}
    server.always(answer(body))
    backend = openai(
        f"m@{server.url}/v1", requests_per_minute=1, timeout=20, api_key="k-0123456789", attempts=1
    )
    list(backend.generate(HELLO))
    with pytest.raises(Exception, match="requests_per_minute"):
        list(backend.generate(HELLO))
    assert len(server.requests) == 1


# -- the table of models ---------------------------------------------------------------------------


def test_what_models_can_do():
    five = openai("gpt-5").capabilities
    assert (five.context_tokens, five.reasoning, "temperature" in five.refuses) == (400_000, True, True)
    assert openai("gpt-5-2025-08-07").capabilities == five
    four = openai("gpt-4o").capabilities
    assert (four.reasoning, four.refuses) == (False, ())
    newest = openai("gpt-6.2-astra").capabilities
    assert (newest.reasoning, newest.context_tokens) == (True, None)


def test_what_a_call_cost():
    usage = Usage(input_tokens=1_000_000, cache_read_tokens=1_000_000, output_tokens=100_000)
    cost = openai("gpt-5").cost(usage, "gpt-5-2025-08-07")
    assert openai("gpt-5").cost(usage) == cost  # of its own model
    assert (cost.input, cost.cache_read, cost.output, cost.currency) == (1.25, 0.125, 1.0, "USD")
    assert cost.dated


@pytest.mark.parametrize(
    "model", ["gpt-6-astra", "gpt-5.6-sol", "gpt-5@vllm", "m@http://h/v1", "gpt-4o@litellm"]
)
def test_what_nobody_knows_is_not_made_up(model):
    assert openai(model).cost(Usage(input_tokens=5), openai(model).model) is None


def test_the_users_own_table_goes_over_it(monkeypatch, tmp_path):
    folder = tmp_path / "config" / "memex"
    folder.mkdir(parents=True)
    table = 'dated = "2026-11-01"\n[openai."gpt-6-astra"]\nprice = { input = 3.0, output = 9.0 }\n'
    (folder / "models.toml").write_text(table)
    cost = openai("gpt-6-astra").cost(Usage(input_tokens=1_000_000), "gpt-6-astra")
    assert (cost.input, cost.dated) == (3.0, "2026-11-01")


def test_every_model_of_the_table_is_one_that_the_sdk_names():
    from fnmatch import fnmatchcase
    from typing import get_args

    from openai.types.shared.chat_model import ChatModel

    table = tomllib.loads((files("memex_openai") / "models.toml").read_text(encoding="utf-8"))
    strange = [
        pattern
        for pattern in table["openai"]
        if "20??" not in pattern and not any(fnmatchcase(name, pattern) for name in get_args(ChatModel))
    ]
    assert strange == []


def test_two_servers_at_once():
    body = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}
    with WireServer() as one, WireServer() as two:
        for server in (one, two):
            server.play(answer(body))
            list(openai(f"m@{server.url}/v1").generate(HELLO))
        assert (len(one.requests), len(two.requests)) == (1, 1)
