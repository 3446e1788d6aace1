"""Inflection and function words of other languages than English."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memex_recall.forms import MOST_FORMS, forms
from memex_recall.function_words import LISTS
from memex_recall.inflection import endings_of
from memex_recall.languages import function_words, languages_of
from memex_recall.policy import recall
from memex_recall.words import MOST_WORDS, asked_forms, asked_words

from memex import Memex, Message, terms
from memex.testing import ScratchStore, evict_oldest

# Forms of one word, each of which must find all the others.
FAMILIES = """
de Haus Häuser Hauses Häusern
de Kündigung Kündigungen
de Vertrag Verträge Vertrages Verträgen
de mieten miete mietet mietete gemietet
de rot rote roten roter rotes
de Schlüssel Schlüsseln Schlüssels
de finden findet fand fanden gefunden
de gehen geht ging gegangen
de Freundin Freundinnen
fr cheval chevaux
fr fenêtre fenêtres
fr manger mange mangé mangeait mangeons
fr nouveau nouveaux nouvelle nouvelles
fr heureux heureuse heureuses
fr bon bonne bons bonnes
fr finir finit fini finissent
fr vendre vendu vendent vend
es habitación habitaciones
es lápiz lápices
es rojo roja rojos rojas
es alquilar alquila alquiló alquilado alquilamos
es comer come comió comido comemos
es buscar busco busqué busca
es mes meses
it ragazzo ragazzi
it amica amiche
it chiave chiavi
it mangiare mangia mangiato mangiava
it vendere vende venduto vendono
it capire capisce capito capiscono
pt chave chaves
pt canção canções
pt animal animais
pt homem homens
pt comprar compra comprou comprado compramos
pt vermelho vermelha vermelhos vermelhas
nl huis huizen
nl boom bomen
nl kat katten
nl sleutel sleutels
nl huren huur huurt huurde gehuurd
nl rood rode
nl brief brieven
nl vinden vindt vond gevonden
sv nyckel nyckeln nycklar nycklarna
sv bil bilen bilar bilarna
sv flicka flickan flickor flickorna
sv hus huset husen
sv hyra hyr hyrde hyrt
da nøgle nøglen nøgler nøglerne
da kat katten katte
da hus huset huse husene
da leje lejer lejede lejet
no nøkkel nøkkelen nøkler
no hus huset husene
no bil bilen biler bilene
no leie leier leide leid
ru касса кассы кассу кассой кассе касс
ru решение решения решению решений
ru закрыть закрыл закрыта закрыто закрыты
ru красный красная красного красной красные
ru город города городе городом городов
ru ключ ключа ключи ключей ключом
ru говорить говорит говорил говорили говорят
ru площадь площади площадью площадей
ru встреча встречи встречу встречей
ru решить решили решил решено
uk книга книги книгу книзі
uk місто міста місту містом
uk робити робить робив робила
pl klucz klucza kluczem kluczy
pl książka książki książkę książką
pl kupować kupuje kupował kupowali
cs kniha knihy knihu knihou
cs klíč klíče klíčem
cs koupit koupil koupila koupili
ko 학교 학교에서 학교는 학교가 학교를
ko 계약 계약은 계약을 계약이
ko 결정하다 결정했다 결정했어요 결정했습니다
"""
# Words that look alike, and must not find each other.
STRANGERS = """
de Haus Hauch
de Band Bank
de Kunde Kunst
de Regel Regen
de Brot Bruder
fr poisson poison
fr chemin chemise
fr porte portrait
fr main maison
es casa castillo
es perro perla
es mano manzana
it casa casco
it cane canto
it mare marmo
pt porta portugal
pt carro carta
nl man maand
nl kat kast
nl boom boot
sv bil bild
sv hus hund
da bil bilag
da hund hundrede
no bok bonde
no hus hund
ru город горох
ru мост мостовая
ru стол столица
ru касса каска
ru река реклама
uk книга книжник
pl klucz klub
pl kot kotlet
cs klíč klíma
ko 학교 학생
ko 계약 계획
"""


def rows(text: str) -> list[tuple[str, list[str]]]:
    return [(line[:2], [terms(word)[0] for word in line[3:].split()]) for line in text.strip().splitlines()]


@pytest.mark.parametrize(("language", "family"), rows(FAMILIES))
def test_each_form_finds_the_others(language: str, family: list[str]):
    for word in family:
        assert set(family) <= set(forms(word, (language,))), word


@pytest.mark.parametrize(("language", "pair"), rows(STRANGERS))
def test_words_that_look_alike_stay_apart(language: str, pair: list[str]):
    for word, other in (pair, pair[::-1]):
        assert other not in forms(word, (language,))


@pytest.mark.parametrize("word", ["mai", "an", "я", "не", "ø", "나"])
@pytest.mark.parametrize("language", LISTS)
def test_what_is_short_is_first_and_never_empty(language: str, word: str):
    assert forms(word, (language,))[0] == word
    assert "" not in forms(word, (language,))


@pytest.mark.parametrize("language", LISTS)
def test_endings_are_written_as_an_index_has_words(language: str):
    for row in endings_of(language).rows:
        for before, after in row:
            for affix in (before, after):
                assert not affix or terms(affix) == [affix]


@pytest.mark.parametrize("language", LISTS)
def test_function_words_are_written_as_an_index_has_words(language: str):
    for word in function_words(language):
        assert terms(word) == [word]


@given(st.text(max_size=60), st.lists(st.sampled_from(["en", *LISTS]), max_size=3, unique=True))
def test_forms_are_few_and_could_be_words_of_an_index(text: str, languages: list[str]):
    for word in terms(text):
        found = forms(word, tuple(languages))
        assert found[0] == word
        assert len(found) <= MOST_FORMS
        assert len(set(found)) == len(found)
        assert all(terms(form) == [form] for form in found[1:] if form.isascii())


@given(st.text(max_size=2_000))
def test_a_question_asks_for_a_bounded_number_of_forms(text: str):
    asked = asked_forms(text)
    assert len(asked) <= MOST_WORDS
    assert sum(map(len, asked.values())) <= 32 * 24
    assert asked_forms(text) == asked


def test_a_long_question_in_another_language_asks_for_few_forms_of_each_word():
    words = " ".join(f"{stem}ungen" for stem in "abcdefghijklmnopqrstuvwxyz")
    asked = asked_forms(f"Wann haben wir über die {words} gesprochen?".replace("ungen", "lichungen"))
    assert len(asked) > 20
    assert 4 * len(asked) < sum(map(len, asked.values())) <= 256


# -- which language it is --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "languages"),
    [
        ("", ()),
        ("Deploy?", ("en",)),
        ("When did he die?", ("en",)),
        ("Deadline in Berlin?", ("en",)),
        ("When does the café open?", ("en",)),
        ("Casa de la Playa: who has the key?", ("en", "fr", "es")),
        ("Wo ist der Schlüssel?", ("de",)),
        ("Danke, und weiter?", ("de",)),
        ("Kündigungsfrist?", ("de", "en")),
        ("Où est la clé ?", ("fr",)),
        ("¿Cuándo es la reunión?", ("es",)),
        ("Dove sono le chiavi?", ("it",)),
        ("Quem tem a chave?", ("pt",)),
        ("Waar is de sleutel?", ("nl",)),
        ("Var är nyckeln?", ("sv",)),
        ("Hvor er nøglen?", ("da", "no")),
        ("Kto ma klucz?", ("pl",)),
        ("Kde je klíč?", ("cs",)),
        ("Когда закрыта касса?", ("ru",)),
        ("Касса?", ("ru",)),
        ("Коли зачинено касу?", ("uk", "ru")),
        ("Де ключ і коли зачинено касу?", ("uk",)),
        ("Київ?", ("uk", "ru")),
        ("학교에서 뭐라고 했지?", ("ko",)),
        ("Wann ist the meeting with the customer?", ("en", "de")),
        ("Was hat Anna über die API gesagt, и что сказал Пётр?", ("de", "ru")),
        ("デプロイについて何を決めましたか？", ()),
    ],
)
def test_a_few_words_tell_the_language(question: str, languages: tuple[str, ...]):
    assert languages_of(question, dict.fromkeys(terms(question))) == languages


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("When did the battery die?", ["battery", "die"]),
        ("Wann ist die Batterie gestorben?", ["batterie", "gestorben"]),
        ("Où est-ce que nous avons mis les clés, s'il te plaît ?", ["mis", "cles"]),
        ("¿Quién tiene las llaves de la casa?", ["llaves", "casa"]),
        ("Waar hebben we de sleutels gelaten?", ["sleutels", "gelaten"]),
        ("Dove abbiamo messo le chiavi?", ["messo", "chiavi"]),
        ("Когда мы решили закрыть кассу?", ["решили", "закрыть", "кассу"]),
        ("우리는 언제 계약을 해지했나요?", ["계약을", "해지했나요"]),
        ("Was genau sagte Vermeer?", ["genau", "sagte", "vermeer"]),
    ],
)
def test_words_of_grammar_are_those_of_the_language(question: str, words: list[str]):
    assert asked_words(question) == words


# -- what is found ---------------------------------------------------------------------------------

TALKS = {
    "de": (
        [f"Die Kiste {n} steht wieder im Lager, und der Fahrer war pünktlich." for n in range(400)],
        [
            ("Wir haben gestern zwei Häuser am See besichtigt.", "Welches Haus hat uns gefallen?"),
            ("Der Makler hat die Wohnung gekündigt.", "Was war mit den Wohnungen?"),
            ("Mara fand den alten Ring im Garten.", "Wer hat die Ringe gefunden?"),
        ],
    ),
    "ru": (
        [f"Ящик {n} снова стоит на складе, водитель приехал вовремя." for n in range(400)],
        [
            ("Решили: касса закрыта по пятницам.", "Что мы говорили о кассе?"),
            ("Мара нашла старое кольцо в саду.", "Где лежали кольца?"),
            ("Мы встретимся на площади у фонтана.", "Какую площадь мы выбрали?"),
        ],
    ),
    "es": (
        [f"La caja {n} ya está otra vez en el almacén y el chófer llegó puntual." for n in range(400)],
        [
            ("Ayer alquilamos dos habitaciones junto al lago.", "¿Qué habitación quería Marta?"),
            ("Mara encontró el anillo viejo en el jardín.", "¿Quién ha encontrado los anillos?"),
            ("Compré lápices rojos.", "¿Cuándo compraste el lápiz?"),
        ],
    ),
    "ko": (
        [f"상자 {n} 번이 창고에 다시 들어왔습니다." for n in range(400)],
        [("학교에서 연극을 보기로 했어요.", "학교는 언제 가지?"), ("계약이 끝났어요.", "계약을 언제 끝내?")],
    ),
}


@pytest.mark.parametrize("language", TALKS)
def test_a_question_finds_what_was_said_in_another_form(language: str):
    chatter, facts = TALKS[language]
    with Memex(ScratchStore(), chain=[recall(), evict_oldest], budget=1_500, answer_tokens=300) as memory:
        thread = memory.thread("t")
        thread.append([*(Message.user(fact) for fact, _ in facts), *map(Message.user, chatter)])
        for seq, (_, question) in enumerate(facts, 1):
            worth = thread.window(question).plan.recalled()
            assert any(first <= seq <= last for first, last in worth), question


def test_only_the_endings_of_the_languages_at_hand_are_imported():
    code = """
import json, sys
from memex_recall.words import asked_words
asked_words("What did we decide?")
first = [name for name in sys.modules if name.startswith("memex_recall.endings")]
asked_words("Wo ist der Schlüssel?")
print(json.dumps([first, sorted(name for name in sys.modules if name.startswith("memex_recall.endings."))]))
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert json.loads(told) == [[], ["memex_recall.endings.germanic"]]


@pytest.mark.parametrize("question", ["lighthouse door?", "hat color", "die casting", "man cave", "door"])
def test_one_word_alone_is_not_taken_for_the_grammar_of_another_language(question):
    assert asked_words(question) == question.rstrip("?").split()


@pytest.mark.parametrize(
    ("question", "telling"),
    [
        ("Wie heißt Annas Hund?", "heisst annas hund"),  # a letter that only German has
        ("Wann kommt Anna mit dem Zug?", "kommt anna zug"),
        ("Waar is de fiets?", "fiets"),
        ("Когда поезд?", "поезд"),  # few languages are written so
    ],
)
def test_two_signs_of_a_language_are_enough(question, telling):
    assert asked_words(question) == telling.split()
