"""All bad plugins at once, beside the real ones: named, isolated, and no message lost or altered."""

from __future__ import annotations

import json

import pytest

from memex import ConfigError, FilterFailed, Memex, Message, NameClash, PluginError

HARMLESS = (
    "good",
    "raises_at_import",
    "exits_at_import",
    "wrong_argument",
    "misspelt_hook",
    "duplicate_name",
    "newer_api",
    "raises_in_listener",
    "slow",
)
CULPRITS = {
    "memex-fake-raises": "import",
    "memex-fake-exits": "import",
    "memex-fake-argument": "register",
    "memex-fake-misspelt": "check",
    "memex-fake-newer": "check",
    "memex-fake-listener": "listener",
    "memex-fake-slow": "slow",
}


def test_a_conversation_goes_on_among_bad_plugins_and_each_is_named(fakes, tmp_path):
    fakes(*HARMLESS)
    with Memex(f"sqlite:{tmp_path / 'x.db'}", backend="quote", chain=["recall", "fifo"]) as memory:
        thread = memory.thread("t")
        said = [Message.user(f"fact {i} is {i * i}", meta={"n": [i]}) for i in range(50)]
        thread.append(said)
        reply = thread.send("what is fact 7?")
        assert "49" in reply.text
        assert list(thread.messages())[:50] == said
        stages = {(problem.distribution, problem.stage) for problem in memory.problems}
    assert set(CULPRITS.items()) <= stages
    assert any("twin" in problem.distribution for problem in memory.problems)


def test_a_name_that_two_plugins_offer_is_refused_only_when_asked_for(fakes):
    fakes("duplicate_name")
    with Memex("inmemory:", chain=["fifo"]) as memory:
        assert any(
            "memex-fake-twin-one" in problem.message and "memex-fake-twin-two" in problem.message
            for problem in memory.problems
        )
    with pytest.raises(NameClash, match=r"memex-fake-twin-one.*memex-fake-twin-two"):
        Memex("inmemory:", chain=["fake-twin"])


def test_a_plugin_that_mutates_its_input_alters_nothing(fakes, tmp_path):
    fakes("mutates_its_input")
    message = Message.user("as it was", meta={"a": {"b": 1}})
    with Memex(f"sqlite:{tmp_path / 'x.db'}", backend="quote", chain=["fifo"]) as memory:
        thread = memory.thread("t")
        thread.append(message)
        reply = thread.send("and now?")
        stored = list(thread.messages())
    assert stored[0] == message
    assert [m.text for m in stored[1:]] == ["and now?", reply.text]


def test_a_filter_that_raises_stops_every_message_and_hands_it_back(fakes):
    fakes("raises_in_filter")
    with Memex("inmemory:", backend="quote", chain=["fifo"]) as memory:
        with pytest.raises(FilterFailed, match="memex-fake-filter") as caught:
            memory.thread("t").send("precious")
        assert caught.value.message.text == "precious"
        assert list(memory.thread("t").messages()) == []
        memory.close()
    with Memex("inmemory:", backend="quote", chain=["fifo"], disable=["memex-fake-filter"]) as memory:
        assert memory.thread("t").send("precious").text


def test_junk_is_left_out_and_named(fakes):
    fakes("returns_junk")
    with Memex("inmemory:", disable=[]) as memory:
        assert "memex-fake-junk" in {problem.distribution for problem in memory.problems}
        assert {"recall", "fifo"} <= {link.name for link in memory.chain}
        junk = [link.name for link in memory.chain if link.plugin == "memex-fake-junk"]
    for name in junk:
        with pytest.raises((PluginError, ConfigError), match="memex-fake-junk"):
            Memex("inmemory:", chain=[name], backend="quote").thread("t").window("hi")


def test_the_plugins_command_names_every_culprit_even_those_that_kill_the_process(in_fresh_process):
    code = "import sys; sys.argv = ['memex', 'plugins', '--json']; from memex_cli.main import main; main()"
    cases = [*HARMLESS, "mutates_its_input", "raises_in_filter", "returns_junk", "kills_process"]
    told = in_fresh_process(code, *cases)
    problems = json.loads(told)["problems"]
    named = {problem["distribution"] for problem in problems}
    assert named >= {*CULPRITS, "memex-fake-kills", "memex-fake-junk"} - {"memex-fake-listener"}
