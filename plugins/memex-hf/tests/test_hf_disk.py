"""Keys and values on disk: found again by another process, refused when damaged, gone when forgotten."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import subprocess
import sys
import time
import uuid
from array import array
from pathlib import Path

import memex_hf
import pytest
import tiny_models as tiny
import torch
from hf_talks import Talk, backend, without_reuse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from memex_hf import known_folders
from memex_hf.folder import INDEX, Folder
from memex_hf.keeping import Keeping, _stops
from memex_hf.kept_files import Kept, Trail, read_name
from memex_hf.opening import hf
from memex_hf.running.identity import identity

from memex import ConfigError, Memex, Message, Receipt
from memex.testing._scratch import ScratchStore


@pytest.fixture(autouse=True)
def state_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def opened():
    """Opens backends with a folder, as a new process would: nothing in memory. They are closed at the end."""
    made = []

    def open_(path, name="llama", *, budget=2**28, disk=2**28, dtype=torch.float64, model=None):
        new = backend(name, dtype=dtype, budget=budget, model=model)
        known_folders.remember(path)
        new.keeping = Keeping(new.engine, Folder(path, disk), identity(new.engine.model))
        made.append(new)
        return new

    yield open_
    for one in made:
        one.close()


def system(count=150):
    return Message.system(tiny.text(count, 5))


def again(talk, made):
    """Hold on to a conversation with another backend."""
    return Talk(made, *talk.messages, thread=talk.thread)


def files(path):
    return sorted(file for file in path.iterdir() if read_name(file.name) is not None)


@pytest.mark.parametrize("name", ["llama", "gpt2", "sliding", "smollm", "qwen"])
def test_a_new_process_goes_on_where_the_last_one_ended(opened, tmp_path, name):
    talk = Talk(opened(tmp_path / "kv", name), system())
    talk.ask("why was the door open?")
    talk.ask("and today?")
    talk.backend.close()
    assert files(tmp_path / "kv")
    later = again(talk, opened(tmp_path / "kv", name))
    later.ask("who knows?")
    assert later.usage.input_tokens < 40
    assert later.usage.cache_read_tokens > 200
    assert later.backend.keeping.tally.restored > 200
    expected, length = without_reuse(later)
    assert later.out == expected
    assert later.usage.prompt_tokens == length


def test_forks_and_threads_that_begin_alike_share_files(opened, tmp_path):
    made = opened(tmp_path / "kv")
    first = Talk(made, system(), thread="a")
    first.ask("why was the door open?")
    made.keeping.wait(60)
    size = made.keeping.folder.nbytes()
    other = Talk(made, system(), thread="b")
    other.ask("is it blue?")
    made.keeping.wait(60)
    assert made.keeping.folder.nbytes() < 1.5 * size
    third = Talk(opened(tmp_path / "kv"), system(), thread="c")
    third.ask("nobody?")
    assert third.usage.cache_read_tokens >= 128


def test_what_is_at_hand_is_not_read_again(opened, tmp_path):
    talk = Talk(opened(tmp_path / "kv"), system())
    talk.ask("why?")
    talk.backend.keeping.wait(60)
    talk.ask("and today?")
    assert talk.backend.keeping.tally.restored == 0


def test_files_of_another_model_are_not_found(opened, tmp_path):
    talk = Talk(opened(tmp_path / "kv"), system())
    talk.ask("why?")
    talk.backend.close()
    for other in (opened(tmp_path / "kv", dtype=torch.float32), opened(tmp_path / "kv", "qwen")):
        later = again(talk, other)
        later.ask("and today?")
        assert later.usage.cache_read_tokens == 0


def test_a_change_of_one_weight_is_another_model():
    model = tiny.model.__wrapped__("llama", torch.bfloat16, 3)
    before = identity(model)
    assert identity(tiny.model.__wrapped__("llama", torch.bfloat16, 3)) == before
    weight = model.get_decoder().layers[1].mlp.up_proj.weight
    with torch.no_grad():
        weight[7, 3] += 0.5
    assert identity(model) != before
    with torch.no_grad():
        weight[7, 3] -= 0.5
        weight[[0, 1]] = weight[[1, 0]]
    assert identity(model) != before
    other = tiny.model.__wrapped__("llama", torch.bfloat16, 3)
    other.config._attn_implementation = "eager"
    assert identity(other) != before


# -- damage ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def talked(tmp_path_factory):
    """A conversation whose keys and values are in a folder, with the answer that comes next."""
    path = tmp_path_factory.mktemp("kv")
    made = backend(dtype=torch.float64)
    made.keeping = Keeping(made.engine, Folder(path, 2**28), identity(made.engine.model))
    talk = Talk(made, system(90))
    talk.ask("why was the door open?")
    talk.ask("and today?")
    made.close()
    after = Talk(backend(dtype=torch.float64), *talk.messages)
    return path, talk, after.ask("who knows?", 8)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_is_refused_whatever_byte_it_is(talked, tmp_path, data):
    path, talk, expected = talked
    folder = tmp_path / f"kv{uuid.uuid4()}"
    shutil.copytree(path, folder)
    victim = data.draw(st.sampled_from(files(folder)))
    payload = bytearray(victim.read_bytes())
    how = data.draw(st.sampled_from(["flip", "cut", "grow", "swap"]))
    if how == "flip":
        header = 8 + int.from_bytes(payload[:8], "little")
        at = data.draw(st.one_of(st.integers(0, header), st.integers(0, len(payload) - 1)))
        payload[at] ^= data.draw(st.integers(1, 255))
    elif how == "cut":
        del payload[data.draw(st.integers(0, len(payload) - 1)) :]
    elif how == "grow":
        payload += b"\0"
    else:
        payload = bytearray(
            data.draw(st.sampled_from([f for f in files(folder) if f != victim])).read_bytes()
        )
    victim.write_bytes(payload)
    made = backend(dtype=torch.float64)
    made.keeping = Keeping(made.engine, Folder(folder, 2**28), identity(made.engine.model))
    try:
        later = again(talk, made)
        assert later.ask("who knows?", 8) == expected
        assert made.keeping.tally.refused == 1
        made.keeping.wait(60)
        assert victim not in files(folder) or made.keeping.folder.read(read_name(victim.name)) is not None
    finally:
        made.close()
        shutil.rmtree(folder)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_index_gives_no_wrong_answer(talked, tmp_path, data):
    path, talk, expected = talked
    folder = tmp_path / f"kv{uuid.uuid4()}"
    shutil.copytree(path, folder)
    payload = bytearray((folder / INDEX).read_bytes())
    at = data.draw(st.integers(0, len(payload) - 1))
    for offset in range(data.draw(st.sampled_from([1, 50, 5000]))):
        payload[(at + offset) % len(payload)] ^= data.draw(st.integers(1, 255)) if offset < 3 else 90
    (folder / INDEX).write_bytes(payload)
    made = backend(dtype=torch.float64)
    made.keeping = Keeping(made.engine, Folder(folder, 2**28), identity(made.engine.model))
    try:
        assert again(talk, made).ask("who knows?", 8) == expected
    finally:
        made.close()
        shutil.rmtree(folder)


def test_a_name_says_what_is_in_it():
    kept = Kept("a" * 32, 12, "b" * 32, "c" * 64)
    assert read_name(kept.name) == kept
    assert read_name("notes.safetensors") is None
    assert read_name(Kept("a" * 32, 0, "a" * 32, "c" * 64).name) is None
    assert read_name(f"../{kept.name}") is None


@given(st.lists(st.integers(0, 2**32 - 1), max_size=60), st.lists(st.integers(0, 20), max_size=6))
def test_digests_do_not_depend_on_how_a_sequence_is_cut(ids, steps):
    whole, parts = Trail("m", array("I", ids)), Trail("m", array("I", ids))
    for step in steps:
        if parts.ahead(step) is not None:
            parts.go(step)
    assert parts.here == whole.ahead(parts.at)
    assert whole.ahead(len(ids) + 1) is None
    assert Trail("n", array("I", ids)).here != whole.here


@given(st.integers(0, 3000), st.integers(0, 5000), st.lists(st.integers(0, 6000), max_size=40))
def test_files_end_where_messages_do_and_are_neither_tiny_nor_huge(start, more, cuts):
    end = start + more
    stops = _stops(start, end, cuts)
    lengths = [b - a for a, b in zip([start, *stops], stops, strict=False)]
    assert stops == sorted(set(stops))
    assert all(0 < length <= 1024 for length in lengths)
    assert not stops or end - stops[-1] < 128 + 1024
    assert end - (stops[-1] if stops else start) < 16 or not stops
    inner = [stop for stop, length in zip(stops, lengths, strict=True) if length < 1024 and stop != end]
    assert set(inner) <= set(cuts)


# -- the budget --------------------------------------------------------------------------------------


def test_files_used_least_recently_go_first(tmp_path):
    folder = Folder(tmp_path / "kv", 2_500)
    names = [chr(ord("a") + n) * 32 for n in range(4)]
    assert folder.add(names[0], 20, names[1], b"1" * 1000, thread="t", since=time.time())
    assert folder.add(names[1], 20, names[2], b"2" * 1000, thread="t", since=time.time())
    first = next(read_name(f.name) for f in files(tmp_path / "kv") if f.name.startswith("a"))
    folder.use([first], thread="t", since=time.time(), used=time.time())
    assert folder.add(names[2], 20, names[3], b"3" * 1000, thread="t", since=time.time())
    assert [file.name[0] for file in files(tmp_path / "kv")] == ["a", "c"]
    assert folder.nbytes() == 2_000
    assert not folder.add("e" * 32, 20, "f" * 32, b"4" * 3_000, thread="t", since=time.time())


def test_the_folder_stays_within_its_budget(opened, tmp_path):
    made = opened(tmp_path / "kv", disk=400_000)
    for number in range(4):
        Talk(made, Message.system(tiny.text(80, number)), thread=str(number)).ask("why?")
    made.keeping.wait(60)
    assert 0 < sum(file.stat().st_size for file in files(tmp_path / "kv")) <= 400_000
    assert made.keeping.tally.failed == 0


def test_of_a_conversation_that_is_too_long_the_beginning_stays(opened, tmp_path):
    made = opened(tmp_path / "kv", disk=150_000)
    talk = Talk(made, system())
    for turn in range(4):
        talk.ask(tiny.text(60, turn))
    made.keeping.wait(60)
    size = sum(file.stat().st_size for file in files(tmp_path / "kv"))
    assert 50_000 < size <= 150_000
    later = again(talk, opened(tmp_path / "kv"))
    later.ask("and today?")
    assert later.backend.keeping.tally.restored > 128
    assert later.out == without_reuse(later)[0]


def test_memory_that_is_too_small_takes_what_fits(opened, tmp_path):
    talk = Talk(opened(tmp_path / "kv"), system())
    talk.ask("why was the door open?")
    talk.backend.close()
    later = again(talk, opened(tmp_path / "kv", budget=100_000))
    later.ask("and today?")
    assert later.out == without_reuse(later)[0]


# -- forgetting --------------------------------------------------------------------------------------


def receipt(thread, *forks):
    return Receipt(thread, (1,), False, {"messages": 1}, forks)


def test_what_is_forgotten_is_in_no_file(opened, tmp_path):
    made = opened(tmp_path / "kv")
    for thread in ("a", "b", "c"):
        Talk(made, Message.system(tiny.text(90, ord(thread))), thread=thread).ask("why?")
    made.keeping.wait(60)
    before = files(tmp_path / "kv")
    told = memex_hf.memex_messages_forgotten(thread="a", receipt=receipt("a", "b"))
    left = files(tmp_path / "kv")
    assert told == {"kv files": len(before) - len(left)}
    assert 0 < len(left) < len(before)
    later = Talk(opened(tmp_path / "kv"), Message.system(tiny.text(90, ord("a"))), thread="a")
    later.ask("why?")
    assert later.usage.cache_read_tokens == 0


def test_forgetting_in_a_process_without_a_model_reaches_the_files(opened, tmp_path):
    made = opened(tmp_path / "kv")
    Talk(made, system(), thread="harbour").ask("why?")
    made.close()
    assert files(tmp_path / "kv")
    program = (
        "import sys, memex_hf\n"
        "from memex import Receipt\n"
        "print(memex_hf.memex_messages_forgotten(thread='harbour',"
        " receipt=Receipt('harbour', (1,), True, {})))\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "kv files" in done.stdout
    assert files(tmp_path / "kv") == []


def test_another_process_finds_what_this_one_wrote(tmp_path):
    tiny.model().save_pretrained(tmp_path / "model")
    tiny.tokenizer().save_pretrained(tmp_path / "model")
    made = hf(str(tmp_path / "model"), device="cpu", kv_folder=str(tmp_path / "kv"))
    talk = Talk(made, system())
    talk.ask("why was the door open?")
    made.close()
    program = (
        "import sys\n"
        "from memex import Message, Request\n"
        "from memex_hf.opening import hf\n"
        "made = hf(sys.argv[1], device='cpu', kv_folder=sys.argv[2])\n"
        "messages = (Message.system(sys.argv[3]), Message.user('is it blue?'))\n"
        "for event in made.stream(Request(messages=messages, answer_tokens=1, thread='u')):\n"
        "    print(event.usage.cache_read_tokens if event.usage else '')\n"
        "made.close()\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "model"), str(tmp_path / "kv"), system().text]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout.split()[0]) >= 128


def test_a_turn_that_began_before_is_not_written_after(tmp_path):
    folder, other = Folder(tmp_path / "kv", 10_000), Folder(tmp_path / "kv", 10_000)
    began = time.time()
    other.forget(["t"])
    assert not folder.add("a" * 32, 20, "b" * 32, b"text", thread="t", since=began)
    assert folder.add("a" * 32, 20, "b" * 32, b"text", thread="u", since=began)
    kept = read_name(files(tmp_path / "kv")[0].name)
    folder.use([kept], thread="t", since=began, used=began)
    assert other.forget(["t"]) == 0
    assert folder.add("a" * 32, 20, "c" * 32, b"text", thread="t", since=time.time())
    assert not list((tmp_path / "kv").glob("*.part"))


def test_no_text_and_no_token_is_written_in_the_clear(opened, tmp_path):
    made = opened(tmp_path / "kv")
    talk = Talk(made, system(), thread="Robert Müller")
    talk.ask("the lighthouse door is painted blue")
    made.close()
    ids = array("I", talk.out)
    written = b"".join(path.read_bytes() for path in (tmp_path / "kv").iterdir())
    assert b"lighthouse" not in written
    assert "Müller".encode() not in written
    for width in ("H", "I", "Q"):
        assert array(width, ids[:6]).tobytes() not in written


def test_a_memory_with_a_folder_forgets_through_the_host(tmp_path):
    tiny.model().save_pretrained(tmp_path / "model")
    tiny.tokenizer().save_pretrained(tmp_path / "model")
    settings = {"use": f"hf:{tmp_path / 'model'}", "device": "cpu", "kv_folder": str(tmp_path / "kv")}
    with Memex(ScratchStore(), backend=settings, chain=[], budget=4_000) as memory:
        thread = memory.thread("harbour")
        thread.append(system())
        thread.send("why?", max_new_tokens=8)
    with Memex(ScratchStore(), backend=settings, chain=[], budget=4_000) as memory:
        thread = memory.thread("harbour")
        thread.append(system())
        assert thread.send("why?", max_new_tokens=8).usage.cache_read_tokens > 128
        assert files(tmp_path / "kv")
        thread.forget()
        assert files(tmp_path / "kv") == []


# -- several at once, and what cannot be -------------------------------------------------------------

WRITER = """
import sys, time
from pathlib import Path
from memex_hf.folder import Folder
me = sys.argv[2]
folder = Folder(Path(sys.argv[1]), int(sys.argv[3]))
for n in range(40):
    begins, ends = f"{n:032x}", f"{n + 1:032x}"
    folder.add(begins, 20, ends, (me * 1000).encode(), thread=me, since=time.time())
    if n % 9 == 0:
        folder.forget([me])
"""


def test_several_processes_share_a_folder(tmp_path):
    path = tmp_path / "kv"
    command = [sys.executable, "-c", WRITER, str(path)]
    several = [
        subprocess.Popen([*command, name, "30000"], stderr=subprocess.PIPE, text=True) for name in "xyz"
    ]
    for one in several:
        _, told = one.communicate()
        assert (one.returncode, told) == (0, "")
    folder = Folder(path, 30_000)
    on_disk = files(path)
    assert 0 < sum(file.stat().st_size for file in on_disk) == folder.nbytes() <= 30_000
    assert all(folder.read(read_name(file.name)) is not None for file in on_disk)
    assert sorted(p.name for p in path.iterdir() if read_name(p.name) is None) == [INDEX]


def test_a_process_that_is_killed_leaves_only_whole_files(tmp_path):
    path = tmp_path / "kv"
    endless = WRITER.replace("range(40)", "range(10**6)").replace("me * 1000", "me * 100_000")
    for moment in range(4):
        one = subprocess.Popen([sys.executable, "-c", endless, str(path), "x", str(2**28)])
        while not (path.is_dir() and list(path.glob("*.safetensors"))):
            time.sleep(0.01)
        time.sleep(0.03 * moment)
        one.kill()
        one.wait()
        folder = Folder(path, 2**28)
        assert all(folder.read(read_name(file.name)) is not None for file in files(path))
        assert sum(file.stat().st_size for file in files(path)) == folder.nbytes()


def test_what_a_process_that_died_has_left_is_swept_away(tmp_path):
    path = tmp_path / "kv"
    Folder(path, 1000).add("a" * 32, 20, "b" * 32, b"text", thread="t", since=time.time())
    stray = path / Kept("c" * 32, 20, "d" * 32, "e" * 64).name
    stray.write_bytes(b"no row has it")
    (path / "notes.txt").write_text("somebody else's")
    Folder(path, 1000)
    assert not stray.exists()
    assert len(files(path)) == 1
    assert (path / "notes.txt").exists()


def test_rows_whose_files_are_gone_take_no_room(tmp_path):
    path = tmp_path / "kv"
    folder = Folder(path, 1000)
    for n in range(3):
        folder.add(f"{n:032x}", 20, f"{n + 1:032x}", b"x" * 300, thread="t", since=time.time())
    for file in files(path)[:2]:  # as a forgetting does that is killed before it commits
        file.unlink()
    folder = Folder(path, 1000)
    assert folder.nbytes() == 300
    with contextlib.closing(sqlite3.connect(path / INDEX)) as index:
        assert index.execute("SELECT count(*) FROM threads").fetchone() == (1,)
    folder.add("e" * 32, 20, "f" * 32, b"x" * 700, thread="t", since=time.time())
    assert len(files(path)) == 2


def test_an_index_that_is_none_is_made_anew_and_nothing_is_known(tmp_path):
    path = tmp_path / "kv"
    Folder(path, 1000).add("a" * 32, 20, "b" * 32, b"text", thread="t", since=time.time())
    (path / INDEX).write_bytes(b"no database at all" * 100)
    folder = Folder(path, 1000)
    assert files(path) == []
    assert folder.nbytes() == 0


def test_a_failing_disk_costs_only_time(opened, tmp_path, monkeypatch):
    made = opened(tmp_path / "kv")
    talk = Talk(made, system())

    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fail)
    talk.ask("why?")
    assert made.keeping.wait(60)
    assert made.keeping.tally.failed == 1
    assert "No space left" in made.keeping.tally.why
    monkeypatch.undo()
    monkeypatch.setattr(sqlite3, "connect", lambda *_, **__: fail())
    talk.ask("and today?")
    assert talk.out == without_reuse(talk)[0]


def test_a_folder_that_cannot_be_used_is_told_at_once(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be kept in"):
        Folder(tmp_path / "file", 1000)


def test_a_model_with_a_state_says_that_it_cannot_be_kept(tmp_path):
    tiny.model("linear").save_pretrained(tmp_path / "model")
    tiny.tokenizer().save_pretrained(tmp_path / "model")
    with pytest.raises(ConfigError, match="leave kv_folder out"):
        hf(str(tmp_path / "model"), device="cpu", kv_folder=str(tmp_path / "kv"))
