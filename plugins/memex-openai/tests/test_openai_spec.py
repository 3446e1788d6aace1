"""Requests against OpenAI's published OpenAPI document: no field that it does not have.

Runs where ``MEMEX_OPENAI_SPEC`` names the file (``openai-openapi.yaml`` of the public repository
openai/openai-openapi) and jsonschema and PyYAML are installed. Against the SDK's own types the same
conversations are checked always, in ``test_openai_requests.py``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from memex_openai.backend import openai
from openai_talks import LOOK, SCHEMA, STRICT, talk

from memex import Message, Origin, Reasoning, Request, Text, Tool

SPEC = os.environ.get("MEMEX_OPENAI_SPEC", "")
pytestmark = pytest.mark.skipif(
    not SPEC or not Path(SPEC).is_file(),
    reason="needs OpenAI's OpenAPI document: set MEMEX_OPENAI_SPEC to the path of openai-openapi.yaml",
)
BODIES = {"chat": "CreateChatCompletionRequest", "responses": "CreateResponse"}


@pytest.fixture(scope="module")
def validators():
    yaml = pytest.importorskip("yaml", reason="needs PyYAML")
    jsonschema = pytest.importorskip("jsonschema", reason="needs jsonschema")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    schemas = yaml.load(Path(SPEC).read_text(encoding="utf-8"), Loader=loader)["components"]["schemas"]
    strict = {name: _strict(schema) for name, schema in schemas.items()}
    loose = {name: _strict(schema, part=True) for name, schema in schemas.items()}
    document = {"components": {"strict": strict, "loose": loose}}
    return {
        api: jsonschema.Draft202012Validator({"$ref": f"#/components/strict/{name}", **document})
        for api, name in BODIES.items()
    }


def _strict(schema: Any, *, part: bool = False) -> Any:
    """Return a schema that allows no unknown field; ``part``: it is one of several that make up a whole."""
    if isinstance(schema, list):
        return [_strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return {"$ref": f"#/components/{'loose' if part else 'strict'}/{name}"}
    made = {
        key: _strict(value)
        for key, value in schema.items()
        if key not in ("allOf", "oneOf", "example", "examples")
    }
    if "properties" in schema:
        made["properties"] = {name: _strict(value) for name, value in schema["properties"].items()}
    if "oneOf" in schema:  # its alternatives overlap: a message of the user's is one of two
        made["anyOf"] = [_strict(item) for item in schema["oneOf"]]
    if "allOf" in schema:
        made["allOf"] = [_strict(item, part=True) for item in schema["allOf"]]
    closed = ("properties" in schema or "allOf" in schema) and "additionalProperties" not in schema
    if closed and not part:
        made["unevaluatedProperties"] = False
    return made


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
        # Newer than the document, and in the SDK's types: OpenAI says why its cache missed.
        body.get("prompt_cache_options", {}).pop("comparison_response_id", None)
        problems = [f"{list(e.absolute_path)}: {e.message[:300]}" for e in validators[api].iter_errors(body)]
        assert problems == []


@pytest.mark.parametrize("api", BODIES)
def test_the_check_bites(validators, api):
    body = openai("gpt-4o", api=api).prepared(Request(messages=(Message.user("Hi"),), answer_tokens=99)).body
    assert not list(validators[api].iter_errors(body))
    assert list(validators[api].iter_errors({**body, "of_the_future": 1}))
    field = "messages" if api == "chat" else "input"
    wrong = [{**body[field][0], "of_the_future": 1}]
    assert list(validators[api].iter_errors({**body, field: wrong}))
