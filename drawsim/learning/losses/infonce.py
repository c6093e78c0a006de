"""InfoNCE: the cross-entropy of picking a drawing's own artwork."""

from __future__ import annotations

from drawsim.learning.losses.base import (
    Loss,
    Similarities,
    Terms,
    check_above_zero,
    log_one_plus_sum_exp,
)


class InfoNCELoss(Loss):
    """-log(e(P) / (e(P) + Σ_C e(C))), e(X) = exp(s(A, X) / temperature).

    The sum is over the negatives: other own artworks of the drawing are left out of it, so that
    they are not pushed away. A sample without a negative is not counted.
    Source: van den Oord, Li and Vinyals, "Representation learning with contrastive predictive
    coding", 2018, equation 4.
    """

    def __init__(self, temperature: float) -> None:
        super().__init__("mean")
        check_above_zero(temperature=temperature)
        self.temperature = temperature

    def forward(self, cosines: Similarities) -> Terms:
        """(B, 1) terms."""
        ratios = (cosines.negatives - cosines.positive[:, None]) / self.temperature
        losses = log_one_plus_sum_exp(ratios, cosines.valid)
        return Terms(losses, cosines.valid.any(dim=1, keepdim=True))
