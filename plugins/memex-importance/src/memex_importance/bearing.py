"""How what is in a message bears on a question: what kind of answer is asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from memex_importance.cues import CUES

ASKED_TWICE: Final = 2.0
"""What a feature counts for a question that asks for it, as a factor."""

_ASKS: Final[Mapping[str, re.Pattern[str]]] = {
    feature: re.compile(rf"(?<!\w)(?:{bounded})(?!\w)|(?:{unbounded})")
    for feature, (bounded, unbounded) in {
        "date": (
            r"when|what (?:day|date|time|year|month)|how long ago|since when|until when"
            r"|wann|seit wann|bis wann|welche[rsm]? (?:tag|datum|monat|jahr)|quand|quelle? (?:date|jour"
            r"|heure)"
            r"|cuándo|qué (?:día|fecha|hora)",
            r"いつ|何[時日月年曜]|什么时候|什麼時候|何时|何時|几[点號号月]|哪[天年]|哪一天",
        ),
        "amount": (
            r"how (?:much|many|long|far|big|old|often)|what (?:price|cost|size|amount|number)"
            r"|wie ?(?:viele?|lange|hoch|teuer|oft|groß)|combien|cuánt[oa]s?",
            r"いくら|いくつ|どのくらい|何[個人回円枚本]|多少|几[个個次]|多[久长長大远遠]",
        ),
        "name": (
            r"who|whose|whom|what(?:'s| is) the name|which (?:city|country|town|person|company)|where"
            r"|wer|wen|wem|wessen|wo|wohin|woher|qui|où|quién(?:es)?|dónde",
            r"誰|だれ|どこ|谁|哪里|哪裡|哪儿|什么名字",
        ),
        "identifier": (
            r"path|file|folder|url|link|address|e-?mail|branch|commit|version|code|password|port|command"
            r"|key"
            r"|pfad|datei|ordner|adresse|befehl|fichier|dossier|chemin|adresse|commande|archivo|carpeta"
            r"|ruta|dirección|comando",
            r"パス|ファイル|フォルダ|アドレス|コマンド|リンク|路径|路徑|文件|地址|链接|連結|命令|密码"
            r"|密碼|版本",
        ),
    }.items()
}
_SAME: Final = ("decision", "correction", "commitment", "preference", "open", "definition")


def asked_for(question: str) -> frozenset[str]:
    """Return the features that a question asks for: ``when`` a date, ``what did we decide`` a decision."""
    text = question[:2_000].lower().replace("\u2019", "'")
    asked = {feature for feature, pattern in _ASKS.items() if pattern.search(text)}
    asked |= {feature for feature in _SAME if CUES[feature].search(text)}
    if "amount" in asked:
        asked.add("number")
    return frozenset(asked)


def worth(features: Mapping[str, float], asked: frozenset[str]) -> float:
    """Return what a message is worth to a question that asks for these features."""
    return sum(value * (ASKED_TWICE if feature in asked else 1.0) for feature, value in features.items())
