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


NUMBERS = st.sampled_from([0.0, 1.0, -1.0, 0.5, torch.nan, torch.inf, -torch.inf])


@settings(max_examples=60)
@given(st.integers(1, 4), st.integers(1, 300), st.integers(1, 9), st.integers(0, 10_000), st.data())
def test_lists_are_the_best_whatever_the_scores(
    q: int, n: int, k: int, seed: int, data: st.DataObject
) -> None:
    """Of many ties, and of scores that are none, which are the worst."""
    gallery = grid(n, seed, values=1, d=3)
    for row in data.draw(st.lists(st.integers(0, n - 1), max_size=6)):
        gallery[row, 0] = data.draw(NUMBERS)
    queries = grid(q, seed + 1, values=1, d=3)
    hidden = data.draw(st.sets(st.tuples(st.integers(0, q - 1), st.integers(0, n - 1)), max_size=5))
    pairs = torch.tensor(sorted(hidden), dtype=torch.int64).view(-1, 2)
    left = n - max((sum(query == i for query, _ in hidden) for i in range(q)), default=0)
    k = min(k, left)
    original, ranking.BLOCK = ranking.BLOCK, 2 * n
    try:
        found, rows = top_k(queries, gallery, k, exclude=Relevance(pairs[:, 0], pairs[:, 1]))
    finally:
        ranking.BLOCK = original
    scores = (queries @ gallery.T).nan_to_num(nan=torch.finfo().min)
    for i in range(q):
        allowed = [j for j in range(n) if (i, j) not in hidden]
        best = sorted((float(scores[i, j]) for j in allowed), reverse=True)[:k]
        assert found[i].tolist() == best
        assert scores[i, rows[i]].tolist() == best
        assert len(set(rows[i].tolist())) == k
        assert set(rows[i].tolist()) <= set(allowed)


@pytest.mark.parametrize("n", [63, 64, 65, 1024, 1025, 1601])
def test_lists_are_whole_at_every_border_of_folding(n: int) -> None:
    scores = torch.randn(3, n, generator=torch.Generator().manual_seed(n))
    for k in (1, 2, 8, n // 9, n // 8, n // 8 + 1, n):
        found, rows = top_k(torch.eye(3), scores.T.contiguous(), k)
        assert torch.equal(found, scores.sort(dim=1, descending=True).values[:, :k])
        assert torch.equal(scores.gather(1, rows), found)


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
