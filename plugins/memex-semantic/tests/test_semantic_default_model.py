"""The default model where it lies in the hub's cache, one of random weights by its name, and where not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from memex import Memex, vector_store

for needed in ("memex_cli", "memex_sqlite"):
    pytest.importorskip(needed, reason=f"needs pip install {needed.replace('_', '-')}")
pytest.importorskip("sentence_transformers", reason="needs pip install sentence-transformers")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    from random_embedding_models import make_transformer

    folder = tmp_path / "hub" / "models--sentence-transformers--all-MiniLM-L6-v2"
    make_transformer(folder / "snapshots" / "abc")
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("abc")
    return tmp_path / "hub"


def memex(work: Path, hub: Path, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MEMEX_", "HF_"))}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "memex_cli", "--store", "sqlite:chats.db", *arguments],
        cwd=work,
        env=kept | {"HF_HUB_CACHE": str(hub), "HF_HUB_OFFLINE": "1", "XDG_STATE_HOME": str(work / "state")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    lines = [{"role": "user", "content": f"minutes {number} of the red door"} for number in range(100)]
    path = tmp_path / "talk.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def embedded(work: Path) -> dict[str, int]:
    with Memex(f"sqlite:{work / 'chats.db'}", chain=[]) as memory:
        store = vector_store(memory.store)
        assert store is not None
        return {one.space.embedder: one.messages for one in store.vector_spaces()}


@pytest.mark.filterwarnings("default")  # those of the model's library are its own
def test_an_import_embeds_by_the_default_model_where_it_is_at_hand(
    tmp_path: Path, cache: Path, talk: Path
) -> None:
    done = memex(tmp_path, cache, "import", str(talk))
    assert done.stdout == "talk: 100 messages imported; the thread has 100\n"
    assert "embedding: 100 messages\n" in done.stderr
    assert embedded(tmp_path) == {"sentence-transformers/sentence-transformers/all-MiniLM-L6-v2": 100}


def test_no_model_is_loaded_or_asked_for_where_it_is_not(tmp_path: Path, talk: Path) -> None:
    done = memex(tmp_path, tmp_path / "empty", "import", str(talk))
    assert (done.stdout, done.stderr) == ("talk: 100 messages imported; the thread has 100\n", "")
    assert embedded(tmp_path) == {}


@pytest.mark.parametrize("command", [("embed",), ("about", "the door")], ids=lambda command: command[0])
def test_a_command_that_fetches_the_model_does_not_warn_that_it_is_not_there(
    command: tuple[str, ...], tmp_path: Path, talk: Path
) -> None:
    memex(tmp_path, tmp_path / "empty", "import", str(talk))
    done = memex(tmp_path, tmp_path / "empty", *command, code=1)
    assert done.stderr.startswith("Error: the model 'sentence-transformers/all-MiniLM-L6-v2'")
    assert done.stderr.count("\n") == 1
