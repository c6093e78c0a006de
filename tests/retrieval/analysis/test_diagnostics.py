"""Memorisation, hubness and CSLS against their definitions, spelt out in loops."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import skew

from drawsim.retrieval.analysis.diagnostics import csls, hubness, memorisation
from drawsim.retrieval.ranking import Relevance, rank


def unit(n: int, seed: int, d: int = 6) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.nn.functional.normalize(torch.randn(n, d, generator=generator))


def top(queries: torch.Tensor, gallery: torch.Tensor) -> torch.Tensor:
    none = torch.empty(0, dtype=torch.int64)
    return rank(queries, gallery, Relevance(none, none), k=20).top_index


@settings(max_examples=30)
@given(st.integers(1, 12), st.integers(10, 50), st.integers(0, 10_000))
def test_hubness_counts_every_list(q: int, n: int, seed: int) -> None:
    lists = top(unit(q, seed), unit(n, seed + 1))
    found = hubness(lists, n)
    counts = [sum(item in row[:10] for row in lists.tolist()) for item in range(n)]
    assert found.occurrences.tolist() == counts
    assert sum(counts) == 10 * q
    if len(set(counts)) > 1:
        assert found.skew == pytest.approx(skew(counts))
    worst = found.worst(10).tolist()
    assert [counts[i] for i in worst] == sorted((c for c in counts if c), reverse=True)[:10]


def test_a_gallery_that_is_met_evenly_has_no_skew() -> None:
    lists = torch.arange(20).view(2, 10)
    assert hubness(lists, 20).skew == 0.0


def test_memorisation_is_a_share_of_places() -> None:
    lists = torch.arange(40).view(2, 20)  # top-10 places: 0..9 and 20..29
    found = memorisation(lists, torch.tensor([0, 1, 12, 25]), 100)
    assert found.places == pytest.approx(3 / 20)
    assert found.gallery == pytest.approx(4 / 100)
    assert found.factor == pytest.approx(3.75)
    assert memorisation(lists, torch.tensor([], dtype=torch.int64), 100).factor == 0.0


@settings(max_examples=20)
@given(st.integers(3, 10), st.integers(10, 30), st.integers(1, 5), st.integers(0, 10_000))
def test_csls_ranks_as_its_formula(q: int, n: int, k: int, seed: int) -> None:
    queries, gallery = unit(q, seed).double(), unit(n, seed + 1).double()
    cosine = queries @ gallery.T
    near_query = cosine.topk(min(k, n), dim=1).values.mean(dim=1, keepdim=True)
    near_item = cosine.topk(min(k, q), dim=0).values.mean(dim=0, keepdim=True)
    expected = 2 * cosine - near_query - near_item
    left, right = csls(queries, gallery, k)
    torch.testing.assert_close((left @ right.T).argsort(dim=1), expected.argsort(dim=1))


def test_csls_sends_a_hub_back() -> None:
    """Each query is near to the hub (cosine 0.354), and a little less to its own item (0.33)."""
    queries = torch.eye(9)[:8]
    hub = torch.cat([torch.ones(8), torch.zeros(1)]) / 8**0.5
    own = 0.33 * queries + (1 - 0.33**2) ** 0.5 * torch.eye(9)[8]
    gallery = torch.cat([hub[None], own])
    assert top(queries, gallery)[:, 0].tolist() == [0] * 8
    assert top(*csls(queries, gallery, 8))[:, 0].tolist() == list(range(1, 9))
