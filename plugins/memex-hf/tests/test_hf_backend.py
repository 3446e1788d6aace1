"""The backend in a memory: settings, stops, tools, seeds, evictions, and preparing while the user reads."""

from __future__ import annotations

import threading
import time

import memex_hf
import pytest
import tiny_models as tiny
import torch
from hf_talks import Talk, backend, without_reuse
from memex_hf import opening
from memex_hf.backend import HF
from memex_hf.counter import HFCounter
from memex_hf.ledger import NOTE, ledger_of
from memex_hf.opening import read_bytes
from memex_hf.turnstile import Turnstile

from memex import (
    BackendError,
    BadRequest,
    BadSetting,
    ConfigError,
    ContextOverflow,
    Memex,
    Message,
    Tool,
    Window,
    hookimpl,
)
from memex.testing._scratch import ScratchStore


def low_water(window: Window) -> Window:
    """Drop the oldest down to half of the limit."""
    left = window.tokens
    gone = []
    for unit in window.droppable_units if left > window.limit else ():
        if left <= window.limit // 2:
            break
        gone.extend(unit.entries)
        left -= sum(entry.tokens for entry in unit.entries)
    return window.drop(gone, reason="over-budget")


def memory(made, **settings):
    return Memex(ScratchStore(), backend=made, **{"chain": [low_water], "budget": 4_000, **settings})


# -- settings of a call ------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_answer_and_another_one_does_not():
    talk = Talk(backend(), Message.user("why?"))
    answers = [talk.fork().ask("so?", temperature=1.5, seed=seed) for seed in (1, 1, 2, None, None)]
    assert answers[0] == answers[1]
    assert len(set(answers)) == 4


@pytest.mark.parametrize(
    "rule", [{"top_k": 1}, {"top_p": 1e-6}, {"min_p": 1.0}, {"temperature": 0}, {"temperature": 1e-4}]
)
def test_rules_that_leave_one_token_are_greedy(rule):
    talk = Talk(backend(), Message.user("why?"))
    assert talk.fork().ask("so?", **{"temperature": 1.0, **rule}) == talk.fork().ask("so?")


def test_repetition_is_punished():
    talk = Talk(backend(), Message.user("why?"))
    plain, punished = talk.fork().ask("so?", 40), talk.fork().ask("so?", 40, repetition_penalty=10.0)
    assert len(set(punished)) >= len(set(plain))
    assert len(set(punished)) > 35


def test_a_stop_word_ends_the_answer_before_it_and_the_rest_goes_on():
    talk = Talk(backend(dtype=torch.float64), Message.user("why?"))
    whole = talk.fork()
    whole.ask("so?", 20)
    text = whole.messages[-1].text
    word = text[len(text) // 2 :][:2]
    talk.messages.append(Message.user("so?"))
    events = list(talk.backend.stream(talk.request(20, stop=word)))
    said = "".join(event.text for event in events)
    assert said == text[: text.find(word)]
    assert events[-1].finish == "stop"
    talk.messages.append(Message.assistant(said, extra=events[-1].extra))
    talk.ask("and?")
    assert talk.out == without_reuse(talk)[0]
    assert talk.usage.cache_read_tokens > 20


def test_lengths_and_deadlines_end_an_answer_where_it_is():
    talk = Talk(backend(), Message.user("why?"))
    assert len(talk.fork().ask("so?", 50, max_tokens=7)) == 7
    talk.messages.append(Message.user("so?"))
    events = list(talk.backend.stream(talk.request(100_000, deadline=0.05)))
    assert events[-1].finish == "length"
    usage = next(event.usage for event in events if event.usage)
    assert usage.output_tokens < 8_000


def test_a_prompt_that_is_too_long_says_how_long_it_may_be():
    talk = Talk(backend(), Message.user(tiny.text(9000)))
    with pytest.raises(ContextOverflow, match="takes 8,192") as caught:
        talk.ask("so?")
    assert caught.value.limit == 8192


def test_a_request_in_which_nothing_is_said_is_refused():
    with pytest.raises(BadRequest, match="no message has anything in it"):
        list(backend().stream(Talk(backend(), Message.user([])).request()))


def test_unknown_settings_are_refused_before_the_model_runs():
    made = backend()
    thread = memory(made).thread("t")
    with pytest.raises(BadRequest, match="'tempature'"):
        thread.send("why?", tempature=1)
    assert made.engine.counts.prefilled == 0
    assert [message.text for message in thread.messages()] == ["why?"]


class Scripted:
    """Stands for choosing: the tokens that a test wants the model to have said."""

    def __init__(self, monkeypatch, made, text):
        ids = iter([*made._words.encoded(text, first=True), 2])
        monkeypatch.setattr("memex_hf.running.choosing.Choosing.choose", lambda *_: next(ids))


def test_a_thought_and_tool_calls_come_as_what_they_are_and_go_back_as_they_were(monkeypatch):
    made = backend(ends=[2])
    said = (
        "<think>\nhm\n</think>\n\nI look."
        '<tool_call>\n{"name": "look", "arguments": {"at": "door"}}\n</tool_call>'
        '<tool_call>\n{"name": "look", "arguments": {"at": "roof"}}\n</tool_call>'
    )
    Scripted(monkeypatch, made, said)
    thread = memory(made).thread("t")
    reply = thread.send("what colour?", tools=[Tool("look", "Looks.")])
    assert (reply.finish, reply.text) == ("tool_calls", "I look.")
    assert [call.parsed for call in reply.tool_calls] == [{"at": "door"}, {"at": "roof"}]
    assert reply.message.parts[0].text == "hm"
    assert reply.usage.reasoning_tokens > 0
    results = [Message.tool(call.id, "blue") for call in reply.tool_calls]
    Scripted(monkeypatch, made, "Blue.")
    after = thread.send(results, tools=[Tool("look", "Looks.")])
    assert after.text == "Blue."
    assert after.usage.cache_read_tokens == reply.usage.prompt_tokens + reply.usage.output_tokens - 1


def test_ids_are_stored_with_the_answer_and_survive_a_filter_that_changes_nothing():
    class Shouting:
        @hookimpl
        def memex_filters(self):
            return []

    made = backend()
    thread = Memex(memory(made).store, backend=made, chain=[], plugins=[Shouting()]).thread("t")
    reply = thread.send("why?", max_new_tokens=9)
    stored = next(thread.messages(reverse=True))
    assert len(ledger_of(stored, made._words.fingerprint).ids) == 9
    assert reply.message == stored
    assert "hf:tokens" == NOTE in stored.extra


# -- preparing ---------------------------------------------------------------------------------------


def hold(made, turns, wait):
    found = []
    with memory(made, budget=900, answer_tokens=40) as kept:
        thread = kept.thread("t")
        thread.append(Message.system(tiny.text(20)))
        for turn in range(turns):
            found.append(thread.send(tiny.text(12, turn), max_new_tokens=12).usage)
            if wait:
                assert made.wait_until_prepared(30)
        assert kept.problems == ()
    return [usage.input_tokens for usage in found]


def test_what_the_next_window_begins_with_is_computed_while_the_user_reads():
    cold, warm = hold(backend(background=False), 30, False), hold(made := backend(), 30, True)
    assert max(cold[1:]) > 150, "an eviction computes what is left"
    assert sorted(warm)[-3] < 60, "with few exceptions it was computed before"
    assert made.engine.counts.warmed > 100
    made.close()


def test_a_user_who_is_faster_gets_the_same_answers():
    patient, hasty = backend(dtype=torch.float64), backend(dtype=torch.float64)
    texts = []
    for made, wait in ((patient, True), (hasty, False)):
        with memory(made, budget=900, answer_tokens=40) as kept:
            thread = kept.thread("t")
            for turn in range(25):
                thread.send(tiny.text(12, turn), max_new_tokens=8)
                if wait:
                    made.wait_until_prepared(30)
            texts.append([message.text for message in thread.messages()])
        made.close()
    assert texts[0] == texts[1]


def test_preparing_stops_for_whoever_generates_and_when_it_is_closed():
    made = backend(chunk=1)
    talk = Talk(made, Message.user(tiny.text(400)))
    made.prepare(talk.request())
    other = Talk(made, Message.user("hello"), thread="other")
    other.ask("so?", 30)
    made.close()
    warmed = made.engine.counts.warmed
    time.sleep(0.05)
    assert made.engine.counts.warmed == warmed
    assert not any(lane.busy for lane in made.engine.shelf.lanes)
    made.prepare(talk.request())
    assert made.wait_until_prepared(1)
    with pytest.raises(BackendError, match="is closed"):
        talk.ask("so?")
    assert not [t for t in threading.enumerate() if t.name == "memex-hf-warming"]


def test_a_user_never_waits_for_what_is_prepared_behind_another_ones_answer():
    made = backend()
    other = Talk(made, Message.user("hello"), thread="other")
    reading = made.stream(other.request(50))
    next(reading)
    next(reading)  # it stays in the middle of an answer: nothing is prepared meanwhile
    talk = Talk(made, Message.user(tiny.text(200)))
    made.prepare(talk.request())
    asking = threading.Thread(target=talk.ask, args=("so?",), daemon=True)
    asking.start()
    asking.join(20)
    assert not asking.is_alive()
    reading.close()
    made.close()


def test_ids_serve_another_process_that_opens_the_same_store():
    first, second = backend(), backend()
    kept = memory(first)
    for question in ("why?", "and the door?"):
        kept.thread("t").send(question, max_new_tokens=9)
    messages = list(Memex(kept.store, backend=second, chain=[]).thread("t").messages())
    prompt = second._prompts.prompt([*messages, Message.user("so?")])
    assert (prompt.exact, prompt.remade) == (2, 0)
    assert prompt.ids[:40] == first._prompts.prompt([*messages, Message.user("so?")]).ids[:40]


def test_an_answer_says_how_many_earlier_ones_the_template_shows_otherwise():
    talk = Talk(backend(), Message.user("why?"))
    talk.ask("so?")
    changed = talk.messages[-1].replace(parts=Message.user("not that").parts)
    talk.messages[-1] = changed
    talk.ask("and?")
    assert talk.messages[-1].extra["hf:prompt"] == {"exact": 0, "remade": 1}


def test_what_is_forgotten_is_in_no_key_no_value_and_no_text():
    made = backend(dtype=torch.float64)
    with memory(made) as kept:
        thread = kept.thread("t")
        seq = thread.send("the secret door", max_new_tokens=9).entry.seq
        other = Talk(made, Message.user("hello"), thread="other")
        other.messages.append(Message.assistant("hm"))
        other.messages.append(Message.user("so?"))
        reading = made.stream(other.request(12))
        next(reading), next(reading)
        thread.forget([seq - 1])
        assert made.engine.shelf.nbytes == 0
        assert not list(made.engine.shelf.tree.nodes())
        assert not [piece for piece, _ in made._words._encoded if "secret" in piece]
        finish = list(reading)[-1]  # who was reading reads on
        assert finish.finish == "length"
        assert made.engine.shelf.nbytes == 0, "and leaves nothing behind"
        thread.send("and now?", max_new_tokens=9)
        assert made.engine.shelf.nbytes > 0


# -- taking turns ------------------------------------------------------------------------------------


def test_whoever_waits_longest_is_next():
    turnstile = Turnstile()
    order = []

    def pass_through(number):
        with turnstile:
            order.append(number)

    with turnstile:
        threads = []
        for number in range(6):
            threads.append(threading.Thread(target=pass_through, args=(number,)))
            threads[-1].start()
            while len(turnstile._waiting) <= number:
                time.sleep(0.001)
        assert turnstile.wanted
    for thread in threads:
        thread.join()
    assert order == list(range(6))
    assert not turnstile.wanted
    with turnstile:
        pass


# -- the door ----------------------------------------------------------------------------------------


def test_the_door_answers_plain_messages_and_computes_only_what_is_new():
    model, tokenizer = tiny.model(dtype=torch.float64), tiny.tokenizer()
    cache = memex_hf.Cache("64MiB")
    messages = [{"role": "system", "content": tiny.text(20)}]
    for turn in range(3):
        messages.append({"role": "user", "content": tiny.text(5, turn)})
        kept = memex_hf.generate(model, tokenizer, messages, cache=cache, max_new_tokens=10)
        assert kept.usage.output_tokens == 10
        assert (kept.usage.input_tokens < 40) == (turn > 0)
        messages.append(kept.message)
    with pytest.raises(BadRequest, match="another model"):
        memex_hf.generate(tiny.model("qwen"), tokenizer, messages, cache=cache)
    alone = memex_hf.generate(model, tokenizer, messages[:2], max_new_tokens=10)
    assert alone.message == messages[2]


# -- opening -----------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    tiny.model().save_pretrained(tmp_path)
    tiny.tokenizer().save_pretrained(tmp_path)
    return tmp_path


def test_a_folder_is_opened_by_name_and_loaded_once(folder):
    spec = {"use": f"hf:{folder}", "device": "cpu", "generation": {"max_new_tokens": 5}, "kv_budget": "32MB"}
    stores = [memory(None).store for _ in range(2)]
    with Memex(stores[0], backend=spec, chain=[]) as one, Memex(stores[1], backend=spec) as two:
        reply = one.thread("t").send("why?")
        assert isinstance(one.backend, HF)
        assert one.backend.engine is two.backend.engine
        assert reply.usage.output_tokens == 5
        assert reply.message.origin.provider == "hf"
        assert one.backend.engine.shelf.budget == 32_000_000
        assert one.backend.capabilities.context_tokens == 8192
        assert one.backend.capabilities.tools
    assert opening._LOADED == {}


def test_what_cannot_be_loaded_says_so_in_one_line(folder, tmp_path):
    with pytest.raises(ConfigError, match="cannot be loaded") as caught:
        opening.hf(str(tmp_path / "nowhere"))
    assert "\n" not in str(caught.value)
    with pytest.raises(ConfigError, match="dtype is 'float12'"):
        opening.hf(str(folder), dtype="float12")
    with pytest.raises(BadRequest, match="no setting 'warmth'"):
        opening.hf(str(folder), generation={"warmth": 1})


def test_a_missing_torch_says_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "torch" else object())
    with pytest.raises(ConfigError, match=r"^hf: torch not installed; pip install torch$"):
        opening.hf("any")


@pytest.mark.parametrize(
    ("told", "size"), [("4GiB", 2**32), ("1.5 MB", 1_500_000), (7, 7), ("7", 7), ("2kib", 2048)]
)
def test_sizes_are_read(told, size):
    assert read_bytes(told) == size


@pytest.mark.parametrize("told", ["", "GiB", "4 elephants", "-1", "1.2.3"])
def test_what_is_no_size_is_refused(told):
    with pytest.raises(BadSetting, match="kv_budget is"):
        read_bytes(told)


# -- counting ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("turns", [1, 2, 5])
def test_the_counter_is_never_below_what_is_sent(turns):
    made = backend()
    counter = HFCounter(made._words)
    talk = Talk(made, Message.system(tiny.text(9)))
    for turn in range(turns):
        talk.ask(tiny.text(7, turn))
    counted = sum(counter.count_message(message) for message in talk.messages[:-1])
    assert talk.usage.prompt_tokens <= counted <= talk.usage.prompt_tokens + 9 * turns
    assert 0 < counter.count_message(Message.assistant([])) < 20, "an answer of nothing but control tokens"
    tools = [Tool("look", "Looks it up.")]
    assert counter.count_tools(tools) > 10 > counter.count_tools([])
    assert counter.count_text("the lighthouse") == 3
