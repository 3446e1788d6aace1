"""What does thread.stream add to the bare openai SDK: to the first token, and to each one after it?

A local server in a process of its own streams chat completions. Both sides call it in turn, in one
process, with the same model, the same long history and retries off: the SDK is given the messages
of the window that memex sends; memex stores the question in SQLite, builds the window, streams, and
stores the answer. The first token is compared by the median of the calls; the tokens after it once
at the server's pace (200 a second, what a fast provider gives) and once as fast as they come.

    python benchmarks/overhead.py [--calls 40] [--tokens 200]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

FIRST_LIMIT_MS = 5.0
TOKEN_LIMIT = 1.02
PACE_S = 0.005
HISTORY = 400


class Streaming(BaseHTTPRequestHandler):
    """Streams an answer of as many tokens as the model's name says, at the pace it says."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else the first words wait 40 ms for an acknowledgement

    def do_POST(self) -> None:
        """Answer one chat completion: model ``200@0.005`` is 200 tokens, 5 ms between them."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        tokens, _, pause = body["model"].partition("@")
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        chunk = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": body["model"]}
        for number in range(int(tokens)):
            delta = {"role": "assistant", "content": f"word{number} "}
            self.event({**chunk, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
            if float(pause):
                time.sleep(float(pause))
        self.event({**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        usage = {"prompt_tokens": 9, "completion_tokens": int(tokens), "total_tokens": 9 + int(tokens)}
        self.event({**chunk, "choices": [], "usage": usage})
        self.data(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def event(self, payload: dict[str, Any]) -> None:
        """Send one server-sent event."""
        self.data(b"data: " + json.dumps(payload).encode() + b"\n\n")

    def data(self, data: bytes) -> None:
        """Send one chunk of the body."""
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def serve(port: Any) -> None:
    """Serve for ever on a free port, and tell which."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Streaming)
    server.daemon_threads = True
    port.send(server.server_address[1])
    server.serve_forever()


def timed(words: Iterator[object]) -> tuple[float, float]:
    """Return seconds to the first word, and seconds for each after it."""
    started = time.perf_counter()
    next(words)
    first = time.perf_counter()
    rest = sum(1 for _ in words)
    return first - started, (time.perf_counter() - first) / max(1, rest)


class Sides:
    """The two ways of streaming the same answer.

    Args:
        url: The server.
        model: How many tokens it is to stream, and how fast.
        folder: Where the database goes.
    """

    def __init__(self, url: str, model: str, folder: str) -> None:
        from openai import OpenAI

        from memex import Memex, Message

        backend = {"use": f"openai:{model}@{url}", "api_key": "x", "api": "chat", "attempts": 1}
        self.memory = Memex(f"sqlite:{folder}/{model}.db", backend=backend, chain=["fifo"], budget=16_000)
        self.thread = self.memory.thread("t")
        make = (Message.user, Message.assistant)
        self.thread.append([make[n % 2](f"Line {n} of a talk about the harbour.") for n in range(HISTORY)])
        self.client = OpenAI(api_key="x", base_url=url, max_retries=0)
        self.model = model
        self.messages: list[Any] = self.thread.window("And then?", record=False).to_openai()

    def bare(self) -> Iterator[str]:
        """Yield the words that the SDK gives."""
        stream = self.client.chat.completions.create(
            model=self.model,
            messages=self.messages,
            stream=True,
            stream_options={"include_usage": True},
        )
        for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                yield chunk.choices[0].delta.content

    def ours(self) -> Iterator[str]:
        """Yield the words that a thread gives."""
        for event in self.thread.stream("And then?"):
            if event.kind == "text":
                yield event.text


def compare(sides: Sides, calls: int) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """Return the times of both sides, called in turn so that both see the same machine."""
    ways: tuple[Callable[[], Iterator[str]], ...] = (sides.bare, sides.ours)
    times: tuple[list[tuple[float, float]], ...] = ([], [])
    for call in range(calls + 2):
        for way, found in zip(ways, times, strict=True):
            taken = timed(way())
            if call >= 2:  # the first ones import and connect
                found.append(taken)
    return times[0], times[1]


def main() -> int:
    """Print what memex adds; fail if a limit is passed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--calls", type=int, default=40)
    parser.add_argument("--tokens", type=int, default=200)
    options = parser.parse_args()
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{here.recv()}/v1"
    results: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, pause, calls in (
            ("paced", PACE_S, max(5, options.calls // 4)),
            ("as fast as they come", 0.0, options.calls),
        ):
            sides = Sides(url, f"{options.tokens}@{pause}", folder)
            bare, ours = compare(sides, calls)
            first = [statistics.median(t[0] for t in side) * 1e3 for side in (bare, ours)]
            each = [statistics.median(t[1] for t in side) * 1e6 for side in (bare, ours)]
            results[f"first token, {name}: ms more"] = round(first[1] - first[0], 2)
            results[f"each token, {name}: times the SDK's"] = round(each[1] / each[0], 3)
            print(
                f"first token, {name:22} {first[0]:8.2f} ms {first[1]:8.2f} ms  +{first[1] - first[0]:.2f} ms"
            )
            print(
                f"each token,  {name:22} {each[0]:8.1f} us {each[1]:8.1f} us  {each[1] / each[0]:.3f} times"
            )
            sides.memory.close()
    server.terminate()
    missed = [
        key
        for key, figure in results.items()
        if (key.startswith("first") and figure > FIRST_LIMIT_MS)
        or ("each token, paced" in key and figure > TOKEN_LIMIT)
    ]
    print(f"limits: first token +{FIRST_LIMIT_MS} ms, each paced token {TOKEN_LIMIT} times")
    print(json.dumps({"benchmark": "overhead", "figures": results, "missed": missed}))
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
