"""The multi-similarity loss."""

from __future__ import annotations

import torch

from drawsim.common.typed import check_bounds
from drawsim.learning.losses.base import (
    Loss,
    Similarities,
    Terms,
    check_above_zero,
    log_one_plus_sum_exp,
    own_cosines,
)


class MultiSimilarityLoss(Loss):
    """log(1 + Σ_P exp(-α (s(A, P) - λ))) / α + log(1 + Σ_C exp(β (s(A, C) - λ))) / β.

    P runs over all own artworks of the drawing that are at hand, C over its negatives; a sample
    without a negative has its first part alone. λ is `base`. Source: Wang et al., "Multi-similarity
    loss with general pair weighting for deep metric learning", 2019, equation 15 (α = 2, β = 50,
    λ = 1; the code published with it has λ = 0.5). Which pairs take part is the miner's affair
    here, not that of the paper's own mining by a margin.
    """

    def __init__(self, alpha: float, beta: float, base: float) -> None:
        super().__init__("mean")
        check_above_zero(alpha=alpha, beta=beta)
        check_bounds("loss.base", base, -1, 1)
        self.alpha = alpha
        self.beta = beta
        self.base = base

    def forward(self, cosines: Similarities) -> Terms:
        """(B, 1) terms."""
        own, is_own = own_cosines(cosines)
        pull = log_one_plus_sum_exp(-self.alpha * (own - self.base), is_own) / self.alpha
        push = self.beta * (cosines.negatives - self.base)
        losses = pull + log_one_plus_sum_exp(push, cosines.valid) / self.beta
        return Terms(losses, torch.ones_like(losses, dtype=torch.bool))
