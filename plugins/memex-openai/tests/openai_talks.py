"""Conversations and tools for the tests of what is sent."""

from __future__ import annotations

import base64

from memex import Citation, Media, Message, Origin, Reasoning, Refusal, Text, Tool, ToolCall, ToolResult

PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0" * 8).decode()
LOOK = Tool("look", "Looks it up.", {"type": "object", "properties": {"where": {"type": "string"}}})
SCHEMA = {"type": "object", "properties": {"door": {"type": "string"}}}
STRICT = {**SCHEMA, "required": ["door"], "additionalProperties": False}


def talk(provider="openai", model="gpt-4o"):
    """A conversation with everything in it."""
    origin = Origin(provider, model, "resp_0")
    return (
        Message.system("You are the harbour master."),
        Message.of("developer", "Be brief."),
        Message.user(
            [Text("What is this?"), Media(kind="image", source="base64", value=PIXEL, media_type="image/png")]
        ),
        Message.assistant(
            [
                Reasoning("Hm, a pixel.", extra={"openai:shape": {"field": "reasoning_content"}}),
                Text("Let me see."),
                Citation("see", sources=({"url": "u"},)),
                ToolCall(
                    "call_1", "look", '{"where":"pier"}', extra={"openai": {"extra_content": {"google": 1}}}
                ),
                ToolCall("call_2", "look", "{broken"),
            ],
            origin=origin,
            extra={"openai": {"reasoning_details": [1]}},
        ),
        Message(role="tool", parts=(ToolResult("call_1", (Text("A pier."),), name="look"),)),
        Message(role="tool", parts=(ToolResult("call_2", (Text("Odd."),), name="look", is_error=True),)),
        Message.assistant([Text("A pier."), Refusal("No more than that.")], origin=origin),
        Message.user("And the door?", name="Ada Lovelace"),
    )
