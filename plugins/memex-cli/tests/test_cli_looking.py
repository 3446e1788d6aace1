"""Looking: show, threads, window, explain, search, chain, replay."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Run = Callable[..., Result]
Good = Callable[..., str]
Bad = Callable[..., str]


def rows(output: str) -> list[list[str]]:
    """Return the cells of a plain table, without its header."""
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in output.splitlines()[1:]]


def test_show_ranges(good: Good, memex: Run, talk: Callable[..., Path]) -> None:
    good("import", str(talk(10)))

    def seqs(*options: str) -> list[int]:
        return [entry["seq"] for entry in json.loads(good("show", "--json", *options))]

    assert seqs() == list(range(1, 11))
    assert seqs("--tail", "3") == [8, 9, 10]
    assert seqs("--tail", "99") == list(range(1, 11))
    assert seqs("2", "#4-#5", "9-") == [2, 4, 5, 9, 10]
    assert seqs("0-2") == [1, 2]
    assert seqs("50-") == []
    for wrong in (("x",), ("-",), ("1", "--tail", "1"), ("--tail", "0")):
        assert memex("show", *wrong).exit_code == 2


def test_show_for_a_reader(good: Good, apart: Path) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at": 1}'}}
    lines = [
        {"role": "user", "name": "Mara", "content": "What is there?", "created": "2026-01-08T08:47:00Z"},
        {"role": "assistant", "content": None, "tool_calls": [call], "created": "2026-01-08T08:48:00Z"},
        {"role": "tool", "tool_call_id": "c1", "content": "a boat", "created": "2026-01-08T08:49:00Z"},
    ]
    (apart / "t.jsonl").write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    good("import", "t.jsonl")
    assert good("show") == (
        "[#1 Mara (user), 2026-01-08 08:47]\nWhat is there?\n\n"
        '[#2 assistant, 2026-01-08 08:48]\n→ look {"at": 1}\n\n'
        "[#3 tool, 2026-01-08 08:49]\n← a boat\n"
    )


def test_threads_as_a_table(good: Good) -> None:
    good("send", "x", "--thread", "a")
    good("fork", "b", "--thread", "a", "--at", "1")
    (a, b) = rows(good("threads"))
    assert (a[0], a[1].strip(), b[0], b[-1].strip()) == ("a", "2", "b", "a after #1")


def test_window_shows_what_a_model_would_see_and_records_nothing(good: Good, bad: Bad) -> None:
    good("send", "hello")
    shown = good("window", "and now?")
    assert "[#1 user" in shown
    assert "and now?" in shown
    assert "prompt tokens" in shown.splitlines()[-1]
    plain = json.loads(good("window", "and now?", "--json"))
    assert [message["role"] for message in plain["messages"]] == ["user", "assistant", "user"]
    assert plain["plan"] is None
    assert "no plan 2" in bad("explain", "--plan", "2")
    assert json.loads(good("window", "--record", "--json"))["plan"] == 2
    assert len(json.loads(good("show", "--json"))) == 2, "the question was not stored"


def test_window_in_a_wire_format(good: Good, bad: Bad) -> None:
    good("send", "hello")
    payload = json.loads(good("window", "and now?", "--format", "openai"))
    assert payload["messages"][-1] == {"role": "user", "content": "and now?"}
    assert "no codec 'irc'" in bad("window", "--format", "irc")


def test_explain_a_plan(good: Good, talk: Callable[..., Path]) -> None:
    good("import", str(talk(60, text="message {} with some words in it")))
    good("send", "hello", "--budget", "300")
    told = good("explain")
    assert told.splitlines()[0].startswith("plan 1 of talk: evict: ")
    assert told.splitlines()[1].startswith("answered in #62: ")
    assert told.splitlines()[1].endswith("cost unknown")
    assert told.splitlines()[2].split() == ["messages", "fate", "why", "by", "tokens"]
    assert {row[1].strip() for row in rows(told.split("\n", 2)[2])} >= {"kept", "outside"}
    plain = json.loads(good("explain", "--json"))
    assert plain["number"] == 1
    assert plain["rows"][0]["fate"] == "kept"
    assert plain["outcome"]["seq"] == 62


def test_explain_a_message(good: Good, bad: Bad, talk: Callable[..., Path]) -> None:
    good("import", str(talk(60, text="message {} with some words in it")))
    good("send", "hello", "--budget", "300")
    assert good("explain", "61") == "#61 is kept in plan 1: it is the newest user message (host)\n"
    assert good("explain", "#2").startswith("#2 is outside in plan 1: ")
    by_id = json.loads(good("show", "61", "--json"))[0]["id"]
    assert json.loads(good("explain", by_id, "--json"))["fate"] == "kept"
    assert "62 is later" in good("explain", "62")
    for wrong in ("99", "no-such-id", "0"):
        assert "no message" in bad("explain", wrong)


def test_explain_a_question_that_is_not_asked(good: Good, bad: Bad, talk: Callable[..., Path]) -> None:
    good("import", str(talk(60, text="message {} with some words in it")))
    assert "no plan yet" in bad("explain")
    told = good("explain", "--question", "and now?", "--budget", "300")
    assert told.startswith("a plan for talk: evict: ")
    assert "#2 is outside" in good("explain", "2", "--question", "and now?", "--budget", "300")
    assert "no plan yet" in bad("explain")
    bad("explain", "--question", "x", "--plan", "1", code=2)


def test_search_needs_a_store_that_can(good: Good, bad: Bad) -> None:
    good("send", "hello")
    for where in ([], ["--all"]):
        told = bad("search", "hello", *where)
        assert told.startswith("Error: ScratchStore(")
        assert told.endswith(" cannot search; use a store that can, such as sqlite")


def test_chain_says_who_and_why_and_opens_no_store(good: Good, apart: Path) -> None:
    told = good("chain", "--chain", "evict, {use = 'evict', low_water = 0.25}", "--settings", str(apart))
    assert rows(told)[1] == [
        "2",
        "evict",
        "memex-cli-fake 1.2.3",
        "the chain setting names it",
        "low_water = 0.25",
    ]
    plain = json.loads(good("chain", "--json"))
    assert plain[0]["policy"] == "evict"
    assert not list(apart.iterdir())


def test_replay(good: Good, memex: Run) -> None:
    for word in ("one", "two"):
        good("send", word)
    assert good("replay") == "plan 1: same, byte for byte\nplan 2: same, byte for byte\n"
    assert good("replay", "--plan", "2") == "plan 2: same, byte for byte\n"
    assert json.loads(good("replay", "--json"))[0] == {"plan": 1, "same": True, "why": ""}
    good("forget", "1", "--thread", "default", "--yes")
    done = memex("replay")
    assert done.exit_code == 1
    assert done.stdout.startswith("plan 1: ")
    assert "same" not in done.stdout.splitlines()[0]
    assert "no plan 9" in memex("replay", "--plan", "9").stderr


def test_show_says_what_is_not_there(good: Good, bad: Bad, talk: Callable[..., Path]) -> None:
    good("import", str(talk()))
    for number in ("0", "50"):
        assert f"no message {number}" in bad("show", number)
    assert "ends before it begins" in bad("show", "5-2", code=2)


def test_a_chain_without_a_policy_says_what_is_missing(memex: Run, apart: Path) -> None:
    (apart / "memex.toml").write_text("chain = []")
    done = memex("chain", "--settings", "memex.toml", env={"MEMEX_CHAIN": None})
    assert "pip install memex-fifo" in done.stderr


def test_doctor_names_what_no_plugin_offers(memex: Run, good: Good, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMEX_STORE", "no-such-store:x.db")
    monkeypatch.setenv("MEMEX_BACKEND", "no-such-model")
    monkeypatch.setenv("MEMEX_CHAIN", "evict,no-such-policy")
    done = memex("doctor", "--json")
    wrong = {found["check"]: found["detail"] for found in json.loads(done.stdout) if not found["well"]}
    assert done.exit_code == 1
    assert wrong == {
        "store": "no plugin offers the store 'no-such-store'",
        "backend": "no plugin offers the backend 'no-such-model'",
        "policy": "no plugin offers the policy 'no-such-policy'",
    }
