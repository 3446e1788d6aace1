"""Endings of German, Dutch, Swedish, Danish and Norwegian, as an index has them: without accents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

_GERMAN: Final = """
eibt eiben ieb ieben ge-ieben
eigt eigen ieg iegen ge-iegen
eidet eiden ied ieden ge-ieden itt itten ge-itten
eitet eiten itt itten ge-itten
eisst eissen iss issen ge-issen
ieht iehen og ogen ge-ogen
iegt iegen og ogen ge-ogen ag agen ge-egen
iebt ieben ob oben ge-oben
iert ieren or oren ge-oren
ietet ieten ot oten ge-oten
iesst iessen oss ossen ge-ossen
ilft elfen alf alfen ge-olfen
irbt erben arb arben ge-orben
irft erfen arf arfen ge-orfen
icht echen ach achen ge-ochen
ifft effen af afen ge-offen
ibt eben ab aben ge-eben
iest esen as asen ge-esen
ieht ehen ah ahen ge-ehen
immt ehmen ahm ahmen ge-ommen
ommt ommen am amen ge-ommen
indet inden and anden ge-unden
ingt ingen ang angen ge-ungen
innt innen ann annen onnen ge-onnen
inkt inken ank anken ge-unken
eht ehen ing ingen ge-angen and anden ge-anden
ahrt ahren uhr uhren ge-ahren
agt agen ug ugen ge-agen
asst assen iess iessen ge-assen
alt alten ielt ielten ge-alten
allt allen iel ielen ge-allen
auft aufen ief iefen ge-aufen
ennt ennen annte annten ge-annt
enkt enken achte achten ge-acht
ringt ringen rachte rachten ge-racht
- e en er es n s ern t te em ten ge-t st ge-en end ende enden
ten te tet test tete teten ge-tet
den de det dest dete deten ge-det
- ere eren erer eres ste sten ster stes
e en
ung ungen
in innen
nis nisse nissen nisses
um en ums
us en
eln elt elte elten le ge-elt
ern ert erte erten re ge-ert
el eln els
er ern ers
"""

_SWEDISH: Final = """
- a de t s
a an or orna as ans ors ornas
a ar ade at as ades ats ande ad ade
a er te t de d s es ande
- en ar arna s ens arnas ars
- en er erna s ens ernas ers
- n r rna s ns rs rnas
e en ar arna es ens arnas
e et en ena ets ens
- et en s ets ens
- t a are ast aste
are aren arna ares arens arnas
el eln lar larna elns larnas
er ern rar rarna erns rarnas
r dde tt s
het heten heter heterna
ing ingen ingar ingarna ings ingens
"""

_DANISH: Final = """
- en et er erne e ene s ens ets ers ernes enes
e en et er erne ede es ens ers ernes ende te t
- t e ere est este
- n r rne s ns rs rnes
er eren ere erne ers erens
el len ler lerne let
hed heden heder hederne
"""

_NORWEGIAN: Final = """
kkel kkelen kler klene
- en et er ene a e s ens ets
e en et er ene a ede es te t ende ens
- t e ere est este
e er de d
- n r ne s
er eren ere erne ers
el elen ler lene let
het heten heter hetene
"""

_DUTCH: Final = """
ijft ijven eef even ge-even
ijkt ijken eek eken ge-eken
ijgt ijgen eeg egen ge-egen
ijdt ijden eed eden ge-eden
indt inden ond onden ge-onden
inkt inken onk onken ge-onken
ingt ingen ong ongen ge-ongen
uit uiten oot oten ge-oten
iedt ieden ood oden ge-oden
iest iezen oor oren ge-oren
eekt eken ak aken ge-oken
eemt emen am amen ge-omen
eest ezen as azen ge-ezen
eeft even af aven ge-even
oopt open iep iepen ge-open
elpt elpen ielp ielpen ge-olpen
oudt ouden ield ielden ge-ouden
engt engen acht achten ge-acht
oekt oeken ocht ochten ge-ocht
oopt open ocht ochten ge-ocht
aat aan a
iet ien ie
oet oen oe
- en s e er ere st ste t te ten de den ge-t ge-d ge ge-en end ende es
e es n s
heid heden
er ers ster
je jes -
tje tjes -
pje pjes -
f ven ve ft fte ver
s zen ze st ste
"""

_CONSONANTS: Final = "bdfgklmnprst"
_OPEN: Final = {"f": "v", "s": "z"}
"""What Dutch writes between vowels instead."""


def rows(language: str) -> list[str]:
    """Return the rows of endings of a language."""
    if language == "de":
        return _lines(_GERMAN)
    if language == "nl":
        return [*_lines(_DUTCH), *_dutch_vowels()]
    return [*_lines({"sv": _SWEDISH, "da": _DANISH, "no": _NORWEGIAN}[language]), *_doubled()]


def _lines(text: str) -> list[str]:
    return text.strip().splitlines()


def _dutch_vowels() -> Iterator[str]:
    """Yield rows of words that write a long vowel once, or a consonant twice, where another vowel follows."""
    for vowel in "aeou":
        for last in _CONSONANTS:
            short, long, opened = vowel + last, vowel * 2 + last, vowel + _OPEN.get(last, last)
            yield f"{short} {short}{last}en {short}{last}e {short}t {short}{last}er"
            yield f"{long} {opened}en {opened}e {long}t {long}de {long}te ge-{long}d ge-{long}t {opened}er"


def _doubled() -> Iterator[str]:
    """Yield rows of Scandinavian words that double their last consonant."""
    for vowel in "aeiouy":
        for last in _CONSONANTS:
            end = vowel + last
            yield " ".join([end, *(end + last + more for more in ("en", "et", "er", "e", "ene"))])
