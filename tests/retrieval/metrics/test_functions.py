"""Metrics against simulation, torchmetrics and closed forms."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchmetrics.functional.retrieval import (
    retrieval_average_precision,
    retrieval_hit_rate,
    retrieval_normalized_dcg,
    retrieval_precision,
    retrieval_recall,
    retrieval_reciprocal_rank,
)

from drawsim.retrieval.metrics import registry
from drawsim.retrieval.metrics.definitions import KS
from drawsim.retrieval.metrics.functions import expected_ranks, query_metrics, summarise
from drawsim.retrieval.ranking import Relevance, rank
from tests.retrieval.test_ranking import grid, some_relevance


@settings(max_examples=30)
@given(st.integers(1, 8), st.integers(2, 60), st.integers(0, 10_000))
def test_agrees_with_torchmetrics_without_ties(q: int, n: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    queries = torch.nn.functional.normalize(torch.randn(q, 16, generator=generator))
    gallery = torch.nn.functional.normalize(torch.randn(n, 16, generator=generator))
    relevance = some_relevance(q, n, seed)
    ours = query_metrics(rank(queries, gallery, relevance, k=1))
    target = torch.zeros(q, n, dtype=torch.bool)
    target[relevance.query, relevance.gallery] = True
    for i, query in enumerate(ours["query"].tolist()):
        scores = (queries[query] @ gallery.T).double() + 2  # theirs drop scores <= 0
        theirs = {
            "map": retrieval_average_precision(scores, target[query]),
            "mrr": retrieval_reciprocal_rank(scores, target[query]),
            **{f"recall@{k}": retrieval_recall(scores, target[query], top_k=k) for k in KS},
            **{f"precision@{k}": retrieval_precision(scores, target[query], top_k=k) for k in KS},
            **{f"hit_rate@{k}": retrieval_hit_rate(scores, target[query], top_k=k) for k in KS},
            **{f"ndcg@{k}": retrieval_normalized_dcg(scores, target[query], top_k=k) for k in KS},
        }
        for name, value in theirs.items():
            assert float(ours[name][i]) == pytest.approx(float(value), abs=1e-6), name


@settings(max_examples=10)
@given(st.integers(0, 10_000))
def test_ranks_of_ties_are_the_mean_over_random_orders(seed: int) -> None:
    queries, gallery = grid(1, seed, values=1), grid(12, seed + 1, values=1)
    relevance = some_relevance(1, 12, seed)
    if not len(relevance.query):
        return
    ranks = expected_ranks(rank(queries, gallery, relevance, k=1)).sort().values
    scores = (queries @ gallery.T)[0]
    generator = torch.Generator().manual_seed(seed)
    sums, draws = torch.zeros(len(ranks), dtype=torch.float64), 4000
    for _ in range(draws):
        order = torch.randperm(12, generator=generator)
        order = order[scores[order].sort(descending=True, stable=True).indices]
        place = torch.empty(12, dtype=torch.float64)
        place[order] = torch.arange(1, 13, dtype=torch.float64)
        sums += place[relevance.gallery].sort().values
    torch.testing.assert_close(ranks, sums / draws, atol=0.25, rtol=0)


def test_a_collapsed_model_scores_at_chance_and_says_so() -> None:
    n = 99
    same = torch.nn.functional.normalize(torch.ones(n, 8))
    relevance = Relevance(torch.arange(5), torch.arange(5))
    result = rank(same[:5], same, relevance, k=3)
    assert result.tie_rate == 1.0
    scores = summarise(query_metrics(result))
    assert scores["first_rank"] == scores["mean_rank"] == scores["median_rank"] == (n + 1) / 2
    assert scores["recall@1"] == scores["recall@20"] == 0.0
    assert scores["normalised_rank"] == pytest.approx((n - 1) / 2 / n)


def test_two_tied_relevant_items_never_exceed_precision_one() -> None:
    gallery = torch.nn.functional.normalize(torch.tensor([[1.0, 0], [1, 0], [0, 1], [0, 1]]))
    relevance = Relevance(torch.tensor([0, 0]), torch.tensor([0, 1]))
    scores = summarise(query_metrics(rank(gallery[:1], gallery, relevance, k=1)))
    assert scores["map"] == 1.0
    assert scores["mean_rank"] == 1.5


def test_perfect_ranking_closed_form() -> None:
    gallery = torch.eye(50)
    relevance = Relevance(torch.arange(50), torch.arange(50))
    scores = summarise(query_metrics(rank(gallery, gallery, relevance, k=1)))
    assert scores["map"] == scores["mrr"] == scores["recall@1"] == scores["precision@1"] == 1.0
    assert scores["precision@10"] == pytest.approx(0.1)
    assert scores["median_rank"] == 1.0


@settings(max_examples=30)
@given(st.integers(1, 8), st.integers(1, 40), st.integers(0, 10_000))
def test_bounds_and_growth_with_k(q: int, n: int, seed: int) -> None:
    relevance = some_relevance(q, n, seed)
    per_query = query_metrics(rank(grid(q, seed), grid(n, seed + 1), relevance, k=1))
    for growing in ("recall", "hit_rate"):
        over_k = torch.stack([per_query[f"{growing}@{k}"] for k in KS])
        assert (over_k.diff(dim=0) >= 0).all()
    for name, values in per_query.items():
        if name == "query":
            continue
        if registry.find(name).unit == "rank":
            assert ((values >= 1) & (values <= n)).all()
        else:
            assert ((values >= 0) & (values <= 1 + 1e-12)).all(), name


@settings(max_examples=30)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=30, unique=True))
def test_one_query_by_hand(places: list[int]) -> None:
    """Brute force over the ranked list of 30, whose relevant items stand at `places`."""
    gallery = torch.eye(30)
    query = torch.nn.functional.normalize(torch.arange(30.0, 0.0, -1.0)[None])
    relevance = Relevance(torch.zeros(len(places), dtype=torch.int64), torch.tensor(places) - 1)
    found = query_metrics(rank(query, gallery, relevance, k=1))
    hit = [place in places for place in range(1, 31)]
    precision = [sum(hit[:place]) / place for place in range(1, 31)]
    for k in KS:
        of_hits = [p for p, h in zip(precision[:k], hit[:k], strict=True) if h]
        assert float(found[f"map@{k}"]) == pytest.approx(sum(of_hits) / min(len(places), k))
    above_best = sum(places) - sum(range(1, len(places) + 1))
    assert float(found["normalised_rank"]) == pytest.approx(above_best / (30 * len(places)))


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_a_monotone_change_of_scores_changes_nothing(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    queries = torch.nn.functional.normalize(torch.randn(4, 8, generator=generator).double())
    gallery = torch.nn.functional.normalize(torch.randn(40, 8, generator=generator).double())
    relevance = some_relevance(4, 40, seed)
    one = query_metrics(rank(queries, gallery, relevance, k=1))
    two = query_metrics(rank(3 * queries, gallery, relevance, k=1))
    for name, values in one.items():
        assert torch.equal(values, two[name]), name


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_gallery_order_does_not_matter(seed: int) -> None:
    queries, gallery = grid(5, seed), grid(30, seed + 1)
    relevance = some_relevance(5, 30, seed)
    shuffle = torch.randperm(30, generator=torch.Generator().manual_seed(seed))
    moved = Relevance(relevance.query, torch.argsort(shuffle)[relevance.gallery])
    one = summarise(query_metrics(rank(queries, gallery, relevance, k=1)))
    two = summarise(query_metrics(rank(queries, gallery[shuffle], moved, k=1)))
    assert one == pytest.approx(two)


def test_queries_without_relevant_items_are_left_out() -> None:
    none = Relevance(torch.empty(0, dtype=torch.int64), torch.empty(0, dtype=torch.int64))
    assert summarise(query_metrics(rank(grid(3, 0), grid(5, 1), none, k=1))) == {}
