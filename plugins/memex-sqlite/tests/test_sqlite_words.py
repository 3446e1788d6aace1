"""What the index is given makes it find the terms of the host, and nothing else."""

from __future__ import annotations

import sqlite3

from hypothesis import example, given, settings
from hypothesis import strategies as st
from memex_sqlite.word_index import words_of

from memex import Message, searchable_text, terms
from memex.testing import strategies


def tokens(words: str) -> list[str]:
    """Return what FTS5 makes of them, in order."""
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE w USING fts5 (words, content = '', tokenize = 'ascii')")
    connection.execute("INSERT INTO w (rowid, words) VALUES (1, ?)", (words,))
    connection.execute("CREATE VIRTUAL TABLE v USING fts5vocab (w, instance)")
    found = [term for (term,) in connection.execute("SELECT term FROM v ORDER BY offset")]
    connection.close()
    return found


@settings(max_examples=300)
@given(st.text(st.characters(max_codepoint=127)) | st.text(st.sampled_from("0129,.'a ")) | strategies.texts())
@example("a" * 64 + " " + "b" * 65 + " " + "C" * 200)
@example("foo_bar-baz.qux (x) 'y' \"z\" a\x00b \x1f \x7f I'm 3.14")
@example("1,234 1.234 1'234 12,345,678 and 1.2.3, 192.168.100.200")
@example("Straße café 部署 x")
def test_the_index_finds_the_terms_of_the_host(text: str) -> None:
    message = Message.user(text)
    assert tokens(words_of(message)) == terms(searchable_text(message))
