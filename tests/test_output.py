"""Answers that have to be something: a type or a JSON schema goes along, and the value comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypedDict

import msgspec
import pytest
from doubles import InTurns, Scripted, answer, call, calling

from memex import BadSetting, ConfigError, Event, InvalidAnswer, Memex, thaw


@dataclass
class Trip:
    place: str
    days: int


class Stop(TypedDict):
    name: str


class Route(msgspec.Struct):
    stops: list[Stop]


SCHEMA = {
    "type": "object",
    "properties": {"place": {"type": "string"}, "days": {"$ref": "#/$defs/days"}},
    "required": ["place"],
    "$defs": {"days": {"type": "integer", "minimum": 1}},
}


@pytest.mark.parametrize(
    ("output", "text", "value"),
    [
        (Trip, '{"place": "Bergen", "days": 3}', Trip("Bergen", 3)),
        (Route, '{"stops": [{"name": "Oslo"}]}', Route([{"name": "Oslo"}])),
        (list[int], "[1, 2]", [1, 2]),
        (SCHEMA, '{"place": "Bergen", "days": 3}', {"place": "Bergen", "days": 3}),
    ],
)
def test_the_value_comes_back(open_memory, output, text, value):
    backend = Scripted(*answer(text))
    thread = open_memory(backend=backend).thread("t")
    reply = thread.send("where?", output=output)
    assert reply.parsed == value
    schema = backend.requests[0].schema
    assert schema["type"] in ("object", "array")
    assert reply.plan.tools == 10
    if output is SCHEMA:
        assert thaw(schema) == SCHEMA
    assert "".join(event.text for event in thread.stream("again?", output=output)) == text
    assert backend.requests[1].schema == schema
    assert all(r.same for r in thread.replay())


@pytest.mark.parametrize("output", [Trip, SCHEMA])
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("It is Bergen.", "malformed"),
        ('{"place": 3}', "place"),
        ('{"place": "Bergen", "days": "3"}', r"\$\.days"),
        ("[" * 100_000, "."),
    ],
)
def test_an_answer_that_does_not_follow_is_a_typed_error_and_stays_stored(open_memory, output, text, says):
    thread = open_memory(backend=Scripted(*answer(text))).thread("t")
    reply = thread.send("where?", output=output)
    with pytest.raises(InvalidAnswer, match=rf"the answer #2 does not follow its schema: .*{says}"):
        _ = reply.parsed
    assert reply.text == text
    assert next(thread.messages(reverse=True)).text == text


def test_an_answer_that_was_cut_off_says_so(open_memory):
    events = (*answer('{"pla')[:-1], Event(kind="finish", finish="length"))
    thread = open_memory(backend=Scripted(*events)).thread("t")
    with pytest.raises(InvalidAnswer, match="#2, which was cut off, does not"):
        _ = thread.send("where?", output=Trip).parsed


def test_what_is_no_schema_is_refused_before_anything_is_stored(open_memory):
    thread = open_memory(backend=Scripted()).thread("t")
    for wrong in ({"type": 3}, {"type": object()}, {"minimum": float("nan")}, print, 3, object):
        with pytest.raises(BadSetting, match="output"):
            thread.send("where?", output=wrong)
    assert list(thread.messages()) == []


def test_a_schema_is_never_fetched(open_memory):
    schema = {"$ref": "https://example.org/schema.json"}
    thread = open_memory(backend=Scripted(*answer("{}"))).thread("t")
    with pytest.raises(InvalidAnswer, match="refers to what it does not hold"):
        _ = thread.send("where?", output=schema).parsed


def test_without_output_there_is_nothing_to_parse(open_memory):
    reply = open_memory(backend=Scripted()).thread("t").send("hi")
    with pytest.raises(ConfigError, match="output="):
        _ = reply.parsed


def test_a_schema_holds_through_the_rounds_of_a_turn(open_memory):
    backend = InTurns(calling(call("look")), answer('{"place": "Oslo", "days": 1}'))
    thread = open_memory(backend=backend).thread("t")

    def look() -> str:
        return "Oslo"

    assert thread.send("where?", tools=[look], output=Trip).parsed == Trip("Oslo", 1)
    assert {bool(r.schema) for r in backend.requests} == {True}


def test_a_model_of_pydantics_is_read_by_itself(open_memory):
    class Model:
        @classmethod
        def model_json_schema(cls) -> dict[str, Any]:
            return {"type": "object"}

        @classmethod
        def model_validate_json(cls, text: str) -> Any:
            if text != "{}":
                raise ValueError("1 validation error")
            return cls()

    thread = open_memory(backend=InTurns(answer("{}"), answer("x"))).thread("t")
    assert isinstance(thread.send("a", output=Model).parsed, Model)
    with pytest.raises(InvalidAnswer, match="1 validation error"):
        _ = thread.send("b", output=Model).parsed


async def test_the_asynchronous_twins_take_it():
    backend = Scripted(*answer('{"place": "Bergen", "days": 3}'))
    async with Memex.aopen("inmemory:", backend=backend, chain=[]) as memory:
        reply = await memory.thread("t").asend("where?", output=Trip)
        assert reply.parsed.days == 3
        async for _ in memory.thread("t").astream("where?", output=Trip):
            pass
        assert backend.requests[1].schema is not None
