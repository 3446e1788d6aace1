"""Requests against OpenAI's published OpenAPI document: no field that it does not have.

Runs where ``MEMEX_OPENAI_SPEC`` names the file (``openai-openapi.yaml`` of the public repository
openai/openai-openapi) and jsonschema and PyYAML are installed. Against the SDK's own types the same
conversations are checked always, in ``test_openai_requests.py``.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from memex_openai.backend import openai
from openai_talks import LOOK, SCHEMA, STRICT, talk
from published_schema import BODIES, problems, published_validators

from memex import Message, Origin, Reasoning, Request, Text, Tool

SPEC = os.environ.get("MEMEX_OPENAI_SPEC", "")
pytestmark = pytest.mark.skipif(
    not SPEC or not Path(SPEC).is_file(),
    reason="needs OpenAI's OpenAPI document: set MEMEX_OPENAI_SPEC to the path of openai-openapi.yaml",
)


@pytest.fixture(scope="module")
def validators():
    pytest.importorskip("yaml", reason="needs PyYAML")
    pytest.importorskip("jsonschema", reason="needs jsonschema")
    return published_validators(SPEC)


def own_answer(model):
    item = {"item": {"id": "msg_1", "type": "message", "status": "completed"}, "content": "list"}
    text = Text(
        "Blue.",
        extra={"openai-responses": {"annotations": [], "logprobs": []}, "openai-responses:shape": item},
    )
    return Message.assistant(
        [Reasoning("Hm.", encrypted="gAAA", id="rs_1"), text], origin=Origin("openai", model)
    )


@pytest.mark.parametrize("api", BODIES)
@pytest.mark.parametrize("schema", [None, SCHEMA, STRICT])
@pytest.mark.parametrize("model", ["gpt-4o", "gpt-5", "gpt-5.6-sol"])
@pytest.mark.parametrize("wishes", [{}, {"reasoning_effort": "low", "verbosity": "low"}])
def test_a_conversation_with_everything_in_it_is_as_published(validators, api, schema, model, wishes):
    messages = (*talk("openai", model), own_answer(model), Message.user("And?"))
    request = Request(
        messages=messages,
        answer_tokens=500,
        stable=3,
        thread="t-1",
        tools=(LOOK, Tool("bare")),
        schema=schema,
        settings=wishes,
    )
    for stream in (True, False):
        body = openai(model, api=api).prepared(request, stream=stream).body
        assert problems(api, body, SPEC) == []


@pytest.mark.parametrize("api", BODIES)
def test_the_check_bites(validators, api):
    body = openai("gpt-4o", api=api).prepared(Request(messages=(Message.user("Hi"),), answer_tokens=99)).body
    assert not list(validators[api].iter_errors(body))
    assert list(validators[api].iter_errors({**body, "of_the_future": 1}))
    field = "messages" if api == "chat" else "input"
    wrong = [{**body[field][0], "of_the_future": 1}]
    assert list(validators[api].iter_errors({**body, field: wrong}))
