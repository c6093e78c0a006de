"""Re-ranking, against plain slow code and by hand."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from drawsim.retrieval.metrics.functions import expected_ranks
from drawsim.retrieval.ranking import Ranking, Relevance, rank
from drawsim.retrieval.reranking import lists as reranking
from drawsim.retrieval.reranking.lists import (
    compare,
    expand,
    k_reciprocal,
    k_reciprocal_scores,
    rank_expanded,
    winner,
    with_scores,
)


def unit_rows(count: int, dimensions: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(count, dimensions, generator=generator, dtype=torch.float64)
    return functional.normalize(rows, dim=1)


def first_of_each(queries: int) -> Relevance:
    return Relevance(torch.arange(queries), torch.arange(queries))


# Query expansion


def test_expansion_by_hand() -> None:
    query = torch.tensor([[1.0, 0.0, 0.0]])
    gallery = torch.tensor([[0.6, 0.8, 0.0], [0.0, 0.0, 1.0], [-1.0, 0.0, 0.0]])
    average = expand(query, gallery, torch.tensor([[0]]), alpha=0)
    torch.testing.assert_close(average, functional.normalize(torch.tensor([[1.6, 0.8, 0.0]])))
    weighted = expand(query, gallery, torch.tensor([[0, 1]]), alpha=2)
    by_hand = torch.tensor([[1 + 0.36 * 0.6, 0.36 * 0.8, 0.0]])
    torch.testing.assert_close(weighted, functional.normalize(by_hand))
    away = expand(query, gallery, torch.tensor([[2]]), alpha=3)
    torch.testing.assert_close(away, query)


def test_expansion_finds_what_its_neighbour_leads_to() -> None:
    """The true artwork is far from the query but near its nearest one."""
    angles = torch.tensor([0.3, 0.8, -0.55, -0.6], dtype=torch.float64)
    gallery = torch.stack([angles.cos(), angles.sin()], dim=1)
    query = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    before = rank(query, gallery, Relevance(torch.tensor([0]), torch.tensor([1])), 4)
    after = rank_expanded(before, query, gallery, neighbours=1, alpha=0)
    assert expected_ranks(before).tolist() == [4]
    assert expected_ranks(after).tolist() == [2]
    expanded = expand(query, gallery, torch.tensor([[0]]), alpha=0)
    torch.testing.assert_close(expanded, torch.tensor([[math.cos(0.15), math.sin(0.15)]]).double())


# k-reciprocal neighbours


def slow_k_reciprocal(
    query: Tensor, artworks: Tensor, k1: int, k2: int, original: float
) -> list[float]:
    """The method's equations one by one, for one query and its candidates."""
    members = [query, *artworks]
    n = len(members)
    d = [
        [0.0 if i == j else float(1 - members[i] @ members[j]) for j in range(n)] for i in range(n)
    ]
    largest = max(max(row) for row in d)
    d = [[value / largest for value in row] for row in d]

    def nearest(i: int, k: int) -> list[int]:
        others = sorted((j for j in range(n) if j != i), key=lambda j: d[i][j])
        return [i, *others[:k]]

    def reciprocal(i: int, k: int) -> set[int]:
        return {j for j in nearest(i, k) if i in nearest(j, k)}

    def expanded(i: int) -> set[int]:
        own = reciprocal(i, k1)
        star = set(own)
        for j in own:
            half = reciprocal(j, max(1, round(k1 / 2)))
            if len(own & half) >= 2 / 3 * len(half) - 1e-9:
                star |= half
        return star

    stars = [expanded(i) for i in range(n)]
    plain = [[math.exp(-d[i][j]) if j in stars[i] else 0.0 for j in range(n)] for i in range(n)]
    encoded = []
    for i in range(n):
        near = nearest(i, k2 - 1)
        encoded.append([sum(plain[m][j] for m in near) / len(near) for j in range(n)])
    scores = []
    for j in range(1, n):
        common = sum(min(a, b) for a, b in zip(encoded[0], encoded[j], strict=True))
        either = sum(max(a, b) for a, b in zip(encoded[0], encoded[j], strict=True))
        scores.append(1 - ((1 - original) * (1 - common / either) + original * d[0][j]))
    return scores


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    k1=st.integers(1, 12),
    k2=st.integers(1, 6),
    original=st.sampled_from([0.0, 0.3, 1.0]),
)
def test_k_reciprocal_is_the_plain_method(seed: int, k1: int, k2: int, original: float) -> None:
    queries, gallery = unit_rows(3, 4, seed), unit_rows(30, 4, seed + 1)
    top = rank(queries, gallery, first_of_each(3), 14).top_index
    scores = k_reciprocal_scores(queries, gallery, top, k1=k1, k2=k2, original=original)
    slow = [slow_k_reciprocal(queries[q], gallery[top[q]], k1, k2, original) for q in range(3)]
    torch.testing.assert_close(scores, torch.tensor(slow, dtype=torch.float64))


def test_distance_alone_keeps_the_order() -> None:
    queries, gallery = unit_rows(4, 8, 0), unit_rows(50, 8, 1)
    top = rank(queries, gallery, first_of_each(4), 20).top_index
    scores = k_reciprocal_scores(queries, gallery, top, original=1.0)
    assert (scores[:, :-1] >= scores[:, 1:]).all()


def test_blocks_do_not_matter_and_are_small(monkeypatch: pytest.MonkeyPatch) -> None:
    queries, gallery = unit_rows(9, 8, 0), unit_rows(60, 8, 1)
    before = rank(queries, gallery, first_of_each(9), 20)
    whole = k_reciprocal_scores(queries, gallery, before.top_index)
    moved = expand(queries, gallery, before.top_index, alpha=1)
    sizes = []
    encode = reranking._encode

    def watched(distance: Tensor, k1: int, k2: int) -> Tensor:
        sizes.append(distance.numel())
        return encode(distance, k1, k2)

    monkeypatch.setattr(reranking, "_encode", watched)
    monkeypatch.setattr(reranking, "BLOCK", 4 * 21**2 * 2)
    torch.testing.assert_close(k_reciprocal_scores(queries, gallery, before.top_index), whole)
    torch.testing.assert_close(expand(queries, gallery, before.top_index, alpha=1), moved)
    assert max(sizes) == 2 * 21**2
    assert len(sizes) == 5


# New lists


@settings(max_examples=60)
@given(seed=st.integers(0, 10_000), listed=st.integers(1, 12), coarse=st.booleans())
def test_new_scores_rank_as_if_all_had_been_ranked(seed: int, listed: int, coarse: bool) -> None:
    """Oracle: every artwork's score, the unlisted ones' moved below all, ranked one by one."""
    queries, gallery = unit_rows(4, 3, seed), unit_rows(12, 3, seed + 1)
    every = Relevance(torch.arange(4).repeat_interleave(3), torch.tensor([0, 4, 8]).repeat(4))
    before = rank(queries, gallery, every, listed)
    generator = torch.Generator().manual_seed(seed)
    scores = torch.rand(4, listed, generator=generator, dtype=torch.float64)
    if coarse:
        scores = (scores * 3).round()
    after = with_scores(before, scores)
    full = queries @ gallery.T - 100
    full.scatter_(1, before.top_index, scores)
    own = full[every.query, every.gallery][:, None]
    higher = (full[every.query] > own).sum(dim=1)
    assert after.higher.tolist() == higher.tolist()
    assert after.equal.tolist() == (full[every.query] == own).sum(dim=1).tolist()
    assert (after.top_score[:, :-1] >= after.top_score[:, 1:]).all()
    torch.testing.assert_close(full.gather(1, after.top_index), after.top_score)


def test_ties_across_the_end_of_the_list_stay_behind_it() -> None:
    gallery = torch.tensor([[1.0, 0.0]] * 4)
    relevance = Relevance(torch.zeros(4, dtype=torch.int64), torch.arange(4))
    before = rank(gallery[:1], gallery, relevance, 2)
    after = with_scores(before, torch.tensor([[0.1, 0.9]]))
    first, second = before.top_index[0].tolist()
    assert after.top_index.tolist() == [[second, first]]
    counts = torch.stack([after.higher, after.equal], dim=1).tolist()
    assert counts[second] == [0, 1]
    assert counts[first] == [1, 1]
    for behind in set(range(4)) - {first, second}:
        assert counts[behind] == [2, 2]


def test_k_reciprocal_reorders_the_lists() -> None:
    queries, gallery = unit_rows(5, 6, 2), unit_rows(40, 6, 3)
    before = rank(queries, gallery, first_of_each(5), 15)
    after = k_reciprocal(before, queries, gallery)
    assert not torch.equal(after.top_index, before.top_index)
    torch.testing.assert_close(after.top_index.sort().values, before.top_index.sort().values)


# Does it help?


def ranked(ranks: list[int]) -> Ranking:
    """A ranking in which the one true artwork of each query has this rank."""
    higher = torch.tensor(ranks) - 1
    return Ranking(
        top_index=torch.zeros(len(ranks), 0, dtype=torch.int64),
        top_score=torch.zeros(len(ranks), 0),
        relevance=first_of_each(len(ranks)),
        higher=higher,
        equal=torch.ones_like(higher),
        gallery_size=100,
    )


def test_gains_by_hand() -> None:
    before = ranked([2] * 12)
    gains = compare(
        before,
        {"up": ranked([1] * 11 + [4]), "same": ranked([2] * 12), "down": ranked([4] * 12)},
    )
    up, same, down = gains
    assert [gain.name for gain in gains] == ["up", "same", "down"]
    assert up.mrr == pytest.approx((11 + 0.25) / 12)
    assert (up.better, up.worse) == (11, 1)
    assert up.test.difference == pytest.approx(up.mrr - 0.5)
    assert (same.better, same.worse, same.wins, same.p) == (0, 0, False, 1.0)
    assert (down.better, down.worse, down.wins) == (0, 12, False)
    assert down.p < 0.05
    assert winner(gains) == up
    assert winner([same, down]) is None
    assert compare(before, {}) == []


def test_drawings_of_one_artwork_count_as_one() -> None:
    """Twelve drawings of two artworks cannot win, however much they gain."""
    before, after = ranked([2] * 12), ranked([1] * 12)
    alone, grouped = (
        compare(before, {"up": after}, groups)[0] for groups in (None, [0] * 6 + [1] * 6)
    )
    assert alone.wins
    assert not grouped.wins
