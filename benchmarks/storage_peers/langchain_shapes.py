"""Messages as LangChain and LangGraph have them."""

from __future__ import annotations

import json

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from talk import Said


def shaped(said: Said) -> BaseMessage:
    """Return a message as LangChain has it."""
    identity = f"m{said.number}"
    if said.role == "tool":
        return ToolMessage(said.text, tool_call_id=said.call, id=identity)
    if said.call:
        call = {"id": said.call, "name": "lookup", "args": json.loads(said.text)}
        return AIMessage("", tool_calls=[call], id=identity)
    return (HumanMessage if said.role == "user" else AIMessage)(said.text, id=identity)
