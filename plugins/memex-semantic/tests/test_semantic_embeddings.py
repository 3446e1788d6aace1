"""Vectors of threads: each message embedded once, kept where it lies, and the same as made afresh."""

from __future__ import annotations

import gc
import weakref

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from memex_semantic.embeddings import BATCH, Embeddings
from memex_semantic.places import HeldVectors, StoredVectors, place_in
from memex_semantic.sharing import embeddings_for, reader_of
from tiny_embedders import Apart, Offers, Tiny

from memex import Entry, Memex, Message, Unavailable, pack_vector, vector_store
from memex.testing import ScratchStore


def reader(store, thread):
    return lambda start, stop: store.entries(thread, start, stop)


def vectors_of(store, embeddings, thread):
    able = vector_store(store)
    return list(able.vectors(thread, embeddings.space))


@pytest.fixture(params=["keeps", "keeps none"])
def store(request, keeping_store):
    """Give a store that keeps vectors, and one that does not."""
    return keeping_store if request.param == "keeps" else ScratchStore()


def embeddings_in(store, embedder=None, piece=200):
    return Embeddings(embedder or Tiny(), lambda: place_in(store), piece=piece)


def test_each_message_is_embedded_once(store):
    store.append("t", [Message.user(f"message {number}") for number in range(3 * BATCH + 5)])
    embedder = Tiny()
    embeddings = embeddings_in(store, embedder)
    read = reader(store, "t")
    assert len(embeddings.matrix("t", read, 10)) == 10
    assert len(embeddings.matrix("t", read, 3 * BATCH + 5)) == 3 * BATCH + 5
    embeddings.embed("t", read, 3 * BATCH + 5)
    assert sorted(embedder.asked) == sorted(f"message {number}" for number in range(3 * BATCH + 5))
    store.append("t", [Message.user("one more")])
    embeddings.matrix("t", read, 3 * BATCH + 6)
    assert embedder.asked[3 * BATCH + 5 :] == ["one more"]


def test_a_batch_costs_no_more_where_more_is_left(keeping_store, monkeypatch):
    """All that was missing used to be looked through for each batch: the square of the thread's length."""
    count = 100 * BATCH
    keeping_store.append("t", [Message.user(f"message {number}") for number in range(count)])
    without = keeping_store.without_vectors
    seen = []

    def counted(thread, space, start=1, stop=None):
        found = list(without(thread, space, start, stop))
        seen.append(len(found))
        return iter(found)

    monkeypatch.setattr(keeping_store, "without_vectors", counted)
    embeddings_in(keeping_store).embed("t", reader(keeping_store, "t"), count)
    assert sum(seen) < 10 * count


def test_another_process_embeds_nothing_again(keeping_store):
    keeping_store.append("t", [Message.user(f"message {number}") for number in range(9)])
    read = reader(keeping_store, "t")
    first = embeddings_in(keeping_store).matrix("t", read, 9)
    again = Tiny()
    assert embeddings_in(keeping_store, again).matrix("t", read, 9).seqs == first.seqs
    assert again.asked == []


def test_a_fork_embeds_only_what_is_its_own(keeping_store):
    keeping_store.append("t", [Message.user(f"message {number}") for number in range(9)])
    embedder = Tiny()
    embeddings = embeddings_in(keeping_store, embedder)
    embeddings.embed("t", reader(keeping_store, "t"), 9)
    keeping_store.fork("t", "fork", 5)
    keeping_store.append("fork", [Message.user("its own")])
    embeddings.embed("fork", reader(keeping_store, "fork"), 6)
    assert embedder.asked[9:] == ["its own"]


def test_a_long_message_has_several_vectors_and_an_empty_one_none(keeping_store):
    keeping_store.append("t", [Message.user("many words " * 100), Message.user(""), Message.user("few")])
    embeddings = embeddings_in(keeping_store, piece=50)
    embeddings.embed("t", reader(keeping_store, "t"), 3)
    sizes = {seq: len(data) // 32 for seq, data in vectors_of(keeping_store, embeddings, "t")}
    assert sizes[1] > 3
    assert (sizes[2], sizes[3]) == (0, 1)
    assert embeddings.matrix("t", reader(keeping_store, "t"), 3).seqs == [1, 3]


def test_progress_is_told_and_what_was_done_before_a_failure_stays(store):
    store.append("t", [Message.user(f"message {number}") for number in range(2 * BATCH + 3)])
    embedder = Tiny()
    embeddings = embeddings_in(store, embedder)
    read = reader(store, "t")
    told: list[int] = []

    def tell(done: int) -> None:
        told.append(done)
        embedder.down = len(told) == 2

    with pytest.raises(Unavailable):
        embeddings.embed("t", read, 2 * BATCH + 3, tell)
    assert told == [BATCH, BATCH]
    embedder.down = False
    embeddings.embed("t", read, 2 * BATCH + 3, tell)
    assert told == [BATCH, BATCH, 3]
    assert len(embedder.asked) == 2 * BATCH + 3


def test_a_question_that_is_asked_first_and_stored_then_keeps_its_vector(store):
    class Drifting(Tiny):
        """Like a real model: the same text in another batch has other last digits."""

        def vector(self, text):
            return [number + len(self.asked) * 1e-3 for number in super().vector(text)]

    embeddings = embeddings_in(store, Drifting())
    store.append("t", [Message.user("one"), Message.user("two")])
    read = reader(store, "t")
    embeddings.embed("t", read, 2)
    asked = embeddings.question("t", Entry(3, Message.user("why?")), read)
    store.append("t", [Message.user("why?")])
    stored = next(iter(read(3, 3)))
    assert embeddings.question("t", stored, read) == asked
    assert embeddings.question("t", Entry(3, Message.user("other?")), read) != asked


def test_questions_that_are_embedded_in_another_way_have_a_space_of_their_own(keeping_store):
    embedder = Apart()
    embeddings = embeddings_in(keeping_store, embedder)
    keeping_store.append("t", [Message.user("one"), Message.user("why?")])
    read = reader(keeping_store, "t")
    stored = next(iter(read(2, 2)))
    vector = embeddings.question("t", stored, read)
    assert vector == [pack_vector(embedder.vector("a question: why?"))]
    assert embeddings_in(keeping_store, Apart()).question("t", stored, read) == vector
    assert embedder.questions == ["why?"]
    embeddings.embed("t", read, 2)
    assert [one.space.kind for one in keeping_store.vector_spaces()] == ["query-2-200", "text-2-200"]
    assert keeping_store.forget("t", [stored.message.id]).places["vectors"] == 2


def test_a_question_that_names_a_speaker_is_asked_without_the_name(keeping_store):
    embedder = Tiny()
    embeddings = embeddings_in(keeping_store, embedder)
    said = [Message.user("one", name="Mara"), Message.user("What did Mara say?"), Message.user("What else?")]
    keeping_store.append("t", said)
    read = reader(keeping_store, "t")
    asked = next(iter(read(2, 2)))
    vector = embeddings.question("t", asked, read)
    assert vector == [pack_vector(embedder.vector("What did say?"))]
    assert embeddings_in(keeping_store, Tiny()).question("t", asked, read) == vector
    embeddings.embed("t", read, 3)
    assert embedder.asked == ["What did say?", "one", "What did Mara say?", "What else?"]
    assert embeddings.question("t", next(iter(read(3, 3))), read) == [
        pack_vector(embedder.vector("What else?"))
    ]
    assert [one.space.kind for one in keeping_store.vector_spaces()] == ["query-2-200", "text-2-200"]


def test_a_new_thread_of_the_same_name_is_noticed(keeping_store):
    embeddings = embeddings_in(keeping_store)
    read = reader(keeping_store, "t")
    keeping_store.append("t", [Message.user("old one"), Message.user("old two")])
    assert len(embeddings.matrix("t", read, 2)) == 2
    keeping_store.forget("t")  # by another process, so nobody is told
    keeping_store.append("t", [Message.user("new"), Message.user(""), Message.user("newer")])
    assert embeddings.matrix("t", read, 3).seqs == [1, 3]


def test_a_thread_that_was_opened_anew_and_is_shorter_is_not_taken_for_embedded(keeping_store):
    """As the background does that looked up the head before the thread was forgotten."""
    embeddings = embeddings_in(keeping_store)
    read = reader(keeping_store, "t")
    keeping_store.append("t", [Message.user("one"), Message.user("two")])
    embeddings.embed("t", read, 4, head=lambda: keeping_store.open_thread("t").head)
    keeping_store.append("t", [Message.user("three"), Message.user("four"), Message.user("five")])
    assert embeddings.matrix("t", read, 5).seqs == [1, 2, 3, 4, 5]


def test_vectors_end_with_the_memory(tmp_path):
    memory = Memex(ScratchStore(), chain=[])
    made = embeddings_for(Tiny(), 200, memory)
    assert embeddings_for(made.embedder, 200, memory) is made
    assert embeddings_for(made.embedder, 100, memory) is not made
    gone = weakref.ref(made)
    memory.close()
    del memory, made
    gc.collect()
    assert gone() is None


def test_places_fit_the_store(keeping_store):
    assert isinstance(place_in(keeping_store), StoredVectors)
    assert isinstance(place_in(ScratchStore()), HeldVectors)
    assert isinstance(place_in(None), HeldVectors)


# -- after anything that happens, as if made afresh -------------------------------------------------

NAMES = ("a", "b", "c", "d")
TEXTS = st.sampled_from(["", "red door", "the sea", "word " * 60, "金曜日"])


class Machine(RuleBasedStateMachine):
    """Appends, forks, forgets and changes the model; the vectors are those of embedding everything anew."""

    make_store = staticmethod(ScratchStore)
    follows = False

    def __init__(self) -> None:
        super().__init__()
        self.models = [Tiny("tiny-1"), Tiny("tiny-2", dimension=5)]
        chain = [{"use": "semantic", "embedder": f"given:{one.name}", "piece": 40} for one in self.models]
        self.memory = Memex(
            self.make_store(), chain=chain if self.follows else [], plugins=[Offers(*self.models)]
        )
        self.model = 0

    @property
    def embeddings(self):
        model = self.models[self.model]
        return embeddings_for(f"given:{model.name}" if self.follows else model, 40, self.memory)

    def threads(self):
        return [info.id for info in self.memory.threads()]

    @rule(name=st.sampled_from(NAMES[:2]), texts=st.lists(TEXTS, min_size=1, max_size=4))
    def append(self, name, texts):
        self.memory.thread(name).append([Message.user(text) for text in texts])

    @precondition(lambda self: self.threads())
    @rule(data=st.data())
    def fork(self, data):
        name = data.draw(st.sampled_from(self.threads()))
        free = [one for one in NAMES if one not in self.threads()]
        if free:
            head = self.memory.thread(name).info.head
            self.memory.thread(name).fork(free[0], at=data.draw(st.integers(0, head)))

    @precondition(lambda self: self.threads())
    @rule(data=st.data(), whole=st.booleans())
    def forget(self, data, whole):
        thread = self.memory.thread(data.draw(st.sampled_from(self.threads())))
        seqs = list(range(1, thread.info.head + 1))
        chosen = (
            None if whole or not seqs else data.draw(st.lists(st.sampled_from(seqs), max_size=3, unique=True))
        )
        thread.forget(chosen)

    @rule()
    def change_model(self):
        self.model = 1 - self.model

    @precondition(lambda self: self.threads())
    @rule(data=st.data())
    def embed(self, data):
        name = data.draw(st.sampled_from(self.threads()))
        head = self.memory.thread(name).info.head
        upto = data.draw(st.integers(0, head))
        self.embeddings.matrix(name, reader_of(name, self.memory), upto)

    @invariant()
    def the_vectors_are_those_made_afresh(self):
        for name in self.threads():
            store = self.memory.store
            read = reader_of(name, self.memory)
            head = store.open_thread(name).head
            fresh = Embeddings(
                Tiny(self.models[self.model].name, self.models[self.model].dimension),
                HeldVectors,
                piece=40,
            ).matrix(name, read, head)
            held = self.embeddings.matrix(name, read, head)
            assert held.seqs == fresh.seqs
            assert held._rows[: len(held)].tobytes() == fresh._rows[: len(fresh)].tobytes()

    def teardown(self):
        self.memory.close()


@pytest.mark.parametrize("keeps", [True, False])
@pytest.mark.parametrize("follows", [True, False])
def test_the_vectors_are_always_those_made_afresh(follows, keeps, make_keeping_store):
    """Also while a thread in the background embeds what is stored."""
    make = make_keeping_store if keeps else ScratchStore
    run_state_machine_as_test(
        type("Machine", (Machine,), {"make_store": staticmethod(make), "follows": follows}),
        settings=settings(
            max_examples=15, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
