"""The loss of Replica-clus: a triplet loss with a swap and a cap within pairs."""

from __future__ import annotations

import torch

from drawsim.common.typed import check_bounds
from drawsim.learning.losses.base import Loss, Reduction, Similarities, Terms, masked


class ReplicaClusLoss(Loss):
    """max(0, d(A, P) - min(d(A, C), d(P, C)) + margin + max(0, d(A, P) - beta)) for each negative.

    The negative counts as near as it is to either of the pair (the swap), and a pair further apart
    than beta, the cap on the distance within a pair, is pulled together twice as hard.
    Source: the loss of Replica-clus (L. Schaerf, 2022), margin 0.01 and beta 0.10 or 0.13, summed.
    """

    swaps = True

    def __init__(self, margin: float, beta: float, reduction: Reduction) -> None:
        super().__init__(reduction)
        check_bounds("loss.margin", margin, 0, 2)
        check_bounds("loss.beta", beta, 0, 2)
        self.margin = margin
        self.beta = beta

    def forward(self, cosines: Similarities) -> Terms:
        """(B, M) terms."""
        assert cosines.swapped is not None, "compared without swaps"
        apart = 1 - cosines.positive[:, None]
        to_negatives = 1 - torch.maximum(cosines.negatives, cosines.swapped)
        beyond = (apart - self.beta).clamp(min=0)
        losses = (apart - to_negatives + self.margin + beyond).clamp(min=0)
        return masked(losses, cosines.valid)
