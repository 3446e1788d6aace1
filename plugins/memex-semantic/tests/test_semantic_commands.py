"""``memex embed`` and ``memex about``, on stores that keep vectors and on one that does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from memex_semantic.commands.about import about

from memex import Memex, Message, VectorSpace, vector_store

for needed in ("memex_cli", "memex_sqlite", "memex_jsonl"):
    pytest.importorskip(needed, reason=f"needs pip install {needed.replace('_', '-')}")
pytest.importorskip("model2vec", reason="needs pip install model2vec")
pytestmark = pytest.mark.filterwarnings("default")  # those of the model's library are its own
Run = Callable[..., Any]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    from random_embedding_models import make_static

    folder = tmp_path_factory.mktemp("models")
    return [f"model2vec:{make_static(folder / f'tiny-{seed}', seed)}" for seed in (1, 2)]


@pytest.fixture(params=["sqlite:chats.db", "jsonl:chats"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with Memex(request.param, chain=[]) as memory:
        said = ["the red door", "one line", "the red door again", "two lines", "deploy friday"]
        memory.thread("a").append([Message.user(text) for text in said])
        memory.thread("b").append([Message.user(f"minutes {number}") for number in range(3)])
        memory.thread("a").fork("c", at=2)
    return str(request.param)


@pytest.fixture
def run(store: str) -> Run:
    def run(*arguments: str, code: int = 0) -> Any:
        from memex_cli.main import cli

        result = CliRunner().invoke(cli, ["--store", store, *arguments])
        assert result.exit_code == code, result.output
        return result

    return run


def spaces(store: str) -> dict[str, int]:
    with Memex(store, chain=[]) as memory:
        able = vector_store(memory.store)
        assert able is not None
        return {one.space.embedder: one.messages for one in able.vector_spaces()}


def test_everything_is_embedded_once(run: Run, store: str, models: list[str]) -> None:
    result = run("embed", "--embedder", models[0])
    assert result.stdout.startswith("8 messages of 3 threads embedded by model2vec/tiny-1#")
    assert "16 numbers each" in result.stdout
    assert run("embed", "--embedder", models[0]).stdout.startswith("0 messages")
    assert list(spaces(store).values()) == [8]


def test_some_threads_and_json(run: Run, models: list[str]) -> None:
    found = json.loads(run("embed", "b", "--json", "--embedder", models[0]).stdout)
    assert (found["dimension"], found["embedded"], found["dropped"]) == (16, {"b": 3}, {})


def test_another_model_leaves_the_old_vectors_until_it_is_done(
    run: Run, store: str, models: list[str]
) -> None:
    run("embed", "--embedder", models[0])
    run("embed", "a", "--embedder", models[1])
    assert sorted(spaces(store).values()) == [5, 8]
    result = run("embed", "--embedder", models[1], "--drop-others")
    assert "dropped 8 of model2vec/tiny-1#" in result.stdout
    assert list(spaces(store).values()) == [8]
    assert next(iter(spaces(store))).startswith("model2vec/tiny-2#")


def kinds(store: str) -> list[tuple[str, str]]:
    with Memex(store, chain=[]) as memory:
        found = vector_store(memory.store).vector_spaces()  # type: ignore[union-attr]
    return [
        (one.space.embedder.partition("#")[0].removeprefix("model2vec/"), one.space.kind) for one in found
    ]


def test_the_others_are_all_but_the_current_vectors(
    run: Run, store: str, models: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    of_one = f'{{use = "semantic", embedder = "{models[0]}"'
    with monkeypatch.context() as older:
        older.setattr("memex_semantic.embeddings.VERSION", 1)
        run("--chain", f"{of_one}}}", "embed")
    run("--chain", f"{of_one}, piece = 50}}", "embed")
    run("--chain", f"{of_one}}}", "embed")
    run("embed", "--embedder", models[1])
    with Memex(store, chain=[]) as memory:
        able = vector_store(memory.store)
        assert able is not None
        (first,) = (m.id for m in memory.thread("a").messages() if m.text == "one line")
        space = next(one.space for one in able.vector_spaces() if one.space.kind == "text-2-200")
        for kind in ("query-2-200", "query-2-50", "query-1-200", "another plugin's"):
            able.put_vectors("a", VectorSpace(space.embedder, space.dimension, kind), {first: bytes(64)})
        able.put_vectors("a", VectorSpace(space.embedder, 8, "text-2-200"), {first: bytes(32)})
    assert len(kinds(store)) == 9
    result = run("--chain", f"{of_one}}}", "embed", "--drop-others", "--json")
    assert len(json.loads(result.stdout)["dropped"]) == 6
    assert kinds(store) == [("tiny-1", kind) for kind in ("another plugin's", "query-2-200", "text-2-200")]
    assert list(spaces(store).values()) == [8]


def test_what_another_policy_of_the_chain_ranks_by_is_no_other(
    run: Run, store: str, models: list[str]
) -> None:
    two = ", ".join(f'{{use = "semantic", embedder = "{model}", piece = 50}}' for model in models)
    run("--chain", f'{{use = "semantic", embedder = "{models[1]}", piece = 50}}', "embed")
    run("embed", "--embedder", models[1])
    run("--chain", two, "embed", "--drop-others")
    assert kinds(store) == [("tiny-1", "text-2-50"), ("tiny-2", "text-2-50")]
    run("--chain", two, "embed", "--embedder", models[1], "--drop-others")
    assert kinds(store) == [("tiny-1", "text-2-50"), ("tiny-2", "text-2-50")]


def test_the_embedder_is_that_of_the_chain(run: Run, store: str, models: list[str]) -> None:
    chain = f'{{use = "semantic", embedder = "{models[1]}", piece = 50}}, fifo'
    run("--chain", chain, "embed")
    with Memex(store, chain=[]) as memory:
        (one,) = vector_store(memory.store).vector_spaces()  # type: ignore[union-attr]
    assert one.space.kind == "text-2-50"
    assert one.space.embedder.startswith("model2vec/tiny-2#")


def test_what_was_said_about_something_each_thing_once(run: Run, store: str, models: list[str]) -> None:
    result = run("about", "the red door", "-t", "a", "--embedder", models[0], "--alike", "0.6")
    first = result.stdout.splitlines()[0]
    assert first.startswith("#1 user, ")
    assert "1 like it" in first
    assert "the red door again" not in result.stdout
    found = json.loads(
        run("about", "the red door", "-t", "a", "--embedder", models[0], "--alike", "0.6", "--json").stdout
    )
    assert (found[0]["seq"], found[0]["alike"]) == (1, [3])
    with Memex(store, chain=[]) as memory:
        groups = about(memory, memory.thread("a"), "the red door", count=1, alike=0.6, embedder=models[0])
        assert [[entry.seq for entry in entries] for _, entries in groups] == [[1, 3]]


@pytest.fixture
def talk(store: str, tmp_path: Path) -> Path:
    path = tmp_path / "talk.jsonl"
    lines = [{"role": "user", "content": f"minutes {number} of the red door"} for number in range(150)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_what_is_imported_is_embedded(run: Run, store: str, models: list[str], talk: Path) -> None:
    chain = f'{{use = "semantic", embedder = "{models[0]}"}}, fifo'
    done = run("--chain", chain, "import", str(talk))
    assert done.stdout == "talk: 150 messages imported; the thread has 150\n"
    assert done.stderr == "embedding: 150 messages\n"
    assert list(spaces(store).values()) == [150]
    assert run("embed", "talk", "--embedder", models[0]).stdout.startswith("0 messages of 1 thread")
    assert run("--chain", chain, "import", str(talk)).stderr == ""


def test_an_import_embeds_nothing_where_nobody_ranks_by_meaning_or_it_is_told_not_to(
    run: Run, store: str, models: list[str], talk: Path
) -> None:
    chain = f'{{use = "semantic", embedder = "{models[0]}"}}, fifo'
    assert run("--chain", chain, "import", str(talk), "--no-embed").stderr == ""
    assert run("--chain", "fifo", "import", str(talk), "-t", "other").stderr == ""
    with Memex(store, chain=[]) as memory:
        assert memory.thread("other").info.head == 150
    assert spaces(store) == {}


def test_a_model_that_fails_costs_an_import_nothing(run: Run, store: str, tmp_path: Path, talk: Path) -> None:
    (tmp_path / "broken").mkdir()
    chain = f'{{use = "semantic", embedder = "model2vec:{tmp_path / "broken"}"}}, fifo'
    done = run("--chain", chain, "import", str(talk))
    assert done.stdout == "talk: 150 messages imported; the thread has 150\n"
    assert done.stderr.count("Warning: plugin semantic") == 1
    assert "cannot be used" in done.stderr


def test_what_makes_no_sense_is_one_line(run: Run, models: list[str]) -> None:
    assert "no thread 'x'" in run("about", "y", "-t", "x", "--embedder", models[0], code=1).output
    assert "which thread?" in run("about", "y", "--embedder", models[0], code=1).output
    assert "TOPIC: it is empty" in run("about", " ", "--embedder", models[0], code=2).output
    assert "no-such" in run("embed", "--embedder", "no-such", code=1).output
