"""The contract of policies fails where it should: each bad policy is caught by the test meant for it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from memex import BudgetExceeded, Change, Derived, Entry, Message, PolicyFailed, PolicyViolation, Window
from memex.testing import PolicyContract, evict_oldest


def contract(policy: Callable[[], Callable[[Window], Window]]) -> PolicyContract:
    class Contract(PolicyContract):
        def make_policy(self):
            return policy()

    return Contract()


def test_a_good_policy_passes():
    good = contract(lambda: evict_oldest)
    for name in dir(good):
        if name.startswith("test_"):
            getattr(good, name)()


def test_doing_nothing_is_caught():
    with pytest.raises(AssertionError, match="returned the window as it was given"):
        contract(lambda: lambda window: window).test_it_differs_from_doing_nothing()


def test_a_prefix_that_moves_at_every_turn_is_caught():
    def drop_second(window: Window) -> Window:
        return window.drop(window.droppable[1:2], reason="bored")

    with pytest.raises(AssertionError, match="tokens were fresh"):
        contract(lambda: drop_second).test_few_tokens_are_fresh()


def test_a_reason_that_is_no_code_is_caught():
    def chatty(window: Window) -> Window:
        return window.drop(window.droppable[:1], reason="I did not like it.")

    with pytest.raises(AssertionError, match="no short code"):
        contract(lambda: chatty).test_every_change_has_a_reason()


def test_a_policy_that_counts_its_calls_is_caught():
    def make() -> Callable[[Window], Window]:
        calls = itertools.count()
        return lambda window: window.drop(window.droppable[: next(calls)], reason="more-and-more")

    with pytest.raises(AssertionError, match="comes out differently"):
        contract(make).test_plans_replay_byte_for_byte()
    with pytest.raises(AssertionError):
        contract(make).test_threads_do_not_mix()


def test_half_an_exchange_is_caught():
    def split(window: Window) -> Window:
        results = {e.seq for e in window.droppable if e.message.role == "tool"}
        items = tuple(i for i in window.items if not (isinstance(i, Entry) and i.seq in results))
        dropped = window.drop([e for e in window.entries if e.seq in results], reason="no-tools")
        return dropped.replace(items=items)

    with pytest.raises(PolicyViolation) as caught:
        contract(lambda: split).test_the_budget_is_kept_at_every_turn()
    assert caught.value.law == "tool-pair"


def test_rewriting_a_message_is_caught():
    def shout(window: Window) -> Window:
        last = window.entries[-1]
        loud = Entry(last.seq, Message.user(last.message.text.upper()), last.tokens, last.counter)
        return window.replace(items=(*window.items[:-1], loud))

    with pytest.raises(PolicyViolation) as caught:
        contract(lambda: shout).test_the_log_is_untouched()
    assert caught.value.law == "log"


def test_dropping_a_pin_is_caught():
    def forgetful(window: Window) -> Window:
        return window.drop(window.entries[:-1], reason="old")

    with pytest.raises(PolicyViolation) as caught:
        contract(lambda: forgetful).test_what_is_protected_stays()
    assert caught.value.law == "protected"


def test_crashing_on_an_empty_window_is_caught():
    def hasty(window: Window) -> Window:
        return window.recall([window.entries[0]])

    with pytest.raises(PolicyFailed):
        contract(lambda: hasty).test_it_takes_windows_without_words()


def test_filling_the_window_with_quotes_is_caught():
    def greedy(window: Window) -> Window:
        outside = (
            entry for entry in window.log.entries(roles=("user", "assistant")) if entry.seq not in window
        )
        return window.recall(outside, reason="everything")

    with pytest.raises(BudgetExceeded):
        contract(lambda: greedy).test_the_budget_is_kept_at_every_turn()


def block_of(window: Window, text: str, **fields: Any) -> Window:
    """Return a window with a block that a policy wrote by itself."""
    message = Message.user(f"Quoted:\n> {text}")
    block = Derived("recall", message, (), window.counter.count_message(message), **fields)
    change = Change(kind="recall", seqs=(), reason="by-hand", tokens=block.tokens)
    return window.changed((*window.items[:-1], block, window.items[-1]), change)


def test_a_cache_of_what_other_threads_said_is_caught():
    def make() -> Callable[[Window], Window]:
        kept: dict[int, Entry] = {}

        def remembers(window: Window) -> Window:
            for log in window.log.others(["older"]):
                kept.update((entry.seq, entry) for entry in log.entries(log.head))
                last = max(kept)
                if kept[last].seq <= log.head and window.newest:
                    seqs = (("older", ((last, last),)),)
                    return block_of(window, kept[last].message.text, elsewhere=seqs)
            return window

        return remembers

    with pytest.raises(AssertionError, match="was forgotten"):
        contract(make).test_what_another_thread_forgot_is_in_no_later_window()


def test_quotes_that_other_threads_do_not_hold_are_caught():
    def invents(window: Window) -> Window:
        (log, *_) = window.log.others()
        return block_of(window, "Nobody said so.", elsewhere=((log.thread, ((2, 2),)),))

    with pytest.raises(AssertionError, match="no quote of #2 of older"):
        contract(lambda: invents).test_what_threads_share_is_not_said_twice()


def test_a_policy_that_reads_on_in_other_threads_is_caught():
    def make() -> Callable[[Window], Window]:
        calls = itertools.count(2)
        return lambda window: window.recall(
            [], elsewhere={log.thread: log.at([next(calls)]) for log in window.log.others(["older"])}
        )

    with pytest.raises(AssertionError, match="comes out differently"):
        contract(make).test_plans_replay_when_other_threads_go_on()
