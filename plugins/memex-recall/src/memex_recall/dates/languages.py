"""The words of which dates are made, by language and by what they do in a date.

A word is folded: lower case, no accents. An underscore stands for a space inside a phrase. ``=`` gives
what a word stands for; words before one share it, so that ``day days=d`` are both days. A language is
added by a table; what each kind of word may stand beside is in :mod:`memex_recall.dates.phrases`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

KINDS: Final[Mapping[str, str]] = {
    "day": "d",  # counted from today
    "weekday": "W",
    "month": "M",
    "doubtful": "m",  # a month that is also another word, or a name
    "short": "b",  # a month that counts only beside a number
    "season": "S",  # its first month
    "unit": "U",  # minute (i), hour, day, week, weekend (e), month, year
    "number": "n",  # in words; from, and where it is vague, to
    "last": "L",  # how many units ago; 0 is the time up to now
    "this": "T",
    "next": "X",
    "ago": "A",  # after the number
    "ago_first": "V",  # before it
    "later": "l",
    "in": "I",  # in March, in two weeks
    "at": "P",
    "of": "f",
    "the": "o",
    "begin": "B",
    "middle": "C",
    "end": "E",
    "before": "F",
    "after": "G",
    "since": "Q",
    "until": "H",
    "from": "R",
    "and": "&",
    "every": "K",
}
"""What a word does in a date, and the letter that stands for it in patterns."""

_ENGLISH = """
day: the_day_before_yesterday day_before_yesterday=-2 yesterday last_night last_evening=-1
 today tonight this_morning this_afternoon this_evening=0 tomorrow=1
 the_day_after_tomorrow day_after_tomorrow=2
weekday: monday=0 tuesday=1 wednesday=2 thursday=3 friday=4 saturday=5 sunday=6
month: january=1 february=2 july=7 september=9 october=10 november=11 december=12
doubtful: march=3 april=4 may=5 june=6 august=8
short: jan=1 feb=2 mar=3 apr=4 jun=6 jul=7 aug=8 sep sept=9 oct=10 nov=11 dec=12
season: spring=3 summer=6 autumn fall=9 winter=12
unit: minute minutes=i hour hours=h day days=d week weeks=w weekend weekends=e month months=m year years=y
number: a an one=1 two=2 three=3 four=4 five=5 six=6 seven=7 eight=8 nine=9 ten=10 eleven=11 twelve=12
 couple=2-3 few=2-5 several=3-7
last: last previous=1 past=0
this: this
next: next coming
ago: ago
later: from_now
in: in within
at: on at by during over for
of: of
the: the s
begin: beginning start early
middle: middle mid
end: end late
before: before
after: after
since: since
until: until till
from: from between
and: and to through
every: every each
"""
_GERMAN = """
day: vorgestern=-2 gestern gestern_abend letzte_nacht=-1 heute heute_morgen heute_abend=0
 morgen=1 ubermorgen=2
weekday: montag=0 dienstag=1 mittwoch=2 donnerstag=3 freitag=4 samstag sonnabend=5 sonntag=6
month: januar janner=1 februar=2 marz=3 april=4 juni=6 juli=7 september=9 oktober=10 november=11 dezember=12
doubtful: mai=5 august=8
short: okt=10 dez=12
season: fruhling fruhjahr=3 sommer=6 herbst=9 winter=12
unit: minute minuten=i stunde stunden=h tag tage tagen=d woche wochen=w wochenende wochenenden=e
 monat monate monaten monats=m jahr jahre jahren jahres=y
number: ein eine einem einen einer eines=1 zwei=2 drei=3 vier=4 funf=5 sechs=6 sieben=7 acht=8 neun=9 zehn=10
 elf=11 zwolf=12 paar=2-4 einigen einige=2-5 mehreren=3-7
last: letzte letzten letzter letztes letztem vorige vorigen voriger voriges vorigem vergangene vergangenen
 vergangener vergangenes vergangenem=1 vorletzte vorletzten vorletzter vorletztes=2
this: diese diesen dieser dieses diesem
next: nachste nachsten nachster nachstes nachstem kommende kommenden kommender kommendes kommendem
ago_first: vor
in: in im
at: am an vom zum beim uber wahrend
of: des der
the: den dem die das
begin: anfang beginn
middle: mitte
end: ende
after: nach
since: seit ab
until: bis
from: von zwischen
and: und
every: jeden jede jedes jedem
"""
_FRENCH = """
day: avant_hier=-2 hier hier_soir=-1 aujourd_hui ce_matin ce_soir=0 demain=1 apres_demain=2
weekday: lundi=0 mardi=1 mercredi=2 jeudi=3 vendredi=4 samedi=5 dimanche=6
month: janvier=1 fevrier=2 avril=4 juin=6 juillet=7 aout=8 septembre=9 octobre=10 novembre=11 decembre=12
doubtful: mars=3 mai=5
short: janv=1 fevr=2 avr=4 juil=7
season: printemps=3 ete=6 automne=9 hiver=12
unit: minutes=i heure heures=h jour jours=d semaine semaines=w week_end week_ends=e mois=m
 an ans annee annees=y
number: un une=1 deux=2 trois=3 quatre=4 cinq=5 sept=7 huit=8 neuf=9 dix=10 onze=11 douze=12 quelques=2-5
 plusieurs=3-7
last: dernier derniere derniers dernieres passe passee=1
this: ce cet cette
next: prochain prochaine
ago_first: il_y_a
in: dans en
at: au a pendant durant
of: de d du
the: le la l les
begin: debut
middle: milieu mi
end: fin
before: avant
after: apres
since: depuis
until: jusqu
from: entre
and: et
every: chaque tous_les
"""
_SPANISH = """
day: anteayer antes_de_ayer=-2 ayer anoche=-1 hoy esta_manana esta_noche=0 manana=1 pasado_manana=2
weekday: lunes=0 martes=1 miercoles=2 jueves=3 viernes=4 sabado=5 domingo=6
month: enero=1 febrero=2 marzo=3 abril=4 mayo=5 junio=6 julio=7 agosto=8 septiembre setiembre=9 octubre=10
 noviembre=11 diciembre=12
short: ene=1 abr=4 ago=8 dic=12
season: primavera=3 verano=6 otono=9 invierno=12
unit: minutos=i hora horas=h dia dias=d semana semanas=w fin_de_semana fines_de_semana=e mes meses=m
 ano anos=y
number: un una=1 dos=2 tres=3 cuatro=4 cinco=5 seis=6 siete=7 ocho=8 nueve=9 diez=10 once=11 doce=12
 par=2-3 unos unas=2-5 varios varias=3-7
last: pasado pasada ultimo ultima ultimos ultimas=1 antepasado antepasada=2
this: este esta
next: proximo proxima
ago_first: hace
in: en dentro_de
at: el durante
of: de del
the: la los las
begin: principios comienzos inicios
middle: mediados
end: finales fines
before: antes_de antes_del
after: despues_de despues_del
since: desde
until: hasta
from: entre
and: y al
every: cada todos_los
"""
_LATIN: Final = (_ENGLISH, _GERMAN, _FRENCH, _SPANISH)

# Chinese, in both scripts, and Japanese. What is made of a number and a sign, such as 5月, is read by
# memex_recall.dates.tokens. ``period`` is a unit that is counted from now, such as last week.
_CHINESE_JAPANESE = """
day: 大前天=-3 一昨日 おととい 前天=-2 昨日 きのう 昨天 昨晚 昨晩 昨夜=-1
 今日 きょう 今天 今晚 今晩 今夜 今朝 今早=0 明日 あした 明天=1 明後日 あさって 后天 後天=2
weekday: 月曜日 月曜 星期一 周一 週一 礼拜一 禮拜一=0 火曜日 火曜 星期二 周二 週二 礼拜二 禮拜二=1
 水曜日 水曜 星期三 周三 週三 礼拜三 禮拜三=2 木曜日 木曜 星期四 周四 週四 礼拜四 禮拜四=3
 金曜日 金曜 星期五 周五 週五 礼拜五 禮拜五=4 土曜日 土曜 星期六 周六 週六 礼拜六 禮拜六=5
 日曜日 日曜 星期日 星期天 周日 週日 礼拜天 禮拜天=6
season: 春天 春季 春=3 夏天 夏季 夏=6 秋天 秋季 秋=9 冬天 冬季 冬=12
period: 一昨年 前年=y-2 去年 昨年=y-1 今年 本年=y0 来年 明年 來年=y1
 先々月 上上个月 上上個月=m-2 先月 上个月 上個月 上月=m-1
 今月 本月 这个月 這個月=m0 来月 下个月 下個月 下月=m1
 先々週 上上周 上上週=w-2 先週 上周 上週 上星期 上个星期 上個星期 上礼拜 上個禮拜=w-1
 今週 本周 这周 這週 这个星期 這個星期=w0 来週 下周 下週 下星期 下个星期 下個星期=w1
 先週末 上周末 上週末=e-1 今週末 この週末 这周末 這週末 本周末=e0 来週末 下周末 下週末=e1
 週末 周末=e
number: 几 幾 数=2-5
unit: 分 分钟 分鐘 分間=i 時間 小时 小時=h 日 天 日間=d 周 週 週間 星期 礼拜 禮拜=w
 个月 個月 ヶ月 か月 カ月 ヵ月 箇月=m 年 年間=y
ago: 前 之前 以前
later: 后 後 之后 之後
the: の 的 在 に
begin: 初 月初 年初 初め はじめ 上旬
middle: 中旬 半ば
end: 末 底 月底 年底 月末 年末 下旬
since: 自从
and: 到 から 和 と
every: 毎週 每周 每週 每个星期 毎月 每个月 毎年 每年 毎日 每天
"""


def latin() -> Iterator[tuple[str, str, str]]:
    """Yield what is written with spaces: the word, its letter and what it stands for."""
    for language in _LATIN:
        yield from _read(language, KINDS)


def unspaced() -> Iterator[tuple[str, str, str]]:
    """Yield what is written without spaces: the word, its letter and what it stands for."""
    yield from _read(_CHINESE_JAPANESE, {**KINDS, "period": "J"})


def _read(table: str, letters: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    letter = ""
    waiting: list[str] = []
    for piece in table.split():
        if piece.endswith(":"):
            yield from ((word, letter, "") for word in waiting)
            letter, waiting = letters[piece[:-1]], []
            continue
        word, _, value = piece.partition("=")
        waiting.append(word.replace("_", " "))
        if value:
            yield from ((one, letter, value) for one in waiting)
            waiting = []
    yield from ((word, letter, "") for word in waiting)
