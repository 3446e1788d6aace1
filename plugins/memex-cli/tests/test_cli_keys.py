"""``memex keys`` keeps keys and prints none."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Good = Callable[..., str]
CANARY = "canary-0f3a-5f1d9c07"


@pytest.fixture(autouse=True)
def _no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)  # as where the package is not installed
    monkeypatch.setattr("memex.wire._keyring.find_spec", lambda _name: None)
    for name in [name for name in os.environ if name.endswith("_API_KEY")]:
        monkeypatch.delenv(name)


def test_set_list_path_and_remove(good: Good, apart: Path) -> None:
    path = Path(good("keys", "path").strip())
    assert path == apart.parent / "config" / "memex" / "keys.toml"
    assert good("keys", "set", "parrot", input=f"{CANARY}\n") == f"parrot: kept in {path}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(good("keys", "list", "--json")) == [{"provider": "parrot", "places": ["file"]}]
    assert good("keys", "list").split("\n")[1:] != []
    assert good("keys", "remove", "parrot") == f"parrot: removed from {path}\n"
    assert json.loads(good("keys", "list", "--json")) == []


def test_the_environment_counts_first_and_that_is_said(
    memex: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARROT_API_KEY", CANARY)
    done = memex("keys", "set", "parrot", input="other-key")
    assert done.exit_code == 0
    assert "environment (PARROT_API_KEY) counts before" in done.stderr
    listed = json.loads(memex("keys", "list", "--json").stdout)
    assert listed == [{"provider": "parrot", "places": ["environment (PARROT_API_KEY)", "file"]}]


@pytest.mark.parametrize("key", ["", "two words"])
def test_what_is_no_key_is_refused(memex: Callable[..., Result], key: str) -> None:
    done = memex("keys", "set", "parrot", input=key)
    assert done.exit_code == 1
    assert not key or key not in done.output


def test_a_key_that_is_not_there(memex: Callable[..., Result]) -> None:
    done = memex("keys", "remove", "parrot")
    assert done.exit_code == 1
    assert "no key for 'parrot'" in done.stderr


def test_a_keyring_that_is_not_there(memex: Callable[..., Result]) -> None:
    done = memex("keys", "set", "parrot", "--in", "keyring", input=CANARY)
    assert done.exit_code == 1
    assert "pip install 'memex-core[keyring]'" in done.stderr


def test_no_command_takes_or_prints_a_key(memex: Callable[..., Result], apart: Path) -> None:
    printed = [
        memex("keys", "set", "parrot", input=CANARY),
        memex("keys", "list"),
        memex("keys", "list", "--json"),
        memex("keys", "set", "parrot", "--in", "file", input=CANARY),
        memex("keys", "remove", "parrot"),
    ]
    assert [done.exit_code for done in printed] == [0] * 5
    assert CANARY not in "".join(done.output for done in printed)
    assert memex("keys", "set", "parrot", CANARY).exit_code == 2


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
def test_doctor_looks_at_the_keys_file(memex: Callable[..., Result], good: Good) -> None:
    def about_keys() -> list[dict[str, object]]:
        found = json.loads(memex("doctor", "--json").stdout)
        return [finding for finding in found if finding["check"] == "keys"]

    assert about_keys() == []
    good("keys", "set", "parrot", input=CANARY)
    path = Path(good("keys", "path").strip())
    assert about_keys() == [{"check": "keys", "well": True, "detail": f"parrot in {path}"}]
    path.chmod(0o644)
    (wrong,) = about_keys()
    assert wrong["well"] is False
    assert "chmod 600" in str(wrong["detail"])
