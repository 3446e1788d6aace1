"""Saying something, and which thread is meant."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import Result

Run = Callable[..., Result]
Good = Callable[..., str]
Bad = Callable[..., str]


def test_send_stores_both_and_prints_the_answer(good: Good) -> None:
    assert good("send", "hello there") == "hello there \n"
    shown = json.loads(good("show", "--json"))
    assert [(entry["seq"], entry["role"]) for entry in shown] == [(1, "user"), (2, "assistant")]
    assert shown[1]["origin"]["provider"] == "echo"


def test_send_reads_a_pipe(good: Good) -> None:
    assert good("send", input="from a pipe\n") == "from a pipe\n \n"
    assert good("send", "-", input="again") == "again \n"


def test_send_as_json(good: Good) -> None:
    told = json.loads(good("--json", "send", "hello", "--thread", "x"))
    assert (told["thread"], told["seq"], told["text"], told["finish"]) == ("x", 2, "hello ", "stop")
    assert told["usage"]["input_tokens"] == 3
    assert told["plan"]["number"] == 1


@pytest.mark.parametrize("text", ["", "  \n"])
def test_nothing_is_not_sent(memex: Run, text: str) -> None:
    done = memex("send", text)
    assert done.exit_code == 2
    assert "nothing to send" in done.stderr
    assert memex("threads", "--json").stdout == "[]\n"


def test_a_failing_model_keeps_what_was_said_and_what_came(bad: Bad, good: Good) -> None:
    assert bad("send", "one two FAIL three") == "Error: the model is down"
    said, came = json.loads(good("show", "--json"))
    assert said["parts"] == [{"type": "text", "text": "one two FAIL three"}]
    assert (came["status"], came["parts"][0]["text"]) == ("incomplete", "one two ")


def test_a_turn_that_failed_goes_on_and_stores_nothing_twice(
    bad: Bad, good: Good, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "there is no thread" in bad("send", "--resume", "--thread", "new")
    assert bad("send", "one two FAIL three") == "Error: the model is down"
    assert bad("send", "--resume") == "Error: the model is down"
    monkeypatch.setenv("MEMEX_FAKE_MENDED", "1")
    assert good("send", "one two FAIL three") == "one two FAIL three \n"
    roles = [(entry["role"], entry.get("status")) for entry in json.loads(good("show", "--json"))]
    assert roles == [("user", None), *[("assistant", "incomplete")] * 2, ("assistant", None)]
    assert "plan 3" in good("show", "4")
    assert "no unfinished turn" in bad("send", "--resume")
    assert json.loads(good("send", "again", "--json"))["cost"] is None


def test_resuming_says_nothing_new(memex: Run) -> None:
    done = memex("send", "hello", "--resume")
    assert done.exit_code == 2
    assert "give TEXT or --resume, not both" in done.stderr


def test_a_crash_inside_a_plugin_is_one_line(bad: Bad) -> None:
    line = bad("send", "CRASH")
    assert "ZeroDivisionError: inside the model" in line
    assert "Traceback" not in line


def test_an_interrupt_keeps_what_came(memex: Run, good: Good) -> None:
    done = memex("send", "one two INTERRUPT")
    assert done.exit_code == 130
    assert done.stdout == "one two \n"
    assert json.loads(good("show", "2", "--json"))[0]["status"] == "incomplete"


def test_chat_answers_each_line_of_a_pipe(good: Good) -> None:
    assert good("chat", input="first\n\nsecond\n") == "first \n\nsecond \n"
    assert len(json.loads(good("show", "--json"))) == 4


def test_chat_as_json_is_one_line_an_answer(good: Good) -> None:
    lines = good("chat", "--json", input="first\nsecond\n").splitlines()
    assert [json.loads(line)["text"] for line in lines] == ["first ", "second "]


def test_chat_stops_where_a_line_fails(bad: Bad, good: Good) -> None:
    bad("chat", input="first\nFAIL\nnever said\n")
    assert "never said" not in good("show")


def test_control_characters_do_not_reach_the_terminal(good: Good) -> None:
    assert good("send", "\x1b[2Jgone\rback") == "\\x1b[2Jgone\\x0dback \n"
    for command in (("show",), ("window",), ("search", "gone"), ("pin", "1")):
        if command != ("search", "gone"):  # this store cannot search
            assert "\x1b" not in good(*command)
    assert json.loads(good("show", "1", "--json"))[0]["parts"][0]["text"] == "\x1b[2Jgone\rback"


# -- which thread ------------------------------------------------------------------------------


def test_without_a_name_default_is_made_and_then_meant(good: Good) -> None:
    good("send", "a")
    good("send", "b", "-t", "other")
    good("send", "c")
    listed = json.loads(good("threads", "--json"))
    assert [(thread["id"], thread["messages"]) for thread in listed] == [("default", 4), ("other", 2)]
    assert "c" in good("show")


def test_the_only_thread_is_meant(memex: Run, good: Good) -> None:
    good("send", "a", "--thread", "only")
    done = memex("send", "b")
    assert "thread only" in done.stderr
    assert json.loads(good("threads", "--json"))[0]["messages"] == 4


def test_several_threads_must_be_named(bad: Bad, good: Good) -> None:
    for name in ("a", "b"):
        good("send", "x", "--thread", name)
    assert bad("show") == "Error: which thread? Give --thread; there is a, b"
    assert bad("send", "x") == "Error: which thread? Give --thread; there is a, b"


def test_the_environment_names_a_thread_and_options_win(good: Good, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMEX_THREAD", "from-environment")
    good("send", "x")
    good("send", "x", "--thread", "after")
    good("--thread", "before", "send", "x")
    listed = json.loads(good("threads", "--json"))
    assert [thread["id"] for thread in listed] == ["after", "before", "from-environment"]


@pytest.mark.parametrize(
    "command",
    [
        ("show",),
        ("window",),
        ("window", "a question"),
        ("explain",),
        ("explain", "1"),
        ("explain", "--question", "a"),
        ("search", "x"),
        ("fork", "new"),
        ("pin", "1"),
        ("pin",),
        ("export",),
        ("replay",),
        ("forget", "1", "--yes"),
        ("forget", "--whole-thread", "--yes"),
    ],
    ids=" ".join,
)
def test_an_unknown_thread_is_an_error_and_is_not_made(
    command: tuple[str, ...], bad: Bad, good: Good
) -> None:
    assert "nowhere" in bad(*command, "--thread", "nowhere")
    assert good("threads", "--json") == "[]\n"
    if command[0] != "forget":
        assert "no thread yet" in bad(*command)


def test_namespaces_are_apart(good: Good, bad: Bad) -> None:
    good("send", "x", "--namespace", "mine")
    assert good("threads", "--json") == "[]\n"
    assert len(json.loads(good("threads", "--json", "--namespace", "mine"))) == 1
    bad("show", "--namespace", "")
