"""The main job at the command line, on the sample conversation: import, ask, explain, replay, export."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HARBOUR = Path(__file__).parents[1] / "examples" / "harbour.jsonl"
QUESTION = "What did we decide about deploying the ticket shop on Fridays?"
FAR_AWAY = 35  # the message that decides it


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with settings, in which the conversation was imported and the question asked."""
    folder = tmp_path_factory.mktemp("harbour")
    (folder / "memex.toml").write_text(
        'store = "sqlite:chats.db"\nbackend = "quote"\nchain = ["recall", "fifo"]\nbudget = 2000\n'
    )
    assert memex(folder, "import", str(HARBOUR)) == "harbour: 518 messages imported; the thread has 518\n"
    (folder / "answer.txt").write_text(memex(folder, "send", QUESTION))
    return folder


def memex(folder: Path, *arguments: str, text: str | None = None, code: int = 0) -> str:
    """Run ``memex`` in ``folder`` and return what it prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MEMEX_")}
    done = subprocess.run(
        [sys.executable, "-P", "-c", "from memex_cli.main import main; main()", *arguments],
        cwd=folder,
        env=environment | {"XDG_STATE_HOME": str(folder / "state"), "PYTHONIOENCODING": "utf-8"},
        input=text,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout


def test_the_answer_quotes_the_right_message(folder: Path) -> None:
    answer = (folder / "answer.txt").read_text()
    assert "no deploying the ticket shop on Fridays" in answer
    assert f"[#{FAR_AWAY} Mara" in answer


def test_explain_tells_what_was_kept_recalled_and_dropped(folder: Path) -> None:
    told = memex(folder, "explain", "--plan", "1")
    assert told.startswith("plan 1 of harbour: recall ▸ fifo: ")
    fates = {line.split("  ")[1].strip() for line in told.splitlines()[2:] if "  " in line}
    assert {"kept", "recalled", "dropped", "outside"} <= {
        word for line in told.splitlines() for word in line.split()
    }, fates
    plan = json.loads(memex(folder, "explain", "--plan", "1", "--json"))
    assert plan["tokens"] + plan["answer"] <= 2000
    assert any(
        first <= FAR_AWAY <= last
        for row in plan["rows"]
        if row["fate"] == "recalled"
        for first, last in row["seqs"]
    )


def test_explain_answers_for_any_message(folder: Path) -> None:
    assert memex(folder, "explain", str(FAR_AWAY), "--plan", "1").startswith("#35 is recalled in plan 1: ")
    assert "it is the newest user message" in memex(folder, "explain", "519", "--plan", "1")
    assert memex(folder, "explain", "3", "--plan", "1").startswith("#3 is outside in plan 1: ")


def test_every_plan_is_replayed(folder: Path) -> None:
    assert memex(folder, "replay").startswith("plan 1: same, byte for byte\n")


def test_search_finds_it(folder: Path) -> None:
    hits = json.loads(memex(folder, "search", "deploying", "ticket", "shop", "Fridays", "--json"))
    assert FAR_AWAY in [hit["seq"] for hit in hits]
    everywhere = json.loads(memex(folder, "search", "octant", "sextant", "--any", "--all", "--json"))
    assert {hit["thread"] for hit in everywhere} == {"harbour"}


def test_what_was_imported_comes_out_as_it_was(folder: Path) -> None:
    exported = memex(folder, "export").splitlines()[:518]
    original = HARBOUR.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in exported] == [json.loads(line) for line in original]


def test_importing_it_again_adds_nothing(folder: Path) -> None:
    assert "0 messages imported, 518 were there already" in memex(folder, "import", str(HARBOUR))


def test_a_fork_does_not_disturb(folder: Path) -> None:
    memex(folder, "fork", "what-if", "--thread", "harbour", "--at", "40")
    memex(folder, "send", "And on Mondays?", "--thread", "what-if")
    threads = {thread["id"]: thread for thread in json.loads(memex(folder, "threads", "--json"))}
    assert (threads["what-if"]["messages"], threads["what-if"]["forked_at"]) == (42, 40)
    memex(folder, "forget", "--whole-thread", "--thread", "what-if", "--yes")


def test_doctor_finds_nothing_wrong(folder: Path) -> None:
    findings = json.loads(memex(folder, "doctor", "--json"))
    assert all(finding["well"] for finding in findings)
    assert {"disk", "plugins", "settings", "store", "SQLite"} <= {finding["check"] for finding in findings}


def test_doctor_names_a_damaged_store(folder: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(b"this is no database, " * 500)
    findings = json.loads(memex(folder, "doctor", "--store", f"sqlite:{damaged}", "--json", code=1))
    (wrong,) = [finding for finding in findings if not finding["well"]]
    assert wrong["check"] == "store"
    assert "damaged.db" in wrong["detail"]


def test_chain_and_plugins(folder: Path) -> None:
    links = json.loads(memex(folder, "chain", "--json"))
    assert [(link["policy"], link["plugin"]) for link in links] == [
        ("recall", "memex-recall"),
        ("fifo", "memex-fifo"),
    ]
    plugins = json.loads(memex(folder, "plugins", "--json"))
    assert {"sqlite", "fifo", "recall", "quote", "cli"} <= {plugin["name"] for plugin in plugins["plugins"]}
    assert plugins["problems"] == []
