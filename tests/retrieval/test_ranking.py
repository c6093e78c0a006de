"""The ranking core against brute force, one item at a time."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from drawsim.retrieval import ranking
from drawsim.retrieval.metrics.functions import expected_ranks, query_metrics, summarise
from drawsim.retrieval.ranking import Relevance, rank, top_k


def grid(rows: int, seed: int, values: int = 3, d: int = 4) -> Tensor:
    """Vectors of small whole numbers: products are exact and ties common."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-values, values + 1, (rows, d), generator=generator).float()


def some_relevance(queries: int, gallery: int, seed: int) -> Relevance:
    generator = torch.Generator().manual_seed(seed)
    hits = torch.rand(queries, gallery, generator=generator) < 0.2
    query, item = hits.nonzero(as_tuple=True)
    shuffle = torch.randperm(len(query), generator=generator)
    return Relevance(query[shuffle], item[shuffle])


@settings(max_examples=40)
@given(st.integers(1, 12), st.integers(1, 30), st.integers(0, 10_000), st.sampled_from([1, 7, 64]))
def test_counts_and_top_k_equal_brute_force(q: int, n: int, seed: int, block: int) -> None:
    queries, gallery = grid(q, seed), grid(n, seed + 1)
    relevance = some_relevance(q, n, seed)
    scores = queries @ gallery.T
    original, ranking.BLOCK = ranking.BLOCK, block * n
    try:
        result = rank(queries, gallery, relevance, k=5)
    finally:
        ranking.BLOCK = original
    for i, (query, item) in enumerate(
        zip(relevance.query.tolist(), relevance.gallery.tolist(), strict=True)
    ):
        own = scores[query, item]
        assert result.higher[i] == sum(s > own for s in scores[query])
        assert result.equal[i] == sum(s == own for s in scores[query])
    expected = scores.sort(dim=1, descending=True).values[:, :5]
    torch.testing.assert_close(result.top_score, expected)
    torch.testing.assert_close(scores.gather(1, result.top_index), expected)


def test_excluded_items_never_come_back() -> None:
    queries, gallery = grid(6, 1), grid(40, 2)
    relevance = some_relevance(6, 40, 3)
    k = 40 - int(torch.bincount(relevance.query).max())
    _, index = top_k(queries, gallery, k, exclude=relevance)
    for query, item in zip(relevance.query.tolist(), relevance.gallery.tolist(), strict=True):
        assert item not in index[query].tolist()
    with pytest.raises(ValueError, match="asked for"):
        top_k(queries, gallery, k + 1, exclude=relevance)


def test_a_pair_listed_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        Relevance(torch.tensor([0, 0]), torch.tensor([3, 3]))


def test_no_queries() -> None:
    none = Relevance(torch.empty(0, dtype=torch.int64), torch.empty(0, dtype=torch.int64))
    result = rank(torch.empty(0, 4), grid(5, 0), none, k=3)
    assert result.top_index.shape == (0, 3)
    assert result.tie_rate == 0.0


@pytest.mark.parametrize("queries", [1, 5])
@pytest.mark.parametrize("d", [256, 1280])
def test_equal_vectors_tie_wherever_they_stand(queries: int, d: int) -> None:
    vector = torch.nn.functional.normalize(torch.randn(1, d, generator=torch.Generator()))
    relevance = Relevance(torch.zeros(1, dtype=torch.int64), torch.tensor([500]))
    result = rank(vector.repeat(queries, 1), vector.repeat(731, 1), relevance, k=1)
    assert result.equal.tolist() == [731]


@settings(deadline=None)
@given(
    st.lists(st.floats(width=32), min_size=12, max_size=12),
    st.lists(st.floats(width=32), min_size=6, max_size=6),
)
def test_whatever_the_numbers_are_ranks_are_ranks(gallery: list[float], asked: list[float]) -> None:
    relevance = Relevance(torch.tensor([0, 0, 1, 2]), torch.tensor([0, 4, 2, 5]))
    queries = torch.tensor(asked).view(3, 2)
    ranking = rank(queries, torch.tensor(gallery).view(6, 2), relevance, 3)
    ranks = expected_ranks(ranking)
    assert ((ranks >= 1) & (ranks <= 6)).all()
    scores = summarise(query_metrics(ranking))
    assert scores["mrr"] <= 1
    assert all(0 <= value <= 1 for name, value in scores.items() if "rank" not in name), scores


def test_what_scores_no_number_comes_last() -> None:
    gallery = torch.tensor([[torch.nan, 0], [0, 1], [-1, 0]])
    relevance = Relevance(torch.tensor([0]), torch.tensor([0]))
    ranking = rank(torch.tensor([[1.0, 0]]), gallery, relevance, 3)
    assert ranking.top_index.tolist() == [[1, 2, 0]]
    assert expected_ranks(ranking).tolist() == [3]
