"""What is sent: valid by the SDK's own types, whatever conversation it is, and in each server's dialect."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from memex_openai.backend import openai
from memex_openai.presets import PRESETS, find_server
from memex_openai.requesting import strict_schema
from openai_play import backend_at
from openai_talks import LOOK, SCHEMA, STRICT, talk
from sdk_types import check_chat, check_responses

from memex import (
    BadSetting,
    Message,
    Opaque,
    Origin,
    Reasoning,
    Request,
    Text,
    Tool,
    ToolResult,
)
from memex.testing import strategies

MESSAGE_SHAPE = {"item": {"id": "msg_1", "type": "message", "status": "completed"}, "content": "list"}
CHECKS = {"chat": check_chat, "responses": check_responses}
APIS = tuple(CHECKS)


def body(*messages, api="chat", model="gpt-4o", dropped=(), stream=True, backend=None, **fields):
    request = Request(messages=messages, **{"answer_tokens": 500, "thread": "t-1"} | fields)
    return (backend or openai(model, api=api)).prepared(request, dropped, stream=stream).body


def checked(*messages, api="chat", **fields):
    made = body(*messages, api=api, **fields)
    CHECKS[api](made)
    return made


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("origin", [("openai", "gpt-4o"), ("anthropic", "claude"), ("openai", "m@ollama")])
@pytest.mark.parametrize("schema", [None, SCHEMA, STRICT])
def test_a_conversation_with_everything_in_it_is_a_valid_request(api, stream, origin, schema):
    made = checked(
        *talk(*origin), api=api, stream=stream, tools=(LOOK, Tool("bare")), schema=schema, stable=3
    )
    assert "gpt-4o" in str(made)


def known(message):
    def bare(part):
        if isinstance(part, ToolResult):
            return msgspec.structs.replace(
                part, parts=[bare(p) for p in part.parts if not isinstance(p, Opaque)], extra={}
            )
        return msgspec.structs.replace(part, extra={})

    return message.replace(parts=[bare(p) for p in message.parts if not isinstance(p, Opaque)], extra={})


@pytest.mark.parametrize("api", APIS)
@given(messages=strategies.conversations())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_conversation_is_a_valid_request(api, messages):
    """Without what nobody has a type for: parts and fields of formats of the future."""
    checked(*map(known, messages), Message.user("And now?"), api=api, stable=2, model="gpt-5.6-sol")


def test_the_ways_of_the_two_apis_to_say_the_same():
    wishes = {"reasoning_effort": "low", "verbosity": "low", "temperature": 0.5}
    chat = checked(Message.user("Hi"), tools=(LOOK,), schema=STRICT, settings=wishes)
    assert chat["max_completion_tokens"] == 500
    assert chat["stream_options"] == {"include_usage": True}
    assert chat["response_format"]["json_schema"] == {"name": "answer", "schema": STRICT, "strict": True}
    assert (chat["reasoning_effort"], chat["temperature"]) == ("low", 0.5)
    both = checked(Message.user("Hi"), tools=(LOOK,), schema=STRICT, settings=wishes, api="responses")
    assert both["max_output_tokens"] == 500
    assert both["store"] is False
    assert both["text"] == {
        "verbosity": "low",
        "format": {"type": "json_schema", "name": "answer", "schema": STRICT, "strict": True},
    }
    assert (both["reasoning"], both["temperature"]) == ({"effort": "low"}, 0.5)
    assert (chat["prompt_cache_key"], both["prompt_cache_key"]) == ("t-1", "t-1")


def test_a_response_format_and_a_limit_of_the_callers_own_count():
    own = {"type": "json_schema", "json_schema": {"name": "mine", "schema": STRICT}}
    chat = checked(Message.user("Hi"), settings={"response_format": own, "max_tokens": 7})
    assert (chat["response_format"], chat["max_completion_tokens"]) == (own, 7)
    other = checked(Message.user("Hi"), settings={"response_format": own, "max_tokens": 70}, api="responses")
    assert (other["text"]["format"]["name"], other["max_output_tokens"]) == ("mine", 70)
    assert "max_completion_tokens" not in body(Message.user("Hi"), settings={"max_completion_tokens": None})


def test_openai_takes_no_limit_below_sixteen_in_responses():
    assert body(Message.user("Hi"), api="responses", answer_tokens=1)["max_output_tokens"] == 16


def test_a_schema_is_strict_only_where_it_may_be():
    assert strict_schema(STRICT)
    assert not strict_schema(SCHEMA)
    assert not strict_schema({"type": "array", "items": {"anyOf": [SCHEMA]}})
    assert strict_schema({"type": "array", "items": {"anyOf": [STRICT, {"type": "null"}]}})


def test_encrypted_thoughts_are_asked_for_where_there_are_thoughts():
    assert body(Message.user("Hi"), api="responses", model="gpt-5")["include"] == [
        "reasoning.encrypted_content"
    ]
    assert "include" not in body(Message.user("Hi"), api="responses", model="gpt-4o")


def test_thoughts_go_back_to_their_model_with_all_ids_and_to_no_other():
    answer = Message.assistant(
        [
            Reasoning("Hm.", encrypted="gAAA", id="rs_1"),
            Text("Blue.", extra={"openai-responses:shape": MESSAGE_SHAPE}),
        ],
        origin=Origin("openai", "gpt-5"),
    )
    own = checked(answer, Message.user("And?"), api="responses", model="gpt-5")["input"]
    assert [item.get("id") for item in own] == ["rs_1", "msg_1", None]
    # The host has taken the encrypted thought out by then.
    rest = answer.replace(parts=answer.parts[1:])
    other = checked(rest, Message.user("And?"), api="responses", model="gpt-5-mini")["input"]
    assert other == [{"role": "assistant", "content": "Blue."}, {"role": "user", "content": "And?"}]


def test_plain_thoughts_go_back_to_the_server_that_had_them_only():
    def sent(model, origin):
        messages = talk("openai", origin)
        return next(m for m in body(*messages, model=model)["messages"] if m.get("tool_calls"))

    own = sent("m@vllm", "m@vllm")
    assert (own["reasoning_content"], own["tool_calls"][0]["extra_content"]) == (
        "Hm, a pixel.",
        {"google": 1},
    )
    for model, origin in (("m@vllm", "m@ollama"), ("m", "m@vllm"), ("m", "m"), ("m@mistral", "m@mistral")):
        other = sent(model, origin)
        assert "reasoning_content" not in other
        assert "reasoning_details" not in other
        assert "extra_content" not in other["tool_calls"][0]


def test_deepseek_wants_a_thought_with_every_call():
    messages = body(*talk("anthropic", "claude"), model="deepseek-chat@deepseek")["messages"]
    assert [m.get("reasoning_content") for m in messages if m.get("tool_calls")] == [""]


def test_mistral_gets_ids_of_nine_letters_that_match():
    messages = body(*talk(), model="mistral-large@mistral")["messages"]
    ids = [call["id"] for m in messages for call in m.get("tool_calls") or ()]
    assert all(len(one) == 9 and one.isalnum() for one in ids)
    assert ids == [m["tool_call_id"] for m in messages if m["role"] == "tool"]
    again = body(*talk(), model="mistral-large@mistral")["messages"]
    assert ids == [call["id"] for m in again for call in m.get("tool_calls") or ()]


def test_the_role_developer_is_system_where_nobody_knows_it():
    assert [m["role"] for m in body(*talk(), model="m@vllm")["messages"]][:2] == ["system", "system"]
    assert [m["role"] for m in body(*talk())["messages"]][:2] == ["system", "developer"]


def test_names_that_a_server_refuses_are_left_out_and_told():
    prepared = openai("gpt-4o", api="chat").prepared(Request(messages=talk(), answer_tokens=9))
    assert "name" in [name for name, _ in prepared.left_out]
    good = body(Message.user("Hi", name="Ada"))
    assert good["messages"][0]["name"] == "Ada"


@pytest.mark.parametrize("preset", [name for name in PRESETS if PRESETS[name].schema != "json_schema"])
def test_a_schema_is_told_in_words_where_it_cannot_be_enforced(preset):
    made = body(Message.user("Hi"), model=f"m@{preset}", schema=SCHEMA)
    assert '"door"' in made["messages"][0]["content"]
    assert made.get("response_format") in ({"type": "json_object"}, None)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_makes_a_request(preset):
    server = PRESETS[preset]
    made = body(*talk(), model=f"some-model@{preset}", tools=(LOOK,), settings={"top_k": 5})
    assert made[server.limit] == 500
    assert ("stream_options" in made) == server.stream_options
    assert ("prompt_cache_key" in made) == server.cache_key
    assert made["top_k"] == 5


def test_a_breakpoint_stands_at_the_end_of_what_stays():
    made = checked(*talk(), model="gpt-5.6-sol", stable=2)["messages"]
    marked = [n for n, m in enumerate(made) if "prompt_cache_breakpoint" in str(m)]
    assert marked == [1]
    assert made[1]["content"] == [
        {"type": "text", "text": "Be brief.", "prompt_cache_breakpoint": {"mode": "explicit"}}
    ]
    items = checked(*talk(), model="gpt-6-sol", stable=5, api="responses")["input"]
    marked = [item for item in items if "prompt_cache_breakpoint" in str(item)]
    assert [item.get("type") for item in marked] == ["function_call_output"]


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    ("model", "stable"), [("gpt-5.5", 3), ("gpt-5.6-sol", 0), ("gpt-4o", 3), ("gpt-6@vllm", 3)]
)
def test_there_is_no_breakpoint_where_none_is_known(api, model, stable):
    assert "prompt_cache_breakpoint" not in str(body(*talk(), model=model, stable=stable, api=api))


@pytest.mark.parametrize("api", APIS)
def test_a_breakpoint_that_was_refused_is_left_out(api):
    made = body(*talk(), model="gpt-5.6-sol", stable=3, dropped=["prompt_cache_breakpoint"], api=api)
    assert "prompt_cache_breakpoint" not in str(made)


def test_the_prefix_is_the_same_with_and_without_a_breakpoint():
    def texts(messages):
        return [
            (m["role"], m.get("content") if isinstance(m.get("content"), str) else m["content"][0]["text"])
            for m in messages[:2]
        ]

    assert texts(body(*talk(), model="gpt-5.6-sol", stable=2)["messages"]) == texts(body(*talk())["messages"])


def test_the_newest_answer_is_compared_with_where_openai_says_why_its_cache_missed():
    made = checked(*talk("openai", "gpt-5.6-sol"), api="responses", model="gpt-5.6-sol")
    assert made["prompt_cache_options"] == {"comparison_response_id": "resp_0"}
    other = body(*talk("openai", "gpt-5.5"), api="responses", model="gpt-5.6-sol")
    assert "prompt_cache_options" not in other


def test_a_long_thread_id_is_a_digest_as_cache_key():
    key = body(Message.user("Hi"), thread="t" * 65)["prompt_cache_key"]
    assert len(key) == 32
    assert "prompt_cache_key" not in body(Message.user("Hi"), thread="")


def test_the_other_limit_is_used_where_one_is_refused():
    made = body(Message.user("Hi"), model="m@vllm", dropped=["max_tokens"])
    assert made["max_completion_tokens"] == 500
    made = body(Message.user("Hi"), dropped=["max_completion_tokens"])
    assert made["max_tokens"] == 500


def test_settings_that_only_the_other_api_has_are_left_out_and_told():
    request = Request(messages=(Message.user("Hi"),), answer_tokens=99, settings={"stop": ["x"], "seed": 1})
    prepared = openai("gpt-4o").prepared(request)
    assert "stop" not in prepared.body
    assert [name for name, _ in prepared.left_out] == ["stop", "seed"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"n": 3}, {"stream": True}, {"model": "m"}, {"messages": []}, {"previous_response_id": "r"},
        {"max_tokens": 0}, {"max_tokens": "many"}, {"extra_body": [1]}, {"extra_body": {"n": 2}},
    ],
)  # fmt: skip
@pytest.mark.parametrize("api", APIS)
def test_settings_that_make_no_sense_are_refused_before_anything_is_sent(wrong, api):
    with pytest.raises(
        BadSetting, match=next(iter(wrong)) if "extra_body" not in wrong else "extra_body|n is"
    ):
        body(Message.user("Hi"), settings=wrong, api=api)


def test_one_choice_may_be_asked_for_by_name():
    assert "n" not in checked(Message.user("Hi"), settings={"n": 1})


def test_tools_of_the_provider_join_those_of_the_caller():
    made = body(
        Message.user("Hi"),
        api="responses",
        tools=(LOOK,),
        settings={"extra_body": {"tools": [{"type": "web_search"}], "metadata": {"a": "b"}}},
    )
    assert [tool["type"] for tool in made["tools"]] == ["function", "web_search"]
    assert made["metadata"] == {"a": "b"}


def test_opaque_items_go_back_to_the_format_they_came_from():
    item = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    own = Message.assistant([Opaque("openai-responses", item), Text("x")], origin=Origin("openai", "gpt-4o"))
    assert body(own, api="responses")["input"][0] == item
    prepared = openai("gpt-4o", api="chat").prepared(Request(messages=(own,), answer_tokens=9))
    assert "web_search_call" not in str(prepared.body)
    assert "opaque" in [part for part, _ in prepared.left_out]


def test_the_settings_of_the_backend_stand_behind_those_of_a_call(played):
    backend = played.backend(settings={"temperature": 0.1, "seed": 4}, model="gpt-4o")
    list(backend.stream(Request(messages=(Message.user("Hi"),), answer_tokens=9, settings={"seed": 5})))
    assert (played.body["temperature"], played.body["seed"]) == (0.1, 5)


@pytest.mark.parametrize(("model", "limit"), [("gpt-5", 109), ("gpt-4o", 9)])
def test_thoughts_may_get_room_of_their_own(played, model, limit):
    request = Request(messages=(Message.user("Hi"),), answer_tokens=9)
    list(played.backend(thinking_room=100, model=model).stream(request))
    assert played.body["max_completion_tokens"] == limit


def test_headers_and_unknown_settings_go_over_the_wire(server, played):
    backend = backend_at(server, headers={"x-ours": "1"})
    wishes = {"top_k": 3, "extra_headers": {"x-mine": "2"}, "extra_body": {"deep": {"er": 1}}}
    list(backend.stream(Request(messages=(Message.user("Hi"),), answer_tokens=99, settings=wishes)))
    assert (played.body["top_k"], played.body["deep"]) == (3, {"er": 1})
    headers = server.requests[0].headers
    assert (headers["x-ours"], headers["x-mine"]) == ("1", "2")


def test_the_model_of_an_address():
    assert find_server("gpt-5").label == "gpt-5"
    with pytest.raises(BadSetting):
        find_server("@vllm").label  # noqa: B018
