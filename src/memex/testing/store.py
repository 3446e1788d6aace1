"""What every store promises, as tests."""

from __future__ import annotations

from memex.testing._store.copying import CopyPromises
from memex.testing._store.embedding import VectorPromises
from memex.testing._store.forgetting import ForgetPromises
from memex.testing._store.forks import ForkPromises
from memex.testing._store.histories import HistoryPromises
from memex.testing._store.log import LogPromises
from memex.testing._store.notes import NotePromises
from memex.testing._store.searching import SearchPromises
from memex.testing._store.seeking import SeekPromises
from memex.testing._store.spaces import SpacePromises
from memex.testing._store.spanning import SpanPromises
from memex.testing._store.texts import TextPromises
from memex.testing._store.together import LastingPromises, TogetherPromises


class StoreContract(
    LogPromises,
    TextPromises,
    SpacePromises,
    ForkPromises,
    NotePromises,
    ForgetPromises,
    CopyPromises,
    SearchPromises,
    SeekPromises,
    SpanPromises,
    VectorPromises,
    TogetherPromises,
    LastingPromises,
    HistoryPromises,
):
    """The promises of :class:`memex.Store`. Subclass it in a store's own tests and say how to open one.

    ::

        from memex.testing import StoreContract

        class TestPaperStore(StoreContract):
            persistent = True

            def open_store(self, folder, namespace="default"):
                return PaperStore(str(folder / "paper"), namespace=namespace)

    Abilities that a store does not offer, such as search and vectors, are skipped with a reason.

    Attributes:
        persistent: Whether the data outlives the store object: opened again on the same folder,
            everything is there. Then several objects and processes are let loose on one folder.
        processes: Whether several processes may use it at once. A child process loads the class
            from its file to open the store, so it must stand at the top of its module.
        kills: How many times a process is killed while it appends.
        examples: How many random histories are compared with a model.
        steps: How long each of them is.
    """
