"""Query expansion: the query moves towards what it found first, and its list is ranked anew."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from drawsim.common.errors import UserError
from drawsim.common.typed import check_bounds
from drawsim.retrieval.ranking import BLOCK
from drawsim.retrieval.reranking.base import Lists, Pictures


class Expansion:
    """Lists in the order of the cosine similarity to the expanded query (see `expand`).

    depth: of each list, how many are ranked anew. neighbours: how many of the first the query moves
    towards. alpha: how much less it does towards those that are less similar.
    """

    name = "expansion"
    looks = False
    says = "cosine similarities to the query moved towards what it found first"

    def __init__(self, depth: int, neighbours: int, alpha: float) -> None:
        if not 1 <= neighbours <= depth:
            raise UserError(
                f"rerank.expansion.neighbours={neighbours}: from 1 to its depth, {depth}"
            )
        check_bounds("rerank.expansion.alpha", alpha, 0)
        self.depth = depth
        self.neighbours = neighbours
        self.alpha = alpha

    def scores(self, lists: Lists, pictures: Pictures | None = None) -> Tensor:
        """New scores of the listed, (Q, m)."""
        near = lists.rows[:, : self.neighbours]
        moved = expand(lists.queries, lists.gallery, near, self.alpha)
        scores = moved.new_empty(lists.rows.shape)
        step = max(1, BLOCK // max(1, lists.rows.shape[1] * moved.shape[1]))
        for start in range(0, len(moved), step):
            some = slice(start, start + step)
            scores[some] = (lists.gallery[lists.rows[some]] @ moved[some, :, None])[..., 0]
        return scores


def expand(queries: Tensor, gallery: Tensor, top: Tensor, alpha: float) -> Tensor:
    """Queries that have moved towards their nearest artworks, (Q, d) unit rows.

    q + Σ max(0, cos(q, g))^alpha g over the rows `top`, (Q, n), of the gallery, to unit length:
    with alpha = 0 the average of Chum, Philbin, Sivic, Isard and Zisserman ("Total recall", 2007),
    with alpha > 0 weighted by Radenović, Tolias and Chum ("Fine-tuning CNN image retrieval with no
    human annotation", 2019).
    """
    expanded = torch.empty_like(queries)
    step = max(1, BLOCK // max(1, top.shape[1] * queries.shape[1]))
    for start in range(0, len(queries), step):
        some = slice(start, start + step)
        near = gallery[top[some]]
        cosine = (near @ queries[some, :, None])[..., 0]
        weight = cosine.clamp(min=0) ** alpha
        moved = queries[some] + (weight[..., None] * near).sum(dim=1)
        expanded[some] = functional.normalize(moved, dim=1)
    return expanded
