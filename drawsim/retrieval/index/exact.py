"""Exact search: every vector is looked at, none is overlooked."""

from __future__ import annotations

import torch
from torch import Tensor

from drawsim.retrieval.index.base import GATHERED, Searcher
from drawsim.retrieval.index.filters import Passing
from drawsim.retrieval.ranking import top_k


class Exact(Searcher):
    """vectors: (N, d) float32 or float16, unit rows; they may be memory-mapped.

    They are looked at a part at a time, once for all queries: of vectors on disk no more than a
    part is in memory, and of float16 no more is converted.
    """

    def __init__(self, vectors: Tensor) -> None:
        self.vectors = vectors

    def top_k(
        self, queries: Tensor, k: int, passing: Passing | None = None
    ) -> tuple[Tensor, Tensor]:
        """The k nearest rows of each query; all that pass, if there are fewer."""
        step = max(1, GATHERED // self.vectors.shape[1])
        lists = []
        if passing is None:
            for start in range(0, len(self.vectors), step):
                part = self.vectors[start : start + step].float()
                best, places = top_k(queries, part, min(k, len(part)))
                lists.append((best, places + start))
        else:
            left = torch.from_numpy(passing.mask).nonzero().flatten()
            for some in torch.split(left, step):
                part = self.vectors.index_select(0, some).float()
                best, places = top_k(queries, part, min(k, len(part)))
                lists.append((best, some[places]))
        if len(lists) == 1:
            return lists[0]
        scores, rows = (torch.cat(columns, dim=1) for columns in zip(*lists, strict=True))
        scores, places = scores.topk(min(k, scores.shape[1]), dim=1)
        return scores, rows.gather(1, places)
