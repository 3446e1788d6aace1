"""Changing: fork, pin, forget, import and export."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from memex import StoreError, Thread

Run = Callable[..., Result]
Good = Callable[..., str]
Bad = Callable[..., str]


def test_fork(good: Good, bad: Bad) -> None:
    good("send", "x", "--thread", "a")
    assert good("fork", "b", "--thread", "a", "--at", "1") == "b: shares the first 1 messages of a\n"
    made_up = json.loads(good("fork", "--thread", "a", "--json"))
    assert made_up["id"].startswith("a-")
    assert made_up["forked_at"] == 2
    assert "already there" in bad("fork", "b", "--thread", "a")
    assert "no message 7" in bad("fork", "c", "--thread", "a", "--at", "7")
    assert len(json.loads(good("threads", "--json"))) == 3


def test_pin_lists_pins_and_unpins(good: Good, bad: Bad) -> None:
    assert "no thread yet" in bad("pin")
    good("send", "hello")
    assert good("pin") == "nothing is pinned\n"
    assert good("pin", "1").startswith("[#1 user")
    assert [entry["seq"] for entry in json.loads(good("pin", "2", "--json"))] == [1, 2]
    assert "no message 9" in bad("pin", "1", "9", "--unpin")
    assert len(json.loads(good("pin", "--json"))) == 2, "nothing is half done"
    assert len(json.loads(good("pin", "1", "2", "--unpin", "--json"))) == 0
    bad("pin", "--unpin", code=2)


def test_forget_asks_and_prints_a_receipt(good: Good, memex: Run) -> None:
    good("send", "the secret", "--thread", "a")
    refused = memex("forget", "1", "--thread", "a", input="n\n")
    assert refused.exit_code == 1
    assert "the secret" in refused.stderr
    assert "the secret" in good("show", "1")
    told = good("forget", "1", "--thread", "a", input="y\n")
    assert told == "a: forgot 1 message(s); erased 1 from messages\n"
    assert "the secret" not in good("show", "1")
    receipt = json.loads(good("forget", "--whole-thread", "--thread", "a", "--yes", "--json"))
    assert (receipt["whole_thread"], receipt["thread"]) == (True, "a")
    assert good("threads", "--json") == "[]\n"


def test_forget_shows_what_plugins_erased_of_their_own(good: Good, monkeypatch: pytest.MonkeyPatch) -> None:
    good("send", "the secret", "--thread", "a")
    monkeypatch.setenv("FAKE_FAULT", "copies")
    told = good("forget", "1", "--thread", "a", "--yes")
    assert told == "a: forgot 1 message(s); erased 1 from messages, 1 from cli-fake: vectors\n"
    receipt = json.loads(good("forget", "2", "--thread", "a", "--yes", "--json"))
    assert receipt["places"] == {"messages": 1, "cli-fake: vectors": 1}


def test_forget_never_guesses(good: Good, bad: Bad) -> None:
    good("send", "x")
    assert "--thread" in bad("forget", "1", "--yes", code=2)
    assert "--whole-thread" in bad("forget", "--thread", "default", "--yes", code=2)
    bad("forget", "1", "--whole-thread", "--thread", "default", "--yes", code=2)
    assert "no message 9" in bad("forget", "1", "9", "--thread", "default", "--yes")
    assert len(json.loads(good("show", "--json"))) == 2


# -- import and export -------------------------------------------------------------------------


def test_import_takes_the_files_name_and_is_repeatable(good: Good, talk: Callable[..., Path]) -> None:
    path = talk(6)
    assert good("import", str(path)) == "talk: 6 messages imported; the thread has 6\n"
    assert good("import", str(path)) == "talk: 0 messages imported, 6 were there already; the thread has 6\n"
    talk(8)
    told = json.loads(good("import", str(path), "--json"))
    assert told == {"thread": "talk", "new": 2, "known": 6, "forgotten": 0, "messages": 8}


def test_import_does_not_bring_back_what_was_forgotten(good: Good, talk: Callable[..., Path]) -> None:
    good("import", str(talk(6)))
    good("forget", "2", "--thread", "talk", "--yes")
    assert "1 were forgotten once and stay so" in good("import", str(talk(6)))
    assert "message number 2" not in good("show")


def test_import_reads_a_pipe_and_then_needs_a_name(good: Good, bad: Bad, talk: Callable[..., Path]) -> None:
    text = talk(4).read_text()
    bad("import", "-", input=text, code=2)
    assert "4 messages imported" in good("import", "-", "--thread", "piped", input=text)


def test_a_bad_line_imports_nothing(good: Good, bad: Bad, talk: Callable[..., Path]) -> None:
    path = talk(8_000)
    lines = path.read_text().splitlines()
    lines[7_811] = lines[7_811].replace('"role"', '"rule"')
    path.write_text("\n".join(lines))
    assert bad("import", str(path)) == "Error: line 7,812: 'role' is missing; nothing was imported"
    assert good("threads", "--json") == "[]\n"


def test_a_refused_message_imports_nothing(good: Good, bad: Bad, talk: Callable[..., Path]) -> None:
    for text in ("FORBIDDEN {}", "UNFILTERED {}"):
        assert "censor (memex-cli-fake 1.2.3)" in bad("import", str(talk(3, text=text)))
        assert good("threads", "--json") == "[]\n"
    good("import", str(talk(3)))
    bad("import", str(talk(3, text="FORBIDDEN {}")))
    assert len(json.loads(good("show", "--json"))) == 3


def test_export_and_import_are_inverse(good: Good, talk: Callable[..., Path], apart: Path) -> None:
    good("import", str(talk(6)))
    good("send", "and more")
    neutral = good("export", "--format", "memex")
    good("import", "-", "--thread", "copy", input=neutral)
    assert good("export", "--format", "memex", "--thread", "copy") == neutral
    plain = good("export", "--thread", "talk")
    assert [set(json.loads(line)) for line in plain.splitlines()] == [{"role", "content", "created"}] * 8
    good("export", "out.jsonl", "--thread", "talk")
    assert (apart / "out.jsonl").read_text() == plain


def test_export_leaves_out_what_was_forgotten(good: Good, talk: Callable[..., Path]) -> None:
    good("import", str(talk(6)))
    good("forget", "2", "--thread", "talk", "--yes")
    for form in ("openai", "memex"):
        assert len(good("export", "--format", form).splitlines()) == 5


def test_export_says_what_it_cannot_carry(memex: Run, good: Good) -> None:
    line: dict[str, Any] = {
        "role": "assistant",
        "parts": [{"type": "reasoning", "text": "hm", "signature": "s"}],
    }
    line |= {"id": "m1", "created": "2026-01-08T08:47:00Z"}
    line["parts"].append({"type": "text", "text": "yes"})
    good("import", "-", "--thread", "t", input=json.dumps(line))
    done = memex("export")
    assert done.stderr.startswith("left out: 1 x reasoning: ")
    assert memex("export", "--format", "memex").stderr == ""


@pytest.mark.parametrize("text", ["", "\n  \n"])
def test_a_file_without_messages_makes_no_thread(text: str, good: Good, bad: Bad, apart: Path) -> None:
    (apart / "empty.jsonl").write_text(text)
    assert "there is no message in empty.jsonl" in bad("import", "empty.jsonl")
    assert good("threads", "--json") == "[]\n"


def test_an_import_that_fails_leaves_what_another_wrote(
    bad: Bad, good: Good, talk: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    append = Thread.append

    def overtaken(thread: Thread, content: object, **settings: object) -> None:
        append(thread, "said by another process")
        raise StoreError("the disk is full")

    monkeypatch.setattr(Thread, "append", overtaken)
    assert "the disk is full" in bad("import", str(talk()))
    (entry,) = json.loads(good("show", "--json"))
    assert entry["parts"][0]["text"] == "said by another process"


def test_an_export_that_cannot_begin_names_the_file_that_was_asked_for(
    bad: Bad, good: Good, talk: Callable[..., Path]
) -> None:
    good("import", str(talk()))
    assert bad("export", "nowhere/out.jsonl") == "Error: nowhere/out.jsonl: No such file or directory"
