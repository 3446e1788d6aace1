"""remember(): the contract of drop-in wrappers, for Anthropic's client."""

from __future__ import annotations

import anthropic
from claude import MODEL, error, events, message, text
from memex_anthropic import remember

from memex.testing import DropInContract
from memex.testing.wire import answer, sse

# About what the talks cost: what is reported corrects the estimate of the next window.
USAGE = {"input_tokens": 20, "output_tokens": 5}


class TestRemember(DropInContract):
    def make_client(self, url, memory):
        return remember(anthropic.Anthropic(base_url=url, api_key="key", max_retries=0), memory)

    def call(self, client, messages, *, thread, system, stream, leave_after):
        told = {"system": system} if system else {}
        create = client.messages.create
        got = create(model=MODEL, max_tokens=99, messages=messages, stream=stream, thread=thread, **told)
        if not stream:
            return
        with got:
            came = 0
            for event in got if leave_after != 0 else ():
                came += event.type == "content_block_delta"
                if came == leave_after:
                    break

    def user(self, text):
        return {"role": "user", "content": text}

    def assistant(self, text):
        return {"role": "assistant", "content": [{"type": "text", "text": text}]}

    def calling(self, ids):
        blocks = [{"type": "tool_use", "id": one, "name": "look", "input": {}} for one in ids]
        return {"role": "assistant", "content": blocks}

    def results(self, ids):
        blocks = [{"type": "tool_result", "tool_use_id": one, "content": f"result of {one}"} for one in ids]
        return [{"role": "user", "content": blocks}]

    def answers(self, answered):
        blocks = answered["content"]
        calls = any(block["type"] == "tool_use" for block in blocks)
        return answer(message(*blocks, stop="tool_use" if calls else "end_turn", usage=USAGE))

    def streams(self, pieces, *, ends):
        start, _ping, begin, *_, stop, delta, end = events(message(text("whole"), usage=USAGE))
        deltas = [
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}
            for piece in pieces
        ]
        told = [start, begin, *deltas, *([stop, delta, end] if ends == "whole" else [])]
        named = [(event["type"], event) for event in told]
        if ends == "early":
            return sse(*named, framing="close")
        return sse(*named, end="whole" if ends == "whole" else "close")

    def fails(self):
        return error("overloaded_error", "busy", 529)
