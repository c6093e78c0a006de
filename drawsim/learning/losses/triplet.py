"""The triplet loss, of the thesis and of Replica-mini."""

from __future__ import annotations

from drawsim.common.typed import check_bounds
from drawsim.learning.losses.base import Loss, Reduction, Similarities, Terms, masked


class TripletCosineLoss(Loss):
    """max(0, d(A, P) - d(A, C) + margin), a term for each negative.

    Source: thesis, "Model and training" (margin 0.7, sum). With a margin of 0.01 and the sum it is
    the loss of Replica-mini (L. Schaerf, 2022).
    """

    def __init__(self, margin: float, reduction: Reduction) -> None:
        super().__init__(reduction)
        check_bounds("loss.margin", margin, 0, 2)
        self.margin = margin

    def forward(self, cosines: Similarities) -> Terms:
        """(B, M) terms."""
        losses = (cosines.negatives - cosines.positive[:, None] + self.margin).clamp(min=0)
        return masked(losses, cosines.valid)
