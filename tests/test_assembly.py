"""From events to the parts of one message."""

from __future__ import annotations

from memex import Citation, Event, Reasoning, Text, ToolCall
from memex.testing import assembled


def parts_of(*events):
    return assembled(events).parts


def words(*pieces):
    return [Event(kind="text", text=piece) for piece in pieces]


def whole(part):
    return Event(kind="part", part=part)


def test_words_become_one_text():
    assert parts_of(*words("The ", "door.")) == (Text("The door."),)


def test_a_whole_text_takes_the_place_of_its_own_words():
    noted = Text("The door.", extra={"openai-responses": {"id": "msg_1"}})
    assert parts_of(*words("The ", "door."), whole(noted)) == (noted,)
    assert parts_of(*words("The ", "door."), whole(noted), *words("And")) == (noted, Text("And"))


def test_a_whole_text_that_says_something_else_is_another():
    assert parts_of(*words("The ", "door."), whole(Text("A pier."))) == (Text("The door."), Text("A pier."))
    assert parts_of(whole(Text("A pier."))) == (Text("A pier."),)


def test_a_whole_thought_takes_the_place_of_its_words():
    thought = Reasoning("Hm, so.", signature="s")
    streamed = [Event(kind="reasoning", reasoning="Hm, "), Event(kind="reasoning", reasoning="so.")]
    assert parts_of(*streamed, whole(thought), *words("Yes.")) == (thought, Text("Yes."))


def test_other_parts_stand_where_they_came():
    call = ToolCall("1", "look")
    cited = Citation("door")
    events = [*words("The door."), whole(cited), Event(kind="tool_call", tool_call=call), *words("So.")]
    assert parts_of(*events) == (Text("The door."), cited, call, Text("So."))
