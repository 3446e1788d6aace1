"""How many forms of a word are looked up that exist, and how many words of another meaning with them.

    pip install simplemma wordfreq snowballstemmer
    python benchmarks/forms.py [LANGUAGE ...]

simplemma's dictionaries say which words are forms of one lemma, wordfreq how often each is used. For
every seventh word of a language that is used at least three times in ten million, not a function word:

- recall: which part of the other forms of its lemma is found, by use
- precision: which part of the existing words that are looked up are forms of its lemma, by use. What is
  made of a word ("miete", "mieter") counts as wrong, though it does little harm

Compared in the same run: words as they are, and all words that have the same Snowball stem, which is
what an index of stems would find. Prints JSON. Exits with 1 where the forms of a language have less recall
than its stems, unless their precision is more by the same factor.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import time
from collections import defaultdict
from collections.abc import Callable, Collection
from functools import partial

import snowballstemmer
import wordfreq
from memex_recall.forms import forms
from memex_recall.languages import function_words
from simplemma.strategies.dictionaries.dictionary_factory import DefaultDictionaryFactory

from memex import terms

LANGUAGES = {
    "en": "english",
    "de": "german",
    "nl": "dutch",
    "sv": "swedish",
    "da": "danish",
    "no": "norwegian",
    "fr": "french",
    "es": "spanish",
    "it": "italian",
    "pt": "portuguese",
    "ru": "russian",
    "uk": "",
    "pl": "polish",
    "cs": "czech",
}
STEP = 7
LEAST, MOST = 3e-7, 1e-4
Found = Callable[[str], Collection[str]]


def lexicon(language: str) -> tuple[dict[str, float], dict[str, set[str]]]:
    """Return how often each word is used, and its lemmas; words as an index has them."""
    code = {"no": "nb"}.get(language, language)
    lemma_of = DefaultDictionaryFactory().get_dictionary(code)
    used: dict[str, float] = defaultdict(float)
    lemmas: dict[str, set[str]] = defaultdict(set)
    written = wordfreq.get_frequency_dict(code, "best")
    for word, frequency in written.items():
        folded = terms(word)
        if word.isalpha() and len(folded) == 1:
            used[folded[0]] += frequency
            for spelt in (word, word.capitalize()):
                if lemma := lemma_of.get(spelt):
                    lemmas[folded[0]].add(lemma.lower())
    for lemma in {lemma for some in lemmas.values() for lemma in some} & set(written):
        if len(folded := terms(lemma)) == 1:
            lemmas[folded[0]].add(lemma)
    grammar = function_words(language)
    counted = {
        word: min(used[word], MOST)
        for word in lemmas
        if used[word] >= LEAST and len(word) > 2 and word not in grammar
    }
    return counted, lemmas


def score(found: Found, used: dict[str, float], lemmas: dict[str, set[str]]) -> dict[str, float]:
    """Return recall and precision in percent, and what a word costs."""
    groups: dict[str, set[str]] = defaultdict(set)
    for word in used:
        for lemma in lemmas[word]:
            groups[lemma].add(word)
    wanted = right = wrong = 0.0
    asked = list(used)[::STEP]
    count = 0
    spent = time.process_time()
    looked_up = [set(found(word)) for word in asked]
    spent = time.process_time() - spent
    for word, some in zip(asked, looked_up, strict=True):
        others = set().union(*(groups[lemma] for lemma in lemmas[word])) - {word}
        count += len(some)
        wanted += used[word] * sum(used[other] for other in others)
        right += used[word] * sum(used[other] for other in others & some)
        wrong += used[word] * sum(used[other] for other in (some & used.keys()) - others - {word})
    return {
        "recall": round(100 * right / wanted, 1),
        "precision": round(100 * right / ((right + wrong) or 1), 1),
        "forms of a word": round(count / len(asked), 1),
        "us a word": round(1e6 * spent / len(asked)),
    }


def same_stem(language: str, used: Collection[str]) -> Found:
    """Return what an index of Snowball's stems would find."""
    stemmer = snowballstemmer.stemmer(LANGUAGES[language])
    stems = {word: stemmer.stemWord(word) for word in used}
    words: dict[str, list[str]] = defaultdict(list)
    for word, stem in stems.items():
        words[stem].append(word)
    return lambda word: words[stems[word]]


def judged(language: str) -> Found:
    """Return the forms whose Snowball stem is the word's."""
    stemmer = snowballstemmer.stemmer(LANGUAGES[language])
    return lambda word: [
        form for form in forms(word, (language,)) if stemmer.stemWord(form) == stemmer.stemWord(word)
    ]


def main() -> int:
    """Run the comparison."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("language", nargs="*", help="of " + ", ".join(LANGUAGES))
    given = arguments.parse_args()
    result: dict[str, dict[str, dict[str, float]]] = {}
    for language in given.language or LANGUAGES:
        used, lemmas = lexicon(language)
        rows = {"forms": score(partial(forms, languages=(language,)), used, lemmas)}
        if LANGUAGES[language]:
            rows["same stem"] = score(same_stem(language, used), used, lemmas)
            rows["forms with the same stem"] = score(judged(language), used, lemmas)
        result[language] = rows
        print(json.dumps({language: rows}), flush=True)
    behind = [
        language
        for language, rows in result.items()
        if "same stem" in rows
        and rows["forms"]["recall"] * rows["forms"]["precision"]
        < rows["same stem"]["recall"] * rows["same stem"]["precision"]
    ]
    versions = {
        name: importlib.metadata.version(name) for name in ("simplemma", "wordfreq", "snowballstemmer")
    }
    print(json.dumps({"versions": versions, "behind Snowball": behind, "passed": not behind}, indent=2))
    return 1 if behind else 0


if __name__ == "__main__":
    raise SystemExit(main())
