from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memex_jsonl import files
from memex_jsonl.names import is_thread, safe_name
from memex_jsonl.store import JsonlStore

from memex import Message, StoreDamaged, check_id

IDS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=300).filter(
    lambda one: len(one.encode()) <= 1024
)


def make_store(path: Path) -> None:
    store = JsonlStore(str(path))
    store.append("t", [Message.user("said")])
    store.close()


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_thread_of_a_newer_format_is_refused_untouched(tmp_path: Path) -> None:
    from memex_jsonl.lines import sealed

    make_store(tmp_path / "x")
    (log,) = tmp_path.glob("x/*/t-*.jsonl")
    log.write_bytes(sealed(b'"memex-jsonl":2,"thread":"t","log":"00","created":"?","new":1}'))
    log.with_suffix(".idx").unlink()
    before = everything(tmp_path)
    store = JsonlStore(str(tmp_path / "x"))
    for ask in (lambda: store.open_thread("t"), lambda: store.append("t", [Message.user("late")])):
        with pytest.raises(StoreDamaged, match=r"format 2.*newer memex-jsonl.*Upgrade"):
            ask()
    assert everything(tmp_path) == before


def test_a_file_of_somebody_else_among_the_threads_stays(tmp_path: Path) -> None:
    make_store(tmp_path / "x")
    (log,) = tmp_path.glob("x/*/t-*.jsonl")
    for name in ("notes.jsonl", "README.md", "t.jsonl"):
        log.with_name(name).write_text("mine")
    store = JsonlStore(str(tmp_path / "x"))
    assert [info.id for info in store.threads()] == ["t"]
    store.forget("t")
    assert store.check() == []
    assert log.with_name("notes.jsonl").read_text() == "mine"


@given(IDS)
def test_a_name_is_safe_everywhere(one: str) -> None:
    name = safe_name(check_id(one, "thread"))
    assert is_thread(name)
    assert name.isascii()
    assert len(name) <= 81
    assert not name.startswith("-")
    assert name.split("-")[0].lower() not in ("",)
    assert "." not in name


@given(IDS, IDS)
def test_no_two_ids_have_one_name_not_even_where_case_and_accents_are_one(one: str, other: str) -> None:
    for twin in {other, one.swapcase(), unicodedata.normalize("NFD", one), unicodedata.normalize("NFC", one)}:
        if twin != one and len(twin.encode()) <= 1024:
            assert safe_name(one).casefold() != safe_name(twin).casefold()


@pytest.mark.parametrize("one", ["CON", "nul", "aux.txt", "COM1", "..", ".", "-rf", "a/../../b", "x" * 1024])
def test_reserved_names_are_only_readable_beginnings(one: str) -> None:
    name = safe_name(one)
    assert name.upper() not in ("CON", "NUL", "AUX", "COM1")
    assert "/" not in name
    assert len(name) > 32


def test_a_person_can_read_it(tmp_path: Path) -> None:
    store = JsonlStore(str(tmp_path / "x"))
    message = Message.user('Größe 部署 "quoted"\n', id="m1", meta={"topic": "deploy"})
    store.append("support 42", [message, Message.assistant("ok")], tokens=[3, 1], counter="c")
    store.put_plan("support 42", 2, b'{"steps":[]}')
    store.put_state("support 42", "k", "größer".encode())
    (log,) = tmp_path.glob("x/default-*/support-42-????????????????????????????????.jsonl")
    header, first, second = (json.loads(line) for line in log.read_text().splitlines())
    assert (header["thread"], header["memex-jsonl"]) == ("support 42", 1)
    assert (first["seq"], first["role"], first["tokens"], first["counter"]) == (1, "user", 3, "c")
    assert first["parts"] == [{"type": "text", "text": 'Größe 部署 "quoted"\n'}]
    assert second["seq"] == 2
    assert "Größe 部署" in log.read_text()
    assert [len(line) + 1 for line in log.read_bytes().split(b"\n")[:3]] == [
        header["size"],
        first["size"],
        second["size"],
    ]
    assert json.loads(log.with_suffix(".plans.jsonl").read_text().splitlines()[1])["plan"] == {"steps": []}
    assert json.loads(log.with_suffix(".state.json").read_text().splitlines()[1])["text"] == "größer"


@pytest.mark.parametrize(("durability", "most"), [("full", 2), ("fast", 0)])
def test_how_often_an_append_is_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, durability: str, most: int
) -> None:
    store = JsonlStore(str(tmp_path / "x"), durability=durability)  # type: ignore[arg-type]
    calls: list[str] = []
    for name in ("fsync", "fdatasync"):
        real = getattr(files.os, name)
        monkeypatch.setattr(
            files.os, name, lambda fd, name=name, real=real: (calls.append(name), real(fd))[1]
        )
    for count in [2] + [min(most, 1)] * 20:  # the first one also makes the file
        calls.clear()
        store.append("t", [Message.user("said"), Message.user("and more")])
        assert len(calls) == count
    store.put_state("t", "k", b"v")
    calls.clear()
    store.put_state("t", "k", b"w")
    assert len(calls) <= 2
