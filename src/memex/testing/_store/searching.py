"""Searching: for people with ``search``, for rankings that can be replayed with ``find``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from memex import (
    BadSetting,
    Hit,
    Message,
    Reasoning,
    SearchableStore,
    Text,
    ToolCall,
    UnknownThread,
    terms,
)
from memex.testing._store.case import StoreCase, user
from memex.testing._store.texts import HOSTILE_IDS, HOSTILE_TEXTS, REFUSED_IDS


def found(hits: list[Hit]) -> list[str]:
    """Return the texts of hits, sorted."""
    return sorted(hit.entry.message.text for hit in hits)


class SearchPromises(StoreCase):
    """search and find, for stores that offer them."""

    def test_all_words_or_any(self, searchable: SearchableStore) -> None:
        """By default each word has to be there; in any order, any case."""
        both, one, other = "Deploy on Friday", "we deploy often", "friday it is"
        searchable.append("a", [user(both), user(one), user(other), user("neither")])
        assert found(searchable.search("friday deploy")) == [both]
        assert found(searchable.search("FRIDAY deploy", match="any")) == sorted([both, one, other])
        assert found(searchable.search("friday nowhere")) == []
        assert found(searchable.search("friday nowhere", match="any")) == sorted([both, other])
        assert found(searchable.search("depl")) == []

    def test_best_first(self, searchable: SearchableStore) -> None:
        """More of the rarer words, in fewer others, ranks higher; scores say so."""
        searchable.append("a", [user(f"the weather on day {number}") for number in range(40)])
        best, good, weak = "kraken anchor", "kraken " + "weather " * 30, "anchor and " + "day " * 60
        searchable.append("a", [user(weak), user(best), user(good)])
        hits = searchable.search("kraken anchor", match="any")
        assert hits[0].entry.message.text == best
        assert {hit.entry.message.text for hit in hits} == {best, good, weak}
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
        assert hits[0].score > hits[-1].score

    def test_in_one_thread_or_in_all(self, searchable: SearchableStore) -> None:
        """A hit names the thread and is the entry as it stands there."""
        for thread in ("a", "b", "c"):
            searchable.append(thread, [user("filler"), user(f"kraken in {thread}")])
        assert {(hit.thread, hit.entry.seq) for hit in searchable.search("kraken")} == {
            ("a", 2),
            ("b", 2),
            ("c", 2),
        }
        (hit,) = searchable.search("kraken", thread="b")
        assert (hit.thread, hit.entry) == ("b", list(searchable.entries("b"))[1])
        with pytest.raises(UnknownThread):
            searchable.search("kraken", thread="no")

    def test_only_some_roles(self, searchable: SearchableStore) -> None:
        """Others do not count against the limit."""
        searchable.append("a", [Message.assistant("kraken") for _ in range(5)])
        searchable.append("a", [user("kraken asked"), Message.system("kraken ruled")])
        assert found(searchable.search("kraken", roles={"user"}, limit=1)) == ["kraken asked"]
        wanted = searchable.search("kraken", roles={"user", "system"}, thread="a")
        assert found(wanted) == ["kraken asked", "kraken ruled"]
        assert searchable.search("kraken", roles=()) == searchable.search("kraken", roles={"tool"}) == []

    def test_at_most_as_many_as_asked_for(self, searchable: SearchableStore) -> None:
        """None at all for 0."""
        searchable.append("a", [user(f"kraken {number}") for number in range(30)])
        assert [len(searchable.search("kraken", limit=limit)) for limit in (0, 1, 7, 99)] == [0, 1, 7, 30]
        assert len(searchable.search("kraken")) == 20
        assert [len(searchable.search("kraken", thread="a", limit=limit)) for limit in (0, 7)] == [0, 7]

    @pytest.mark.parametrize(
        ("text", "query"),
        [
            ("Die Straße zum naïve Café", "strasse cafe NAIVE"),
            ("plain cafe", "Café"),
            ("部署时间是星期五", "星期五"),
            ("部署时间是星期五", "部署"),
            ("デプロイは金曜日です", "金曜"),
            ("เราจะปล่อยวันศุกร์", "ศุกร์"),
            ("배포는 금요일입니다", "금요일입니다"),
            ("Развёртывание в пятницу", "пятницу"),
            ("ＤＥＰＬＯＹ　ｆｕｌｌ　ｗｉｄｔｈ", "deploy"),
            ("Łódź, København: 12,345 or 12’345 €", "Lodz kobenhavn 12345"),
            ("snake_case and kebab-case v1.2.3", "kebab snake"),
        ],
        ids=ascii,
    )
    def test_every_script(self, searchable: SearchableStore, text: str, query: str) -> None:
        """Words are those of :func:`memex.terms`: accents, width, thousands, unspaced scripts."""
        searchable.append("a", [user("something else"), user("其他的话"), user(text)])
        assert found(searchable.search(query)) == [text]
        assert found(searchable.search(query, thread="a")) == [text]

    def test_phrases(self, searchable: SearchableStore) -> None:
        """Between quotes words stand side by side, in that order; in every script."""
        right = "we deploy on Friday, says Ann"
        searchable.append("a", [user("on Friday we deploy"), user(right), user("部署时间"), user("时间部署")])
        assert found(searchable.search('"deploy on friday"')) == [right]
        assert found(searchable.search('ann "we deploy"', thread="a")) == [right]
        assert found(searchable.search('"deploy friday"')) == []
        assert found(searchable.search('"部署时间"')) == ["部署时间"]
        assert len(searchable.search('"we deploy" "on friday"')) == 2
        assert found(searchable.search('"deploy on" nowhere', match="any")) == [right]
        assert len(searchable.search('deploy" on friday')) == 2
        assert searchable.search('""') == searchable.search('"?!"') == []

    def test_beginnings(self, searchable: SearchableStore) -> None:
        """A star after a word finds how words begin, after a phrase how its last word does."""
        searchable.append("a", [user("deployment"), user("deploy now"), user("redeploy"), user("nowhere")])
        assert found(searchable.search("deplo*")) == ["deploy now", "deployment"]
        assert found(searchable.search("DEPLO* now", thread="a")) == ["deploy now"]
        assert found(searchable.search('"deploy no"*')) == ["deploy now"]
        assert searchable.search("deplo") == searchable.search("*") == searchable.search("* *") == []
        assert found(searchable.search("re* nowh*", match="any")) == ["nowhere", "redeploy"]

    def test_only_of_some_time(self, searchable: SearchableStore) -> None:
        """From ``since`` on and before ``until``, whatever zone they are told in."""
        days = [datetime(2026, 3, day, 12, tzinfo=UTC) for day in range(1, 6)]
        east = timezone(timedelta(hours=9))
        for day in days:
            told = day.astimezone(east) if day.day % 2 else day
            searchable.append("a", [user(f"kraken {day.day}").replace(created=told)])
        assert found(searchable.search("kraken", since=days[3])) == ["kraken 4", "kraken 5"]
        assert found(searchable.search("kraken", until=days[1], thread="a")) == ["kraken 1"]
        between = searchable.search("kraken", since=days[1].astimezone(east), until=days[3], limit=1)
        assert between[0].entry.message.text in {"kraken 2", "kraken 3"}
        assert len(searchable.search("kraken", since=days[1], until=days[3])) == 2
        with pytest.raises(BadSetting):
            searchable.search("kraken", since=datetime(2026, 3, 1))  # noqa: DTZ001

    def test_only_with_some_notes(self, searchable: SearchableStore) -> None:
        """Each value has to be there, as JSON compares it."""
        notes = ({"topic": "a", "n": 1}, {"topic": "a", "n": True}, {"topic": "b"}, {"deep": {"x": [1]}})
        for number, meta in enumerate(notes):
            searchable.append("a", [user(f"kraken {number}").replace(meta=meta)])
        assert found(searchable.search("kraken", meta={"topic": "a"})) == ["kraken 0", "kraken 1"]
        assert found(searchable.search("kraken", meta={"topic": "a", "n": 1}, limit=1)) == ["kraken 0"]
        assert found(searchable.search("kraken", meta={"deep": {"x": [1]}}, thread="a")) == ["kraken 3"]
        assert searchable.search("kraken", meta={"topic": None}) == []
        assert len(searchable.search("kraken", meta={})) == 4
        with pytest.raises(BadSetting):
            searchable.search("kraken", meta={"topic": {1, 2}})

    def test_a_query_has_no_operators(self, searchable: SearchableStore) -> None:
        """No string raises, and what other engines take for operators are words, or nothing."""
        searchable.append("a", [user("to be or not to be near"), user("and so on")])
        hostile = [
            '"',
            "'",
            "*",
            "a*",
            "-b",
            "NEAR(a, b)",
            "^x",
            "a:b",
            "words:a",
            "(",
            ")",
            "a AND",
            "OR",
            "NOT x",
        ]
        hostile += ["\0", "a\0b", "\ud800", "%", "_", "\\", "{a b}: c", "a + b", "--", ";", "x" * 100_000]
        for query in [*hostile, *HOSTILE_TEXTS, *HOSTILE_IDS, *REFUSED_IDS, " ".join(map(str, range(3000)))]:
            for thread in (None, "a"):
                searchable.search(query, thread=thread)
                searchable.search(query, thread=thread, match="any")
        assert found(searchable.search("OR")) == ["to be or not to be near"]
        assert found(searchable.search("AND on")) == ["and so on"]
        assert searchable.search("") == searchable.search("*** --- !!!", match="any") == []

    def test_what_is_searched(self, searchable: SearchableStore) -> None:
        """Said, called and answered; not what a model thought."""
        said = Message.assistant(
            [Reasoning("aardvark"), Text("badger"), ToolCall(id="c", name="cheetah", arguments='{"dog": 1}')]
        )
        searchable.append("a", [said, Message.tool("c", "elephant")])
        seqs = {word: [hit.entry.seq for hit in searchable.search(word)] for word in terms("aardvark badger")}
        assert seqs == {"aardvark": [], "badger": [1]}
        assert [searchable.search(word)[0].entry.seq for word in ("cheetah", "dog", "elephant")] == [1, 1, 2]

    def test_a_snippet_shows_the_match(self, searchable: SearchableStore) -> None:
        """The words around it, in one short line."""
        searchable.append("a", [user("x " * 500 + "the kraken\nsleeps " + "y " * 500)])
        (hit,) = searchable.search("kraken")
        assert "kraken sleeps" in hit.snippet
        assert len(hit.snippet) <= 170

    def test_a_fork_sees_what_it_shares(self, searchable: SearchableStore) -> None:
        """Up to the fork point, and its own; over all threads a shared message is one hit."""
        searchable.append("a", [user("kraken one"), user("kraken two")])
        searchable.fork("a", "b", 1)
        searchable.append("b", [user("kraken three")])
        hits = searchable.search("kraken", thread="b")
        assert {(hit.thread, hit.entry.seq, hit.entry.message.text) for hit in hits} == {
            ("b", 1, "kraken one"),
            ("b", 2, "kraken three"),
        }
        assert found(searchable.search("kraken", thread="a")) == ["kraken one", "kraken two"]
        assert found(searchable.search("kraken")) == ["kraken one", "kraken three", "kraken two"]
        postings = searchable.find("b", ["kraken", "two", "three"], upto=2, limit=5)
        assert [p.seqs for p in postings] == [(2, 1), (), (2,)]

    def test_find_is_exact_and_newest_first(self, searchable: SearchableStore) -> None:
        """One answer per term, in the order asked, bounded by ``upto`` and ``limit``."""
        searchable.append("a", [user(f"{'odd' if n % 2 else 'even'} all") for n in range(1, 21)])
        odd = tuple(range(19, 0, -2))
        both = searchable.find("a", ["odd", "all", "nowhere"], upto=20, limit=100)
        assert [(p.term, p.seqs) for p in both] == [
            ("odd", odd),
            ("all", tuple(range(20, 0, -1))),
            ("nowhere", ()),
        ]
        assert searchable.find("a", ["odd"], upto=9, limit=3)[0].seqs == (9, 7, 5)
        assert searchable.find("a", ["odd"], upto=0, limit=3)[0].seqs == ()
        assert searchable.find("a", ["odd"], upto=20, limit=0)[0].seqs == ()
        assert searchable.find("a", [], upto=20, limit=3) == []
        assert [p.seqs for p in searchable.find("a", ["odd", "odd"], upto=1, limit=1)] == [(1,), (1,)]

    def test_find_takes_terms_as_they_are(self, searchable: SearchableStore) -> None:
        """What :func:`memex.terms` would not give is nowhere; no string raises."""
        searchable.append("a", [user("Deploy the foo-bar, 部署")])
        asked = [
            "deploy",
            "foo",
            "bar",
            "部署",
            "Deploy",
            "foo-bar",
            "foo bar",
            "dep*",
            '"deploy"',
            "",
            " deploy",
        ]
        asked += ["\0", "\ud800", "NOT", "words:deploy", "部", "部署 ", *HOSTILE_TEXTS]
        seqs = [postings.seqs for postings in searchable.find("a", asked, upto=5, limit=5)]
        assert seqs[:4] == [(1,)] * 4
        assert set(seqs[4:]) == {()}

    def test_find_does_not_depend_on_others(self, searchable: SearchableStore) -> None:
        """Other threads and later messages change nothing, so that a ranking can be replayed."""
        searchable.append("a", [user("kraken"), user("anchor"), user("kraken anchor")])
        before = searchable.find("a", ["kraken", "anchor"], upto=3, limit=2)
        for number in range(20):
            searchable.append("b", [user("kraken kraken anchor")])
            searchable.append("a", [user(f"kraken {number}")])
        searchable.fork("a", "c", 2)
        assert searchable.find("a", ["kraken", "anchor"], upto=3, limit=2) == before
        assert [p.seqs for p in before] == [(3, 1), (3, 2)]
