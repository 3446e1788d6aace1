"""What is found in a message, in six languages; what it costs; and that nothing is looked at twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memex_importance import features as module
from memex_importance.bearing import asked_for, worth
from memex_importance.features import HEAD, TAIL, WEIGHTS, Scorer, features_of

from memex import Message, Text, ToolResult
from memex.testing.strategies import messages

SAID = {
    "decision": [
        "We decided against the ferry.",
        "Wir haben beschlossen, die Fähre zu nehmen.",
        "Nous avons décidé de prendre le bac.",
        "Decidimos tomar el barco.",
        "フェリーに決めました。",
        "我们决定坐船。",
    ],
    "commitment": [
        "I'll send the chart to you.",
        "Ich schicke dir die Karte.",
        "Je vais envoyer la carte.",
        "Voy a mandar el mapa.",
        "明日までに送ります。",
        "我会把地图发给你。",
    ],
    "correction": [
        "No, the other one.",
        "Nein, ich meinte das andere.",
        "Non, en fait l'autre.",
        "En realidad es el otro.",
        "いや、そっちじゃなくて。",
        "不对，是另一个。",
    ],
    "preference": [
        "I prefer the window seat.",
        "Ich nehme lieber den Fensterplatz.",
        "Je préfère la fenêtre.",
        "Prefiero la ventana.",
        "窓側が好きです。",
        "我喜欢靠窗。",
    ],
    "open": [
        "That is still open.",
        "Das ist noch offen.",
        "Reste à voir.",
        "Eso queda pendiente.",
        "日程は未定です。",
        "时间待定。",
    ],
    "definition": [
        "The boat is called Petrel.",
        "Das Boot heißt Petrel.",
        "Le bateau s'appelle Petrel.",
        "El barco se llama Petrel.",
        "ペトレルとは船のことです。",
        "这条船叫做海燕。",
    ],
    "remember": [
        "Don't forget the ropes.",
        "Do not forget the ropes.",
        "Nicht vergessen: die Leinen.",
        "N'oublie pas les cordes.",
        "No olvides las cuerdas.",
        "ロープを忘れないで、重要です。",
        "别忘了绳子。",
    ],
    "date": [
        "on May 3",
        "am Freitag",
        "le 3 mai",
        "el lunes",
        "金曜日に",
        "下周三",
        "2026-11-26",
        "at 14:30",
    ],
    "amount": ["It costs $40.", "Das macht 40 €.", "40 heures", "40 horas", "40円です", "四十块, 40块"],
    "identifier": [
        "see ~/notes/plan.md",
        "https://example.org/a?b=c",
        "write to pia@example.org",
        "run `make test`",
        "ticket ABC-123",
        "call +49 30 1234567",
        "C:\\work\\plan.txt",
        "the function read_the_log",
        "version 1.2.3",
        "commit 4f9c2ab",
    ],
    "name": ["The captain is Ottoline.", "We asked Pia Lind.", "田中さんが来ます"],
    "number": ["Gate 7264 is shut.", "门牌号7264"],
    "question": ["Where is it?", "どこ？", "在哪里？"],
}


@pytest.mark.parametrize(("feature", "text"), [(f, text) for f, texts in SAID.items() for text in texts])
def test_a_feature_is_found(feature, text):
    assert feature in features_of(Message.user(text))


APOSTROPHES = [(f, text) for f, texts in SAID.items() for text in texts if "'" in text]


@pytest.mark.parametrize(("feature", "text"), APOSTROPHES)
def test_the_apostrophe_of_a_telephone_is_one(feature, text):
    said = Message.user(text.replace("'", "\u2019"))
    assert features_of(said) == features_of(Message.user(text))
    assert feature in asked_for(said.text) or feature not in asked_for(text)


@pytest.mark.parametrize(
    ("feature", "text"),
    [
        ("decision", "We have not decided anything yet."),
        ("decision", "I never agreed to that."),
        ("decision", "Nobody approved it."),
        ("decision", "We haven't really decided."),
        ("decision", "She picked up the kids."),
        ("decision", "Wir haben noch nichts entschieden."),
        ("decision", "Nous n'avons pas encore décidé."),
        ("decision", "No hemos decidido nada."),
        ("decision", "我们还没决定。"),
        ("remember", "It is not important."),
        ("remember", "I don't remember that."),
        ("remember", "Das ist nicht so wichtig."),
        ("remember", "这不重要。"),
    ],
)
def test_what_is_denied_is_no_cue(feature, text):
    assert feature not in features_of(Message.user(text))


@pytest.mark.parametrize(
    "text",
    [
        "We have not decided anything yet.",
        "We haven't decided.",
        "Wir haben uns noch nicht entschieden.",
        "Nous n'avons rien décidé.",
        "No hemos decidido nada.",
    ],
)
def test_what_is_not_decided_is_open(text):
    assert "open" in features_of(Message.user(text))


@pytest.mark.parametrize(
    "text",
    [
        "We could not wait and decided on Hull.",
        "No, we decided on Hull.",
        "No \u2014 the other one.",
        "No, el otro.",
    ],
)
def test_a_denial_of_something_else_denies_nothing(text):
    assert {"decision", "correction"} & features_of(Message.user(text)).keys()


def test_every_feature_has_an_example():
    assert SAID.keys() == WEIGHTS.keys()


@pytest.mark.parametrize(
    "text",
    ["", "ok", "Thanks, that helps a lot!", "Danke!", "Merci beaucoup.", "Gracias", "はい。", "好的。"],
)
def test_small_talk_has_none(text):
    assert features_of(Message.user(text)) == {}


def test_german_nouns_are_no_names():
    text = "Das Boot liegt im Hafen und die Leine ist nicht fest, weil der Wind dreht."
    assert "name" not in features_of(Message.user(text))


def test_more_cues_count_less_and_less():
    one, two, many = (
        features_of(Message.user(f"It is {' and '.join(numbers)}."))["number"]
        for numbers in (["7264"], ["7264", "881"], [str(n) for n in range(100, 200)])
    )
    assert one < two < many <= WEIGHTS["number"]
    assert two - one < one


def test_who_says_it_counts():
    text = "We decided against the ferry."
    user, assistant = features_of(Message.user(text)), features_of(Message.assistant(text))
    tool = features_of(Message.tool("c", text))
    in_a_user_message = features_of(Message.user([ToolResult(call_id="c", parts=(Text(text),))]))
    assert user["decision"] > assistant["decision"] > tool["decision"] == in_a_user_message["decision"]
    assert features_of(Message.system(text)) == {}


def test_the_beginning_and_the_end_of_a_long_message_are_looked_at():
    long = "x " * (HEAD + TAIL)
    assert "decision" in features_of(Message.user(f"We decided. {long}"))
    assert "decision" in features_of(Message.user(f"{long} We decided."))
    assert "decision" not in features_of(Message.user(f"{long} We decided. {long}"))


@given(messages() | st.text().map(Message.user))
def test_any_message_gives_numbers_in_bounds(message):
    found = features_of(message)
    assert found == features_of(message)
    assert all(0 < value <= WEIGHTS[feature] for feature, value in found.items())


def test_a_message_is_looked_at_once(monkeypatch):
    looked = []
    monkeypatch.setattr(module, "features_of", lambda message: looked.append(message.id) or {"date": 1.0})
    scorer = Scorer(most=2)
    one, two, three = (Message.user("on Friday", id=name) for name in ("one", "two", "three"))
    for message in (one, two, one, two, three, two, one):
        scorer(message)
    assert looked == ["one", "two", "three", "one"]  # the one that was not asked for longest was let go


def test_the_same_id_in_another_thread_is_another_message():
    scorer = Scorer()
    assert scorer(Message.user("We decided.", id="m1")) != scorer(Message.user("ok", id="m1"))


@pytest.mark.parametrize(
    ("question", "feature"),
    [
        ("When does it leave?", "date"),
        ("Wann fährt es?", "date"),
        ("Quand part-il ?", "date"),
        ("¿Cuándo sale?", "date"),
        ("いつ出ますか？", "date"),
        ("什么时候开？", "date"),
        ("How much is it?", "amount"),
        ("多少钱？", "amount"),
        ("Who is the captain?", "name"),
        ("Which file was it?", "identifier"),
        ("What did we decide?", "decision"),
        ("What do I prefer?", "preference"),
    ],
)
def test_a_question_asks_for_a_feature(question, feature):
    asked = asked_for(question)
    assert feature in asked
    found = {feature: 0.5, "remember": 0.5}
    assert worth(found, asked) > worth(found, frozenset()) == 1.0
