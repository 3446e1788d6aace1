"""The policy: rank older messages by how near their meaning is to the question's."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from memex import BadSetting, Entry, Memex, Ranking, Window, ranker
from memex_semantic.embeddings import Embeddings
from memex_semantic.following import ranks
from memex_semantic.models import MODEL, need_at_hand
from memex_semantic.places import Reader
from memex_semantic.sharing import DEFAULT, HeldByHome, embeddings_for, reader_of

BESIDE: Final = 1.0
TOP: Final = 400
PIECE: Final = 200
SHARPNESS: Final = 0.7
_LEAST_DEVIATION: Final = 0.05  # where all is alike, or little is there, nearness says little


def semantic(
    embedder: Any = DEFAULT,
    *,
    share: float = 0.25,
    weight: float = 1.0,
    top: int = TOP,
    beside: float = BESIDE,
    diversity: float = 0.0,
    sharpness: float = SHARPNESS,
    piece: int = PIECE,
    host: Memex | None = None,
) -> Callable[[Window], Window]:
    """Return a policy that ranks older messages by the cosine of their vectors to the newest user message's.

    Each message is embedded once, in the background where a memory stored it, and its vectors are
    kept in the store if that can. What is not embedded yet when a window is built is embedded then.

    Args:
        embedder: Which embedder of an installed plugin, such as ``"model2vec:minishlab/potion-base-8M"``,
            or a mapping with ``use``; a program that makes the policy itself may give the object.
        share: The most that quotes may take of the prompt's tokens.
        weight: What this ranking counts beside those of other policies.
        top: At most so many messages have a rank.
        beside: What a message gets of the nearness of the nearest among it and the four on each side: an
            answer stands near its question.
        diversity: From 0 to 1: how much a message loses by being like a better one, for questions that
            ask for everything about something.
        sharpness: How fast likelihood rises with nearness: a message that is nearer by a standard deviation
            of the thread's cosines to the question is ``exp(sharpness)`` times likelier.
        piece: About how many tokens of a long message make a vector.
        host: The memory; filled in by it.

    Raises:
        BadSetting: If a setting makes no sense.
        PluginError: If the embedder cannot be made, or none is given and its model is not on this machine.
    """
    for name, value, least, most in (
        ("share", share, 0.001, 0.999),
        ("weight", weight, 0.001, 100),
        ("beside", beside, 0, 1),
        ("diversity", diversity, 0, 1),
        ("sharpness", sharpness, 0.01, 10),
    ):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
            raise BadSetting(f"semantic: {name} is {value!r}; it must be a number from {least:g} to {most:g}")
    for name, value, least in (("top", top, 1), ("piece", piece, 8)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise BadSetting(f"semantic: {name} is {value!r}; it must be a whole number of at least {least}")
    if embedder == DEFAULT and host is not None:
        need_at_hand(MODEL)
    of_host = None if host is None else embeddings_for(embedder, piece, host)
    held = HeldByHome(embedder if of_host is None else of_host.embedder, piece)
    memory = (lambda: None) if host is None else weakref.ref(host)

    def by_meaning(window: Window) -> Window:
        newest = window.newest
        if newest is None or not window.query.strip():
            return window
        thread, there = window.log.thread, memory()
        if of_host is None or there is None or there.home is not window.log.home:
            # Nobody's policy, or another memory's: its vectors are those of threads of the same names.
            embeddings, read = held.of(window.log.home), reader_of(thread, window.log)
        else:
            embeddings, read = of_host, reader_of(thread, there)
            embeddings.opened(there.store.open_thread(thread, create=False))
        near = nearest(embeddings, thread, newest, read, top=top, beside=beside)
        scores = near.scores
        if diversity and scores:
            from memex_semantic.numeric.diverse import spread

            scores = spread(embeddings.matrix(thread, read, newest.seq - 1), scores, diversity)
        worth = likelihoods(scores, sharpness / max(near.deviation, _LEAST_DEVIATION))
        return window.rank(Ranking(name="semantic", scores=worth, weight=weight, share=share))

    by_meaning.__name__ = "semantic"  # what a plan calls it when the program passes the callable itself
    if of_host is not None and host is not None:
        ranks(by_meaning, of_host, host)
    return ranker(by_meaning)


def likelihoods(scores: Mapping[int, float], sharpness: float) -> dict[int, float]:
    """Return how many times likelier each message is to hold what is asked than the last of them.

    A cosine is no measure of worth: of a good model's, all of a thread lie between 0.1 and 0.7. The odds of
    holding the answer rise exponentially with it, ``exp(sharpness)`` times for each 1.0.
    """
    least = min(scores.values(), default=0.0)
    return {seq: round(math.exp(sharpness * (score - least)), 4) for seq, score in scores.items()}


class Near(NamedTuple):
    """What is near to a question.

    Attributes:
        scores: The nearest messages and how near they are, best first.
        deviation: How far the cosines of the whole thread lie from their mean.
    """

    scores: dict[int, float]
    deviation: float


def nearest(
    embeddings: Embeddings, thread: str, question: Entry, read: Reader, *, top: int, beside: float
) -> Near:
    """Return the messages before a question that are nearest to it.

    Args:
        embeddings: The vectors.
        thread: The thread.
        question: What is asked, stored or not.
        read: How the thread's messages are read.
        top: At most so many.
        beside: As in :func:`semantic`.
    """
    from memex_semantic.numeric.matrix import rows_of

    vectors = embeddings.question(thread, question, read)
    if not vectors:
        return Near({}, 0.0)
    asked = rows_of(vectors, embeddings.space.dimension)
    while True:
        matrix = embeddings.matrix(thread, read, question.seq - 1)
        found = matrix.nearest(asked, upto=question.seq - 1, top=top, beside=beside)
        best = next(iter(found), None)
        if best is None or _is_there(read, best):
            scores = {seq: score for seq, score in found.items() if score > 0}
            return Near(scores, matrix.deviation(asked, upto=question.seq - 1))
        embeddings.read_again(thread)  # another process forgot it


def _is_there(read: Reader, seq: int) -> bool:
    return any(entry.message.status != "forgotten" for entry in read(seq, seq))
