"""Random threads, looked into at once and one by one."""

from __future__ import annotations

from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memex import Store, seeking, spanning
from memex.testing._store.case import user
from memex.testing._store.spanning import found_one_by_one

_WORDS = ("kraken", "anchor", "部署", "rare")
_SAID = st.tuples(st.lists(st.sampled_from(_WORDS[:3]), max_size=3), st.integers(1, 120))
"""Words, and how many messages say them: a store may pass by a few that nobody wants, and not by many."""
_LOGS = st.lists(st.lists(_SAID, max_size=3), min_size=1, max_size=7)
_FORKS = st.lists(st.tuples(st.integers(0, 99), st.integers(0, 300), st.lists(_SAID, max_size=2)), max_size=5)


def compare_spans(store: Store, examples: int) -> None:
    """Make threads, each time in a namespace of their own, and expect of all what each by itself answers."""
    namespaces = (f"n{number}" for number in count())

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(logs=_LOGS, forks=_FORKS, data=st.data())
    def compare(
        logs: list[list[tuple[list[str], int]]],
        forks: list[tuple[int, int, list[tuple[list[str], int]]]],
        data: st.DataObject,
    ) -> None:
        space = store.within(next(namespaces))
        for number, log in enumerate(logs):
            _say(space, f"t{number}", log)
        names = [f"t{number}" for number in range(len(logs))]
        for number, (of, at, log) in enumerate(forks):
            parent = names[of % len(names)]
            head = space.open_thread(parent).head
            space.fork(parent, f"f{number}", at % (head + 1))
            _say(space, f"f{number}", log)
            names.append(f"f{number}")
        for name in data.draw(st.lists(st.sampled_from(names), max_size=2, unique=True)):
            ids = [entry.message.id for entry in space.entries(name)]
            space.forget(
                name, data.draw(st.none() | st.lists(st.sampled_from(ids), unique=True)) if ids else None
            )
        heads = data.draw(st.dictionaries(st.sampled_from([*names, "no"]), st.integers(0, 400)))
        limit = data.draw(st.sampled_from([1, 3, 70, 500]))
        able, alone = spanning(space), seeking(space)
        assert able is not None
        assert alone is not None
        assert able.find_in(heads, _WORDS, limit=limit) == found_one_by_one(space, heads, _WORDS, limit)
        places = {name: [1, head // 2, head, head + 1] for name, head in heads.items()}
        there = {info.id for info in space.threads()}
        assert able.entries_in(places) == {
            name: alone.entries_at(name, seqs) for name, seqs in places.items() if name in there
        }

    compare()


def _say(space: Store, name: str, log: list[tuple[list[str], int]]) -> None:
    space.open_thread(name)
    for words, times in log:
        space.append(name, [user(" ".join(words)) for _ in range(times)])
