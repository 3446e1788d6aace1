"""OpenAI's published OpenAPI document as a check of requests: no field that it does not have."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

BODIES = {"chat": "CreateChatCompletionRequest", "responses": "CreateResponse"}


@cache
def published_validators(spec: str) -> dict[str, Any]:
    """Return a validator for the requests of each API; ``spec`` is the path of ``openai-openapi.yaml``."""
    import jsonschema
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    schemas = yaml.load(Path(spec).read_text(encoding="utf-8"), Loader=loader)["components"]["schemas"]
    strict = {name: _strict(schema) for name, schema in schemas.items()}
    loose = {name: _strict(schema, part=True) for name, schema in schemas.items()}
    document = {"components": {"strict": strict, "loose": loose}}
    return {
        api: jsonschema.Draft202012Validator({"$ref": f"#/components/strict/{name}", **document})
        for api, name in BODIES.items()
    }


def problems(api: str, body: Mapping[str, Any], spec: str) -> list[str]:
    """Return what the document does not allow in a request, one line each."""
    allowed = dict(body)
    if "prompt_cache_options" in allowed:
        # Newer than the document, and in the SDK's types: OpenAI says why its cache missed.
        newer = "comparison_response_id"
        allowed["prompt_cache_options"] = {
            name: value for name, value in allowed["prompt_cache_options"].items() if name != newer
        }
    errors = published_validators(spec)[api].iter_errors(allowed)
    return [f"{list(error.absolute_path)}: {error.message[:300]}" for error in errors]


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
