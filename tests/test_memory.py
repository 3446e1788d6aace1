"""Memex: what it takes, what it refuses, filters, forks, pins, settings."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from doubles import Scripted, evict

from memex import (
    BadSetting,
    ConfigError,
    FilterFailed,
    InvalidMessage,
    Memex,
    Message,
    MessageVetoed,
    Provider,
    RateLimited,
    StoreUnavailable,
    UnknownMessage,
    UnknownProvider,
    UnknownThread,
    hookimpl,
)
from memex._settings import load_settings

FILTERS: list[object] = []


def make_filter():
    return FILTERS[-1]


class FilterPlugin:
    @hookimpl
    def memex_filters(self):
        return [Provider("test-filter", f"{__name__}:make_filter", "for this test")]


@pytest.fixture
def filtered(open_memory):
    def opening(function, **settings):
        FILTERS.append(function)
        return open_memory(plugins=[FilterPlugin()], **settings)

    return opening


def test_a_filter_may_alter_a_message(filtered):
    memory = filtered(lambda thread, m: m.replace(parts=Message.user(m.text.upper()).parts))
    thread = memory.thread("t")
    thread.append("hi")
    assert [m.text for m in thread.messages()] == ["HI"]


def test_a_filter_may_veto_and_the_message_is_handed_back(filtered):
    thread = filtered(lambda thread, m: None).thread("t")
    with pytest.raises(MessageVetoed, match="test-filter") as caught:
        thread.append("secret")
    assert caught.value.message.text == "secret"
    assert list(thread.messages()) == []


@pytest.mark.parametrize(
    "function",
    [
        lambda thread, m: 1 / 0,
        lambda thread, m: "text",
        lambda thread, m: Message.user(m.text),
        lambda thread, m: m.meta.update(x=1),
    ],
)
def test_a_filter_that_fails_stops_the_message_and_is_named(filtered, function):
    memory = filtered(function)
    thread = memory.thread("t")
    with pytest.raises(FilterFailed, match="test-filter") as caught:
        thread.append(Message.user("precious", meta={"a": 1}))
    assert caught.value.message.text == "precious"
    assert caught.value.message.meta == {"a": 1}
    assert list(thread.messages()) == []
    assert "filter" in [problem.stage for problem in memory.problems]


def test_a_batch_with_a_vetoed_message_is_not_stored_half(filtered):
    thread = filtered(lambda thread, m: m if m.text != "bad" else None).thread("t")
    with pytest.raises(MessageVetoed):
        thread.append([Message.user("good"), Message.user("bad")])
    assert list(thread.messages()) == []


def test_answers_are_filtered_too(filtered):
    memory = filtered(lambda thread, m: None if m.role == "assistant" else m, backend=Scripted())
    thread = memory.thread("t")
    with pytest.raises(MessageVetoed) as caught:
        thread.send("hi")
    assert caught.value.message.text == "fine"
    assert [m.role for m in thread.messages()] == ["user"]


@pytest.mark.parametrize(
    ("settings", "error", "match"),
    [
        ({"store": "nowhere:"}, UnknownProvider, "nowhere"),
        ({"store": {"path": "x"}}, ConfigError, "use"),
        ({"store": {"use": "inmemory", "pth": "x"}}, BadSetting, "unexpected setting 'pth'"),
        ({"chain": ["nothing"]}, UnknownProvider, "nothing"),
        ({"chain": "fifo"}, ConfigError, "list of policies"),
        ({"chain": [{"use": "fifo", "low_watr": 1}]}, BadSetting, "low_watr"),
        ({"backend": "nobody"}, UnknownProvider, "nobody"),
        ({"budget": 0}, ConfigError, "budget"),
        ({"budget": "many"}, ConfigError, "budget"),
        ({"budget": 100, "answer_tokens": 100}, ConfigError, "answer_tokens"),
        ({"on_error": "shrug"}, ConfigError, "shrug"),
        ({"order": ["nothing"]}, BadSetting, "nothing"),
        ({"namespace": ""}, InvalidMessage, "namespace"),
        ({"counter": "abacus"}, UnknownProvider, "abacus"),
    ],
)
def test_settings_that_make_no_sense_are_refused_at_once(settings, error, match):
    with pytest.raises(error, match=match):
        Memex(settings.pop("store", "inmemory:"), **settings)


def test_a_thread_is_opened_or_created_or_refused(open_memory):
    memory = open_memory()
    with pytest.raises(UnknownThread):
        memory.thread("t", create=False)
    memory.thread("t")
    assert memory.thread("t", create=False).id == "t"
    assert [info.id for info in memory.threads()] == ["t"]
    for bad in ("", "a\x00b", "x" * 2000, "\ud800", "new\nline"):
        with pytest.raises(InvalidMessage):
            memory.thread(bad)


def test_append_takes_text_messages_and_openai_shaped_dicts(open_memory):
    thread = open_memory().thread("t")
    thread.append("one")
    thread.append(Message.assistant("two"))
    thread.append({"role": "user", "content": "three"})
    thread.append([{"role": "assistant", "content": "four"}, Message.user("five")])
    assert [m.text for m in thread.messages()] == ["one", "two", "three", "four", "five"]
    assert next(m.text for m in thread.messages(reverse=True)) == "five"
    for bad in (42, [42], {"content": "no role"}, {"role": "user"}, Message.user("\ud800")):
        with pytest.raises(InvalidMessage):
            thread.append(bad)
    with pytest.raises(InvalidMessage, match="message 1"):
        thread.append([{"role": "user", "content": "fine"}, {"role": "user"}])
    assert thread.info.head == 5


def test_appending_a_message_again_stores_and_tells_it_once(open_memory):
    told = []

    class Listener:
        @hookimpl
        def memex_message_stored(self, thread, entry):
            told.append(entry.seq)

    thread = open_memory(plugins=[Listener()]).thread("t")
    message = Message.user("hi")
    first = thread.append(message)
    assert thread.append(message) == first
    assert told == [1]


def test_forks_without_a_name_get_names_of_their_own(open_memory):
    memory = open_memory()
    thread = memory.thread("t")
    names = {thread.fork().id for _ in range(50)}
    assert len(names) == 50
    assert all(name.startswith("t-") for name in names)


def test_a_fork_shares_the_past_and_goes_its_own_way(open_memory):
    memory = open_memory(backend=Scripted(), budget=60, answer_tokens=10)
    thread = memory.thread("t")
    for i in range(6):
        thread.send(f"question {i}")
    thread.pin(1)
    fork = thread.fork("other", at=8)
    fork.send("elsewhere")
    thread.send("here")
    assert [m.text for m in fork.messages()][:8] == [m.text for m in thread.messages()][:8]
    assert [m.text for m in fork.messages()][8:] == ["elsewhere", "fine"]
    assert fork.pins == (1,)
    assert fork.info.parent == "t"
    assert fork.plan().opened.after_plan is not None
    assert all(r.same for r in fork.replay())
    with pytest.raises(UnknownMessage):
        thread.fork(at=99)
    assert list(thread.fork(at=0).messages()) == []


def test_forget_erases_and_the_window_goes_on(open_memory):
    thread = open_memory(backend=Scripted()).thread("t")
    thread.append([Message.user("my password is tulip"), Message.assistant("noted")])
    thread.window()
    receipt = thread.forget([1])
    assert receipt.messages == (1,)
    assert "tulip" not in str(list(thread.messages()))
    assert [e.seq for e in thread.window().entries] == [2]
    assert thread.explain(1).fate == "forgotten"
    thread.forget()
    assert list(thread.memex.threads()) == []


def test_a_thread_may_have_its_own_chain_and_budget(open_memory):
    memory = open_memory(budget=1_000)
    assert memory.thread("t", answer_tokens=10).budget.prompt == 990
    assert memory.thread("t", budget=500).budget.total == 500
    assert [link.name for link in memory.thread("t", chain=["fifo"]).chain] == ["fifo"]
    assert [link.name for link in memory.thread("t").chain] == ["evict"]


def test_pins_of_many_threads_are_all_kept(open_memory):
    thread = open_memory().thread("t")
    thread.append([Message.user(str(number)) for number in range(40)])
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(thread.pin, range(1, 41)))
    assert thread.pins == tuple(range(1, 41))


def test_listeners_are_told_of_what_happens_in_its_order(open_memory):
    told = []

    class Listener:
        @hookimpl
        def memex_thread_opened(self, thread):
            told.append(("opened", thread.id))

        @hookimpl
        def memex_message_stored(self, entry):
            told.append(("stored", entry.message.text))

        @hookimpl
        def memex_window_built(self, window):
            told.append(("window", window.plan.number))

        @hookimpl
        def memex_reply_received(self, reply):
            told.append(("reply", reply.text))

        @hookimpl
        def memex_call_failed(self, error):
            told.append(("failed", type(error).__name__))

        @hookimpl
        def memex_messages_forgotten(self, receipt):
            told.append(("forgotten", receipt.messages))

    backend = Scripted()
    memory = open_memory(plugins=[Listener()], backend=backend)
    thread = memory.thread("t")
    thread.send("hi")
    backend.events = (RateLimited("no"),)
    with pytest.raises(RateLimited):
        thread.send("ho")
    thread.forget()
    memory.thread("t")
    assert told == [
        ("opened", "t"),
        ("stored", "hi"),
        ("window", 1),
        ("stored", "fine"),
        ("reply", "fine"),
        ("stored", "ho"),
        ("window", 2),
        ("failed", "RateLimited"),
        ("forgotten", (1, 2, 3)),
        ("opened", "t"),
    ]


def test_namespaces_do_not_see_each_other(open_memory):
    memory = open_memory()
    other = open_memory(store=memory.store.within("other"))
    memory.thread("t").append("mine")
    other.thread("t").append("theirs")
    assert [m.text for m in memory.thread("t").messages()] == ["mine"]
    assert memory.thread("t").search("theirs") == []


def test_order_moves_policies_and_chain_is_exact(open_memory):
    names = [link.name for link in Memex("inmemory:").chain]
    assert names == ["recall", "fifo"]
    moved = Memex("inmemory:", order=["fifo"])
    assert [link.name for link in moved.chain] == ["fifo", "recall"]
    assert next(iter(moved.chain)).why == "the order setting puts it here"
    exact = Memex("inmemory:", chain=["fifo", {"use": "fifo", "low_water": 0.2}, evict])
    assert [link.name for link in exact.chain] == ["fifo", "fifo", "evict"]


def test_settings_come_from_the_file_then_the_environment_then_the_call(tmp_path, monkeypatch):
    (tmp_path / "memex.toml").write_text(
        'store = "inmemory:"\nbudget = 500\nchain = ["recall", {use = "fifo", low_water = 0.3}]\n'
    )
    (tmp_path / "deep").mkdir()
    with Memex.from_settings(str(tmp_path / "deep")) as memory:
        assert memory.budget.total == 500
        assert [link.name for link in memory.chain] == ["recall", "fifo"]
    monkeypatch.setenv("MEMEX_BUDGET", "700")
    monkeypatch.setenv("MEMEX_CHAIN", "fifo")
    with Memex.from_settings(str(tmp_path), answer_tokens=10) as memory:
        assert (memory.budget.total, memory.budget.answer) == (700, 10)
        assert [link.name for link in memory.chain] == ["fifo"]


def test_a_relative_store_in_a_file_stands_beside_the_file(tmp_path):
    (tmp_path / "memex.toml").write_text('store = "sqlite:chats.db"\n')
    assert load_settings(str(tmp_path), {})["store"] == f"sqlite:{tmp_path / 'chats.db'}"


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("budjet = 3", "budjet"),
        ("budget = 'x'", "budget = 'x' is of the wrong type; it must be a whole number"),
        ("chain = 'fifo'", "a list in square brackets"),
        ("store = 3", "a name in quotes or a table"),
        ("= 3", "not TOML"),
        ("budget = true", "budget"),
    ],
)
def test_a_wrong_settings_file_is_named(tmp_path, text, match):
    (tmp_path / "memex.toml").write_text(text)
    with pytest.raises(ConfigError, match=match) as caught:
        load_settings(str(tmp_path), {})
    assert "memex.toml" in str(caught.value)


def test_a_settings_file_may_begin_with_a_byte_order_mark(tmp_path):
    (tmp_path / "memex.toml").write_text("budget = 700\n", encoding="utf-8-sig")
    assert load_settings(str(tmp_path), {})["budget"] == 700


def test_an_empty_variable_is_none(tmp_path):
    (tmp_path / "memex.toml").write_text("budget = 700\n")
    assert load_settings(str(tmp_path), {"MEMEX_BUDGET": "", "MEMEX_STORE": ""}) == load_settings(
        str(tmp_path), {}
    )


def test_a_wrong_environment_is_named(tmp_path):
    with pytest.raises(ConfigError, match="MEMEX_BUDGET"):
        load_settings(str(tmp_path), {"MEMEX_BUDGET": "lots"})


# -- closing ---------------------------------------------------------------------------------------


def test_plugins_finish_before_the_store_is_closed(open_memory):
    memory = open_memory()
    memory.thread("t").append("one")
    seen: list[object] = []
    memory.on_close(lambda: seen.append(memory.thread("t").info.head))
    memory.on_close(lambda: seen.append("asked last"))
    memory.close()
    memory.close()
    assert seen == ["asked last", 1]


def test_what_fails_while_closing_keeps_nothing_open(open_memory):
    memory = open_memory()
    seen: list[str] = []
    memory.on_close(lambda: seen.append("the others are called"))
    memory.on_close(lambda: (_ for _ in ()).throw(RuntimeError("broken")))
    with pytest.raises(RuntimeError, match="broken"):
        memory.close()
    assert seen == ["the others are called"]
    with pytest.raises(StoreUnavailable):
        memory.thread("t")
