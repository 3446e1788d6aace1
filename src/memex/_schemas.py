"""JSON schemas of Python types, for what a model is to write: arguments and answers."""

from __future__ import annotations

from typing import Any

import msgspec

from memex._errors import BadSetting


def schema_of(kind: Any, what: str) -> dict[str, Any]:
    """Return the JSON schema of a type, with what it refers to under ``$defs``.

    Args:
        kind: The type.
        what: What it is for, for errors.

    Raises:
        BadSetting: If JSON cannot hold such values.
    """
    try:
        (found,), named = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    except (TypeError, ValueError, RecursionError, NameError) as error:
        raise BadSetting(f"{what}: there is no JSON schema for it: {error}") from error
    own = str(found.get("$ref", "")).removeprefix("#/$defs/")
    schema = dict(named[own]) if own else dict(found)
    rest = {name: part for name, part in named.items() if name != own or _refers(named, own)}
    return schema | ({"$defs": rest} if rest else {})


def _refers(named: dict[str, Any], own: str) -> bool:
    """Tell whether any schema, its own among them, refers to ``own``: a type that holds itself."""
    return f'"#/$defs/{own}"' in msgspec.json.encode(named).decode()
