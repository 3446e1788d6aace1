"""JSON schemas of Python types, for what a model is to write: arguments and answers."""

from __future__ import annotations

from typing import Any

import msgspec

from memex._errors import BadSetting


def object_schema(kind: Any, what: str) -> dict[str, Any]:
    """Return the schema of a type whose values are JSON objects, with what it refers to under ``$defs``.

    Args:
        kind: The type.
        what: What it is for, for errors.

    Raises:
        BadSetting: If JSON cannot hold such values, or they are no objects.
    """
    try:
        (found,), named = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    except (TypeError, ValueError, RecursionError, NameError) as error:
        raise BadSetting(f"{what}: there is no JSON schema for it: {error}") from error
    own = str(found.get("$ref", "")).removeprefix("#/$defs/")
    schema = dict(named[own]) if own else dict(found)
    if schema.get("type") != "object":
        raise BadSetting(f"{what}: its values are no JSON objects; put it into a field of one")
    rest = {name: part for name, part in named.items() if name != own or _refers(named, own)}
    return schema | ({"$defs": rest} if rest else {})


def _refers(named: dict[str, Any], own: str) -> bool:
    """Tell whether any schema, its own among them, refers to ``own``: a type that holds itself."""
    return f'"#/$defs/{own}"' in msgspec.json.encode(named).decode()
