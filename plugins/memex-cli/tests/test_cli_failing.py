"""Wrong input and failing plugins: one clear line, the right exit code, nothing half done."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Run = Callable[..., Result]
Good = Callable[..., str]
Bad = Callable[..., str]


def test_an_unknown_command_gets_a_suggestion(bad: Bad) -> None:
    assert bad("sned", code=2) == "Error: there is no command 'sned'. Did you mean 'send'?"
    assert "memex --help" in bad("zzzz", code=2)


@pytest.mark.parametrize("option", [("--nonsense",), ("--budget", "many"), ("show", "--nonsense")])
def test_wrong_options_are_usage_errors(option: tuple[str, ...], memex: Run) -> None:
    assert memex(*option).exit_code == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--chain", ""), "names no policy"),
        (("--chain", "no-such-policy"), "no policy 'no-such-policy'"),
        (("--chain", "{use = 'evict', depth = 3}"), "unexpected setting 'depth'; takes low_water"),
        (("--chain", "{use = "), "is not TOML"),
        (("--budget", "0"), "budget: 0 is not a positive number"),
        (("--answer-tokens", "9000"), "answer_tokens: 9000"),
        (("--backend", "no-such-model"), "no backend 'no-such-model'"),
        (("--store", "no-such-store:x"), "no store 'no-such-store'"),
        (("--namespace", "a\nb"), "control character"),
        (("--settings", "nowhere"), "no settings file or folder nowhere"),
        (("--thread", ""), "thread id"),
    ],
)
def test_wrong_settings_are_one_line_and_leave_nothing(
    options: tuple[str, str], said: str, bad: Bad, good: Good
) -> None:
    assert said in bad("send", "hello", *options)
    assert good("threads", "--json") == "[]\n"


def test_a_wrong_settings_file_is_named(bad: Bad, apart: Path) -> None:
    (apart / "memex.toml").write_text('colour = "red"')
    line = bad("threads")
    assert "memex.toml: unknown setting 'colour'" in line
    (apart / "memex.toml").write_text("= 1")
    assert "memex.toml is not TOML" in bad("threads")


def test_a_settings_file_is_used(good: Good, apart: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MEMEX_STORE", "MEMEX_BACKEND", "MEMEX_CHAIN"):
        monkeypatch.delenv(name)
    (apart / "other.toml").write_text('store = "scratch:from-file"\nbackend = "echo"\nchain = ["evict"]')
    assert good("send", "hello", "--settings", "other.toml") == "hello \n"
    good("send", "hello", "--settings", "other.toml", "--store", "scratch:from-option")
    for store in ("from-file", "from-option"):
        assert len(json.loads(good("threads", "--json", "--store", f"scratch:{store}"))) == 1


def test_a_budget_smaller_than_the_system_prompt(bad: Bad, good: Good) -> None:
    line = json.dumps({"role": "system", "content": "You are very careful. " * 100})
    good("import", "-", "--thread", "t", input=line)
    said = bad("send", "hello", "--budget", "100")
    assert "standing" in said
    assert "raise the budget or shorten the system text" in said
    assert said.endswith("; what you said is stored as #2")
    assert [entry["role"] for entry in json.loads(good("show", "--json"))] == ["system", "user"]
    assert "standing" in bad("window", "--budget", "100")


def test_without_a_backend_quote_is_tried_and_missed(
    bad: Bad, good: Good, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MEMEX_BACKEND")
    monkeypatch.setenv("MEMEX_DISABLE", "quote")
    assert bad("send", "hello").startswith("Error: no backend is set: give --backend or MEMEX_BACKEND")
    assert good("threads", "--json") == "[]\n"


def test_a_missing_file_is_named(bad: Bad, good: Good) -> None:
    assert bad("import", "no-such.jsonl") == "Error: no-such.jsonl: No such file or directory"
    assert bad("import", ".", "--thread", "t") == "Error: .: Is a directory"
    good("send", "hello")
    assert "No such file or directory" in bad("export", "no/such/folder/out.jsonl")


def test_an_export_that_fails_leaves_the_old_file(bad: Bad, good: Good, apart: Path) -> None:
    out = apart / "out.jsonl"
    out.write_text("old")
    out.chmod(0o640)
    assert "nowhere" in bad("export", str(out), "--thread", "nowhere")
    assert out.read_text() == "old"
    good("send", "hello")
    good("export", str(out))
    assert len(out.read_text().splitlines()) == 2
    assert stat.S_IMODE(out.stat().st_mode) == 0o640
    assert list(apart.iterdir()) == [out], "no temporary file is left"


def test_a_full_device_is_an_error(bad: Bad, good: Good) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full, a device that is always full")
    good("send", "hello")
    assert "No space left on device" in bad("export", "/dev/full")
    assert Path("/dev/full").is_char_device()


def test_a_filter_that_fails_is_named_and_stops_the_message(bad: Bad, memex: Run) -> None:
    assert bad("send", "UNFILTERED").startswith(
        "Error: filter censor (memex-cli-fake 1.2.3) failed on a user message, which was not stored"
    )
    assert "refused a user message" in bad("send", "FORBIDDEN")
    assert "FORBIDDEN" not in memex("show").stdout


def test_a_policy_that_fails_is_named_and_noted(
    bad: Bad, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FAKE_FAULT", "policy")
    line = bad("send", "hello")
    assert "policy evict (memex-cli-fake 1.2.3) failed: RuntimeError: the policy fell over" in line
    (noted,) = (tmp_path / "state" / "memex" / "problems.jsonl").read_text().splitlines()
    assert json.loads(noted)["stage"] == "policy"


def test_a_policy_that_is_skipped_is_told(good: Good, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_FAULT", "policy")
    monkeypatch.setenv("MEMEX_ON_ERROR", "skip")
    assert good("send", "hello") == "hello \n"
    assert "! evict was skipped: " in good("explain")


def test_a_listener_that_fails_is_told_once_and_remembered(
    memex: Run, good: Good, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_FAULT", "listener")
    done = memex("send", "hello")
    assert (done.exit_code, done.stdout) == (0, "hello \n")
    warnings = done.stderr.splitlines()
    assert len(warnings) == 1, "once, although two messages were stored"
    assert warnings[0].startswith("Warning: plugin cli-fake (memex-cli-fake 1.2.3), listener: ")
    assert "\x1b" not in done.stderr
    monkeypatch.delenv("FAKE_FAULT")
    told = good("plugins")
    assert "In earlier runs:" in told
    assert "cli-fake (memex-cli-fake 1.2.3), listener: memex_message_stored raised RuntimeError" in told
    assert json.loads(good("plugins", "--json"))["earlier"][0]["plugin"] == "cli-fake"


def test_what_goes_wrong_in_a_command_of_another_plugin_is_remembered_as_well(
    memex: Run, good: Good, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_FAULT", "listener")
    done = memex("--thread", "t", "keep", "hello")
    assert (done.exit_code, done.stdout) == (0, "t has 1\n")
    assert done.stderr.startswith("Warning: plugin cli-fake")
    (noted,) = json.loads(good("plugins", "--json"))["earlier"]
    assert (noted["plugin"], noted["stage"]) == ("cli-fake", "listener")


def test_the_journal_keeps_the_last_hundred_and_survives_damage(
    good: Good, memex: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    journal = tmp_path / "state" / "memex" / "problems.jsonl"
    journal.parent.mkdir(parents=True)
    old = [
        json.dumps({"when": "then", "plugin": f"p{number}", "stage": "x", "message": "m"})
        for number in range(150)
    ]
    journal.write_text("\n".join([*old, "damaged {", "[1]"]))
    monkeypatch.setenv("FAKE_FAULT", "listener")
    for _ in range(2):
        good("send", "hello")
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    assert len(lines) == 100
    assert [line["plugin"] for line in lines[-2:]] == ["p149", "cli-fake"], "the same problem is noted once"


def test_a_journal_that_cannot_be_written_stops_nothing(
    good: Good, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "state").write_text("a file where a folder should be")
    monkeypatch.setenv("FAKE_FAULT", "listener")
    assert good("send", "hello") == "hello \n"
    assert "cli-fake" in good("plugins")


def test_commands_of_other_plugins(good: Good, bad: Bad) -> None:
    assert good("greet", "Mara") == "hello Mara\n"
    assert "Commands of other plugins:" in good("--help")
    assert "Says hello (memex-cli-fake)" in good("--help")
    assert "broken (memex-cli-fake 1.2.3)" in bad("broken")
    assert "is a function, not a click command" in bad("no-command")


def test_a_command_that_two_plugins_offer(bad: Bad, good: Good, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_FAULT", "clash")
    line = bad("send", "hello")
    assert "cli (memex-cli" in line
    assert "cli-fake (memex-cli-fake 1.2.3)" in line
    assert "MEMEX_DISABLE=" in line
    assert "cli-fake" in good("plugins"), "what names the culprit still works"
    monkeypatch.setenv("MEMEX_DISABLE", "memex-cli-fake")
    assert "memex-cli-fake" not in good("--help")


def test_debug_shows_where(memex: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Traceback" not in memex("send", "CRASH").stderr
    monkeypatch.setenv("MEMEX_DEBUG", "1")
    done = memex("send", "CRASH")
    assert "Traceback" in done.stderr
    assert "memex_cli_fake.py" in done.stderr
    assert done.exit_code == 1
