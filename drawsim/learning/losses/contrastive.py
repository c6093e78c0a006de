"""The contrastive loss."""

from __future__ import annotations

import torch

from drawsim.common.typed import check_bounds
from drawsim.learning.losses.base import Loss, Reduction, Similarities, Terms, masked, own_cosines


class ContrastiveLoss(Loss):
    """1 - s for a pair labelled +1, max(0, s - margin) for one labelled -1.

    A drawing makes a +1 pair with the artwork of its sample and with each other one of its own, and
    a -1 pair with each negative. Source: Hadsell, Chopra and LeCun, "Dimensionality reduction by
    learning an invariant mapping", 2006, here on cosines instead of squared distances, as in
    torch.nn.CosineEmbeddingLoss.
    """

    def __init__(self, margin: float, reduction: Reduction) -> None:
        super().__init__(reduction)
        check_bounds("loss.margin", margin, -1, 1)
        self.margin = margin

    def forward(self, cosines: Similarities) -> Terms:
        """(B, 1 + m + M) terms: the sample's artwork, the other own ones, the negatives."""
        own, is_own = own_cosines(cosines)
        apart = (cosines.negatives - self.margin).clamp(min=0)
        return masked(torch.cat([1 - own, apart], 1), torch.cat([is_own, cosines.valid], 1))
