"""Losses on the cosines between drawings and artworks: own ones, and those to be told apart.

Throughout, A is a drawing, P the artwork of its sample, C a negative, s a cosine and d = 1 - s.
"""

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


class TripletCosineLoss(Loss):
    """max(0, d(A, P) - d(A, C) + margin), a term for each negative.

    Source: thesis, "Model and training" (margin 0.7, sum). With a margin of 0.01 and the sum it is
    the loss of Replica-mini (L. Schaerf, 2022).
    """

    def __init__(self, margin: float, reduction: Reduction) -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, cosines: Similarities) -> Terms:
        """(B, M) terms."""
        losses = (cosines.negatives - cosines.positive[:, None] + self.margin).clamp(min=0)
        return _terms(losses, cosines.valid)


class ReplicaClusLoss(Loss):
    """max(0, d(A, P) - min(d(A, C), d(P, C)) + margin + max(0, d(A, P) - beta)) for each negative.

    The negative counts as near as it is to either of the pair (the swap), and a pair further apart
    than beta, the cap on the distance within a pair, is pulled together twice as hard.
    Source: the loss of Replica-clus (L. Schaerf, 2022), margin 0.01 and beta 0.10 or 0.13, summed.
    """

    swaps = True

    def __init__(self, margin: float, beta: float, reduction: Reduction) -> None:
        super().__init__(reduction)
        self.margin = margin
        self.beta = beta

    def forward(self, cosines: Similarities) -> Terms:
        """(B, M) terms."""
        assert cosines.swapped is not None, "compared without swaps"
        apart = 1 - cosines.positive[:, None]
        to_negatives = 1 - torch.maximum(cosines.negatives, cosines.swapped)
        beyond = (apart - self.beta).clamp(min=0)
        losses = (apart - to_negatives + self.margin + beyond).clamp(min=0)
        return _terms(losses, cosines.valid)


class ContrastiveLoss(Loss):
    """1 - s for a pair labelled +1, max(0, s - margin) for one labelled -1.

    A drawing makes a +1 pair with the artwork of its sample and with each other one of its own, and
    a -1 pair with each negative. Source: Hadsell, Chopra and LeCun, "Dimensionality reduction by
    learning an invariant mapping", 2006, here on cosines instead of squared distances, as in
    torch.nn.CosineEmbeddingLoss.
    """

    def __init__(self, margin: float, reduction: Reduction) -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, cosines: Similarities) -> Terms:
        """(B, 1 + m + M) terms: the sample's artwork, the other own ones, the negatives."""
        own, is_own = _own(cosines)
        apart = (cosines.negatives - self.margin).clamp(min=0)
        return _terms(torch.cat([1 - own, apart], 1), torch.cat([is_own, cosines.valid], 1))


class InfoNCELoss(Loss):
    """-log(e(P) / (e(P) + Σ_C e(C))), e(X) = exp(s(A, X) / temperature).

    The sum is over the negatives: other own artworks of the drawing are left out of it, so that
    they are not pushed away. A sample without a negative is not counted.
    Source: van den Oord, Li and Vinyals, "Representation learning with contrastive predictive
    coding", 2018, equation 4.
    """

    def __init__(self, temperature: float) -> None:
        super().__init__("mean")
        _above_zero(temperature=temperature)
        self.temperature = temperature

    def forward(self, cosines: Similarities) -> Terms:
        """(B, 1) terms."""
        ratios = (cosines.negatives - cosines.positive[:, None]) / self.temperature
        losses = _log_one_plus_sum_exp(ratios, cosines.valid)
        return Terms(losses, cosines.valid.any(dim=1, keepdim=True))


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
        _above_zero(alpha=alpha, beta=beta)
        self.alpha = alpha
        self.beta = beta
        self.base = base

    def forward(self, cosines: Similarities) -> Terms:
        """(B, 1) terms."""
        own, is_own = _own(cosines)
        pull = _log_one_plus_sum_exp(-self.alpha * (own - self.base), is_own) / self.alpha
        push = self.beta * (cosines.negatives - self.base)
        losses = pull + _log_one_plus_sum_exp(push, cosines.valid) / self.beta
        return Terms(losses, torch.ones_like(losses, dtype=torch.bool))


def _terms(losses: Tensor, counted: Tensor) -> Terms:
    return Terms(losses.masked_fill(~counted, 0), counted)


def _own(cosines: Similarities) -> tuple[Tensor, Tensor]:
    """Cosines with the sample's artwork and the other own ones, and which of them there are."""
    first = cosines.positive[:, None]
    there = torch.ones_like(first, dtype=torch.bool)
    return torch.cat([first, cosines.others], 1), torch.cat([there, cosines.has_other], 1)


def _log_one_plus_sum_exp(values: Tensor, counted: Tensor) -> Tensor:
    """log(1 + Σ exp(v)) over the counted ones of each row of (B, n): (B, 1), with no overflow.

    The 1 is one more number, exp(0); it also keeps the gradient of an empty row from being nan.
    """
    one = values.new_zeros(len(values), 1)
    return torch.cat([one, values.masked_fill(~counted, -torch.inf)], 1).logsumexp(1, True)


def _above_zero(**settings: float) -> None:
    for name, value in settings.items():
        if not value > 0:
            raise UserError(f"loss.{name}={value}: must be above 0.")
