"""importance: what it ranks, why, and what it may cost."""

from __future__ import annotations

import pytest
from memex_importance.candidates import PLACES, READ, RECENT, WORDS, candidates
from memex_importance.policy import importance

from memex import BadSetting, Memex, Message, Ranking, expand, ranker
from memex.testing import ScratchStore, evict_oldest

COLOURS = ("red", "blue", "green", "white", "black", "yellow", "orange")


def chatter(count):
    return [
        Message.of(
            "assistant" if n % 2 else "user",
            f"The {COLOURS[n % 7]} boxes go before the {COLOURS[n % 5]} ones, as ever.",
        )
        for n in range(count)
    ]


def thread_of(*messages, budget=1_500, chain=None):
    memory = Memex(
        ScratchStore(),
        chain=chain or [importance(weight=1.0), evict_oldest],
        budget=budget,
        answer_tokens=300,
    )
    thread = memory.thread("t")
    thread.append(list(messages))
    return thread


def ranking(window):
    [step] = [step for step in window.plan.steps if step.policy == "importance"]
    [change] = step.changes
    return change


DULL = "The ferry to the island is nice."
DECIDED = "We decided to take the ferry to the island on May 3."


def test_what_holds_more_is_worth_more():
    thread = thread_of(
        *chatter(20), Message.user(DULL), *chatter(20), Message.user(DECIDED), *chatter(300), budget=4_000
    )
    window = thread.window("What about the ferry to the island?")
    features = ranking(window).detail["features"]
    assert "21" not in features
    assert features["42"].keys() >= {"decision", "date"}
    assert 42 in set(expand(window.plan.recalled()))
    assert 21 not in set(expand(window.plan.recalled()))


def test_it_explains_itself():
    thread = thread_of(*chatter(20), Message.user(DECIDED), *chatter(300))
    thread.window("What about the ferry to the island?")
    found = thread.explain(21)
    assert found.detail["features"]["decision"] == 0.667
    assert "features date 0.4, decision 0.667, " in str(found)


def test_what_does_not_bear_on_the_question_is_next_to_nothing():
    thread = thread_of(*chatter(20), Message.user(DECIDED), *chatter(300))
    window = thread.window("And the orange boxes?")
    assert 21 not in set(expand(window.plan.recalled()))
    thread.window("Where are the zebras?")
    assert "features" not in thread.explain(21).detail


def test_a_kind_of_question_decides_between_two():
    dated = Message.user("Pia signs the contract on May 3.")
    priced = Message.user("Pia signs the contract for $4000.")
    thread = thread_of(*chatter(20), dated, *chatter(20), priced, *chatter(300))
    for question, better in (("When does Pia sign the contract?", 21), ("How much is Pia's contract?", 42)):
        thread.window(question)
        by_seq = {seq: thread.explain(seq).detail.get("importance", 0.0) for seq in (21, 42)}
        assert max(by_seq, key=lambda seq: by_seq[seq]) == better


def test_it_does_not_drown_what_is_relevant():
    """Beside a ranking by words, at its own weight, the better match stays the first."""

    def words(window):
        return window.rank(Ranking(name="words", scores={21: 2.0, 42: 1.0}))

    dull, important = Message.user(DULL), Message.user(f"{DECIDED} I prefer that. Remember the $40!")
    thread = thread_of(
        *chatter(20),
        dull,
        *chatter(20),
        important,
        *chatter(300),
        chain=[ranker(words), importance(), evict_oldest],
        budget=4_000,
    )
    window = thread.window("What about the ferry to the island?")
    [step] = [step for step in window.plan.steps if step.policy == "select"]
    worth = step.changes[-1].detail["worth"]
    assert worth["21"] > worth["42"] > 0.5


def test_the_newest_message_is_worth_a_little_for_being_recent():
    thread = thread_of(*chatter(300), Message.user("We decided for May 3."), Message.assistant("Fine."))
    features = ranking(thread.window("Zebras?")).detail["features"]
    assert list(features) == ["301"]


class Watched(ScratchStore):
    """A store that counts what is read of it."""

    def __init__(self):
        super().__init__()
        self.read = 0

    def entries(self, *arguments, **settings):
        for entry in super().entries(*arguments, **settings):
            self.read += 1
            yield entry


@pytest.mark.parametrize("length", [300, 3_000])
def test_so_many_messages_are_read_whatever_the_length(length):
    store = Watched()
    thread = Memex(store, chain=[evict_oldest]).thread("t")
    thread.append([Message.user(f"The ferry {n} to the island.") for n in range(length)])
    log = thread.log()
    log.find(["ferry"])  # a store without an index gets one, once
    store.read = 0
    question = " ".join(["ferry", "island", *(str(n) for n in range(200))])
    found = candidates(log, question, upto=length)
    assert len(found) <= 3 * READ + RECENT
    assert store.read <= 3 * READ + RECENT
    assert (WORDS, PLACES) == (48, 200)


@pytest.mark.parametrize(
    "settings",
    [{"weight": 0}, {"weight": 101}, {"weight": True}, {"share": 0}, {"share": 1}, {"share": "0.5"}],
)
def test_a_wrong_setting_is_named(settings):
    with pytest.raises(BadSetting, match=f"importance: {next(iter(settings))} is"):
        importance(**settings)
