"""Beside other threads: a policy may ask for them, and every law holds all the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from memex._memex import Memex
from memex._message import Message
from memex._quoting import neutral
from memex._serial import encode_message
from memex._terms import searchable_text
from memex._thread import Thread
from memex._window import Window
from memex.testing._talks import FACT, QUESTION, long_talk

Policy = Callable[[Window], Window]


class BesideOthers:
    """What holds for a policy in a namespace of several threads, whether it looks at them or not."""

    def _memory(self, chain: Iterable[Policy] | None = None) -> Memex:
        raise NotImplementedError

    def test_plans_replay_when_other_threads_go_on(self) -> None:
        """A plan keeps where the others ended, so that it can be made again when they went on."""
        threads = self._several()
        mine = threads["mine"]
        for number in range(3):
            mine.append(f"{QUESTION} ({number})")
            self._check(mine.window(), threads)
            for name, thread in threads.items():
                if name != "mine":
                    thread.append([Message.user(f"{FACT} So it was said for the {number}. time.")])
        mine.memex.thread("late").append(FACT)
        different = [str(replayed) for replayed in mine.replay() if not replayed.same]
        assert not different, "\n".join(different)

    def test_what_threads_share_is_not_said_twice(self) -> None:
        """A fork and what it was forked from hold the same messages."""
        threads = self._several()
        threads["again"] = threads["mine"].fork("again")
        threads["again"].append("So far, so good.")
        for name in ("mine", "fork", "again"):
            self._check(threads[name].window(QUESTION), threads)

    def test_what_another_thread_forgot_is_in_no_later_window(self) -> None:
        """No cache keeps it, and plans hold no text."""
        threads = self._several()
        (entry,) = threads["older"].append("Ottoline's lighthouse door: the word is xyzzy.")
        mine = threads["mine"]
        mine.window(QUESTION)
        threads["older"].forget([entry.message.id])
        window = mine.window(QUESTION)
        self._check(window, threads)
        threads["newest"].forget()
        del threads["newest"]
        self._check(mine.window(QUESTION), threads)
        assert not any("xyzzy" in searchable_text(message) for message in window.messages)
        for plan in mine.memex.store.plans("mine"):
            for words in (b"xyzzy", b"vermilion"):
                assert words not in plan.body, f"plan {plan.number} holds text of a message"

    # -- what the tests share ------------------------------------------------------------------

    def _several(self) -> dict[str, Thread]:
        """Return threads of one namespace; most hold the fact, and one is a fork."""
        memory = self._memory()
        threads = {name: memory.thread(name) for name in ("older", "mine")}
        threads["older"].append([Message.system("You guard the key."), *long_talk(10, seed=7)[1:]])
        threads["mine"].append(long_talk(30))
        threads["fork"] = threads["older"].fork("fork", at=12)
        threads["newest"] = memory.thread("newest")
        threads["fork"].append([Message.user(f"{FACT} She said it twice.")])
        threads["newest"].append([Message.user(FACT), Message.assistant("Noted.")])
        return threads

    def _check(self, window: Window, threads: dict[str, Thread]) -> None:
        """Hold what a window quotes against the logs it is from."""
        assert window.tokens <= window.limit, "the window is over its budget"
        own = {encode_message(message) for message in threads[window.log.thread].messages()}
        said = [encode_message(entry.message) for entry in window.entries]
        for derived in window.derived:
            for place in derived.places if derived.kind == "recall" else ():
                thread, seq = (window.log.thread, place) if isinstance(place, int) else place
                (entry,) = threads[thread].entries(seq, seq)
                said.append(encode_message(entry.message))
                assert entry.message.status != "forgotten", f"#{seq} of {thread} was forgotten, and is quoted"
                for line in neutral(searchable_text(entry.message)).splitlines():
                    assert f"> {line}" in derived.message.text, f"no quote of #{seq} of {thread}"
                if thread != window.log.thread:
                    assert entry.message.role not in ("system", "developer"), f"#{seq} of {thread} is a rule"
                    assert said[-1] not in own, f"#{seq} of {thread} is a message of the thread itself"
        assert len(said) == len(set(said)), "a message stands in the window more than once"
