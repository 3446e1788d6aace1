"""A contract that nothing can break proves nothing: stores with one fault each have to fail it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings
from memex_inmemory.store import InMemoryStore
from msgspec.structs import replace

from memex import Appended, Entry, Hit, Message, Postings, Receipt, StoredPlan, ThreadImage, ThreadInfo
from memex.testing import StoreBatteries, StoreContract


class TornBatches(InMemoryStore):
    def append(self, thread: str, messages: Sequence[Message], **kwargs: Any) -> Appended:
        if len(messages) < 2 or kwargs.get("tokens") is not None:
            return super().append(thread, messages, **kwargs)
        done = [super(TornBatches, self).append(thread, [message], **kwargs) for message in messages]
        entries = tuple(entry for one in done for entry in one.entries)
        return Appended(entries, done[-1].head, sum(one.new for one in done))


class NoSwap(InMemoryStore):
    def append(self, thread: str, messages: Sequence[Message], **kwargs: Any) -> Appended:
        return super().append(thread, messages, **{**kwargs, "expect": None})


class DoubleStorer(InMemoryStore):
    def append(self, thread: str, messages: Sequence[Message], **kwargs: Any) -> Appended:
        return super().append(thread, [m.replace(id=m.id + "'") for m in messages], **kwargs)


class EagerReader(InMemoryStore):
    def entries(self, *args: Any, **kwargs: Any) -> Iterator[Entry]:
        return iter(list(super().entries(*args, **kwargs)))


class OneWayReader(InMemoryStore):
    def entries(
        self,
        thread: str,
        start: int = 1,
        stop: int | None = None,
        *,
        roles: Collection[str] | None = None,
        reverse: bool = False,
    ) -> Iterator[Entry]:
        return super().entries(thread, start, stop, roles=roles)


class RolesIgnored(InMemoryStore):
    def entries(self, *args: Any, **kwargs: Any) -> Iterator[Entry]:
        return super().entries(*args, **{**kwargs, "roles": None})


class Follower(InMemoryStore):
    """Reads on while others write, and never ends."""

    def entries(self, thread: str, start: int = 1, *args: Any, **kwargs: Any) -> Iterator[Entry]:
        while found := list(super().entries(thread, start, *args, **kwargs))[:1]:
            yield from found
            start += 1


class Leaky(InMemoryStore):
    def within(self, namespace: str) -> InMemoryStore:
        other = super().within(self.namespace)
        other.namespace = namespace
        other._data.namespaces.setdefault(namespace, self._threads())
        return other


class LiveFork(InMemoryStore):
    def fork(self, thread: str, new: str, at: int | None = None) -> ThreadInfo:
        return super().fork(thread, new)


class StatelessFork(InMemoryStore):
    def fork(self, thread: str, new: str, at: int | None = None) -> ThreadInfo:
        info = super().fork(thread, new, at)
        self._found(new).state.clear()
        return info


class AllPlans(InMemoryStore):
    def fork(self, thread: str, new: str, at: int | None = None) -> ThreadInfo:
        info = super().fork(thread, new, at)
        fork = self._found(new)
        fork.plan_base = fork.shared_plans = len(self._found(thread).plans)
        self._found(new).plans = []
        return info


class OldPlansFirst(InMemoryStore):
    def plans(self, thread: str, *, before: int | None = None) -> Iterator[StoredPlan]:
        return reversed(list(super().plans(thread, before=before)))


class Amnesiac(InMemoryStore):
    def forget(self, thread: str, ids: Sequence[str] | None = None) -> Receipt:
        places = {"messages": 1, "index": 1}
        return Receipt(thread, tuple(range(1, 9)), ids is None, places)


class NotOnlyForgotten(InMemoryStore):
    def forget(self, thread: str, ids: Sequence[str] | None = None) -> Receipt:
        receipt = super().forget(thread, ids)
        for seq in receipt.messages if ids else ():
            segment = self._found(thread)
            row = segment.row(seq)
            del segment.places[row.id]
        return receipt


class AnyId(InMemoryStore):
    def open_thread(self, thread: str, *, create: bool = True) -> ThreadInfo:
        return super().open_thread(thread.replace("\x1b", "") or "empty", create=create)


class QuerySyntax(InMemoryStore):
    def search(self, query: str, **kwargs: Any) -> list[Hit]:
        if query.count('"') % 2:
            raise ValueError("unterminated string")
        return super().search(query, **kwargs)


class WordsOnly(InMemoryStore):
    """Knows no phrases and no beginnings."""

    def search(self, query: str, **kwargs: Any) -> list[Hit]:
        return super().search(query.replace('"', " ").replace("*", " "), **kwargs)


class AnyTime(InMemoryStore):
    def search(self, query: str, **kwargs: Any) -> list[Hit]:
        return super().search(query, **{**kwargs, "since": None, "until": None})


class AnyNotes(InMemoryStore):
    def search(self, query: str, **kwargs: Any) -> list[Hit]:
        meta = {key: value for key, value in (kwargs.pop("meta", None) or {}).items() if value}
        return super().search(query, meta=meta or None, **kwargs)


class LastWriterWins(InMemoryStore):
    def put_state(self, thread: str, key: str, value: bytes | None, **_: Any) -> None:
        super().put_state(thread, key, value)


class CopiesWhole(InMemoryStore):
    """Restores a fork as a thread of its own."""

    def image(self, thread: str) -> ThreadImage:
        image = super().image(thread)
        return replace(image, info=replace(image.info, parent=None, forked_at=None))


class CopiesNoState(InMemoryStore):
    def image(self, thread: str) -> ThreadImage:
        return replace(super().image(thread), state={})


class CopiesNoCounts(InMemoryStore):
    def restore(self, image: ThreadImage, entries: Iterable[Entry], *args: Any) -> ThreadInfo:
        return super().restore(image, (Entry(entry.seq, entry.message) for entry in entries), *args)


class CopiesAsNew(InMemoryStore):
    """Restores a thread with the time at which it did so."""

    def restore(self, image: ThreadImage, *args: Any) -> ThreadInfo:
        info = replace(image.info, created=datetime.now(UTC))
        return super().restore(replace(image, info=info), *args)


class ForgetfulIndex(InMemoryStore):
    def search(self, query: str, **kwargs: Any) -> list[Hit]:
        return [hit for hit in super().search(query, **kwargs) if hit.thread == (kwargs.get("thread") or "a")]


class Clairvoyant(InMemoryStore):
    def find(self, thread: str, terms: Sequence[str], *, upto: int, limit: int) -> list[Postings]:
        return super().find(thread, terms, upto=10**9, limit=limit)


class Unbounded(InMemoryStore):
    def find(self, thread: str, terms: Sequence[str], *, upto: int, limit: int) -> list[Postings]:
        return super().find(thread, terms, upto=upto, limit=10**9)


class Case(StoreContract):
    kind: type[InMemoryStore] = InMemoryStore

    def open_store(self, folder: Path, namespace: str = "default") -> InMemoryStore:
        return self.kind(namespace=namespace)


FAULTS: list[tuple[type[InMemoryStore], Callable[..., None]]] = [
    (TornBatches, Case.test_a_batch_cannot_repeat_an_id),
    (TornBatches, Case.test_the_same_id_with_other_content_conflicts),
    (TornBatches, Case.test_a_lone_surrogate_is_refused),
    (NoSwap, Case.test_compare_and_swap),
    (NoSwap, Case.test_one_of_many_swaps_wins),
    (DoubleStorer, Case.test_messages_get_their_places_in_order),
    (EagerReader, Case.test_reading_goes_as_far_as_the_reader),
    (OneWayReader, Case.test_entries_by_range),
    (RolesIgnored, Case.test_entries_by_role),
    (RolesIgnored, Case.test_roles_are_found_across_the_fork),
    (Follower, Case.test_entries_is_an_iterator_that_ends),
    (Leaky, Case.test_the_same_ids_in_two_namespaces_are_two_things),
    (Leaky, Case.test_what_one_has_the_other_has_not),
    (LiveFork, Case.test_a_fork_shares_up_to_its_point),
    (LiveFork, Case.test_both_go_on_by_themselves),
    (StatelessFork, Case.test_state_is_copied),
    (AllPlans, Case.test_plans_are_shared_up_to_the_fork),
    (OldPlansFirst, Case.test_plans_are_numbered_from_one),
    (Amnesiac, Case.test_a_message_becomes_a_tombstone),
    (Amnesiac, Case.test_a_whole_thread),
    (Amnesiac, Case.test_forgotten_words_are_not_found),
    (NotOnlyForgotten, Case.test_a_forgotten_message_cannot_come_back),
    (QuerySyntax, Case.test_a_query_has_no_operators),
    (WordsOnly, Case.test_phrases),
    (WordsOnly, Case.test_beginnings),
    (AnyTime, Case.test_only_of_some_time),
    (AnyNotes, Case.test_only_with_some_notes),
    (LastWriterWins, Case.test_state_is_swapped_only_for_what_is_expected),
    (LastWriterWins, Case.test_no_swap_of_state_is_lost),
    (ForgetfulIndex, Case.test_in_one_thread_or_in_all),
    (Clairvoyant, Case.test_find_is_exact_and_newest_first),
    (Clairvoyant, Case.test_find_does_not_depend_on_others),
    (Unbounded, Case.test_find_is_exact_and_newest_first),
]


COPY_FAULTS: list[tuple[type[InMemoryStore], Callable[..., None]]] = [
    (CopiesNoState, Case.test_a_copy_is_the_same),
    (CopiesWhole, Case.test_a_copy_is_the_same),
    (CopiesWhole, Case.test_a_copy_shares_as_its_model_did),
    (CopiesWhole, Case.test_forks_of_a_forgotten_thread_are_copied),
]


@pytest.mark.parametrize(("kind", "promise"), COPY_FAULTS, ids=lambda value: value.__name__)
def test_a_store_that_copies_badly_fails(kind: type[InMemoryStore], promise: Callable[..., None]) -> None:
    promise(Case(), InMemoryStore(), InMemoryStore())
    with pytest.raises((Exception, pytest.fail.Exception)):
        promise(Case(), kind(), kind())


@pytest.mark.parametrize("kind", [CopiesNoState, CopiesWhole, CopiesNoCounts, CopiesAsNew])
def test_a_store_whose_archives_lose_something_fails(kind: type[InMemoryStore], tmp_path: Path) -> None:
    Case().test_an_archive_holds_the_same(InMemoryStore(), InMemoryStore(), tmp_path, "sound")
    with pytest.raises((Exception, pytest.fail.Exception)):
        Case().test_an_archive_holds_the_same(kind(), kind(), tmp_path, "faulty")


@pytest.mark.parametrize(("kind", "promise"), FAULTS, ids=lambda value: value.__name__)
def test_the_broken_store_fails_and_the_sound_one_does_not(
    kind: type[InMemoryStore], promise: Callable[..., None]
) -> None:
    promise(Case(), InMemoryStore())
    with pytest.raises((Exception, pytest.fail.Exception)):
        promise(Case(), kind())


@pytest.fixture
def unshrunk() -> Iterator[None]:
    """Whether a fault is found matters here, not the shortest history that shows it."""
    usual = settings.get_current_profile_name()
    settings.register_profile("unshrunk", phases=[Phase.generate], derandomize=True, database=None)
    settings.load_profile("unshrunk")
    yield
    settings.load_profile(usual)


@pytest.mark.usefixtures("unshrunk")
@pytest.mark.parametrize("kind", [DoubleStorer, LiveFork, StatelessFork, Amnesiac, Clairvoyant])
def test_the_random_histories_find_it_too(kind: type[InMemoryStore]) -> None:
    case = type("Broken", (Case,), {"kind": kind, "examples": 100})()
    with pytest.raises((Exception, pytest.fail.Exception)):
        case.test_behaves_like_its_model()
    figures: list[str] = []
    with pytest.raises((Exception, pytest.fail.Exception)):
        type("Battery", (StoreBatteries,), {"open_store": lambda *_: kind()})().test_model(figures.append)
    assert figures == ["model: 100 histories of up to 50 steps, falsified"]


@pytest.mark.parametrize("name", ["\x1b[31mred", ""])
def test_a_store_that_takes_any_id_fails(name: str) -> None:
    Case().test_some_ids_are_refused_by_every_store(InMemoryStore(), name)
    with pytest.raises((Exception, pytest.fail.Exception)):
        Case().test_some_ids_are_refused_by_every_store(AnyId(), name)
