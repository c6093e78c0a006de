"""Exact search: every vector is looked at, none is overlooked."""

from __future__ import annotations

import torch
from torch import Tensor

from drawsim.retrieval.index.base import Mask, Searcher
from drawsim.retrieval.ranking import top_k

GATHERED = 1 << 26
"""Numbers of the vectors that pass a filter, copied at a time: 64 M float32 are 256 MiB."""


class Exact(Searcher):
    """vectors: (N, d) float32, unit rows; they may be memory-mapped."""

    def __init__(self, vectors: Tensor) -> None:
        self.vectors = vectors

    def top_k(self, queries: Tensor, k: int, mask: Mask | None = None) -> tuple[Tensor, Tensor]:
        """The k nearest rows of each query; all that pass, if there are fewer."""
        if mask is None:
            return top_k(queries, self.vectors, min(k, len(self.vectors)))
        left = torch.from_numpy(mask).nonzero().flatten()
        lists = []
        for some in torch.split(left, max(1, GATHERED // self.vectors.shape[1])):
            best, places = top_k(queries, self.vectors.index_select(0, some), min(k, len(some)))
            lists.append((best, some[places]))
        scores, rows = (torch.cat(columns, dim=1) for columns in zip(*lists, strict=True))
        scores, places = scores.topk(min(k, len(left)), dim=1)
        return scores, rows.gather(1, places)
