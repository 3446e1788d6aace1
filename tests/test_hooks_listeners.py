"""Listeners: told one by one, fail open, cannot change what they are told, and cost little."""

from __future__ import annotations

import sys
import types
from datetime import UTC, datetime

import pytest

import memex
from memex import Entry, Memex, MemexError, Message, Receipt, Text, ThreadInfo, ToolCall, ToolResult
from memex._hooks import LISTENERS, Hooks
from memex._loader import discover, load
from memex.testing import ScratchStore

THREAD = ThreadInfo("t", 0, datetime(2026, 1, 1, tzinfo=UTC))
ENTRY = Entry(1, Message.user("hello", id="m1", meta={"list": [1, {"deep": 2}]}))
RECEIPT = Receipt("t", (1,), False, {"messages": 1})


class Reply:
    """Stands for a reply: listeners are only handed it."""

    message = ENTRY.message
    usage = plan = None


EVENTS = {
    "thread_opened": (THREAD,),
    "message_stored": ("t", ENTRY),
    "window_built": ("t", "a window"),
    "reply_received": ("t", Reply),
    "call_failed": ("t", MemexError("no answer")),
    "messages_forgotten": ("t", RECEIPT),
}


def hooks_for(*plugins):
    installed = [point for point in discover() if point.distribution.startswith("memex-fake")]
    return Hooks(load(entry_points=installed, extra=plugins))


def listener(name, function, **options):
    module = types.ModuleType(name)
    setattr(module, function.__name__, memex.hookimpl(function, **options))
    return module


@pytest.fixture(autouse=True)
def _not_strict(monkeypatch):
    monkeypatch.delenv("MEMEX_STRICT", raising=False)


def tell_all(hooks):
    for event, arguments in EVENTS.items():
        getattr(hooks, event)(*arguments)


def test_every_listener_hook_has_a_method_and_is_told(fakes):
    fakes("good")
    assert {f"memex_{event}" for event in EVENTS} == set(LISTENERS)
    hooks = hooks_for()
    tell_all(hooks)
    assert [
        ("thread_opened", "t"),
        ("message_stored", 1),
        ("window_built", "t"),
        ("reply_received", Reply),
        ("call_failed", "no answer"),
        ("messages_forgotten", (1,)),
    ] == sys.modules["memex_fake_good"].TOLD
    assert hooks.problems == []


def test_listening_can_be_asked_for():
    def memex_message_stored(entry): ...

    hooks = hooks_for(listener("own", memex_message_stored))
    assert hooks.listens("message_stored")
    assert not hooks.listens("window_built")


def test_a_listener_that_raises_is_named_and_the_others_are_told(fakes, caplog):
    fakes("good", "raises_in_listener")
    hooks = hooks_for()
    tell_all(hooks)
    assert len(sys.modules["memex_fake_good"].TOLD) == len(EVENTS)
    found = [problem for problem in hooks.problems if problem.stage == "listener"]
    assert [problem.message for problem in found] == [
        "memex_thread_opened raised RuntimeError: listener: thread_opened",
        "memex_message_stored raised RuntimeError: listener: message_stored",
        "memex_window_built raised RuntimeError: listener: window_built",
        "memex_reply_received raised SystemExit: listener: reply_received",
        "memex_call_failed raised MemexError: no answer",
        "memex_messages_forgotten raised RuntimeError: listener: messages_forgotten",
    ]
    assert {str(problem).partition(",")[0] for problem in found} == {
        "fake-listener (memex-fake-listener 1.0)"
    }
    assert caplog.text.count("fake-listener (memex-fake-listener 1.0), listener: ") == len(EVENTS)


def test_strict_raises_and_names_the_plugin(fakes, monkeypatch):
    fakes("raises_in_listener")
    hooks = hooks_for()
    monkeypatch.setenv("MEMEX_STRICT", "1")
    with pytest.raises(RuntimeError, match="listener: message_stored") as caught:
        hooks.message_stored("t", ENTRY)
    assert caught.value.__notes__ == [
        "memex plugin fake-listener (memex-fake-listener 1.0), stage: listener, hook: memex_message_stored"
    ]


def test_an_interrupt_is_not_swallowed():
    def memex_message_stored(entry):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hooks_for(listener("own", memex_message_stored)).message_stored("t", ENTRY)


def test_the_same_problem_is_written_down_once_and_different_ones_up_to_a_limit():
    count = iter(range(10_000))

    def memex_message_stored(thread):
        raise RuntimeError("always the same" if thread == "t" else f"number {next(count)}")

    hooks = hooks_for(listener("own", memex_message_stored))
    for _ in range(3):
        hooks.message_stored("t", ENTRY)
    assert len(hooks.problems) == 1
    for _ in range(1200):
        hooks.message_stored("other", ENTRY)
    assert len(hooks.problems) == 1000


def test_listeners_are_told_in_hook_order_and_get_what_they_name():
    told = []

    def make(name, **options):
        def memex_message_stored(entry, unknown="default", thread="never"):
            told.append((name, thread, entry.seq, unknown))

        return listener(name, memex_message_stored, **options)

    hooks_for(make("b"), make("c"), make("a", trylast=True), make("z", tryfirst=True)).message_stored(
        "t", ENTRY
    )
    assert told == [(name, "t", 1, "default") for name in ("z", "b", "c", "a")]


def test_a_wrapper_around_a_listener_is_run_to_its_end():
    told = []

    def memex_message_stored(entry):
        told.append("before")
        yield
        told.append("after")

    hooks = hooks_for(listener("own", memex_message_stored, wrapper=True))
    hooks.message_stored("t", ENTRY)
    assert told == ["before", "after"]
    assert hooks.problems == []


def test_no_listener_can_change_what_it_is_told(fakes):
    fakes("mutates_its_input")
    hooks = hooks_for()
    call = ToolCall(id="c", name="f", arguments='{"a": 1}')
    result = ToolResult(call_id="c", parts=(Text("out"),))
    message = Message.of("user", [Text("hello"), call, result], id="m1", meta={"list": [1, {"deep": 2}]})
    entry = Entry(1, message)
    before = memex.encode_message(message)
    hooks.message_stored("t", entry)
    hooks.messages_forgotten("t", RECEIPT)
    fake = sys.modules["memex_fake_mutates"]
    assert len(fake.TRIED) > 30
    assert fake.SUCCEEDED == []
    assert memex.encode_message(message) == before
    assert entry.message is message
    assert RECEIPT.places == {"messages": 1}


# -- what listeners erased of their own ---------------------------------------------------------


def erasing(name, answer, **options):
    def memex_messages_forgotten(receipt):
        if isinstance(answer, Exception):
            raise answer
        return answer(receipt) if callable(answer) else answer

    return listener(name, memex_messages_forgotten, **options)


def test_counts_of_what_plugins_erased_are_named_after_them():
    hooks = hooks_for(
        erasing("meaning", lambda receipt: {"vectors": len(receipt.messages), "cache": 0}),
        erasing("audit", {"vectors": 7}),
        erasing("silent", None),
        erasing("nothing", {}),
        erasing("frozen", types.MappingProxyType({"copies": 2})),
    )
    assert hooks.messages_forgotten("t", RECEIPT) == {
        "meaning: vectors": 1,
        "meaning: cache": 0,
        "audit: vectors": 7,
        "frozen: copies": 2,
    }
    assert hooks.problems == []
    assert RECEIPT.places == {"messages": 1}


@pytest.mark.parametrize(
    "junk",
    [
        RuntimeError("fell over"),
        SystemExit(3),
        3,
        "vectors",
        ["vectors", 3],
        {"vectors": "many"},
        {"vectors": 1.5},
        {"vectors": True},
        {"vectors": -1},
        {1: 1},
        {"fine": 1, "vectors": None},
        object(),
    ],
    ids=repr,
)
def test_an_account_that_is_junk_is_reported_and_loses_nothing(junk):
    answer = (lambda _: junk) if not isinstance(junk, BaseException) else junk
    if isinstance(junk, SystemExit):

        def answer(_):
            raise junk

    hooks = hooks_for(erasing("first", {"a": 1}), erasing("junk", answer), erasing("last", {"b": 2}))
    assert hooks.messages_forgotten("t", RECEIPT) == {"first: a": 1, "last: b": 2}
    (problem,) = hooks.problems
    assert (problem.plugin, problem.stage) == ("junk", "listener")
    assert problem.message.startswith("memex_messages_forgotten raised ")


def test_a_wrapper_around_forgetting_counts_nothing():
    def memex_messages_forgotten(receipt):
        yield
        return {"made up": 9}

    hooks = hooks_for(erasing("own", {"a": 1}), listener("around", memex_messages_forgotten, wrapper=True))
    assert hooks.messages_forgotten("t", RECEIPT) == {"own: a": 1}
    assert hooks.problems == []


def test_the_receipt_of_a_thread_holds_what_plugins_erased():
    told = []

    def second(receipt):
        told.append(dict(receipt.places))
        return {"lines": 2}

    plugins = [erasing("meaning", {"vectors": 1}), erasing("audit", second), erasing("bad", 3)]
    with Memex(ScratchStore(), chain=[], plugins=plugins) as memory:
        thread = memory.thread("t")
        thread.append("hello")
        receipt = thread.forget([1])
        assert dict(receipt.places) == {"messages": 1, "meaning: vectors": 1, "audit: lines": 2}
        assert receipt.messages == (1,)
        assert [message.status for message in thread.messages()] == ["forgotten"]
        assert [problem.plugin for problem in memory.problems if problem.stage == "listener"] == ["bad"]
    assert told == [{"messages": 1}], "nobody is told of another plugin's account"
