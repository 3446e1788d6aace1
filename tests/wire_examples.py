"""Conversations as five providers write them, with everything that is easy to lose on the way."""

from __future__ import annotations

from typing import Any

OPENAI: dict[str, Any] = {
    "messages": [
        {"role": "developer", "content": "Answer in the user's language.", "name": "ops"},
        {
            "role": "user",
            "name": "ada",
            "content": [
                {
                    "type": "text",
                    "text": "What is on this picture?",
                    "prompt_cache_breakpoint": {"mode": "explicit"},
                },
                {"type": "image_url", "image_url": {"url": "https://example.org/a.png", "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
                {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "mp3"}},
                {"type": "file", "file": {"file_id": "file-abc123"}},
                {
                    "type": "file",
                    "file": {"filename": "plan.pdf", "file_data": "data:application/pdf;base64,JVBERi0="},
                },
                {"type": "video_url", "video_url": {"url": "https://example.org/v.mp4"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "refusal": None,
            "annotations": [],
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "look", "arguments": '{ "at": 1.50 }'},
                },
                {
                    "id": "call_2",
                    "type": "function",
                    "index": 1,
                    "function": {"name": "look", "arguments": "{oops"},
                },
                {"id": "call_3", "type": "custom", "custom": {"name": "sql", "input": "select 1"}},
            ],
        },
        {"role": "tool", "tool_call_id": "call_2", "content": ""},
        {
            "role": "tool",
            "tool_call_id": "call_1",
            "content": [{"type": "text", "text": "A lighthouse."}],
            "name": "look",
        },
        {"role": "tool", "tool_call_id": "call_3", "content": "1"},
        {
            "role": "assistant",
            "content": "A lighthouse.",
            "reasoning_content": "The tool said so.",
            "annotations": [
                {
                    "type": "url_citation",
                    "url_citation": {
                        "start_index": 2,
                        "end_index": 12,
                        "url": "https://example.org",
                        "title": "L",
                    },
                }
            ],
        },
        {"role": "assistant", "function_call": {"name": "weather", "arguments": "{}"}},
        {"role": "function", "name": "weather", "content": None},
        {"role": "assistant", "content": None, "refusal": "I cannot say."},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "Nor that."}]},
        {"role": "assistant", "audio": {"id": "audio_1", "expires_at": 1790000000, "transcript": "Hello"}},
        {"role": "user", "content": ""},
        {"role": "user", "content": [{"type": "text", "text": "Thanks"}]},
        {"role": "system", "content": []},
        {"role": "assistant", "content": "Bye", "tool_calls": [], "vendor": {"deep": [1, 1.0, True, None]}},
    ]
}

RESPONSES: dict[str, Any] = {
    "instructions": "Be brief.",
    "input": [
        {"role": "user", "content": "Who signs it off?"},
        {
            "type": "message",
            "role": "user",
            "status": "completed",
            "id": "msg_u1",
            "content": [
                {"type": "input_text", "text": "See these."},
                {"type": "input_image", "image_url": "https://example.org/a.png", "detail": "auto"},
                {"type": "input_image", "file_id": "file-img", "detail": "high", "image_url": None},
                {"type": "input_file", "file_url": "https://example.org/p.pdf"},
                {
                    "type": "input_file",
                    "filename": "p.pdf",
                    "file_data": "data:application/pdf;base64,JVBERi0=",
                },
                {"type": "input_of_the_future", "value": [1, {"x": None}]},
            ],
        },
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [
                {"type": "summary_text", "text": "**Look**"},
                {"type": "summary_text", "text": "then answer"},
            ],
            "encrypted_content": "gAAAAB",
            "status": "completed",
        },
        {
            "type": "web_search_call",
            "id": "ws_1",
            "status": "completed",
            "action": {"type": "search", "query": "x"},
        },
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "phase": "commentary",
            "content": [
                {
                    "type": "output_text",
                    "text": "Looking it up.",
                    "annotations": [
                        {
                            "type": "url_citation",
                            "start_index": 0,
                            "end_index": 7,
                            "url": "https://example.org",
                            "title": "L",
                        },
                        {"type": "file_citation", "file_id": "file_1", "filename": "a.txt", "index": 3},
                    ],
                    "logprobs": [],
                }
            ],
        },
        {
            "type": "function_call",
            "id": "fc_1",
            "call_id": "call_1",
            "name": "look",
            "arguments": '{"at":',
            "status": "completed",
        },
        {"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_2", "name": "sql", "input": "select 1"},
        {"type": "function_call_output", "call_id": "call_1", "output": "not JSON", "id": "fco_1"},
        {
            "type": "custom_tool_call_output",
            "call_id": "call_2",
            "output": [{"type": "input_text", "text": "1"}, {"type": "input_image", "file_id": "file-2"}],
        },
        {
            "type": "computer_call",
            "id": "cu_1",
            "call_id": "call_3",
            "action": {"type": "screenshot"},
            "pending_safety_checks": [],
            "status": "completed",
        },
        {
            "type": "computer_call_output",
            "call_id": "call_3",
            "output": {"type": "computer_screenshot", "file_id": "file-3"},
        },
        {"id": "msg_old"},
        {
            "type": "reasoning",
            "id": "rs_2",
            "summary": [],
            "content": [{"type": "reasoning_text", "text": "Hm."}],
        },
        {
            "type": "message",
            "id": "msg_2",
            "role": "assistant",
            "status": "completed",
            "content": [
                {"type": "output_text", "text": "Ada.", "annotations": []},
                {"type": "refusal", "refusal": "No more."},
            ],
        },
        {"role": "assistant", "content": "And Bo."},
        {"role": "assistant", "content": [{"type": "output_text", "text": "And Cy."}]},
        {"role": "assistant", "content": []},
        {"role": "developer", "content": "Stop now."},
    ],
}

ANTHROPIC: dict[str, Any] = {
    "system": [
        {"type": "text", "text": "You are terse.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    ],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
                {
                    "type": "image",
                    "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="},
                },
                {
                    "type": "document",
                    "title": "Minutes",
                    "context": None,
                    "citations": {"enabled": True},
                    "source": {"type": "file", "file_id": "file_011"},
                },
                {
                    "type": "document",
                    "source": {"type": "text", "media_type": "text/plain", "data": "Vermilion."},
                },
                {"type": "text", "text": "Which colour?", "cache_control": {"type": "ephemeral"}},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Two tools.", "signature": "EqQBCgIYAhIM"},
                {"type": "redacted_thinking", "data": "EmwKAhgBEgy3"},
                {
                    "type": "text",
                    "text": "The minutes say vermilion.",
                    "citations": [
                        {
                            "type": "char_location",
                            "cited_text": "Vermilion.",
                            "document_index": 1,
                            "document_title": None,
                            "start_char_index": 0,
                            "end_char_index": 10,
                        }
                    ],
                },
                {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"query": "door"}},
                {"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": []},
                {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"b": 1.0, "a": [None, True]}},
                {
                    "type": "tool_use",
                    "id": "toolu_2",
                    "name": "look",
                    "input": {"memex_exact_arguments": "{oops"},
                },
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_2",
                    "content": "invalid input",
                    "is_error": True,
                },
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_1",
                    "is_error": False,
                    "content": [
                        {"type": "text", "text": "A door."},
                        {"type": "image", "source": {"type": "url", "url": "https://example.org/d.png"}},
                        {"type": "tool_reference", "tool_name": "paint"},
                    ],
                    "cache_control": {"type": "ephemeral"},
                },
                {"type": "text", "text": "Go on."},
            ],
        },
        {"role": "user", "content": "Please."},
        {"role": "system", "content": "The user is in a hurry."},
        {"role": "assistant", "content": [{"type": "text", "text": "Vermilion."}]},
        {"role": "assistant", "content": ""},
    ],
}

COHERE: dict[str, Any] = {
    "messages": [
        {"role": "system", "content": "You are helpful."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "And this?"},
                {
                    "type": "image_url",
                    "image_url": {"url": "data:image/jpeg;base64,/9j/4A==", "detail": "high"},
                },
            ],
        },
        {
            "role": "assistant",
            "tool_plan": "I will look twice.",
            "tool_calls": [
                {"id": "look_1", "type": "function", "function": {"name": "look", "arguments": '{"at":1}'}},
                {"id": "look_2", "type": "function", "function": {"name": "look", "arguments": "{"}},
                {"id": "look_3", "type": "function", "function": None},
            ],
        },
        {
            "role": "tool",
            "tool_call_id": "look_1",
            "content": [
                {
                    "type": "document",
                    "document": {"id": "0", "data": {"title": "Door", "colour": "vermilion"}},
                },
                {"type": "document", "document": {"data": '{"title": "Quay"}'}},
                {"type": "text", "text": "That is all."},
            ],
        },
        {"role": "tool", "tool_call_id": "look_2", "content": "nothing"},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Clear."},
                {"type": "text", "text": "It is vermilion."},
            ],
            "citations": [
                {
                    "start": 6,
                    "end": 15,
                    "text": "vermilion",
                    "sources": [{"type": "tool", "id": "look_1:0", "tool_output": {"colour": "vermilion"}}],
                    "type": "TEXT_CONTENT",
                    "content_index": 1,
                }
            ],
        },
        {"role": "user", "content": [{"type": "text", "text": "Thanks"}]},
        {"role": "assistant", "content": "Bye", "tool_calls": None},
    ]
}

HF: dict[str, Any] = {
    "messages": [
        {"role": "system", "content": "You are helpful."},
        {
            "role": "user",
            "content": [
                {"type": "image", "url": "https://example.org/a.png"},
                {"type": "image", "base64": "iVBORw0KGgo="},
                {"type": "image", "url": "data:image/png;base64,iVBORw0KGgo="},
                {"type": "image"},
                {"type": "audio", "url": "https://example.org/a.wav"},
                {"type": "text", "text": "What is it?"},
            ],
        },
        {
            "role": "assistant",
            "reasoning_content": "Two looks.",
            "tool_calls": [
                {
                    "type": "function",
                    "id": "c1",
                    "function": {"name": "look", "arguments": {"b": 1, "a": "é"}},
                },
                {
                    "type": "function",
                    "function": {"name": "turn", "arguments": {"memex_exact_arguments": "[1]"}},
                },
                {"name": "look", "arguments": '{"raw": "text"}'},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "name": "look", "content": "A lighthouse."},
        {"role": "tool", "name": "look", "content": "A door."},
        {"role": "tool", "content": [{"type": "text", "text": "Turned."}]},
        {"role": "assistant", "content": "A lighthouse with a door.", "thinking": "Both."},
        {"role": "user", "content": "Thanks", "name": "ada"},
        {"role": "assistant", "content": None},
    ]
}

EXAMPLES: dict[str, dict[str, Any]] = {
    "openai": OPENAI,
    "openai-responses": RESPONSES,
    "anthropic": ANTHROPIC,
    "cohere": COHERE,
    "hf": HF,
}


def messages_of(codec: str) -> list[dict[str, Any]]:
    """Return the bare list of an example."""
    items: list[dict[str, Any]] = EXAMPLES[codec]["input" if codec == "openai-responses" else "messages"]
    return items
