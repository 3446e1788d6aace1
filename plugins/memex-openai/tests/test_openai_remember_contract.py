"""remember(): the contract of drop-in wrappers, blocking and on an event loop."""

from __future__ import annotations

import asyncio
import gc

import openai
from memex_openai import remember

from memex.testing import DropInContract
from memex.testing.wire import answer, sse

MODEL = "gpt-5.6"
HEAD = {"id": "c", "created": 1, "model": MODEL}


def _chunk(delta, finish=None):
    return {
        **HEAD,
        "object": "chat.completion.chunk",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }


class TestBlocking(DropInContract):
    def make_client(self, url, memory):
        return remember(openai.OpenAI(base_url=url, api_key="key", max_retries=0), memory)

    def call(self, client, messages, *, thread, system, stream, leave_after):
        create = client.chat.completions.create
        got = create(model=MODEL, messages=_with(system, messages), stream=stream, thread=thread)
        if not stream:
            return
        with got:
            for came, _ in enumerate(part for part in _limited(got, leave_after)):
                if leave_after is not None and came + 1 >= leave_after:
                    break

    def user(self, text):
        return {"role": "user", "content": text}

    def assistant(self, text):
        return {"role": "assistant", "content": text}

    def calling(self, ids):
        calls = [
            {"id": one, "type": "function", "function": {"name": "look", "arguments": "{}"}} for one in ids
        ]
        return {"role": "assistant", "content": None, "tool_calls": calls}

    def results(self, ids):
        return [{"role": "tool", "tool_call_id": one, "content": f"result of {one}"} for one in ids]

    def answers(self, message):
        finish = "tool_calls" if message.get("tool_calls") else "stop"
        choice = {"index": 0, "message": message, "finish_reason": finish}
        return answer({**HEAD, "object": "chat.completion", "choices": [choice]})

    def streams(self, pieces, *, ends):
        parts = [_chunk({"content": piece}) for piece in pieces]
        if ends == "whole":
            return sse(*parts, _chunk({}, "stop"), "[DONE]")
        return sse(*parts, end="close") if ends == "broken" else sse(*parts, framing="close")

    def fails(self):
        return answer({"error": {"message": "busy"}}, status=503)


class TestOnAnEventLoop(TestBlocking):
    def make_client(self, url, memory):
        self.loop = asyncio.new_event_loop()
        return remember(openai.AsyncOpenAI(base_url=url, api_key="key", max_retries=0), memory)

    def close_client(self, client):
        self.loop.run_until_complete(client.close())
        gc.collect()  # streams that were left are closed by tasks of the loop, while there is one
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()

    def call(self, client, messages, *, thread, system, stream, leave_after):
        # Garbage is collected between calls: where CPython 3.11 collects in a worker thread while the loop
        # is inside a stream of httpx2, it tries to close that one, and says that it is executing.
        gc.disable()
        try:
            call = self._call(client, _with(system, messages), thread, stream, leave_after)
            self.loop.run_until_complete(call)
        finally:
            gc.enable()

    async def _call(self, client, messages, thread, stream, leave_after):
        got = await client.chat.completions.create(
            model=MODEL, messages=messages, stream=stream, thread=thread
        )
        if not stream:
            return
        async with got:
            if leave_after == 0:
                return
            came = 0
            async for _ in got:
                came += 1
                if came == leave_after:
                    return


def _with(system, messages):
    return [*([{"role": "system", "content": system}] if system else []), *messages]


def _limited(stream, leave_after):
    return () if leave_after == 0 else stream
