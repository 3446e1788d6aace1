"""Texts to vectors, at the socket."""

from __future__ import annotations

import pytest
from memex_openai.embedder import openai_embedder

from memex import AuthFailed, BackendError, BadSetting, Memex, RateLimited, ScriptCounter, Unavailable
from memex.testing import ScratchStore
from memex.testing.wire import Reset, Stall, answer


def embedder(server, model="text-embedding-3-small", **settings):
    wire = {"base_url": f"{server.url}/v1", "api_key": "sk-test-0123456789", "attempts": 1}
    return openai_embedder(model, preset="openai", **(wire | settings))


def vectors(request):
    """Answer with a vector for each text, the last one first, as the order is not promised."""
    texts = request.json()["input"]
    rows = [{"index": n, "embedding": [float(n), float(len(text))]} for n, text in enumerate(texts)]
    return answer({"object": "list", "data": rows[::-1], "model": "m"})


def test_each_text_gets_its_vector_in_order_and_in_batches(server):
    server.always(vectors)
    got = embedder(server, batch=2).embed(["a", "bb", "ccc"])
    assert got == [[0.0, 1.0], [1.0, 2.0], [0.0, 3.0]]
    assert [request.json()["input"] for request in server.requests] == [["a", "bb"], ["ccc"]]
    assert server.requests[0].json()["encoding_format"] == "float"


def test_nothing_is_asked_about_nothing(server):
    assert embedder(server).embed([]) == []


def test_names_and_dimensions(server):
    assert openai_embedder().name == "openai:text-embedding-3-small"
    assert openai_embedder().dimension == 1536
    assert openai_embedder("text-embedding-3-large").dimension == 3072
    short = openai_embedder(dimensions=256)
    assert (short.name, short.dimension) == ("openai:text-embedding-3-small:256", 256)
    own = openai_embedder("nomic@ollama")
    assert (own.name, own.dimension) == ("openai:nomic@ollama", None)
    server.always(vectors)
    unknown = embedder(server, "nomic")
    unknown.embed(["a"])
    assert unknown.dimension == 2


def test_the_dimensions_that_are_wished_for_are_asked_for(server):
    server.always(vectors)
    embedder(server, dimensions=2).embed(["a"])
    assert server.requests[0].json()["dimensions"] == 2


def test_a_text_that_is_too_long_is_cut(server):
    server.always(vectors)
    long = "The lighthouse door is blue. " * 2000
    embedder(server, longest=1000).embed([long, "short"])
    cut, short = server.requests[0].json()["input"]
    assert long.startswith(cut)
    assert 900 <= ScriptCounter().count_text(cut) <= 1000
    assert short == "short"


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (answer({"error": {"message": "no", "code": "invalid_api_key"}}, status=401), AuthFailed),
        (answer({"error": {"message": "slow", "code": "rate_limit_exceeded"}}, status=429), RateLimited),
        (answer({"error": {"message": "slow", "code": "rate_limit_exceeded"}}), RateLimited),
        (answer({"error": {"message": "boom"}}, status=500), Unavailable),
        ([Reset()], Unavailable),
        ([Stall()], Unavailable),
        (answer("<html>"), BackendError),
        (answer({"data": []}), BackendError),
        (answer({"data": [{"index": 0, "embedding": "AAAA"}]}), BackendError),
        (answer({"data": [{"index": 7, "embedding": [1.0]}]}), BackendError),
        (answer([1]), BackendError),
    ],
)
def test_errors_are_typed(server, script, error):
    server.play(script)
    with pytest.raises(error):
        embedder(server, timeout=0.5).embed(["a"])


def test_a_passing_fault_is_tried_again(server):
    server.play(answer({"error": {"message": "boom"}}, status=500), vectors)
    assert len(embedder(server, attempts=2).embed(["a"])) == 1


def test_a_server_that_takes_no_encoding_format_gets_none(server):
    words = {"error": {"message": "Unknown parameter: 'encoding_format'.", "param": "encoding_format"}}
    server.play(answer(words, status=400), vectors, vectors)
    made = embedder(server)
    made.embed(["a"])
    made.embed(["b"])
    assert ["encoding_format" in r.json() for r in server.requests] == [True, False, False]


def test_settings_that_make_no_sense_are_refused():
    for wrong in ({"dimensions": 0}, {"batch": 0}, {"longest": 0}, {"colour": 1}):
        with pytest.raises(BadSetting):
            openai_embedder(**wrong)


def test_memex_finds_it(server):
    server.always(vectors)
    memory = Memex(ScratchStore(), chain=[])
    made = memory.provide("embedders", {"use": f"openai:m@{server.url}/v1", "batch": 4})
    assert made.embed(["abc"]) == [[0.0, 3.0]]
    made.close()
    made.close()
