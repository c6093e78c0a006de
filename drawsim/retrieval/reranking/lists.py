"""A second look at ranked lists, and whether it helps: query expansion and k-reciprocal neighbours.

Each way gives a new Ranking, so that every metric applies to it. `compare` says on validation
queries which way wins; a way that does not is better left off. A third one is `spatial`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn import functional

from drawsim.retrieval.analysis.statistics import PairedTest, holm, paired_test
from drawsim.retrieval.metrics.functions import query_metrics
from drawsim.retrieval.ranking import BLOCK, TIE, Ranking, rank

SIGNIFICANT = 0.05


# Query expansion


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


def rank_expanded(
    ranking: Ranking, queries: Tensor, gallery: Tensor, neighbours: int, alpha: float
) -> Ranking:
    """Rank the gallery again for queries expanded by the first `neighbours` of their lists."""
    top = ranking.top_index[:, :neighbours]
    expanded = expand(queries, gallery, top, alpha)
    return rank(expanded, gallery, ranking.relevance, ranking.top_index.shape[1])


# k-reciprocal neighbours


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


# New lists


def with_scores(ranking: Ranking, scores: Tensor) -> Ranking:
    """The ranking with its lists in the order of new scores, (Q, k), one for each listed artwork.

    What is not listed stays behind the list, in its old order.
    """
    new, place = scores.sort(dim=1, descending=True, stable=True)
    listed = ranking.top_index.shape[1]
    query, gallery = ranking.relevance.query, ranking.relevance.gallery
    own = ranking.top_index[query] == gallery[:, None]
    score = (scores[query] * own).sum(dim=1, keepdim=True)
    tie = TIE[scores.dtype]
    ahead = (scores[query] > score + tie).sum(dim=1)
    level = (scores[query] >= score - tie).sum(dim=1) - ahead
    behind = ranking.higher.clamp(min=listed)
    inside = own.any(dim=1)
    return replace(
        ranking,
        top_index=ranking.top_index.gather(1, place),
        top_score=new,
        higher=torch.where(inside, ahead, behind),
        equal=torch.where(inside, level, ranking.higher + ranking.equal - behind),
    )


def k_reciprocal(ranking: Ranking, queries: Tensor, gallery: Tensor) -> Ranking:
    """The ranking with its lists in the order of `k_reciprocal_scores`."""
    return with_scores(ranking, k_reciprocal_scores(queries, gallery, ranking.top_index))


# Does it help?


@dataclass(frozen=True)
class Gain:
    """One way against none, on queries with a true artwork.

    mrr: mean reciprocal rank with it; better, worse: queries whose first true artwork moved up and
    down; test: of the differences in reciprocal rank; p: its permutation p-value, corrected for the
    number of ways (Holm); wins: whether mrr is higher and p below SIGNIFICANT.
    """

    name: str
    mrr: float
    better: int
    worse: int
    test: PairedTest
    p: float

    @property
    def wins(self) -> bool:
        return self.test.difference > 0 and self.p < SIGNIFICANT


def compare(
    before: Ranking, after: Mapping[str, Ranking], groups: ArrayLike | None = None
) -> list[Gain]:
    """What each way gains, in the order given.

    before, after: rankings of the same queries. groups: labels of the queries that have a true
    artwork, in ascending order; those of one group depend on each other. Without them none do.
    """
    if not after:
        return []
    without = query_metrics(before)["mrr"]
    ranks = {name: query_metrics(ranking)["mrr"] for name, ranking in after.items()}
    tests = [paired_test((new - without).numpy(), groups) for new in ranks.values()]
    corrected = holm([test.p_permutation for test in tests]).tolist()
    return [
        Gain(
            name=name,
            mrr=float(new.mean()),
            better=int((new > without).sum()),
            worse=int((new < without).sum()),
            test=test,
            p=p,
        )
        for (name, new), test, p in zip(ranks.items(), tests, corrected, strict=True)
    ]


def winner(gains: list[Gain]) -> Gain | None:
    """The way that wins with the highest mean reciprocal rank; None if none wins."""
    return max((gain for gain in gains if gain.wins), key=lambda gain: gain.mrr, default=None)
