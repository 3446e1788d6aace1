"""What shows that a message holds something worth keeping: patterns in six languages, one list a feature.

They are words of grammar and of agreement, not of any subject. Chinese and Japanese have no word
boundaries; the other languages' words are bounded. All but names are matched in lower-case text,
which is three times as fast as matching without regard to case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    # feature: (bounded words, unbounded words)
    "decision": (
        r"decid(?:e[ds]?|ing)|decisions?|agree(?:d| on| to)|we(?:'ll| will) (?:go|use|take|stick) "
        r"|let'?s go with"
        r"|settled? on|chose[n]?|picked(?! up)|approved|signed off|ruled out|going with"
        r"|entschieden|entschlossen|beschlossen|beschluss|entscheidung(?:en)?|geeinigt|festgelegt"
        r"|vereinbart"
        r"|décidée?s?|décision|décidons|convenue?s?|choisie?s?|retenue?s?|d'accord pour"
        r"|decid(?:í|ió|imos|ido|ida)|decisi[oó]n|acord(?:amos|ado|é)|acuerdo|elegi(?:do|mos)|quedamos en",
        r"決め(?:た|まし)|決ま(?:った|りまし)|決定|合意|採用|に(?:しました|決)|决定|商定|确定|選定|选定"
        r"|敲定|同意|定了|說好|说好",
    ),
    "commitment": (
        r"i(?:'ll| will) (?!be happy|go with)\w+|i promise|promised?|i(?:'m| am) going to|deadline"
        r"|due (?:by|on|date)"
        r"|by (?:mon|tues|wednes|thurs|fri|satur|sun)day|by tomorrow|to-?do|i(?:'ve| have) to|remind me"
        r"|ich (?:werde|schicke|sende|mache|kümmere|erledige|melde)|versprochen|verspreche|bis (?:montag"
        r"|dienstag|"
        r"mittwoch|donnerstag|freitag|samstag|sonntag|morgen)|frist|zugesagt"
        r"|je (?:vais|t'envoie|vous envoie|m'occupe|te promets|m'engage)|promis|d'ici (?:lundi|mardi"
        r"|mercredi|jeudi"
        r"|vendredi|samedi|dimanche|demain)|échéance|date limite"
        r"|voy a|vamos a|enviaré|haré|prometo|antes del? |plazo|fecha límite|me comprometo",
        r"までに|しておき(?:ます|ますね)|約束|する(?:予定|つもり)|締め?切り|期限|我(?:会|會|将|將|来|來)"
        r"|承诺|承諾|截止|打算|之前(?:完成|给|給|发|發)",
    ),
    "correction": (
        r"no ?[,:;.–—-] ?(?:the|not|it|that|i|my)|not (?:the|that) one|the other one|i meant|i mean[,:]"
        r"|correction|actually"
        r"|instead of|that(?:'s| is) (?:wrong|not right|incorrect)|i was wrong|sorry, (?:it|that|the|i)"
        r"|on second thought"
        r"|nein,|nicht (?:der|die|das|den),? sondern|sondern|ich meinte|ich meine|stattdessen|falsch"
        r"|korrektur|doch lieber"
        r"|non,|en fait|je voulais dire|plutôt|erreur|au lieu de|pas (?:le|la|celui|celle)"
        r"|no, (?:el|la|los|las)|en realidad|quise decir|quería decir|mejor dicho|en vez de|en lugar de"
        r"|me equivoqué|corrección",
        r"じゃなくて|ではなく|訂正|間違(?:え|い|って)|やっぱり|実は|不对|不對|不是.{0,12}而是|其实|其實"
        r"|更正|改成|改为|改為|说错|說錯|弄错|弄錯",
    ),
    "preference": (
        r"prefer(?:s|red|ence|ences)?|favou?rites?|i(?:'d| would) rather|can(?:'t|not) stand|allerg(?:y"
        r"|ic|ies)|vegan"
        r"|vegetarian|i (?:really |do not |don't |)(?:like|love|hate|enjoy|dislike)|always (?:want|use"
        r"|take)|never (?:want|use|eat|drink)"
        r"|bevorzug(?:e|t|en)|lieber|lieblings\w+|ich (?:mag|hasse|liebe)|gefällt mir|allergi(?:e|sch)"
        r"|je préfère|préféré(?:e|s|es)?|j'(?:aime|adore|déteste)|allergique"
        r"|prefiero|preferid[oa]s?|favorit[oa]s?|me (?:gusta|gustan|encanta)|odio|alérgic[oa]",
        r"好き|嫌い|苦手|好み|の方がいい|アレルギー|喜欢|喜歡|讨厌|討厭|偏好|更想|最爱|最愛|过敏|過敏"
        r"|宁愿|寧願",
    ),
    "open": (
        r"still open|to be (?:decided|confirmed|done)|tbd|not sure yet|(?:don't|do not) know yet"
        r"|need to (?:find out|check|ask|decide)"
        r"|open question|unclear|remains to be|(?:not|\w+n't) (?:yet )?decided|nothing (?:was|is) decided"
        r"|(?:nicht|nichts) entschieden|(?:pas|rien) décidé|no (?:hemos|se ha) decidido"
        r"|noch (?:offen|unklar|nicht (?:klar|entschieden))|muss noch"
        r"|zu klären"
        r"|à (?:décider|confirmer|voir|vérifier)|pas encore (?:décidé|sûr)|reste à"
        r"|por (?:decidir|confirmar|ver)|aún no (?:sé|sabemos)|todavía no|falta (?:decidir|saber)"
        r"|pendiente",
        r"未定|まだ(?:決|分か|わか)|検討中|要確認|待定|还没(?:定|决定|确定)|還沒|待确认|待確認|不确定"
        r"|不確定|尚未",
    ),
    "definition": (
        r"is called|are called|stands for|is defined as|my name is|i(?:'m| am) called|(?:which"
        r"|that) means|refers to"
        r"|is (?:located|stored|kept|saved) (?:in|at|under)|lives (?:in|at)"
        r"|heißt|heissen|heißen|bedeutet|steht für|liegt (?:in|unter|im)|wohnt"
        r"|s'appelle(?:nt)?|signifie|veut dire|je m'appelle|se trouve|habite"
        r"|se llaman?|significa|quiere decir|me llamo|está en|vive en",
        r"とは|という意味|といいます|と申します|という名前|と呼(?:ば|び|ぶ)|是指|叫做|名叫|意思是|称为"
        r"|稱為|我叫|位于|位於",
    ),
    "remember": (
        r"remember (?:that|this|to)|(?:don'?t|do not) forget|note that|keep in mind|important(?:ly)?"
        r"|for the record|make sure"
        r"|merk(?:e|) dir|nicht vergessen|vergiss nicht|wichtig|denk daran|beachte"
        r"|n'oubli(?:e|ez|ons) pas|important[e]?s?|rappelle-toi|retiens|notez"
        r"|recuerda|recuerde|no (?:olvides|te olvides)|importante[s]?|ten en cuenta|apunta",
        r"覚えて(?:お|い)|忘れない|重要|大事|メモして|记住|記住|别忘|別忘|注意|请记|請記|务必|務必",
    ),
}

_MONTHS: Final = (
    r"jan(?:uar[yi]?|uary)?|feb(?:ruar[yi]?)?|mar(?:ch)?|märz|apr(?:il)?|may|mai|jun[ei]?|jul[yi]?"
    r"|aug(?:ust)?|sep(?:t(?:ember)?)?"
    r"|o[ck]t(?:ober)?|nov(?:ember)?|de[cz](?:ember)?|janvier|février|mars|avril|juin|juillet|août"
    r"|septembre|octobre"
    r"|novembre|décembre|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre"
    r"|diciembre"
)
_DAYS: Final = (
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?|montags?|dienstags?|mittwochs?|donnerstags?|freitags?"
    r"|samstags?|sonntags?"
    r"|lundis?|mardis?|mercredis?|jeudis?|vendredis?|samedis?|dimanches?|lunes|martes|miércoles|jueves"
    r"|viernes|sábados?|domingos?"
    r"|tomorrow|yesterday|tonight|next (?:week|month|year)|last (?:week|month|year|night)|morgen|gestern"
    r"|nächste[nrs]? (?:woche|monat|jahr)"
    r"|demain|hier|prochaine?|mañana|ayer|próxim[oa]"
)
_PATTERNS: Final[Mapping[str, str]] = {
    "date": (
        r"\b\d{4}-\d{2}-\d{2}\b|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b|\b(?:19|20)\d{2}\b|\b\d{1,2}:\d{2}\b"
        r"|\b\d{1,2} ?[ap]\.?m\b"
        rf"|\b(?:\d{{1,2}}(?:st|nd|rd|th|er|\.)? (?:de |of )?(?:{_MONTHS})|(?:{_MONTHS})\.? \d{{1,2}})\b"
        rf"|\b(?:{_DAYS})\b"
        r"|\d{1,2}月(?:\d{1,2}[日号號])?|[月火水木金土日]曜日?|(?:星期|周|週|礼拜|禮拜)[一二三四五六日天]"
        r"|明日|昨日|来週|先週|明天|昨天|后天|下周|下週|上周|上週"
    ),
    "amount": (
        r"[$€£¥₹]\s?\d[\d.,]{0,15}|(?<![\d.,])\d[\d.,]{0,15}\s?(?:[$€£¥₹%]|percent\b|prozent\b|dollars?\b"
        r"|euros?\b|usd\b|eur\b|yen\b|k?g\b|k?m\b|cm\b"
        r"|miles?\b|hours?\b|stunden?\b|heures?\b|horas?\b|minutes?\b|minuten\b|days?\b|tage?n?\b"
        r"|jours?\b|días?\b|weeks?\b"
        r"|months?\b|years?\b|[kmg]b\b|ms\b|[円元万億亿块個个本枚件人名台时時分秒])"
    ),
    "number": r"(?<![\w.,/-])\d[\d.,]*(?![\w/-])|(?<=[^\x00-\x7f])\d+",
    "identifier": (
        r"https?://\S{1,200}|\b[\w.+-]{1,64}@[\w-]{1,64}\.\w+|(?<!\w)(?:~"
        r"|\.{1,2})?/[\w.-]{1,64}(?:/[\w.-]{1,64}){1,16}|\b[a-z]:\\[\w\\.-]{1,200}|`[^`\n]{2,80}`"
        r"|\b\w+\.(?:py|js|ts|md|txt|csv|json|toml|ya?ml|pdf|docx?|xlsx?|png|jpe?g|sql|sh|rs|go|java|log"
        r"|db)\b"
        r"|\b[a-z]+(?:_[a-z0-9]+)+\b|\b[a-z]{1,6}-\d{2,}\b|\bv?\d+\.\d+\.\d+\b"
        r"|\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,40}\b"
        r"|\+\d[\d ()-]{7,24}\d"
    ),
    "question": r"[?？؟][\s\"'”’)」』]{0,8}\Z",
}


def _worded(bounded: str, unbounded: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w/])(?:{bounded})(?!\w|\.\w)|(?:{unbounded})")


CUES: Final[Mapping[str, re.Pattern[str]]] = {
    **{feature: _worded(*words) for feature, words in _WORDS.items()},
    **{feature: re.compile(pattern) for feature, pattern in _PATTERNS.items()},
    # Case matters here: a word with a capital that does not begin a sentence.
    "name": re.compile(
        r"(?<![.!?:;\"'\n*#>-])(?<!^)(?<=[\w,] )(?!I\b|I'|OK\b)[A-ZÀ-ÖØ-Þ][\w’'-]*[a-zà-ÿ]\w*"
        r"|[\u3040-\u30ff\u4e00-\u9fff]{1,6}(?:さん|様|氏|先生|小姐|女士)"
    ),
}
"""A pattern for each feature; for lower-case text with plain apostrophes, but for ``name``."""

DENIABLE: Final = frozenset({"decision", "remember"})
"""Features that a denial just before the cue takes away: nothing was decided, it is not important."""
DENIED: Final = re.compile(
    r"(?:(?:(?<!\w)(?:not|never|no|nobody|nothing|cannot|nicht|nichts|nie|niemand|kein(?:e[nmrs]?)?|pas|jamais|rien"
    r"|nunca|nadie|nada)|n't)(?: \w{1,12})? |[没沒未不無无]有?)\Z"
)
DENIED_WITHIN: Final = 32
"""Characters before a cue."""
