"""k-reciprocal neighbours: who has the same neighbours as the query comes first."""

from __future__ import annotations

import torch
from torch import Tensor

from drawsim.common.errors import UserError
from drawsim.retrieval.ranking import BLOCK
from drawsim.retrieval.reranking.base import Lists, Pictures


class KReciprocal:
    """Lists in the order of `k_reciprocal_scores`; depth: of each list, how many are compared."""

    name = "k_reciprocal"
    looks = False
    says = "neighbours shared with the query, 0..1, and cosine similarity"

    def __init__(self, depth: int, k1: int, k2: int, original: float) -> None:
        if min(depth, k1, k2) < 1:
            raise UserError("rerank.k_reciprocal: depth, k1 and k2 must be at least 1")
        if not 0 <= original <= 1:
            raise UserError(f"rerank.k_reciprocal.original={original}: must be a number in 0..1")
        self.depth = depth
        self.k1 = k1
        self.k2 = k2
        self.original = original

    def scores(self, lists: Lists, pictures: Pictures | None = None) -> Tensor:
        """New scores of the listed, (Q, m) in 0..1."""
        return k_reciprocal_scores(
            lists.queries,
            lists.gallery,
            lists.rows,
            k1=self.k1,
            k2=self.k2,
            original=self.original,
        )


def k_reciprocal_scores(
    queries: Tensor,
    gallery: Tensor,
    top: Tensor,
    *,
    k1: int = 20,
    k2: int = 6,
    original: float = 0.3,
) -> Tensor:
    """Scores of listed artworks by the neighbours they share with the query, (Q, m) in 0..1.

    1 - (1 - original) Jaccard distance - original d, of Zhong, Zheng, Cao and Li ("Re-ranking
    person re-identification with k-reciprocal encoding", 2017), where d is 1 - cosine over its
    largest value. Neighbours are sought among the query and its list `top`, (Q, m) gallery rows,
    alone, so that memory is bounded whatever the gallery: m² numbers for a query, a block of
    queries at a time. k1, k2, original: their k1, k2 and λ.
    """
    scores = queries.new_empty(top.shape)
    step = max(1, BLOCK // (4 * (top.shape[1] + 1) ** 2))
    for start in range(0, len(queries), step):
        some = slice(start, start + step)
        members = torch.cat([queries[some, None], gallery[top[some]]], dim=1)
        distance = 1 - members @ members.transpose(1, 2)
        distance.diagonal(dim1=1, dim2=2).zero_()
        distance = distance.clamp(min=0)
        distance /= distance.amax(dim=(1, 2), keepdim=True).clamp(min=1e-12)
        jaccard = _jaccard_from_first(_encode(distance, k1, k2))
        scores[some] = 1 - (1 - original) * jaccard[:, 1:] - original * distance[:, 0, 1:]
    return scores


def _encode(distance: Tensor, k1: int, k2: int) -> Tensor:
    """What each member has as neighbours, and how near, (B, n, n), from distances alike.

    exp(-d) over the expanded set R* of k1-reciprocal neighbours (their eq. 3, 5 and 7), averaged
    over the k2 nearest members, oneself the first (eq. 10, 11).
    """
    # Oneself comes first, whoever else is at the same place.
    keyed = distance - 2 * torch.eye(distance.shape[1]).to(distance)
    places = torch.argsort(torch.argsort(keyed, dim=2, stable=True), dim=2)

    def reciprocal(k: int) -> Tensor:
        near = places <= k
        return (near & near.transpose(1, 2)).to(distance)

    whole, half = reciprocal(k1), reciprocal(max(1, round(k1 / 2)))
    shared = whole @ half.transpose(1, 2)
    admits = whole * (3 * shared >= 2 * half.sum(dim=2)[:, None])
    star = (whole + admits @ half > 0).to(distance)
    encoded = star * torch.exp(-distance)
    nearest = (places < k2).to(distance)
    return nearest @ encoded / nearest.sum(dim=2, keepdim=True)


def _jaccard_from_first(encoded: Tensor) -> Tensor:
    """Jaccard distance of the first member to every one, (B, n), from (B, n, n) >= 0 (eq. 9)."""
    own = encoded[:, :1]
    common = torch.minimum(own, encoded).sum(dim=2)
    either = torch.maximum(own, encoded).sum(dim=2)
    return 1 - common / either
