"""recall: what is found, what is not, where it stands and what it may cost."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from memex_recall.places import PLACES
from memex_recall.policy import recall
from memex_recall.ranking import rank
from memex_recall.words import asked_words

from memex import BadSetting, BudgetExceeded, Memex, Message, ToolCall, expand
from memex.testing import ScratchStore, evict_oldest
from memex.testing.strategies import conversations

COLOURS = ("red", "blue", "green", "white", "black", "yellow", "orange", "purple", "brown", "silver", "gold")


def chatter(count, start=0):
    """Return messages of a conversation about nothing in particular."""
    said = []
    for number in range(start, start + count):
        colour, other = COLOURS[number % 11], COLOURS[number % 5]
        make = Message.assistant if number % 2 else Message.user
        said.append(make(f"The {colour} boxes go before the {other} ones, as on every day of the week."))
    return said


def thread_of(*messages, budget=1_500, store=None, **recall_settings):
    chain = [recall(**recall_settings), evict_oldest]
    thread = Memex(store or ScratchStore(), chain=chain, budget=budget, answer_tokens=300).thread("t")
    thread.append(list(messages))
    return thread


def recalled(window):
    return list(expand(window.plan.recalled()))


def reasons(window):
    return {c.reason: list(expand(c.seqs)) for step in window.plan.steps[1:3] for c in step.changes}


FACT = "Ottoline wants the lighthouse door in vermilion."


# -- what is found ---------------------------------------------------------------------------------


def test_a_fact_far_back_is_quoted_just_before_the_question():
    thread = thread_of(*chatter(20), Message.user(FACT), *chatter(300))
    window = thread.window("Which colour did Ottoline want for the lighthouse?")
    assert 21 in recalled(window)
    assert window.messages[-1].text.startswith("Which colour")
    assert FACT in window.messages[-2].text
    assert "[#21 user" in window.messages[-2].text
    assert not any(FACT in message.text for message in window.messages[:-2])


def test_the_plan_says_why():
    thread = thread_of(*chatter(20), Message.user(FACT), *chatter(300))
    thread.window("Which colour did Ottoline want for the lighthouse?")
    found, beside = thread.explain(21), thread.explain(22)
    assert (found.fate, found.reason, found.by) == ("recalled", "recalled", "select")
    assert found.detail["worth"] == 1
    assert found.detail["recall"] > beside.detail["recall"] > 0


def test_an_answer_without_the_words_is_quoted_beside_its_question():
    talk = [Message.user("Where does Ottoline keep the lighthouse key?"), Message.assistant("Under the mat.")]
    thread = thread_of(*chatter(40), *talk, *chatter(300))
    assert "> Under the mat." in thread.window("the lighthouse key, where was it?").messages[-2].text


@pytest.mark.parametrize(
    ("fact", "question"),
    [
        ("金曜日には絶対にデプロイしないことに決めました。", "デプロイについて何を決めましたか？"),
        ("我们决定周五不部署售票系统。", "售票系统什么时候可以部署？"),
        ("Über die Kündigungsfrist haben wir im März entschieden.", "Was war mit der Kündigungsfrist?"),
        ("قررنا عدم النشر يوم الجمعة.", "متى النشر؟"),
        ("เราจะไม่ติดตั้งระบบในวันศุกร์", "ติดตั้งระบบวันไหน"),
        ("Решили: касса закрыта по пятницам.", "Когда касса закрыта?"),
        ('{"order": "A-7731", "state": "lost"}', "What happened to order A-7731?"),
    ],
)
def test_every_script_is_found(fact, question):
    window = thread_of(*chatter(20), Message.user(fact), *chatter(200)).window(question)
    assert 21 in recalled(window)


def test_what_a_tool_gave_back_is_found():
    call = ToolCall(id="c1", name="lookup", arguments='{"order": "A-7731"}')
    exchange = [Message.assistant([call]), Message.tool("c1", "The parcel is in Trondheim.")]
    window = thread_of(*chatter(20), *exchange, *chatter(200)).window("Where is the parcel, in Trondheim?")
    assert 22 in recalled(window)


def test_the_name_of_a_speaker_counts():
    said = "I would rather paint than sail."
    mara, piet = (Message.user(said + tail, name=name) for name, tail in (("mara", ""), ("piet", " Truly.")))
    thread = thread_of(*chatter(20), mara, *chatter(20), piet, *chatter(200))
    for asked, seq, other in (("piet", 42, 21), ("mara", 21, 42)):
        thread.window(f"Would {asked} rather sail?")
        assert thread.explain(seq).detail["worth"] > thread.explain(other).detail["worth"]


# -- what is not -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "question",
    [
        "",
        "Thanks, that is great!",
        "ok",
        "Danke, und weiter?",
        "zzyzx",
        "the boxes of every week",
        "?!",
        "なぜですか",
    ],
)
def test_nothing_relevant_leaves_the_window_as_it_is(question):
    said = [*chatter(100), Message.user("Thanks!"), *chatter(200)]
    seen = []
    policy = recall()

    def watched(window):
        seen.append((window, policy(window)))
        return seen[-1][1]

    thread = Memex(ScratchStore(), chain=[watched, evict_oldest], budget=20_000).thread("t", budget=1_500)
    thread.append(said)
    window = thread.window(question)
    assert not window.plan.recalled()
    assert seen[0][0] is seen[0][1]


def test_what_is_in_the_window_is_not_quoted_again():
    thread = thread_of(*chatter(100), Message.user(FACT), *chatter(4))
    assert not recalled(thread.window("the lighthouse door?"))


@pytest.mark.parametrize(
    ("said", "question"),
    [
        ("The door of the shed needs oil.", "What did Ottoline want for the lighthouse door, vermilion?"),
        ("The green door of the shed needs oil.", "Does Ottoline want the green lighthouse in vermilion?"),
    ],
)
def test_nothing_is_brought_back_when_the_best_is_in_the_window(said, question):
    aside = Message.user(said)
    thread = thread_of(*chatter(20), aside, *chatter(300), Message.user(FACT), Message.assistant("Noted."))
    assert not recalled(thread.window(question))


def test_the_same_question_asked_before_is_no_answer_but_its_answer_is():
    talk = [Message.user("Which lighthouse door is vermilion?"), Message.assistant("The one at the pier.")]
    thread = thread_of(*chatter(40), *talk, *chatter(300))
    window = thread.window("which lighthouse door is VERMILION")
    assert 41 not in reasons(window).get("recalled", [])
    assert 42 in recalled(window)


def test_the_same_words_are_quoted_once():
    said = [message for _ in range(5) for message in (Message.user(FACT), *chatter(9))]
    thread = thread_of(*chatter(20), *said, *chatter(300))
    assert thread.window("the lighthouse door?").messages[-2].text.count(FACT) == 1


def test_what_only_leaves_words_out_is_not_quoted_beside_the_whole():
    longer = "Ottoline wants the lighthouse door in vermilion, says the painter."
    said = [
        Message.user(text)
        for text in (longer, "Ottoline wants the lighthouse door in vermilion, says painter")
    ]
    thread = thread_of(*chatter(20), said[0], *chatter(40), said[1], *chatter(300))
    found = recalled(
        thread.window("Does the painter know how Ottoline wants the lighthouse door, vermilion?")
    )
    assert len({21, 62} & set(found)) == 1


def test_what_differs_in_one_word_is_another_fact():
    said = [
        Message.user(f"The lighthouse door number {n} opens with {code}.")
        for n, code in ((4, 7264), (5, 1138))
    ]
    thread = thread_of(*chatter(20), said[0], *chatter(40), said[1], *chatter(300))
    assert {21, 62} <= set(recalled(thread.window("Which lighthouse door opens with which number?")))


def test_a_long_message_that_is_all_the_answer_takes_the_room():
    long = "The lighthouse door: " + " ".join(f"item {n} of the list by Ottoline" for n in range(20))
    short = [Message.user(f"The door {n}.") for n in range(30)]
    thread = thread_of(*chatter(20), Message.user(long), *short, *chatter(300))
    assert 21 in recalled(thread.window("Which list did Ottoline make for the lighthouse door?"))


def test_what_eviction_left_free_is_filled():
    facts = [m for n in range(30) for m in (Message.user(f"Lighthouse rule {n} of Ottoline."), *chatter(9))]
    thread = thread_of(*facts, *chatter(300))
    window = thread.window("What are the lighthouse rules of Ottoline?")
    selected, filled = (s for s in window.plan.steps if s.policy in ("select", "fill"))
    assert window.plan.steps[-1] is filled
    assert {change.kind for change in filled.changes} == {"recall"}
    assert sum(change.tokens for change in selected.changes) <= 0.25 * window.limit
    assert 0.25 * window.limit < sum(d.tokens for d in window.derived) <= 0.5 * window.limit
    assert window.room > 0


def test_system_text_is_not_quoted():
    rules = [Message.system("Ottoline owns the lighthouse."), *chatter(20)]
    thread = thread_of(*rules, Message.system("Ottoline owns the lighthouse."), *chatter(300))
    assert not recalled(thread.window("Who owns the lighthouse?"))


def test_forgotten_messages_are_not_quoted():
    thread = thread_of(*chatter(20), Message.user(FACT), *chatter(300))
    assert 21 in recalled(thread.window("the lighthouse door?", record=False))
    thread.forget([21])
    assert not recalled(thread.window("the lighthouse door?"))


# -- what it costs ---------------------------------------------------------------------------------


def test_a_long_message_does_not_take_the_place_of_others():
    log = " ".join(f"lighthouse line {n} of the log" for n in range(400))
    thread = thread_of(*chatter(20), Message.user(FACT), *chatter(20), Message.user(log), *chatter(300))
    assert 21 in recalled(thread.window("the lighthouse door?"))
    assert 42 not in recalled(thread.window("the lighthouse door?"))


@settings(deadline=None, max_examples=40)
@given(
    conversations(max_turns=8),
    st.integers(200, 2_000),
    st.floats(min_value=0.05, max_value=0.95),
)
def test_the_quotes_push_out_no_more_than_their_share_and_take_as_much_of_what_is_free(said, budget, share):
    talk = [m.replace(id=f"a{n}") for n, m in enumerate(said)]
    thread = thread_of(*talk, *chatter(60), share=share)
    thread = thread.memex.thread("t", budget=budget, answer_tokens=20)
    words = [word for message in said for word in asked_words(message.text)]
    try:
        window = thread.window(" ".join(words[:20]) or "nothing")
    except BudgetExceeded:  # a system message with a picture in it
        reject()
    steps = {step.policy: step for step in window.plan.steps}
    pushing = steps["select"].changes if "select" in steps else ()
    assert sum(change.tokens for change in pushing if change.kind == "recall") <= share * window.limit
    filling = steps["fill"].changes if "fill" in steps else ()
    assert sum(change.tokens for change in filling) <= share * window.limit
    assert window.tokens <= window.limit


def test_a_long_thread_costs_what_a_short_one_costs():
    class Counting(ScratchStore):
        read = 0

        def entries(self, *args: Any, **kwargs: Any):
            for entry in super().entries(*args, **kwargs):
                self.read += 1
                yield entry

    read = {}
    for count in (4_000, 16_000):
        store = Counting()
        facts = [m for n in range(count // 10) for m in (Message.user(f"Lighthouse {n}."), *chatter(9))]
        thread = thread_of(*facts, store=store)
        thread.window("the green lighthouse?", record=False)  # the first one builds the index
        store.read = 0
        window = thread.window("the gold lighthouse 7?", record=False)
        assert recalled(window)
        read[count] = store.read
    assert read[16_000] <= 1.2 * read[4_000]


def test_a_word_in_more_messages_than_are_looked_at_is_known_to_be_common():
    said = [Message.user(f"box {n}") for n in range(2 * PLACES)]
    said[5] = Message.user("box with a lighthouse")
    ranked = rank(thread_of(*said).log(), "box lighthouse", upto=len(said))
    assert ranked[0].entry.seq == 6
    assert len(ranked) <= 9, "the lighthouse, and at most what stands around it"


# -- law 6 and 7 -----------------------------------------------------------------------------------


def test_the_quotes_hold_still_while_tools_are_called():
    thread = thread_of(*chatter(20), Message.user(FACT), *chatter(300), budget=3_000)
    thread.window("warm up")
    thread.append(Message.user("What about the lighthouse door?"))
    digests = []
    for number in range(3):
        digests.append([derived.digest for derived in thread.window().derived])
        call = ToolCall(id=f"c{number}", name="look", arguments='{"at": "the lighthouse door"}')
        thread.append([Message.assistant([call]), Message.tool(call.id, "The lighthouse door is shut.")])
    assert len(digests[0]) == 1
    assert digests[0] == digests[1] == digests[2]


def test_a_match_that_the_coming_eviction_would_take_is_quoted():
    # The prompt could hold the fact, but the window is over its limit: the oldest half will go.
    thread = thread_of(*chatter(200), Message.user(FACT), *chatter(38))
    window = thread.window("What about the lighthouse door?")
    assert 201 not in window
    assert 201 in recalled(window)
    assert 201 in reasons(window)["quoted"]
    assert thread.explain(201).fate == "recalled"


def test_later_messages_and_other_threads_change_nothing():
    thread = thread_of(*chatter(20), Message.user(FACT), *chatter(300))
    thread.window("the lighthouse door?")
    thread.append([Message.user("the lighthouse door?"), *(Message.user(FACT + "!") for _ in range(50))])
    assert [replayed.same for replayed in thread.replay()] == [True]


# -- settings and words ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"share": 0}, "share"),
        ({"share": 1}, "share"),
        ({"share": True}, "share"),
        ({"share": "much"}, "share"),
        ({"weight": 0}, "weight"),
        ({"weight": "much"}, "weight"),
    ],
)
def test_settings_that_make_no_sense_are_named(given: dict[str, Any], named: str):
    with pytest.raises(BadSetting, match=f"recall: {named}"):
        recall(**given)


def test_words_of_grammar_and_courtesy_are_not_asked_for():
    assert asked_words("What did we decide about the deploy, please?") == ["decide", "deploy"]
    assert asked_words("Wie war das noch mit der Kündigung?") == ["kundigung"]
    assert asked_words("¿Cuándo es la reunión?") == ["reunion"]


def test_a_pasted_document_asks_for_a_bounded_number_of_words():
    assert len(asked_words(" ".join(f"word{n}" for n in range(5_000)))) == 32
