"""Functions as tools: what a model is told of them, and what they are called with."""

from __future__ import annotations

import enum
import functools
import inspect
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal, TypedDict

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memex import BadSetting, InvalidMessage, Media, Text, Tool, tool_of
from memex._functions import arguments_for, offered, parts_of


class Unit(enum.Enum):
    CELSIUS = "c"
    FAHRENHEIT = "f"


@dataclass
class Place:
    name: str
    country: str = "NO"


class Range(TypedDict):
    start: date
    stop: date


class Tree(msgspec.Struct):
    name: str
    below: list[Tree] = []


def weather(
    place: Place,
    when: Range | None = None,
    unit: Unit = Unit.CELSIUS,
    days: Annotated[int, msgspec.Meta(ge=1, le=7)] = 3,
) -> str:
    """Tell the weather of a place.

    From the nearest station.

    Args:
        place: Where.
        when: From which day
            to which.
        days: How many days.
    """
    return f"{place} {when} {unit} {days}"


def test_the_schema_comes_from_hints_and_the_words_from_the_docstring():
    tool = tool_of(weather)
    assert (tool.name, tool.function) == ("weather", weather)
    assert tool.description == "Tell the weather of a place.\n\nFrom the nearest station."
    schema = tool.parameters
    assert schema["type"] == "object"
    assert schema["required"] == ("place",)
    assert schema["additionalProperties"] is False
    properties = schema["properties"]
    assert properties["days"]["description"] == "How many days."
    assert (properties["days"]["minimum"], properties["days"]["default"]) == (1, 3)
    assert properties["when"]["description"] == "From which day\nto which."
    assert schema["$defs"]["Place"]["required"] == ("name",)
    assert schema["$defs"]["Unit"]["enum"] == ("c", "f")
    assert "default" not in properties["unit"]  # an object of Python's


def test_arguments_arrive_as_the_types_that_were_asked_for():
    given = (
        '{"place": {"name": "Bergen"}, "when": {"start": "2026-01-02", "stop": "2026-01-03"}, "unit": "f"}'
    )
    assert arguments_for(weather, given) == {
        "place": Place("Bergen"),
        "when": {"start": date(2026, 1, 2), "stop": date(2026, 1, 3)},
        "unit": Unit.FAHRENHEIT,
    }


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ('{"place": ', "not valid JSON"),
        ("[]", "do not fit: Expected `object`"),
        ("{}", "missing required field `place`"),
        ('{"place": {"name": "a"}, "days": 9}', r"<= 7 - at `\$\.days`"),
        ('{"place": {"name": "a"}, "dayz": 2}', "unknown field `dayz`"),
        ('{"place": {"name": "\ud800"}}', "not valid JSON"),
        ('{"place": ' + "[" * 100_000, "do not fit|not valid JSON"),
    ],
)
def test_arguments_that_do_not_fit_say_where(arguments, says):
    with pytest.raises(InvalidMessage, match=says):
        arguments_for(weather, arguments)


def test_no_arguments_at_all_are_an_empty_object():
    assert arguments_for(lambda: 1, "") == {}


def test_a_type_that_holds_itself_is_described():
    def plant(tree: Tree) -> None: ...

    schema = tool_of(plant).parameters
    assert schema["$defs"]["Tree"]["properties"]["below"]["items"] == {"$ref": "#/$defs/Tree"}


def test_none_as_a_default_may_be_given_though_the_hint_forgot_it():
    def find(words: str = None, n: int | None = 4): ...  # noqa: RUF013

    assert arguments_for(find, '{"words": null, "n": null}') == {"words": None, "n": None}
    assert arguments_for(find, "{}") == {}


def test_a_mutable_default_stays_the_functions_own():
    def collect(into: list[int] = [1]) -> list[int]: ...  # noqa: B006

    assert tool_of(collect).parameters["properties"]["into"]["default"] == (1,)
    assert arguments_for(collect, "{}") == {}


class Greeter:
    """Greets people."""

    def __call__(self, name: str) -> str:
        """Greet somebody.

        :param name: Who it is.
        """
        return f"hello {name}"

    def part(self, name: Literal["ann", "bob"]) -> str:
        """Take leave."""
        return f"goodbye {name}"


def test_methods_objects_and_partial_functions_are_functions():
    greeter = Greeter()
    assert tool_of(greeter.part).name == "part"
    assert tool_of(greeter.part).parameters["properties"]["name"]["enum"] == ("ann", "bob")
    called = tool_of(greeter, name="greet")
    assert called.description == "Greet somebody."
    assert called.parameters["properties"]["name"]["description"] == "Who it is."
    partly = functools.partial(weather, days=2)
    assert "place" in tool_of(partly, name="weather").parameters["properties"]


def test_what_a_model_could_not_call_is_refused_by_name():
    def rest(*words: str): ...
    def positional(a: int, /): ...
    def anything(**words: str): ...
    def strange(inside: inspect.Signature): ...
    def unknown(a: Nowhere): ...  # noqa: F821

    for function, says in (
        (rest, r"rest\(\) takes \*words: str without a name"),
        (positional, "without a name"),
        (anything, r"give Tool\('anything'"),
        (strange, r"strange\(\): there is no JSON schema"),
        (unknown, "Nowhere"),
        (lambda: 1, "no name for a tool"),
        (functools.partial(weather), "no name for a tool"),
        (3, "neither a Tool nor a function"),
    ):
        with pytest.raises(BadSetting, match=says):
            tool_of(function)


def test_tools_are_a_list_and_have_names_of_their_own():
    assert [tool.name for tool in offered([weather, Tool("look")])] == ["weather", "look"]
    with pytest.raises(BadSetting, match="two of them are called 'weather'"):
        offered([weather, Tool("weather")])
    for wrong in ("weather", weather, Tool("a")):
        with pytest.raises(BadSetting, match="list"):
            offered(wrong)


def test_a_tool_with_a_schema_of_its_own_may_take_anything():
    def anything(**words: Any) -> dict[str, Any]:
        return words

    assert arguments_for(anything, '{"a": [1]}') == {"a": [1]}


def test_what_a_function_gives_back_becomes_parts():
    image = Media(kind="image", source="url", value="https://example.org/a.png")
    assert parts_of("as it is") == (Text("as it is"),)
    assert parts_of(image) == (image,)
    assert parts_of([Text("see"), image]) == (Text("see"), image)
    assert parts_of({"a": [1, None]}) == (Text('{"a":[1,null]}'),)
    assert parts_of(Place("Oslo")) == (Text('{"name":"Oslo","country":"NO"}'),)
    assert parts_of(date(2026, 1, 2)) == (Text('"2026-01-02"'),)
    assert parts_of(None) == (Text("null"),)
    assert parts_of([]) == (Text("[]"),)
    loop: list[Any] = []
    loop.append(loop)
    assert parts_of(loop) == (Text("[[...]]"),)


VALUES = {
    int: st.integers(-(2**53), 2**53),
    str: st.text('a"\\\n\0é漢😀'),
    bool: st.booleans(),
    float: st.floats(-1e9, 1e9),
}


@given(st.data())
def test_any_value_of_a_hint_comes_back_from_what_a_model_would_write(data):
    kinds = data.draw(st.lists(st.sampled_from(list(VALUES)), max_size=4))
    values = {f"a{n}": data.draw(VALUES[kind]) for n, kind in enumerate(kinds)}

    def function(**given: Any) -> None: ...

    function.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(f"a{n}", inspect.Parameter.KEYWORD_ONLY, annotation=kind)
            for n, kind in enumerate(kinds)
        ]
    )
    assert arguments_for(function, msgspec.json.encode(values).decode()) == values
    assert list(tool_of(function).parameters["properties"]) == list(values)
