"""What plugins do in the background: who tells them of what, who may wait for it, and when it ends."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest

from memex import ConfigError, Home, Memex, Message, Provider, Work, hookimpl, load_settings
from memex.testing import ScratchStore


class Counting:
    """Work that is done at once."""

    name, later, lasting = "counting", "count again", True

    def __init__(self) -> None:
        self.stopped = False

    def progress(self):
        return 3, 3

    def wait(self, seconds=None):
        return True

    def stop(self):
        self.stopped = True


def test_listeners_are_handed_the_thread_with_its_memory_and_chain():
    told = []

    class Listener:
        @hookimpl
        def memex_message_stored(self, thread, handle):
            told.append((thread, handle.memex, str(handle.chain)))

        @hookimpl
        def memex_messages_forgotten(self, receipt, handle=None):
            told.append((receipt.thread, handle.memex, handle.id))

    def keep(window):
        return window

    with Memex(ScratchStore(), chain=[], plugins=[Listener()]) as memory:
        memory.thread("t", chain=[keep]).append("one")
        memory.thread("t").forget()
    assert told == [("t", memory, "keep"), ("t", memory, "t")]


def test_a_listener_of_before_is_told_as_before():
    told = []

    class Listener:
        @hookimpl
        def memex_message_stored(self, thread, entry):
            told.append((thread, entry.seq))

    with Memex(ScratchStore(), chain=[], plugins=[Listener()]) as memory:
        memory.thread("t").append("one")
    assert told == [("t", 1)]
    assert memory.problems == ()


def test_work_can_be_seen():
    work = Counting()
    assert isinstance(work, Work)
    with Memex(ScratchStore(), chain=[]) as memory:
        assert memory.work == ()
        memory.add_work(work)
        assert memory.work == (work,)
        assert not work.stopped


def test_what_asks_to_be_called_while_the_memory_closes_is_called():
    seen: list[str] = []
    memory = Memex(ScratchStore(), chain=[])
    memory.on_close(lambda: memory.on_close(lambda: seen.append("late")))
    memory.close()
    assert seen == ["late"]


@pytest.mark.parametrize(("written", "read"), [("true", True), ("No", False), ("1", True), ("false", False)])
def test_the_background_is_a_setting(tmp_path, written, read):
    assert load_settings(str(tmp_path), {"MEMEX_BACKGROUND": written})["background"] is read
    (tmp_path / "memex.toml").write_text("background = false")
    settings = load_settings(str(tmp_path), {})
    with Memex(**settings | {"store": ScratchStore(), "chain": []}) as memory:
        assert memory.background is False
    assert Memex(ScratchStore(), chain=[]).background is True


def test_a_wrong_background_is_named(tmp_path):
    with pytest.raises(ConfigError, match="MEMEX_BACKGROUND='maybe' is not true or false"):
        load_settings(str(tmp_path), {"MEMEX_BACKGROUND": "maybe"})
    (tmp_path / "memex.toml").write_text("background = 1")
    with pytest.raises(ConfigError, match="background = 1 is of the wrong type; it must be true or false"):
        load_settings(str(tmp_path), {})
    (tmp_path / "memex.toml").write_text("budget = true")
    with pytest.raises(ConfigError, match="budget = True"):
        load_settings(str(tmp_path), {})


def wait_for_the_gate():
    """Make a policy when the gate is open."""
    BEGUN.set()
    assert GATE.wait(30)
    return lambda window: window


BEGUN, GATE = threading.Event(), threading.Event()


def test_appending_waits_for_no_chain_that_is_being_made():
    class Offers:
        @hookimpl
        def memex_policies(self):
            return [Provider("slow", f"{__name__}:wait_for_the_gate", "Takes its time")]

    with Memex(ScratchStore(), plugins=[Offers()]) as memory:
        memory.thread("t").append("The counter is made with the first message.")
        making = threading.Thread(target=lambda: memory.chain)
        making.start()
        assert BEGUN.wait(30)
        appending = threading.Thread(target=memory.thread("t").append, args=["one"])
        appending.start()
        appending.join(20)
        done = not appending.is_alive()
        GATE.set()
        making.join()
        appending.join()
        assert done


# -- where a thread lives --------------------------------------------------------------------------


def home(store, thread="t"):
    with Memex(store, chain=[]) as memory:
        return memory.thread(thread).log().home


def test_a_home_is_a_store_and_a_namespace():
    store = ScratchStore()
    assert isinstance(home(store), Home)
    assert home(store) is home(store)
    assert home(store) is home(store, "another")
    other = ScratchStore()
    assert home(store) is not home(other)
    assert home(store) is not home(store.within("tenant"))


def test_a_home_lives_as_long_as_its_store():
    store = ScratchStore()
    gone = weakref.ref(home(store))
    assert gone() is not None
    del store
    gc.collect()
    assert gone() is None


def test_a_store_that_cannot_be_referred_to_weakly_has_the_home_of_its_memory():
    class Slotted:
        __slots__ = ("inner",)

        def __init__(self):
            self.inner = ScratchStore()

        def __getattr__(self, name):
            return getattr(self.inner, name)

    memory = Memex(Slotted(), chain=[])
    thread = memory.thread("t")
    thread.append([Message.user("one")])
    assert thread.log().home is thread.log(0).home is memory.home
    assert thread.log().home is not Memex(Slotted(), chain=[]).thread("t").log().home
