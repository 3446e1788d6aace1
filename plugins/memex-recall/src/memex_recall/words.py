"""Which words of a question say what it is about."""

from __future__ import annotations

from typing import Final

from memex import terms

MOST_WORDS: Final = 32
"""A question may be a pasted document: what it costs must not grow with it."""

# Words of grammar and courtesy. Frequency alone finds most of them in a long thread, but in a short
# one "thanks" is as rare as a name, and would bring back every other "thanks".
_ENGLISH = """
a about again all also am an and any are as at be because been but by can could did do does doing done
each for from get go got had has have having he hello her here hers hey hi him his how i if in into is it
its just know let like ll make many me more most much my no not now of off oh ok okay on one only or other
our out over please re really s same say she should so some still such sure t tell than thank thanks that
the their them then there these they this those to too up us use ve very want was we well were what when
where which while who whom whose why will with would yes you your yours
"""
_GERMAN = """
aber alle als also am an auch auf aus bei beim bin bis bitte da damit dann danke das dass dein dem den denn
der des dich die dies diese dir doch du ein eine einem einen einer er es etwas euch fur gibt haben habe hat
hatte hallo hier ich ihm ihn ihr im immer in ist ja jetzt kann kein keine machen man mehr mein mich mir mit
nach nein nicht noch nun nur ob oder schon sehr sein seine sich sie sind so um und uns unser vom von vor
wann war waren warum was weil welche wenn wer werden wie wieder will wir wird wo zu zum zur uber
"""
_FRENCH_SPANISH = """
alors au aux avec ce ces cette comme dans de des donc du elle en est et eux il ils je la le les leur lui ma
mais me merci mes moi mon ne nos notre nous on ou par pas plus pour quand que quel quelle qui quoi sa sans
se ses si son sont sur ta te tu un une vos votre vous y
al algo como con cual cuando de del donde el ella ellos en era es esta este fue gracias ha hay la las lo los
mi muy no o para pero por que quien se si sin sobre son su sus tu un una y yo
"""
# Chinese and Japanese are indexed as pairs of characters: these pairs are grammar.
_PAIRS = """
です ます した して った たの たっ いま ませ せん から まで では には とは ので のは のが こと もの
それ これ あれ どれ って ても ない なの だっ でし しょ ょう うか すか たか 何で どう いつ どこ だれ
ある いる する れる られ さい くだ ださ 什么 怎么 为什 么时 时候 我们 你们 他们 这个 那个 是不 不是
可以 一个 没有 的是 了吗 请问 哪个 哪里 谁的
"""

FUNCTION_WORDS: Final = frozenset(terms(_ENGLISH + _GERMAN + _FRENCH_SPANISH + _PAIRS))


def asked_words(question: str) -> list[str]:
    """Return the words that say what a question is about, each once, in order."""
    distinct = dict.fromkeys(word for word in terms(question) if word not in FUNCTION_WORDS)
    return list(distinct)[:MOST_WORDS]
