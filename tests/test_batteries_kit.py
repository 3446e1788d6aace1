"""What a third party sees: the marker, the figures, the sizes, and what happens where a tool is missing."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from journal_store import JournalStore

from memex.testing import StoreBatteries
from memex.testing._batteries.erasing import without_secure_delete
from memex.testing._batteries.failing_disk import small_disk
from memex.testing._batteries.hostile import hostile_strings
from memex.testing._batteries.lossy_mount import LossyMount
from memex.testing._batteries.syncing import syncs_before_each
from memex.testing._batteries.tally import Tally
from memex.testing._batteries.turns import THREAD, examine, examine_order, name_of, turn

STRANGERS_TEST = """
from journal_store import JournalStore
from memex.testing import StoreBatteries

class TestStrangersStore(StoreBatteries):
    persistent = True
    kill_trials = 2
    kill_sizes = (20,)
    cold_starts = 1
    race_processes = 2
    process_appends = 2

    def open_store(self, folder, namespace="default"):
        return JournalStore(folder, namespace)

    def copies(self, store, folder):
        return ()

    test_model = None  # it neither forks nor forgets
"""


@pytest.fixture
def strangers_run(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run batteries as a third party does: one file, strict markers, no conftest."""
    (tmp_path / "test_strangers.py").write_text(STRANGERS_TEST)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\nfilterwarnings = error\n")

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio", *arguments],
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": str(Path(__file__).parent),
                "MEMEX_BATTERIES": "",
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def test_the_figures_are_shown_without_a_conftest(
    strangers_run: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = strangers_run("-k", "test_kill or race_of_processes")
    assert done.returncode == 0, done.stdout + done.stderr
    shown = done.stdout.partition("= batteries =")[2]
    assert "TestStrangersStore  kill -9: 2 trials, " in shown
    assert "race of processes: 1 cold starts, 4 acknowledged, 0 lost" in shown


def test_batteries_can_be_left_out(strangers_run: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = strangers_run("-m", "not battery")
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED
    assert "= batteries =" not in done.stdout


def test_a_missing_tool_skips_and_says_what_to_install(
    strangers_run: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = strangers_run("-rs", "-k", "sync_before or failing or clock", PATH="/nowhere")
    assert done.returncode == 0
    for package in ("strace", "fiu-utils", "faketime"):
        assert f"apt-get install {package}" in done.stdout
    assert "3 skipped" in done.stdout


def test_a_missing_tool_fails_when_that_is_asked_for(
    strangers_run: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = strangers_run("-k", "sync_before", PATH="/nowhere", MEMEX_BATTERIES="strict")
    assert done.returncode == 1
    assert "MEMEX_BATTERIES=strict, and this is missing: strace: apt-get install strace" in done.stdout


@pytest.mark.parametrize(("asked", "size"), [("", 16), ("full", 300), ("strict, full", 300), ("fuller", 16)])
def test_sizes(asked: str, size: int) -> None:
    code = "from memex.testing import StoreBatteries; print(StoreBatteries.kill_trials)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "MEMEX_BATTERIES": asked},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) == size


def test_what_does_not_fit_a_store_is_skipped_with_a_reason() -> None:
    class Remote(StoreBatteries):
        persistent = True
        own_files = False

    class Passing(StoreBatteries):
        pass

    with pytest.raises(pytest.skip.Exception, match="own_files is False"):
        Remote().need_files()
    with pytest.raises(pytest.skip.Exception, match="persistent is False"):
        Passing().need_files()


def test_what_a_plain_user_may_not_do_is_skipped_with_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MEMEX_BATTERIES", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(pytest.skip.Exception, match="needs root"), small_disk(tmp_path, 1 << 20):
        pass
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(pytest.skip.Exception, match="needs /dev/fuse"):
        LossyMount(tmp_path)


def test_the_hostile_strings_are_many_and_answered_both_ways() -> None:
    table = hostile_strings()
    assert len({hostile.text for hostile in table}) == len(table) >= 200
    assert (
        {hostile.as_text for hostile in table}
        == {hostile.as_id for hostile in table}
        == {"stored", "refused"}
    )


@pytest.mark.parametrize("wiped", ["OFF", "ON"])
def test_secure_delete_is_off_until_a_store_asks_for_it(tmp_path: Path, wiped: str) -> None:
    with without_secure_delete():
        connection = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    assert connection.execute("PRAGMA secure_delete").fetchone()[0] == 0
    connection.execute(f"PRAGMA secure_delete = {wiped}")
    connection.execute("CREATE TABLE t (x)")
    connection.execute("INSERT INTO t VALUES ('canary'), ('kept')")
    connection.execute("DELETE FROM t WHERE x = 'canary'")
    connection.close()
    assert (b"canary" in (tmp_path / "x.db").read_bytes()) is (wiped == "OFF")


def test_a_trace_is_counted_by_what_has_ended() -> None:
    trace = [
        "7 fsync(5) = 0",
        '7 sendto(3, "[\\"stored\\", \\"w.0.20\\"]\\n", 20, 0, NULL, 0) = 20',
        "7 fdatasync(5 <unfinished ...>",
        "8 fsync(6) = -1 EIO (Input/output error)",
        '7 sendto(3, "[\\"stored\\", \\"w.1.20\\"]\\n", 20, 0, NULL, 0) = 20',
        "7 <... fdatasync resumed>) = 0",
        "8 msync(0x7f, 4096, MS_SYNC) = 0",
        '7 sendto(3, "[\\"pid\\", 7]\\n", 20, 0, NULL, 0) = 20',
        '7 sendto(3, "[\\"stored\\", \\"w.2.20\\"]\\n", 20, 0, NULL, 0) = 20',
    ]
    assert syncs_before_each(trace) == [1, 0, 2]


def test_a_store_is_examined_turn_by_turn(tmp_path: Path) -> None:
    store = JournalStore(tmp_path)
    first, second, third = (turn("w", number) for number in (2, 1, 0))
    changed = third[0].replace(parts=first[0].parts)
    store.append(THREAD, [*first, *second, changed, turn("x", 5)[1]])
    tally = Tally("looked", "lost", "half")
    tally.tried("turns", 1_234)
    names = examine(store, tally, [name_of(first), "w.9.20"])
    examine_order(names, tally)
    assert names == [name_of(first), name_of(second)]
    assert str(tally) == "looked: 1,234 turns, 1 lost, 2 half, 1 unreadable, 1 out of order"
    lines: list[str] = []
    with pytest.raises(AssertionError, match=r"lost: w\.9\.20"):
        tally.settle(lines.append)
    assert lines == [str(tally)]
    store.close()
