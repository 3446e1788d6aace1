"""Random histories, compared with a model."""

from __future__ import annotations

from memex import Store
from memex.testing._store.case import StoreCase


class HistoryPromises(StoreCase):
    """Everything together, in an order nobody thought of."""

    def test_behaves_like_its_model(self) -> None:
        """``examples`` random histories of ``steps`` steps leave store and model the same."""
        # Hypothesis is of no use to the child processes that the other tests start.
        from memex.testing._store.machine import compare

        compare(self, self.examples, self.steps)

    def test_any_conversation_comes_back(self, store: Store) -> None:
        """Calls, results, reasoning, media, opaque parts, any text: to the byte."""
        from memex.testing._store.machine import send_conversations

        send_conversations(self, store)
