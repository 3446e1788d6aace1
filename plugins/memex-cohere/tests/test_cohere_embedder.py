"""Embeddings and counts: endpoints that play Cohere's."""

from __future__ import annotations

from hashlib import sha256

import pytest
from command import MODEL, error
from memex_cohere.counter import CohereCounter
from memex_cohere.embedder import CohereEmbedder

from memex import AuthFailed, BackendError, BadSetting, Memex, Message, PluginError, ToolCall
from memex.testing import EmbedderContract, ScratchStore
from memex.testing.wire import WireServer, answer


def vectors(request):
    body = request.json()
    size = body.get("output_dimension", 1536)
    kind = 1.0 if body["input_type"] == "search_document" else -1.0
    floats = [[kind, float(len(text)), *([0.0] * (size - 2))] for text in body["texts"]]
    return answer(
        {
            "id": "e1",
            "embeddings": {"float": floats},
            "texts": body["texts"],
            "meta": {"api_version": {"version": "2"}, "billed_units": {"input_tokens": 4.0}},
            "response_type": "embeddings_by_type",
        }
    )


def tokens(request):
    words = request.json()["text"].split()
    return answer({"tokens": list(range(len(words))), "token_strings": words})


@pytest.fixture
def server():
    with WireServer() as running:
        yield running


def embedder(server, model="embed-v4.0", **settings):
    return CohereEmbedder(model, base_url=server.url, api_key="co-embedding", attempts=1, **settings)


def test_documents_and_questions_are_embedded_as_what_they_are(server):
    server.always(vectors)
    made = embedder(server)
    found = made.embed(["a door", "blue"])
    assert [vector[:2] for vector in found] == [[1.0, 6.0], [1.0, 4.0]]
    assert made.embed_query("door?")[:2] == [-1.0, 5.0]
    made.close()
    assert [sent.json()["input_type"] for sent in server.requests] == ["search_document", "search_query"]
    sent = server.requests[0]
    assert sent.path == "/v2/embed"
    assert sent.json() == {
        "model": "embed-v4.0",
        "texts": ["a door", "blue"],
        "input_type": "search_document",
        "embedding_types": ["float"],
        "truncate": "END",
    }


def test_many_texts_go_in_batches(server):
    server.always(vectors)
    made = embedder(server)
    assert len(made.embed(["x"] * 200)) == 200
    made.close()
    assert [len(sent.json()["texts"]) for sent in server.requests] == [96, 96, 8]


def test_the_name_changes_with_the_vectors(server):
    server.always(vectors)
    assert embedder(server).name == embedder(server, dimension=1536).name == "cohere:embed-v4.0"
    short = embedder(server, dimension=256)
    assert (short.name, short.dimension) == ("cohere:embed-v4.0/256", 256)
    assert len(short.embed_query("x")) == 256
    short.close()
    unknown = embedder(server, "embed-v9")
    assert unknown.dimension is None
    unknown.embed_query("x")
    unknown.close()
    assert unknown.dimension == 1536


@pytest.mark.parametrize(
    ("played", "kind"),
    [
        (error("invalid api token", 401), AuthFailed),
        (error("odd", 200), BackendError),
        (answer({"embeddings": {"float": [[1.0]]}}), BackendError),
        (answer("{"), BackendError),
    ],
)
def test_failures_are_typed(server, played, kind):
    server.play(played)
    made = embedder(server)
    with pytest.raises(kind):
        made.embed(["a", "b"])
    made.close()


def test_a_passing_failure_is_tried_again(server):
    server.play(error("overloaded", 503), vectors)
    made = CohereEmbedder(base_url=server.url, api_key="co-embedding", attempts=2)
    assert len(made.embed(["a"])) == 1
    made.close()


def counter(server, **settings):
    return CohereCounter(MODEL, base_url=server.url, api_key="co-counting", attempts=1, **settings)


def test_a_text_is_counted_by_the_endpoint_once(server):
    server.always(tokens)
    made = counter(server)
    assert made.count_text("the door is blue") == made.count_text("the door is blue") == 4
    assert (made.count_text(""), len(server.requests)) == (0, 1)
    assert made.count_text("a " * 60_000) == 60_000
    made.close()
    assert len(server.requests) == 2  # two pieces, which are the same
    assert server.requests[0].path == "/v1/tokenize"
    assert server.requests[0].json() == {"text": "the door is blue", "model": MODEL}


def test_a_message_is_its_texts_and_what_is_around_them(server):
    server.always(tokens)
    made = counter(server)
    assert made.count_message(Message.user("the door is blue")) == 4 + 6
    call = Message.assistant([ToolCall("1", "look", "{}")])
    assert made.count_message(call) > 12
    with Memex(ScratchStore(), counter=made, chain=[]) as memory:
        assert memory.thread("t").window("Is it?").tokens > 6
    made.close()


def test_a_lone_surrogate_is_counted(server):
    server.always(tokens)
    made = counter(server)
    assert made.count_text("a \ud800") == 2
    made.close()


def test_a_failure_to_count_is_typed_and_named(server):
    server.play(error("invalid api token", 401), error("invalid api token", 401), answer({"odd": 1}))
    made = counter(server)
    with pytest.raises(AuthFailed):
        made.count_text("a")
    with (
        Memex(ScratchStore(), counter=made, chain=[]) as memory,
        pytest.raises(PluginError, match="AuthFailed"),
    ):
        memory.thread("t").window("Is it?")
    with pytest.raises(BackendError):
        made.count_text("b")
    made.close()


def test_a_model_has_to_be_named():
    for kind in (CohereCounter, CohereEmbedder):
        with pytest.raises(BadSetting):
            kind("")


def distinct(request):
    """Give each text a vector of its own, as a model would."""
    texts = request.json()["texts"]
    digests = [sha256(text.encode()).digest() for text in texts]
    floats = [[(byte - 127.5) / 128 for byte in (digest * 48)[:1536]] for digest in digests]
    return answer({"id": "e1", "embeddings": {"float": floats}, "response_type": "embeddings_by_type"})


class TestEmbedder(EmbedderContract):
    """What every embedder promises."""

    @pytest.fixture(autouse=True)
    def _server(self):
        with WireServer() as server:
            self.server = server.always(distinct)
            self.made = []
            yield
            for made in self.made:
                made.close()

    def make_embedder(self):
        self.made.append(embedder(self.server))
        return self.made[-1]

    def make_failing_embedder(self):
        self.server.always(error("invalid api token", 401))
        return self.make_embedder()
