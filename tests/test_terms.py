"""Terms: the words that stores and rankers agree on."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from memex import terms
from memex.testing import strategies


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("متى النشر؟", "النشر"),
        ("कब तैनात किया।", "किया"),
        ("מה שלום־עולם׃", "עולם"),
        ("Where is Łódź?", "lodz"),
        ("いつデプロイ？", "デプ"),
        ("ไปไหน฿100", "100"),
    ],
)
def test_punctuation_is_not_part_of_a_word(asked, said):
    assert said in terms(asked)


def test_marks_are_part_of_a_word():
    assert terms("हिन्दी") == ["हिन्दी"]
    assert len(terms("مُحَمَّد")) == 1


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("İstanbul", "istanbul"),  # the Turkish capital keeps its dot when it is folded
        ("ISPARTA", "ısparta"),
        ("ёлка", "елка"),
        ("за\u0301мок", "замок"),
        ("كِتَابٌ", "كتاب"),
        ("كتـــاب", "كتاب"),
        ("أحمد", "احمد"),
        ("کتاب یک", "كتاب يك"),  # Persian letters, and the Arabic ones for them
        ("שָׁלוֹם", "שלום"),
        ("٧٢٦٤ und ७२६४", "7264 und 7264"),
        ("Silben\u00adtrennung", "Silbentrennung"),
        ("نمی\u200cخواهم", "نمیخواهم"),
        ("葛\U000e0100飾区", "葛飾区"),
    ],
)
def test_what_not_everybody_writes_makes_no_other_word(said, asked):
    assert terms(said) == terms(asked)


def test_letters_that_only_look_marked_stay():
    assert terms("йод їжак ў") == ["йод", "їжак", "ў"]
    assert terms("مؤمن") == ["مؤمن"]


def test_case_width_and_accents_are_folded():
    assert terms("ÜBER Café ＡＢＣ straße") == ["uber", "cafe", "abc", "strasse"]


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("Łódź", "Lodz"),
        ("København", "Kobenhavn"),
        ("Đà Nẵng", "Da Nang"),
        ("Ħamrun", "hamrun"),
        ("l'œuvre", "l'oeuvre"),
        ("Ærø", "aero"),
        ("Ǽ ǿ", "ae o"),  # with an accent on top
        ("Borgarfjörður", "borgarfjordur"),
        ("Þingvellir", "thingvellir"),
        ("GROẞ groß", "gross gross"),
    ],
)
def test_letters_that_have_no_plain_form_in_unicode_get_one(said, asked):
    assert terms(said) == terms(asked) == asked.lower().replace("'", " ").split()


@pytest.mark.parametrize(
    "said",
    [
        "1,234",
        "1.234",
        "1'234",
        "1\u2019234",
        "1\u00a0234",
        "1\u202f234",
        "1\u2009234",
        "1\u066c234",
        "１，２３４",
        "١٬٢٣٤",
        "(1,234)",
        "$1,234",
        "'1,234'",
    ],
)
def test_a_number_is_one_word_however_its_thousands_are_parted(said):
    assert terms(said) == ["1234"]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("12,345,678 and 1.234.567.890", "12345678 and 1234567890"),
        ("1,234.56 1.234,56 1234.56", "1234 56 1234 56 1234 56"),
        ("12.500km, 1,234th", "12500km 1234th"),
        ("约1,234円", "约 1234 円"),
        ("lat,lon: 52.520,13.405", "lat lon 52520 13405"),
        # Read by some as a fraction: it is the same word in the question and in what was said.
        ("pi is 3.141", "pi is 3141"),
    ],
)
def test_thousands_in_a_text(said, words):
    assert terms(said) == words.split()


@pytest.mark.parametrize(
    "said",
    [
        "24.11.2026",
        "2026,11,24",
        "1.2.3",
        "1.2.345",
        "v1.234",
        "3.14 0.125 0,125 1234.567",
        "192.168.100.200",
        "10.100.100.1",
        "555.123.4567",
        "030.123.456",
        "+49\u00a0171\u00a0234\u00a0567",
        "0171\u00a0234\u00a0567",
        "1 234",
        "555 123 456",
        "12,34 1,2345 1,234,56 12,345,67,890",
        "x_1,234",
    ],
)
def test_what_only_looks_like_thousands_stays_apart(said):
    apart = "".join(char if char.isalnum() else " " for char in said)
    assert terms(said) == apart.split()


def test_unspaced_scripts_become_pairs():
    assert terms("東京都 水") == ["東京", "京都", "水"]


@settings(deadline=None)
@given(strategies.texts())
def test_terms_of_terms_are_the_same(text):
    found = terms(text)
    assert terms(" ".join(found)) == found


@given(st.integers(0, 10**15), st.sampled_from([*",.'\u2019\u00a0\u2007\u2009\u202f\u066c"]))
def test_thousands_of_every_number(number, mark):
    said = f"{number:,}".replace(",", mark)
    octets = said.split(".")
    assume(len(octets) != 4 or any(int(octet) > 255 for octet in octets))  # an address
    assert terms(said) == [str(number)]


@settings(deadline=None)
@given(st.text(st.sampled_from("0129,.'+ aZ_-\n")) | st.text(st.characters(max_codepoint=127)))
def test_a_text_has_the_same_words_beside_letters_of_any_kind(text):
    assert [*terms(text), "e"] == terms(text + " é")


@given(st.text(st.characters(max_codepoint=127)))
def test_the_case_of_letters_makes_no_difference(text):
    assert terms(text.upper()) == terms(text) == terms(text.lower())


@settings(deadline=None)
@given(strategies.texts() | st.text(st.sampled_from("ŒÆþß1,.\u00a0aﬃ"), min_size=60))
def test_words_are_short(text):
    assert all(0 < len(word) <= 64 for word in terms(text))


@given(st.text(st.sampled_from("0129,.'+ \u2019\u00a0\u202f\u066cłæ१円_")))
def test_terms_of_terms_are_the_same_where_numbers_are(text):
    found = terms(text)
    assert terms(" ".join(found)) == found
