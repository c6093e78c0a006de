"""Artworks keep the neighbours that the untrained network gave them."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import normalize

from drawsim.learning.losses.distillation import TEMPERATURE, neighbours_lost


def unit(rows: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return normalize(torch.randn(rows, 5, generator=generator, dtype=torch.float64), dim=1)


@given(seed=st.integers(0, 500), own=st.lists(st.integers(0, 6), min_size=1, max_size=4))
def test_it_is_the_divergence_over_all_others(seed: int, own: list[int]) -> None:
    gallery, rows = unit(7, seed), unit(len(own), seed + 1)
    total = 0.0
    for row, itself in zip(rows.tolist(), own, strict=True):
        others = [j for j in range(7) if j != itself]

        def shares(vector: list[float], others: list[int] = others) -> list[float]:
            cosines = [sum(map(float.__mul__, vector, gallery[j].tolist())) for j in others]
            powers = [math.exp(cosine / TEMPERATURE) for cosine in cosines]
            return [power / sum(powers) for power in powers]

        pairs = zip(shares(gallery[itself].tolist()), shares(row), strict=True)
        total += sum(q * math.log(q / p) for q, p in pairs if q > 0)
    found = neighbours_lost(rows, torch.tensor(own), gallery)
    assert float(found) == pytest.approx(total / len(own), rel=1e-6, abs=1e-9)


def test_what_has_not_moved_has_lost_nothing_and_the_rest_is_drawn_back() -> None:
    gallery, own = unit(9, 3), torch.arange(4)
    same = gallery[own].clone().requires_grad_()
    lost = neighbours_lost(same, own, gallery)
    lost.backward()  # type: ignore[no-untyped-call]
    assert lost.item() == pytest.approx(0, abs=1e-12)
    assert same.grad is not None
    torch.testing.assert_close(same.grad, torch.zeros_like(same))
    moved = normalize(gallery[own] + 0.3 * unit(4, 5), dim=1).requires_grad_()
    before = neighbours_lost(moved, own, gallery)
    before.backward()  # type: ignore[no-untyped-call]
    assert moved.grad is not None
    back = normalize(moved.detach() - 0.01 * moved.grad, dim=1)
    assert float(neighbours_lost(back, own, gallery)) < float(before)


def test_half_precision_is_not_used_and_no_artwork_costs_nothing() -> None:
    gallery = unit(6, 1).float()
    rows = unit(2, 2).float()
    own = torch.tensor([0, 3])
    with torch.autocast("cpu", torch.bfloat16):
        found = neighbours_lost(rows, own, gallery)
    torch.testing.assert_close(found, neighbours_lost(rows, own, gallery), rtol=0, atol=0)
    assert float(neighbours_lost(rows[:0], own[:0], gallery)) == 0
