"""The metrics as a `torchmetrics.Metric`, for any training loop, on any number of processes."""

from __future__ import annotations

import torch
from torch import Tensor

from drawsim.retrieval.gathering import EmbeddingTable
from drawsim.retrieval.metrics.functions import query_metrics, summarise
from drawsim.retrieval.ranking import Relevance, rank


class RetrievalScores(EmbeddingTable):
    """Every metric of `summarise` over a gallery and its queries, from embeddings in any order.

    Rows 0 .. gallery_size - 1 are the gallery, the rows after them the queries; relevance is in the
    numbers that each side has by itself. Rows that come twice, as samplers of several processes pad
    them, count once.

    >>> import torch
    >>> scores = RetrievalScores(2, Relevance(torch.tensor([0]), torch.tensor([1])))
    >>> scores.update(torch.tensor([0, 1, 2]), torch.tensor([[1.0, 0], [0, 1], [0.6, 0.8]]))
    >>> float(scores.compute()["mrr"])
    1.0
    """

    def __init__(self, gallery_size: int, relevance: Relevance) -> None:
        super().__init__()
        self.gallery_size = gallery_size
        self.relevance = relevance

    def compute(self) -> dict[str, float]:  # type: ignore[override]
        """Name -> value, and `tie_rate`. Raises ValueError if a row of the gallery is missing."""
        rows, vectors = super().compute()
        gallery = rows < self.gallery_size
        if int(gallery.sum()) != self.gallery_size:
            raise ValueError(f"{int(gallery.sum())} of {self.gallery_size} gallery rows came in")
        seen = rows[~gallery] - self.gallery_size
        ranking = rank(vectors[~gallery], vectors[gallery], self._among(seen.cpu()), k=0)
        return summarise(query_metrics(ranking)) | {"tie_rate": ranking.tie_rate}

    def _among(self, seen: Tensor) -> Relevance:
        """The relevance of the queries that came in, by their place among these."""
        here = torch.isin(self.relevance.query, seen)
        place = torch.searchsorted(seen, self.relevance.query[here])
        return Relevance(place, self.relevance.gallery[here])
