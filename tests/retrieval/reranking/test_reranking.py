"""Re-ranking, against plain slow code and by hand."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from drawsim.common.errors import UserError
from drawsim.retrieval.metrics.functions import expected_ranks
from drawsim.retrieval.ranking import Relevance, rank
from drawsim.retrieval.reranking import expansion, k_reciprocal
from drawsim.retrieval.reranking.base import (
    Lists,
    Pictures,
    Reranker,
    reordered,
    reranked,
    with_scores,
)
from drawsim.retrieval.reranking.chain import Chain
from drawsim.retrieval.reranking.expansion import Expansion, expand
from drawsim.retrieval.reranking.k_reciprocal import KReciprocal, k_reciprocal_scores


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
    after = reranked(Expansion(4, neighbours=1, alpha=0), before, query, gallery)
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
    encode = k_reciprocal._encode

    def watched(distance: Tensor, k1: int, k2: int) -> Tensor:
        sizes.append(distance.numel())
        return encode(distance, k1, k2)

    monkeypatch.setattr(k_reciprocal, "_encode", watched)
    monkeypatch.setattr(k_reciprocal, "BLOCK", 4 * 21**2 * 2)
    monkeypatch.setattr(expansion, "BLOCK", 4 * 21**2 * 2)
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


WAYS: tuple[Reranker, ...] = (
    Expansion(15, neighbours=3, alpha=3),
    KReciprocal(15, k1=20, k2=6, original=0.3),
)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_a_way_reorders_the_first_of_each_list_alone(way: Reranker) -> None:
    queries, gallery = unit_rows(5, 6, 2), unit_rows(40, 6, 3)
    before = rank(queries, gallery, first_of_each(5), 25)
    after = reranked(way, before, queries, gallery)
    assert not torch.equal(after.top_index, before.top_index)
    head = after.top_index[:, :15].sort().values
    torch.testing.assert_close(head, before.top_index[:, :15].sort().values)
    assert torch.equal(after.top_index[:, 15:], before.top_index[:, 15:])
    lists = reordered(way, Lists(queries, gallery, before.top_index, before.top_score))
    assert torch.equal(lists.rows, after.top_index)
    torch.testing.assert_close(lists.scores, after.top_score)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_a_list_that_ends_early_is_reranked_as_if_it_were_alone(way: Reranker) -> None:
    queries, gallery = unit_rows(3, 6, 4), unit_rows(30, 6, 5)
    full = rank(queries, gallery, first_of_each(3), 10)
    rows, scores = full.top_index.clone(), full.top_score.clone()
    rows[1, 4:], scores[1, 4:] = -1, -torch.inf
    rows[2], scores[2] = -1, -torch.inf
    found = reordered(way, Lists(queries, gallery, rows, scores))
    alone = reordered(way, Lists(queries[[1]], gallery, rows[[1], :4], scores[[1], :4]))
    assert torch.equal(found.rows[1, :4], alone.rows[0])
    torch.testing.assert_close(found.scores[1, :4], alone.scores[0])
    assert found.rows[1, 4:].tolist() == [-1] * 6
    assert found.rows[2].tolist() == [-1] * 10
    whole = reordered(way, Lists(queries, gallery, full.top_index, full.top_score))
    assert torch.equal(found.rows[0], whole.rows[0])


@dataclass
class Turned:
    """A way that turns the first of each list round."""

    depth: int
    name: str = "turned"
    looks: bool = False
    says: str = "places"

    def scores(self, lists: Lists, pictures: Pictures | None = None) -> Tensor:
        return torch.arange(lists.rows.shape[1]).to(lists.scores).expand(len(lists.rows), -1)


@given(depths=st.lists(st.integers(1, 6), min_size=1, max_size=4), ends=st.integers(1, 8))
def test_each_link_looks_at_what_the_one_before_it_left(depths: list[int], ends: int) -> None:
    """Oracle: a plain list whose beginning is turned round, once for each link."""
    queries, gallery = unit_rows(1, 6, 2), unit_rows(9, 6, 3)
    every = Relevance(torch.zeros(9, dtype=torch.int64), torch.arange(9))
    before = rank(queries, gallery, every, 8)
    chain = Chain(tuple(Turned(depth) for depth in depths))
    by_hand = turned(before.top_index[0].tolist(), depths)
    after = chain.rerank(before, queries, gallery)
    assert after.top_index[0].tolist() == by_hand
    assert [expected_ranks(after).tolist()[row] for row in by_hand] == list(range(1, 9))
    rows, scores = before.top_index[:, :ends], before.top_score[:, :ends]
    found = chain.reorder(Lists(queries, gallery, rows, scores))
    assert found.rows[0].tolist() == turned(rows[0].tolist(), depths)


def turned(rows: list[int], depths: list[int]) -> list[int]:
    for depth in depths:
        rows[:depth] = rows[:depth][::-1]
    return rows


def test_links_can_be_left_out() -> None:
    chain = Chain(WAYS)
    assert (chain.name, chain.depth, chain.looks) == ("expansion, k_reciprocal", 15, False)
    assert chain.without(["expansion"]) == Chain(WAYS[1:])
    assert chain.without(["expansion", "k_reciprocal"]) is None


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Expansion(2, 3, 1), "rerank.expansion.neighbours=3: from 1 to its depth, 2"),
        (lambda: Expansion(9, 3, -1), "rerank.expansion.alpha=-1"),
        (lambda: KReciprocal(0, 1, 1, 0.3), "must be at least 1"),
        (lambda: KReciprocal(9, 1, 1, 1.5), "rerank.k_reciprocal.original=1.5"),
    ],
)
def test_what_cannot_be_is_refused(make: Callable[[], Reranker], says: str) -> None:
    with pytest.raises(UserError, match=re.escape(says)):
        make()
