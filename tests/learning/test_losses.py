"""The triplet loss against hand-made numbers, and its gradient against differences."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from drawsim.errors import UserError
from drawsim.learning.losses import TripletCosineLoss


def at(*degrees: float) -> Tensor:
    """Unit vectors of the plane at these angles, (len, 2) float64."""
    angles = torch.tensor(degrees, dtype=torch.float64) * math.pi / 180
    return torch.stack([angles.cos(), angles.sin()], dim=-1)


def test_by_hand() -> None:
    loss = TripletCosineLoss(margin=0.3, reduction="mean")
    anchor, positive = at(0, 90), at(60, 90)
    negatives = torch.stack([at(90, 60, 0), at(90, 120, -90)])
    # cosines of the first anchor: positive 0.5; negatives 0, 0.5, 1. Of the second: 1; 1, √3/2, -1.
    expected = [
        [0.5 - 1.0 + 0.3, 0.5 - 0.5 + 0.3, 0.5 - 0.0 + 0.3],
        [0.0 - 0.0 + 0.3, 0.0 - (1 - math.sqrt(3) / 2) + 0.3, 0.0 - 2.0 + 0.3],
    ]
    clamped = torch.tensor([[max(0.0, v) for v in row] for row in expected], dtype=torch.float64)
    assert (clamped == 0).sum() == 2
    torch.testing.assert_close(loss(anchor, positive, negatives), clamped)


def test_it_is_zero_with_no_pull_once_the_margin_is_kept() -> None:
    loss = TripletCosineLoss(margin=0.5, reduction="mean")
    anchor, positive, negatives = at(0), at(0), at(90).unsqueeze(0)
    anchor.requires_grad_()
    losses = loss(anchor, positive, negatives)
    assert losses.tolist() == [[0.0]]
    losses.sum().backward()
    assert anchor.grad is not None
    assert not anchor.grad.any()


def test_gradient() -> None:
    generator = torch.Generator().manual_seed(0)

    def unit(*shape: int) -> Tensor:
        return torch.randn(*shape, dtype=torch.float64, generator=generator).requires_grad_()

    def of_raw(*raw: Tensor) -> Any:
        return TripletCosineLoss(0.4, "mean")(*(functional.normalize(x, dim=-1) for x in raw))

    raw = unit(4, 6), unit(4, 6), unit(4, 3, 6)
    losses = of_raw(*raw)
    assert (losses > 0).any()
    assert (losses == 0).any()
    assert losses.detach()[losses > 0].min() > 1e-3  # no triplet at the bend
    assert torch.autograd.gradcheck(of_raw, raw)


def test_an_unknown_reduction_is_refused() -> None:
    wrong: Any = "men"
    with pytest.raises(UserError, match=r"loss\.reduction=men: did you mean mean\?"):
        TripletCosineLoss(0.2, wrong)
