"""Losses on unit vectors of drawings (anchors) and artworks (positives, negatives)."""

from __future__ import annotations

from typing import Literal, get_args

from torch import Tensor, nn

from drawsim.errors import UserError, nearest

Reduction = Literal["mean", "active", "sum"]


class TripletCosineLoss(nn.Module):
    """max(0, d(A, P) - d(A, N) + margin) with d = 1 - cosine (thesis, "Model and training").

    reduction says what a batch makes of its triplets: `mean` over all of them; `active`, over those
    with a loss above 0, so that many satisfied ones do not drown the few that are not; `sum` (the
    thesis) lets the gradient grow with the batch.
    """

    def __init__(self, margin: float, reduction: Reduction) -> None:
        super().__init__()
        choices = get_args(Reduction)
        if reduction not in choices:
            raise UserError(f"loss.reduction={reduction}: {nearest(reduction, choices)}")
        self.margin = margin
        self.reduction = reduction

    def forward(self, anchor: Tensor, positive: Tensor, negatives: Tensor) -> Tensor:
        """anchor, positive: (B, d); negatives: (B, n, d); unit rows. Returns (B, n) losses."""
        to_positive = 1 - (anchor * positive).sum(dim=-1, keepdim=True)
        to_negatives = 1 - (anchor[:, None] * negatives).sum(dim=-1)
        return (to_positive - to_negatives + self.margin).clamp(min=0)
