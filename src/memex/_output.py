"""What an answer has to be, where that is asked for: a JSON schema, or a Python type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from memex._errors import BadSetting, ConfigError, InvalidAnswer, InvalidMessage
from memex._frozen import freeze, thaw
from memex._schemas import schema_of


class Output(msgspec.Struct, frozen=True):
    """What an answer has to be.

    Attributes:
        schema: The JSON schema that its text has to follow.
        read: Returns the value of a text, or raises a ``ValueError``.
    """

    schema: Mapping[str, Any]
    read: Callable[[str], Any]

    def value(self, text: str, what: str) -> Any:
        """Return the value of an answer.

        Args:
            text: The answer.
            what: Which answer it is, for the error.

        Raises:
            InvalidAnswer: If it is no JSON, or does not follow the schema; says where.
        """
        try:
            return self.read(text)
        except (ValueError, RecursionError) as error:
            raise InvalidAnswer(f"{what} does not follow its schema: {error}") from error


def output_of(given: object) -> Output:
    """Return what was asked for with ``output=``.

    Args:
        given: A JSON schema as a mapping; or a type that ``msgspec`` reads (a dataclass, a ``TypedDict``,
            a ``msgspec.Struct``, ``list[int]``), or a Pydantic model.

    Raises:
        BadSetting: If it is no schema and no such type.
        ConfigError: If a schema cannot be checked here, because ``jsonschema`` is not installed.
    """
    if isinstance(given, Mapping):
        return _of_schema(given)
    if hasattr(given, "model_json_schema") and hasattr(given, "model_validate_json"):  # as Pydantic has it
        model: Any = given
        return Output(freeze(model.model_json_schema()), model.model_validate_json)
    schema = freeze(schema_of(given, "output"))
    return Output(schema, msgspec.json.Decoder(given).decode)


def _of_schema(given: Mapping[str, Any]) -> Output:
    try:
        schema = freeze(given)
    except InvalidMessage as error:
        raise BadSetting(f"output: a JSON schema is a JSON value; {error}") from error
    try:
        from jsonschema import Draft202012Validator, SchemaError
        from jsonschema.exceptions import best_match
        from jsonschema.validators import validator_for
        from referencing import Registry
        from referencing.exceptions import Unresolvable
    except ImportError as error:
        raise ConfigError(
            "output: an answer is checked against a JSON schema with jsonschema, which is not installed: "
            "pip install 'memex-core[schema]', or give a type such as a dataclass"
        ) from error
    plain = thaw(schema)
    kind = validator_for(plain, default=Draft202012Validator)
    try:
        kind.check_schema(plain)
    except SchemaError as error:
        raise BadSetting(f"output: this is no JSON schema: {error.message}") from error
    validator = kind(plain, registry=Registry())  # one that fetches nothing

    def read(text: str) -> Any:
        value = msgspec.json.decode(text)
        try:
            wrong = best_match(validator.iter_errors(value))
        except Unresolvable as error:
            raise ValueError(f"the schema refers to what it does not hold: {error}") from error
        if wrong is not None:
            raise ValueError(f"{wrong.message} - at `{wrong.json_path}`")
        return value

    return Output(schema, read)
