"""Exact search: every vector is looked at, none is overlooked."""

from __future__ import annotations

import torch
from torch import Tensor

from drawsim.retrieval.index.base import GATHERED, Searcher
from drawsim.retrieval.index.filters import Passing
from drawsim.retrieval.ranking import top_k


class Exact(Searcher):
    """vectors: (N, d) float32, unit rows; they may be memory-mapped."""

    def __init__(self, vectors: Tensor) -> None:
        self.vectors = vectors

    def top_k(
        self, queries: Tensor, k: int, passing: Passing | None = None
    ) -> tuple[Tensor, Tensor]:
        """The k nearest rows of each query; all that pass, if there are fewer."""
        if passing is None:
            return top_k(queries, self.vectors, min(k, len(self.vectors)))
        left = torch.from_numpy(passing.mask).nonzero().flatten()
        lists = []
        for some in torch.split(left, max(1, GATHERED // self.vectors.shape[1])):
            best, places = top_k(queries, self.vectors.index_select(0, some), min(k, len(some)))
            lists.append((best, some[places]))
        scores, rows = (torch.cat(columns, dim=1) for columns in zip(*lists, strict=True))
        scores, places = scores.topk(min(k, len(left)), dim=1)
        return scores, rows.gather(1, places)
