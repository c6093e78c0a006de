"""Mining: which artworks a drawing is told apart from."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from drawsim.errors import UserError, nearest
from drawsim.retrieval.ranking import Relevance, top_k

Remine = Literal["every_epoch", "on_improvement"]


class HardestNegatives:
    """The `negatives` artworks of the whole gallery that are nearest to a drawing.

    The drawing's own confirmed artworks are left out. On unit vectors the largest cosine is the
    smallest Euclidean distance, by which the thesis mines. remine: `every_epoch`, or
    `on_improvement` (thesis, "Mining"): only after an epoch with a lower val loss than the best so
    far or a higher val recall@20 than the epoch before.
    """

    def __init__(self, negatives: int, remine: Remine) -> None:
        choices = ("every_epoch", "on_improvement")
        if remine not in choices:
            raise UserError(f"miner.remine={remine}: {nearest(remine, choices)}")
        if negatives < 1:
            raise UserError(f"miner.negatives={negatives}: at least one is needed.")
        self.negatives = negatives
        self.remine = remine

    def check(self, gallery_size: int, positives: Relevance) -> None:
        """Raise UserError if the gallery is too small to give each drawing its negatives."""
        most = int(torch.bincount(positives.query).max()) if len(positives.query) else 0
        if gallery_size - most < self.negatives:
            raise UserError(
                f"miner.negatives={self.negatives}, but the gallery has {gallery_size} artworks, "
                f"of which up to {most} are a drawing's own: lower miner.negatives to "
                f"{max(0, gallery_size - most)} or add artworks."
            )

    def mine(self, drawings: Tensor, artworks: Tensor, positives: Relevance) -> Tensor:
        """drawings: (D, d); artworks: (N, d). Returns (D, negatives) artwork rows, hardest first.

        positives: pairs of rows of these drawings and artworks that are never negatives.
        """
        _, index = top_k(drawings, artworks, self.negatives, exclude=positives)
        return index
