"""What every loss is made of: cosines between drawings and artworks, and terms for each sample."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn

from drawsim.common.errors import UserError, nearest

Reduction = Literal["mean", "active", "sum"]


class Similarities(NamedTuple):
    """Cosines between the B drawings of a batch and artworks; float32, or float64 if asked in it.

    positive: (B,) each drawing with the artwork of its sample. negatives: (B, M) each drawing with
    M artworks; swapped: (B, M) the artwork of its sample with the same ones, None where no loss
    asks. valid: (B, M) bool, whether that artwork is a negative of the drawing: not one of its own
    and not filler. others: (B, m) each drawing with its other own artworks; has_other: (B, m) bool,
    whether it has that one. m may be 0.
    """

    positive: Tensor
    negatives: Tensor
    swapped: Tensor | None
    valid: Tensor
    others: Tensor
    has_other: Tensor


class Terms(NamedTuple):
    """What a loss makes of a batch.

    values: (B, T) losses, T for each sample, 0 where not counted; counted: (B, T) bool.
    """

    values: Tensor
    counted: Tensor


def compare(
    drawings: Tensor,
    artworks: Tensor,
    candidates: Tensor,
    valid: Tensor,
    *,
    swaps: bool,
    others: Tensor | None = None,
    has_other: Tensor | None = None,
) -> Similarities:
    """The cosines that a loss is made of, from unit rows.

    drawings, artworks: (B, d) the two of each sample. candidates: (M, d), the same for all samples,
    or (B, M, d); valid: (B, M) bool. swaps: compare the artworks with the candidates too. others:
    (B, m, d) other own artworks with has_other, (B, m) bool.

    Never in half precision, autocast or not: near 1, its cosines are steps of 0.001 to 0.008 apart,
    where margins are as small as 0.01.
    """
    if others is None or has_other is None:
        others = drawings.new_empty(len(drawings), 0, drawings.shape[1])
        has_other = valid.new_empty(len(drawings), 0)
    with torch.autocast(drawings.device.type, enabled=False):
        drawings, artworks, candidates, others = (
            x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
            for x in (drawings, artworks, candidates, others)
        )
        return Similarities(
            positive=(drawings * artworks).sum(dim=1),
            negatives=_cosines(drawings, candidates),
            swapped=_cosines(artworks, candidates) if swaps else None,
            valid=valid,
            others=_cosines(drawings, others),
            has_other=has_other,
        )


def _cosines(rows: Tensor, candidates: Tensor) -> Tensor:
    """(B, d) with (M, d) or (B, M, d): (B, M)."""
    if candidates.ndim == 2:
        return rows @ candidates.T
    return (candidates @ rows[:, :, None]).squeeze(2)


class Loss(nn.Module, ABC):
    """What a loss has; its forward turns Similarities into Terms.

    reduction says what a batch makes of its terms: `mean`, for each sample over its counted terms
    and then over samples; `active`, over the terms with a value above 0, so that many satisfied
    ones do not drown the few that are not; `sum` lets the gradient grow with the batch (the
    thesis). swaps: whether it needs Similarities.swapped.
    """

    swaps: bool = False

    def __init__(self, reduction: Reduction) -> None:
        super().__init__()
        choices = get_args(Reduction)
        if reduction not in choices:
            raise UserError(f"loss.reduction={reduction}: {nearest(reduction, choices)}")
        self.reduction: Reduction = reduction

    @abstractmethod
    def forward(self, cosines: Similarities) -> Terms:
        """The terms of each sample."""


def masked(losses: Tensor, counted: Tensor) -> Terms:
    """Terms of (B, T) losses, of which the counted ones count."""
    return Terms(losses.masked_fill(~counted, 0), counted)


def own_cosines(cosines: Similarities) -> tuple[Tensor, Tensor]:
    """Cosines with the sample's artwork and the other own ones, and which of them there are."""
    first = cosines.positive[:, None]
    there = torch.ones_like(first, dtype=torch.bool)
    return torch.cat([first, cosines.others], 1), torch.cat([there, cosines.has_other], 1)


def log_one_plus_sum_exp(values: Tensor, counted: Tensor) -> Tensor:
    """log(1 + Σ exp(v)) over the counted ones of each row of (B, n): (B, 1), with no overflow.

    The 1 is one more number, exp(0); it also keeps the gradient of an empty row from being nan.
    """
    one = values.new_zeros(len(values), 1)
    return torch.cat([one, values.masked_fill(~counted, -torch.inf)], 1).logsumexp(1, True)


def check_above_zero(**settings: float) -> None:
    """Raise UserError for a setting of the group `loss` that is 0 or less."""
    for name, value in settings.items():
        if not value > 0:
            raise UserError(f"loss.{name}={value}: must be above 0.")
