"""Writes ``function_words.py``: Snowball's lists of stop words as Sphinx carries them, and what they lack.

    pip install sphinx
    python plugins/memex-recall/make_function_words.py

The lists are written down and not imported, so that a plan is replayed with the words it was made with.
"""

# ruff: noqa: E501
from __future__ import annotations

import importlib
import textwrap
from pathlib import Path

import sphinx

from memex import terms

TARGET = Path(__file__).parent / "src" / "memex_recall" / "function_words.py"

# Question words and courtesies, which Snowball's lists mostly leave out. Whole lists where it has none.
ADDED = {
    "de": """wann wer wem wen warum wieso weshalb wo woher wohin wie was welche welcher welches bitte danke hallo ja
        nein mal schon gibt okay beim zum zur dass jetzt nun immer noch mehr etwas kann""",
    "fr": """quand qui quoi ou pourquoi comment combien quel quelle quels quelles est ce merci bonjour salut oui non
        plait alors comme donc quelqu plus si tout y""",
    "es": """cuando quien quienes donde adonde que cual cuales como cuanto cuanta cuantos cuantas gracias hola si
        no favor hay""",
    "it": "quando chi dove perche come quale quali quanto quanta quanti quante cosa grazie ciao si no favore",
    "pt": """quando quem onde porque que qual quais como quanto quanta quantos quantas obrigado obrigada ola sim nao
        favor""",
    "nl": """wanneer wie waar waarom hoe welke welk wat hoeveel dank bedankt hallo ja nee alsjeblieft graag onze
        jullie hij wij jij jouw zij hun we ze je me""",
    "sv": "när vem var varför hur vilken vilket vilka vad tack hej ja nej snälla finns får",
    "da": "hvornår hvem hvor hvorfor hvordan hvilken hvilket hvilke hvad tak hej ja nej får",
    "no": "når hvem hvor hvorfor hvordan hvilken hvilket hvilke hva takk hei ja nei får",
    "ru": """когда кто кого кому где куда откуда почему зачем как какой какая какое какие какого каких сколько чей
        спасибо привет пожалуйста да нет это этот эта эти мы вы они""",
    "uk": """а але б без би був була були було в вам вас ваш вже ви від він вона вони воно всі всіх да дай де для
        до дуже дякую є ж з за зі і її їх й його йому коли кого кому куди ми мене мені може можна на навіть над нам
        нас наш не ним ними них ні ну о ось от при про привіт прошу після про з під та так таки такий там те тебе ти
        тим тих то тобі того тому тоді той тут у усі хто це цей ці цього чи чий чия чому що щоб як яка яке який які
        якого скільки звідки""",
    "pl": """a aby ale bardzo bez bo by był była było były być chyba ci co coś czego czemu czy czyj czyja dla do
        dlaczego dziękuję dzięki gdy gdzie go i ich ile im ja jak jaka jaki jakie jakiego jakiej jako jakoś je jego
        jej jemu jest jestem jeszcze jeśli już każdy kiedy kim kogo komu kto która które którego której który którą
        których którzy ku ma mam mi mnie mną moja moje może mój mu my na nam nas nasz nasza nasze nad nic nie nią nich
        nim niż o od on ona one oni ono oraz pan pani po pod proszę przed przez przy są się skąd swój ta tak także
        tam te tego tej temu ten też to tobie tu twoja twoje twój ty tych tylko tym u w was wasz we więc wszystko wy
        z za ze że żeby cześć tą""",
    "cs": """a aby ale ani ano asi aspoň až bez bude budu by byl byla bylo byli být ce co což či čí čem čemu da dal
        další děkuji díky do ho i já jak jaká jaké jaký jako je jeho jej její jemu jen jenž ještě ji jich jim jsem jsi
        jsme jsou jste k kam každý kde kdo kdy když kolik komu koho která které kterého který kteří ku má mám me mě
        mi mne mnou moje moji můj my na nad nám nás náš naše ne nebo něco nějak než ni nic o od on ona oni ono pak po
        pod podle pokud pro proč prosím proto před při s se si sobě svůj ta tak také takže tam te té ten tedy to toho
        tohle tom tomu toto tu tuto ty tvůj u už v vám vás váš ve však všechno vy z za ze že ahoj""",
    "ko": """무엇 뭐 뭘 무슨 언제 어디 어디서 어디에 누가 누구 누구의 왜 어떻게 어떤 어느 얼마 얼마나 몇 그 이 저 것 거 수
        나 나는 내 내가 저는 제가 우리 우리는 우리가 너 네 네가 당신 그리고 그런데 하지만 그래서 좀 더 또 다시 이거 그거 감사합니다
        고마워 안녕 안녕하세요 네 아니요 있어 있나요 있어요 있습니까 있는 있다 없어 없다 했지 했어 했나요 했어요 했더라 했습니까 하는 한
        할 해 해요 입니까 인가요 였지 이었지 뭐였지""",
}
SNOWBALL = ("de", "fr", "es", "it", "pt", "nl", "sv", "da", "no", "ru")
# Words that name things as well.
CONTENT = {"es": "estado estados estada estadas", "fr": "ete etes", "it": "stato stata stati state"}

HEAD = '''"""Words of grammar and courtesy of other languages than English. Written by ``make_function_words.py``.

Those of ten languages are the Snowball project's lists of stop words, as Sphinx {version} carries them, with
what they lack; the others are our own. Snowball's are under the 3-clause BSD licence:

{licence}
"""

from __future__ import annotations

from typing import Final

# As an index has them: folded, without Latin accents.
LISTS: Final = {{
'''


def words_of(language: str) -> list[str]:
    """Return the function words of a language, as an index has them."""
    words: set[str] = set()
    if language in SNOWBALL:
        module = importlib.import_module(f"sphinx.search._stopwords.{language}")
        lists = [value for name, value in vars(module).items() if name.endswith("_STOPWORDS")]
        words = {word for some in lists for entry in some for word in terms(entry)}
    words |= set(terms(ADDED[language]))
    return sorted(words - set(terms(CONTENT.get(language, ""))))


def licence() -> str:
    """Return the licence of the lists, from the stemmers' distribution."""
    from importlib.metadata import files

    found = next(file for file in files("snowballstemmer") or () if file.name == "COPYING")
    return found.read_text().strip()


def main() -> None:
    """Write the module."""
    lines = [HEAD.format(version=sphinx.__version__, licence=licence())]
    for language in ADDED:
        lines.append(f'    "{language}": """\n')
        lines.append(textwrap.fill(" ".join(words_of(language)), 60 if language == "ko" else 108) + "\n")
        lines.append('""",\n')
    TARGET.write_text("".join(lines) + "}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
