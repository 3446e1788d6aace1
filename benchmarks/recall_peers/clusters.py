"""A cluster policy: k-means over the embeddings; the clusters nearest to the question, newest first."""

from __future__ import annotations

import math
from typing import ClassVar

from baselines import Ordered
from embedding import embed


class Clusters(Ordered):
    """As many clusters as the root of half of the messages, as is usual."""

    embeds: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        import sklearn.cluster  # noqa: F401 - said to be missing here, not in the middle of a run

        self.fitted: tuple[int, object] = (0, None)

    def order(self, query: str) -> list[int]:
        """Return the places of all messages: cluster by cluster."""
        import numpy as np
        from sklearn.cluster import KMeans

        if not self.messages:
            return []
        if self.fitted[0] != len(self.messages):
            vectors = np.stack(embed([message["content"] for message in self.messages]))
            count = max(1, int(math.sqrt(len(vectors) / 2)))
            self.fitted = (len(vectors), KMeans(count, n_init=1, random_state=0).fit(vectors))
        kmeans = self.fitted[1]
        near = kmeans.cluster_centers_ @ embed([query])[0]  # type: ignore[attr-defined]
        labels = kmeans.labels_  # type: ignore[attr-defined]
        return sorted(range(len(labels)), key=lambda place: (-near[labels[place]], -place))
