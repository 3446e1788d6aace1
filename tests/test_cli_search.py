"""``memex search`` on a store that can: phrases, beginnings, roles, times and notes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from memex_cli.main import cli

from memex import Memex, Message

Find = Callable[..., list[int]]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    said = [
        ("user", "we deploy on friday", "2026-03-01T08:00+00:00", {"project": "harbour", "price": 5}),
        ("assistant", "on friday we never deploy", "2026-03-01T10:00+00:00", {"project": "5"}),
        ("user", "deployments wait", "2026-03-02T00:00+00:00", {"project": "harbour", "done": True}),
    ]
    with Memex("sqlite:chats.db", chain=[]) as memory:
        memory.thread("a").append(
            [
                Message.of(role, text, created=datetime.fromisoformat(when), meta=meta)  # type: ignore[arg-type]
                for role, text, when, meta in said
            ]
        )
        memory.thread("b").append(Message.user("deploy", created=datetime(2027, 1, 1, tzinfo=UTC)))
    return "sqlite:chats.db"


@pytest.fixture
def find(store: str) -> Find:
    """Search thread a and return the places, in order."""

    def run(*arguments: str) -> list[int]:
        done = CliRunner().invoke(cli, ["search", *arguments, "-t", "a", "--json", "--store", store])
        assert done.exit_code == 0, done.output
        return sorted(hit["seq"] for hit in json.loads(done.stdout))

    return run


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Set the local time zone."""

    def put(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield put
    monkeypatch.undo()
    time.tzset()


def test_phrases_and_beginnings(find: Find) -> None:
    assert find("deploy") == find("friday", "deploy") == [1, 2]
    assert find('"deploy on friday"') == [1]
    assert find('"on friday"', "we") == [1, 2]
    assert find("deploy*") == [1, 2, 3]
    assert find('"deploy on fr"*') == [1]
    assert find("friday", "wait", "--any") == [1, 2, 3]
    assert find("friday OR wait") == find("NEAR(deploy") == []


def test_roles(find: Find) -> None:
    assert find("deploy*", "--role", "user") == [1, 3]
    assert find("deploy*", "--role", "user", "--role", "assistant") == [1, 2, 3]
    assert find("deploy*", "--role", "system") == []


def test_times_with_a_zone(find: Find) -> None:
    assert find("deploy*", "--since", "2026-03-01T10:00Z") == [2, 3]
    assert find("deploy*", "--until", "2026-03-01T10:00Z") == [1]
    assert find("deploy*", "--since", "2026-03-01T10:30+02:00", "--until", "2026-03-02T00:00Z") == [2]


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="needs time.tzset to change the local zone")
def test_times_without_a_zone_are_local(find: Find, zone: Callable[[str], None]) -> None:
    zone("UTC")
    assert find("deploy*", "--since", "2026-03-02") == [3]
    assert find("deploy*", "--until", "2026-03-02") == [1, 2]
    zone("<+09>-9")  # nine hours ahead: the day began at 15:00 UTC the day before
    assert find("deploy*", "--since", "2026-03-02") == [3]
    assert find("deploy*", "--since", "2026-03-01T19:00") == [2, 3]
    zone("<-05>5")
    assert find("deploy*", "--until", "2026-03-01T05:00") == [1]


def test_notes(find: Find) -> None:
    assert find("deploy*", "--meta", "project=harbour") == [1, 3]
    assert find("deploy*", "--meta", "project=harbour", "--meta", "done=true") == [3]
    assert find("deploy*", "--meta", "price=5") == [1]
    assert find("deploy*", "--meta", 'project="5"') == [2]
    assert find("deploy*", "--meta", "project=NaN") == find("deploy*", "--meta", "x=y=z") == []


def test_all_threads(find: Find, store: str) -> None:
    done = CliRunner().invoke(
        cli, ["search", "deploy", "--all", "--since", "2026-12-31", "--json", "--store", store]
    )
    assert [hit["thread"] for hit in json.loads(done.stdout)] == ["b"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--since", "yesterday"], "'yesterday' is no time such as"),
        (["--until", ""], "'' is no time"),
        (["--meta", "project"], "'project' is not KEY=VALUE"),
        (["--meta", "=x"], "is not KEY=VALUE"),
        (["--role", "boss"], "boss"),
    ],
)
def test_wrong_input(store: str, arguments: list[str], told: str) -> None:
    done = CliRunner().invoke(cli, ["search", "deploy", *arguments, "-t", "a", "--store", store])
    assert done.exit_code == 2
    assert told in done.stderr
    assert "Traceback" not in done.output
