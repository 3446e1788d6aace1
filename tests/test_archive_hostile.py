"""Archives that are damaged or lie: one clear error each, and nothing is stored."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
import zipfile
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from memex_inmemory.store import InMemoryStore
from memex_sqlite.store import SqliteStore

from memex import (
    BadSetting,
    Media,
    MemexError,
    Message,
    StoreDamaged,
    StoreUnavailable,
    read_archive,
    verify_archive,
    write_archive,
)

PICTURE = b64encode(bytes(range(256)) * 8).decode()
DIGEST = sha256(bytes(range(256)) * 8).hexdigest()
MESSAGES = "threads/000001/messages.jsonl"
PLANS = "threads/000001/plans.jsonl"
STATE = "threads/000001/state.jsonl"
FORK = "threads/000002/messages.jsonl"


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """An archive in a folder: a thread with everything, and a fork of it."""
    store = InMemoryStore()
    picture = Message.user([Media(kind="image", source="base64", value=PICTURE)], id="p")
    store.append("a", [*(Message.user(f"message {n}", id=f"m{n}") for n in range(4)), picture])
    store.put_state("a", "k", b"[1]")
    store.put_state("a", "l", b"\xff")
    store.put_plan("a", 1, b"{}")
    store.put_plan("a", 5, b"\xff")
    store.fork("a", "b", 3)
    store.append("b", [Message.user("on", id="on")])
    write_archive(store, tmp_path / "made")
    return tmp_path / "made"


def refused(path: Path, why: str) -> None:
    """Expect one error that names the archive and says why, from both, and nothing stored."""
    store = InMemoryStore()
    for call in (lambda: verify_archive(path), lambda: read_archive(path, store)):
        with pytest.raises(StoreDamaged, match=why) as caught:
            call()
        assert str(path) in str(caught.value)
        assert str(caught.value).count("the archive") == 1
        assert "\n" not in str(caught.value)
    assert list(store.threads()) == []


def seal(folder: Path, manifest: dict[str, Any]) -> None:
    """Write a manifest with a digest that is right, as somebody would who means it."""
    data = json.dumps(manifest).encode()
    (folder / "manifest.json").write_bytes(data)
    (folder / "manifest.sha256").write_text(f"{sha256(data).hexdigest()}  manifest.json\n")


def manifest_of(folder: Path) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return plain


def rewrite(folder: Path, name: str, change: Callable[[list[dict[str, Any]]], object]) -> None:
    """Change the lines of a file, and let the manifest agree."""
    lines = [json.loads(line) for line in (folder / name).read_text().splitlines()]
    lines = change(lines) or lines  # type: ignore[assignment]
    put(folder, name, b"".join(json.dumps(line).encode() + b"\n" for line in lines), len(lines))


def put(folder: Path, name: str, data: bytes, count: int) -> None:
    (folder / name).write_bytes(data)
    manifest = manifest_of(folder)
    place, _, file = name.partition("/")[2].partition("/")
    record = {"lines": count, "size": len(data), "sha256": sha256(data).hexdigest()}
    manifest["threads"][int(place) - 1]["files"][file] = record
    seal(folder, manifest)


def packed(folder: Path, method: int = zipfile.ZIP_DEFLATED) -> Path:
    """Pack a folder as any program would."""
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", method) as made:
        for file in sorted(folder.rglob("*")):
            made.write(file, file.relative_to(folder).as_posix())
    return path


def test_the_archive_that_is_damaged_below_is_sound(made: Path) -> None:
    assert verify_archive(made) == verify_archive(packed(made))
    assert verify_archive(packed(made, zipfile.ZIP_STORED)).messages == 6
    seal(made, manifest_of(made))
    rewrite(made, MESSAGES, lambda lines: None)
    assert len(read_archive(made, InMemoryStore()).threads) == 2


# -- damage ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["manifest.json", "manifest.sha256", MESSAGES, PLANS, STATE, FORK, f"blobs/{DIGEST}"]
)
def test_a_file_that_is_missing_cut_off_longer_or_changed(made: Path, name: str) -> None:
    file = made / name
    data = file.read_bytes()
    for changed in (data[:-1], data + b"\n", data[:-9] + bytes([data[-9] ^ 1]) + data[-8:], b""):
        file.write_bytes(changed)
        refused(made, "damaged")
    file.unlink()
    refused(made, "missing|in place of")


def test_any_byte_that_changes_in_a_zip_is_noticed(made: Path, tmp_path: Path) -> None:
    whole = packed(made).read_bytes()
    sound = InMemoryStore()
    read_archive(packed(made), sound)
    path = tmp_path / "changed.zip"

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, len(whole) - 1), st.integers(1, 255), st.booleans())
    def change(place: int, by: int, cut: bool) -> None:
        path.write_bytes(
            whole[:place] if cut else whole[:place] + bytes([whole[place] ^ by]) + whole[place + 1 :]
        )
        store = InMemoryStore()
        try:
            read_archive(path, store)
        except (StoreDamaged, StoreUnavailable):
            assert list(store.threads()) == []
        else:  # a byte that says nothing, such as a time
            assert not cut
            for info in sound.threads():
                assert list(store.entries(info.id)) == list(sound.entries(info.id))

    change()


def test_a_zip_whose_directory_makes_no_sense_is_one_error(made: Path, tmp_path: Path) -> None:
    whole = packed(made).read_bytes()
    start = whole.index(b"PK\x01\x02")
    path = tmp_path / "changed.zip"
    changes = st.lists(st.tuples(st.integers(start, len(whole) - 1), st.integers(0, 255)), max_size=6)

    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(changes)
    def change(changes: list[tuple[int, int]]) -> None:
        data = bytearray(whole)
        for place, byte in changes:
            data[place] = byte
        path.write_bytes(data)
        with contextlib.suppress(StoreDamaged, StoreUnavailable):
            assert verify_archive(path).messages == 6

    change()


def test_names_that_are_not_utf_8(made: Path) -> None:
    path = packed(made)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("blobs/ü", "x")
    data = path.read_bytes()
    path.write_bytes(data.replace("ü".encode(), b"\xff\xff"))
    refused(path, "decode")


def test_what_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.zip").write_text("hello")
    (tmp_path / "nothing.zip").write_text("")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as other:
        other.writestr("letter.txt", "dear")
    for name in ("empty", "text.zip", "nothing.zip", "other.zip"):
        refused(tmp_path / name, "damaged")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_what_is_no_file(made: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.zip")
    refused(tmp_path / "pipe.zip", "neither")
    os.mkfifo(made / "blobs" / "pipe")
    refused(made, "not a file")


# -- lies in the manifest ----------------------------------------------------------------------

Change = Callable[[dict[str, Any]], object]


def thread(place: int, **fields: Any) -> Change:
    return lambda manifest: manifest["threads"][place].update(fields)


LIES: dict[str, tuple[Change, str]] = {
    "newer": (lambda m: m.update(version=2), "version 2.*reads 1"),
    "another format": (lambda m: m.update(format="tar"), "'tar'"),
    "unknown field": (lambda m: m.update(extra=1), "extra"),
    "no threads": (lambda m: m.pop("threads"), "threads"),
    "threads are text": (lambda m: m.update(threads="all"), "threads"),
    "version is text": (lambda m: m.update(version="1"), "version"),
    "no time zone": (lambda m: m.update(created="2026-01-01T00:00:00"), "created|timezone"),
    "a huge number": (thread(0, head=2**63), "head|2\\*\\*63|<="),
    "a very huge number": (thread(0, head=10**400), "."),
    "a negative number": (thread(0, head=-1), ">= 0"),
    "a fraction": (thread(0, head=1.5), "int"),
    "a bad id": (thread(0, id="a\x1b[31m"), "control"),
    "an empty id": (thread(0, id=""), "non-empty"),
    "a bad namespace": (lambda m: m.update(namespace=""), "namespace"),
    "the same id twice": (thread(1, id="a"), "twice"),
    "a folder elsewhere": (thread(0, folder="../"), "folder"),
    "an absolute folder": (thread(0, folder="/etc/"), "folder"),
    "its own parent": (thread(0, parent="a", forked_at=0), "before it"),
    "a cycle": (thread(0, parent="b", forked_at=0), "before it"),
    "an empty parent": (thread(0, parent=""), "before it"),
    "an unknown parent": (thread(1, parent="nobody"), "before it"),
    "forked at nothing": (thread(1, forked_at=None), "forked at"),
    "forked from nothing": (thread(1, parent=None), "forked at"),
    "shares too much": (thread(1, forked_at=9, head=10), "shares more"),
    "shares too many plans": (thread(1, shared_plans=3, plan_base=3), "shares more"),
    "shares plans of nobody": (thread(0, shared_plans=1, plan_base=1), "shares more"),
    "numbers of plans": (thread(1, shared_plans=1, plan_base=0), "plans"),
    "head too high": (thread(0, head=6), "as many"),
    "head too low": (thread(1, head=3), "as many"),
    "another file": (
        lambda m: m["threads"][0]["files"].update({"../../x": {"lines": 1, "size": 1, "sha256": "0" * 64}}),
        "another name",
    ),
    "an empty file": (lambda m: m["threads"][0]["files"][PLANS[15:]].update(lines=0), "empty"),
    "a digest that is none": (lambda m: m["threads"][0]["files"][PLANS[15:]].update(sha256="x"), "sha256"),
    "another size": (lambda m: m["threads"][0]["files"][PLANS[15:]].update(size=1), "in place of 1"),
    "another digest": (
        lambda m: m["threads"][0]["files"][PLANS[15:]].update(sha256="0" * 64),
        "checksum",
    ),
    "more lines": (lambda m: m["threads"][0]["files"][PLANS[15:]].update(lines=3), "checksum"),
    "more data": (lambda m: m["blobs"].update(count=2), "files of data"),
    "less data": (lambda m: m["blobs"].update(size=1), "files of data"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_manifest_that_lies(made: Path, lie: str) -> None:
    change, why = LIES[lie]
    manifest = manifest_of(made)
    change(manifest)
    seal(made, manifest)
    refused(made, why)


@pytest.mark.parametrize("text", [b"", b"\xff", b"[]", b"null", b"[" * 100_000, b'{"format": 1}'])
def test_a_manifest_that_is_none(made: Path, text: bytes) -> None:
    (made / "manifest.json").write_bytes(text)
    (made / "manifest.sha256").write_text(f"{sha256(text).hexdigest()}  manifest.json\n")
    refused(made, "damaged")


# -- lies in the lines -------------------------------------------------------------------------


def line(place: int, **fields: Any) -> Callable[[list[dict[str, Any]]], object]:
    return lambda lines: lines[place].update(fields)


def message(place: int, **fields: Any) -> Callable[[list[dict[str, Any]]], object]:
    return lambda lines: lines[place]["message"].update(fields)


LINES: dict[str, tuple[str, Callable[[list[dict[str, Any]]], object], str]] = {
    "a gap": (MESSAGES, line(2, seq=9), "9 came in place of 3"),
    "another order": (MESSAGES, lambda lines: lines[::-1], "5 came in place of 1"),
    "a huge place": (MESSAGES, line(0, seq=2**64), "seq|<="),
    "a place that is text": (MESSAGES, line(0, seq="1"), "int"),
    "a huge count": (MESSAGES, line(0, tokens=10**30), "."),
    "an unknown field": (MESSAGES, line(0, more=1), "more"),
    "no message": (MESSAGES, lambda lines: lines[0].pop("message"), "message"),
    "a message that is none": (MESSAGES, line(0, message=[1]), "stored message"),
    "a role that is none": (MESSAGES, message(0, role="boss"), "role"),
    "an id that is none": (MESSAGES, message(0, id="a\nb"), "control"),
    "a note that no store keeps": (MESSAGES, message(0, meta={"a": 2**70}), "."),
    "an id twice": (MESSAGES, message(1, id="m0"), "twice"),
    "an id of the parent": (FORK, message(0, id="m2"), "twice"),
    "data that is missing": (MESSAGES, line(0, blobs=["0" * 64]), "does not refer|missing"),
    "data that is elsewhere": (MESSAGES, line(4, blobs=["../../etc/passwd"]), "blobs|match"),
    "data nobody refers to": (MESSAGES, line(4, blobs=[]), "no message refers"),
    "data twice": (MESSAGES, line(4, blobs=[DIGEST, DIGEST]), "does not refer"),
    "a plan too many": (PLANS, line(1, number=3), "plan 2"),
    "a plan that is nothing": (PLANS, lambda lines: lines[0].pop("json"), "neither"),
    "a plan that is both": (PLANS, line(0, base64=""), "neither"),
    "no base64": (PLANS, line(1, base64="!"), "base64"),
    "a key twice": (STATE, line(1, key="k"), "twice"),
    "a key that is none": (STATE, line(1, key="\x00"), "control"),
}


@pytest.mark.parametrize("lie", LINES)
def test_lines_that_lie(made: Path, lie: str) -> None:
    name, change, why = LINES[lie]
    rewrite(made, name, change)
    refused(made, why)


def test_the_same_id_after_the_fork_is_no_lie(made: Path) -> None:
    """What the parent said after the fork, the fork may say too."""
    rewrite(made, FORK, message(0, id="m3"))
    assert verify_archive(made).messages == 6


@pytest.mark.parametrize("text", [b"\xff\n", b"\n", b"null\n", b"{\n", b"[" * 100_000 + b"\n", b"{}\r\n"])
@pytest.mark.parametrize("name", [MESSAGES, PLANS, STATE])
def test_lines_that_are_none(made: Path, name: str, text: bytes) -> None:
    lines = (made / name).read_bytes().splitlines(keepends=True)
    put(made, name, b"".join([text, *lines[1:]]), len(lines))
    refused(made, "line 1")


def test_a_last_line_without_an_end(made: Path) -> None:
    data = (made / PLANS).read_bytes()
    put(made, PLANS, data[:-1], 2)
    refused(made, "line 2")


# -- what else may be in a folder or a zip -----------------------------------------------------


@pytest.mark.parametrize(
    "name", ["extra", "threads/000003/messages.jsonl", "blobs/x", "blobs/../extra", "a/b/c"]
)
def test_a_file_that_does_not_belong_to_it(made: Path, name: str) -> None:
    (made / name).parent.mkdir(parents=True, exist_ok=True)
    (made / name).write_text("x")
    refused(made, "does not belong")
    refused(packed(made), "does not belong")


@pytest.mark.parametrize("name", ["../../evil", "/etc/evil", "..\\evil", "C:\\evil", "threads/../../evil"])
def test_names_that_lead_outside(made: Path, tmp_path: Path, name: str) -> None:
    path = packed(made)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, "evil")
    refused(path, "does not belong")
    assert not any("evil" in found.name for found in tmp_path.parent.rglob("*"))


@pytest.mark.skipif(os.name != "posix", reason="needs symbolic links")
@pytest.mark.parametrize("name", [MESSAGES, "threads", "manifest.json"])
def test_links(made: Path, name: str) -> None:
    (made / name).rename(made.parent / "elsewhere")
    (made / name).symlink_to(made.parent / "elsewhere")
    refused(made, "link")


def test_a_link_in_a_zip(made: Path) -> None:
    path = packed(made)
    with zipfile.ZipFile(path, "a") as archive:
        entry = zipfile.ZipInfo("blobs/link")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    refused(path, "link")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_twice_in_a_zip(made: Path) -> None:
    path = packed(made)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(MESSAGES, "other")
    refused(path, "twice")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unusual_packing(made: Path, method: int) -> None:
    refused(packed(made, method), "unusual")


def test_an_encrypted_file(made: Path) -> None:
    path = packed(made)
    data = path.read_bytes()
    place = data.rindex(b"PK\x01\x02") + 8
    path.write_bytes(data[:place] + bytes([data[place] | 1]) + data[place + 1 :])
    refused(path, "encrypted")


def test_a_bomb(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused by what it says of itself; what lies about that is refused when it is read."""
    path = packed(made)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("blobs/" + "0" * 64, b"\0" * 3_000_000)
    monkeypatch.setattr("memex._archive_target._HARMLESS", 1_000_000)
    refused(path, "times its size")


def test_what_would_be_taken_for_a_bomb_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memex._archive_target._HARMLESS", 1_000_000)
    store = InMemoryStore()
    store.append("a", [Message.user("a" * 3_000_000)])
    with pytest.raises(BadSetting, match="folder instead"):
        write_archive(store, tmp_path / "a.zip")
    assert list(tmp_path.iterdir()) == []
    write_archive(store, tmp_path / "a")
    assert verify_archive(tmp_path / "a").messages == 1


def test_a_file_larger_than_it_says(made: Path) -> None:
    path = packed(made)
    data = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo(MESSAGES).file_size
    small = data.replace(size.to_bytes(4, "little"), (10).to_bytes(4, "little"))
    path.write_bytes(small)
    refused(path, "in place of|CRC")


def test_an_archive_that_changes_after_it_was_verified(made: Path) -> None:
    class Slow(InMemoryStore):
        def restore(self, image: Any, *args: Any) -> Any:
            if image.info.id == "b":
                data = (made / FORK).read_bytes()
                (made / FORK).write_bytes(data.replace(b'"on"', b'"no"'))
            return super().restore(image, *args)

    store = Slow()
    with pytest.raises(StoreDamaged, match="checksum"):
        read_archive(made, store)
    assert list(store.threads()) == []


def test_a_database_takes_back_what_changed_after_it_was_verified(made: Path, tmp_path: Path) -> None:
    class Slow(SqliteStore):
        def restore(self, image: Any, *args: Any) -> Any:
            data = (made / MESSAGES).read_bytes()
            (made / MESSAGES).write_bytes(data.replace(b'"message 3"', b'"message 9"'))
            return super().restore(image, *args)

    store = Slow(str(tmp_path / "chats.db"))
    with pytest.raises(StoreDamaged, match="checksum"):
        read_archive(made, store)
    assert list(store.threads()) == []
    assert store.check() == []
    store.close()


def test_data_that_changes_after_it_was_verified(made: Path) -> None:
    class Slow(InMemoryStore):
        def restore(self, *args: Any) -> Any:
            (made / "blobs" / DIGEST).write_bytes(bytes(2048))
            return super().restore(*args)

    store = Slow()
    with pytest.raises(MemexError, match="not what was written"):
        read_archive(made, store)
    assert list(store.threads()) == []


def test_a_folder_that_cannot_be_read(made: Path) -> None:
    shutil.rmtree(made)
    with pytest.raises(StoreUnavailable, match="no such"):
        read_archive(made, InMemoryStore())
