"""Retrieval metrics of a ranking, exact under ties: those of the registry, query by query.

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

from drawsim.retrieval.metrics import registry
from drawsim.retrieval.metrics.query_ranks import Floats, QueryRanks
from drawsim.retrieval.ranking import Ranking


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


def query_ranks(ranking: Ranking) -> QueryRanks:
    """The ranks of every query that has a relevant item, in the order of the queries' rows."""
    ranks = expected_ranks(ranking).numpy()
    return QueryRanks.of(ranking.relevance.query.numpy(), ranks, ranking.gallery_size)


def query_metrics(ranking: Ranking) -> dict[str, Tensor]:
    """Every metric for every query that has a relevant item: name -> (queries,) float64.

    The key `query` holds the row numbers of those queries, in ascending order.
    """
    queries = torch.unique(ranking.relevance.query)
    values = metric_values(query_ranks(ranking))
    return {"query": queries, **{name: torch.from_numpy(own) for name, own in values.items()}}


def metric_values(ranks: QueryRanks) -> dict[str, Floats]:
    """The same from ranks alone: name -> (Q,) values."""
    values = {}
    for name, (metric, k) in registry.computed().items():
        assert metric.compute is not None
        values[name] = metric.compute(ranks) if k is None else metric.compute(ranks, k)
    return values


def summarise(per_query: Mapping[str, Tensor]) -> dict[str, float]:
    """Each metric over all queries, by its mean or median; empty if there is no query."""
    if not len(per_query["query"]):
        return {}
    return {
        name: float(
            values.quantile(0.5) if registry.find(name).over_queries == "median" else values.mean()
        )
        for name, values in per_query.items()
        if name != "query"
    }
