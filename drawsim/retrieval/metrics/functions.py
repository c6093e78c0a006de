"""Retrieval metrics of a ranking, exact under ties; docs/metrics.md has a card for each.

A metric is a mean over queries, so that a drawing with several artworks counts once. Ranks are
1-based. Items of equal score are taken to be in random order, and a relevant item has its expected
rank in it: `higher + (equal + 1) / 2` when it is the only relevant one of its tie. When m relevant
items share a tie of g, the j-th of them to come has the expected rank
`higher + j (g + 1) / (m + 1)`, the mean of an order statistic of a random draw without replacement;
for m = 1 that is the same.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from drawsim.retrieval.ranking import Ranking

KS = (1, 5, 10, 20, 50, 100, 200, 400)
"""Cut-offs of every metric that is named `…@k`."""


def expected_ranks(ranking: Ranking) -> Tensor:
    """Expected 1-based rank of each relevant pair, (P,) float64, in the order of the relevance."""
    query, higher = ranking.relevance.query, ranking.higher
    tie = torch.stack([query, higher], dim=1)
    _, group, shared_by = torch.unique(tie, dim=0, return_inverse=True, return_counts=True)
    order = torch.argsort(group, stable=True)
    first_of_group = torch.cumsum(shared_by, 0) - shared_by
    place = torch.empty_like(group)
    place[order] = torch.arange(len(group)) - first_of_group[group[order]] + 1
    relevant = shared_by[group]
    ranks: Tensor = higher + place * (ranking.equal + 1) / (relevant + 1).double()
    return ranks


def query_metrics(ranking: Ranking) -> dict[str, Tensor]:
    """Every metric for every query that has a relevant item: name -> (queries,) float64.

    The key `query` holds the row numbers of those queries. With r_1 <= r_2 <= … <= r_m the ranks of
    a query's m relevant items in a gallery of N, and h_k = #{r_j <= k}:
    average_precision = mean_j j / r_j;  reciprocal_rank = 1 / r_1;  first_rank = r_1;
    mean_rank = mean_j r_j;  normalised_rank = (Σ_j r_j - m (m + 1) / 2) / (N m), 0 if perfect and
    near 0.5 by chance (Müller et al., "Performance evaluation in content-based image retrieval",
    2001);  recall@k = h_k / m;  precision@k = h_k / k;  hit_rate@k = 1 if h_k > 0, else 0;
    map@k = Σ_{j <= h_k} j / r_j / min(m, k);  ndcg@k = Σ_{j <= h_k} 1 / log2(1 + r_j) over what the
    ranks 1 … min(m, k) would give (Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR
    techniques", 2002).
    """
    queries, row = torch.unique(ranking.relevance.query, return_inverse=True)
    ranks = expected_ranks(ranking)
    by_rank = torch.argsort(ranks, stable=True)
    order = by_rank[torch.argsort(row[by_rank], stable=True)]
    row, ranks = row[order], ranks[order]
    relevant = torch.bincount(row, minlength=len(queries))
    place = torch.arange(len(row)) - (torch.cumsum(relevant, 0) - relevant)[row] + 1

    def total(values: Tensor) -> Tensor:
        return torch.zeros(len(queries), dtype=torch.float64).index_add_(0, row, values.double())

    first = ranks[place == 1]
    spare = total(ranks) - relevant * (relevant + 1) / 2
    metrics = {
        "query": queries,
        "average_precision": total(place / ranks) / relevant,
        "reciprocal_rank": 1 / first,
        "first_rank": first,
        "mean_rank": total(ranks) / relevant,
        "normalised_rank": spare / (ranking.gallery_size * relevant),
    }
    gain = 1 / torch.log2(1 + ranks)
    best_gain = torch.cumsum(1 / torch.log2(2 + torch.arange(max(KS), dtype=torch.float64)), 0)
    for k in KS:
        found = ranks <= k
        hits, most = total(found), relevant.clamp(max=k)
        metrics[f"precision@{k}"] = hits / k
        metrics[f"recall@{k}"] = hits / relevant
        metrics[f"hit_rate@{k}"] = (first <= k).double()
        metrics[f"map@{k}"] = total(found * place / ranks) / most
        metrics[f"ndcg@{k}"] = total(found * gain) / best_gain[most - 1]
    return metrics


def summarise(per_query: Mapping[str, Tensor]) -> dict[str, float]:
    """Means over queries, under the names of the run contract; empty if there is no query.

    map and mrr are the means of average_precision and reciprocal_rank; median_rank is the median
    over queries of first_rank (the mean of the two middle values for an even number).
    """
    if not len(per_query["query"]):
        return {}
    names = {"average_precision": "map", "reciprocal_rank": "mrr"}
    means = {
        names.get(name, name): float(values.mean())
        for name, values in per_query.items()
        if name != "query"
    }
    return {**means, "median_rank": float(per_query["first_rank"].quantile(0.5))}
