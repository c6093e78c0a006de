"""The negatives of the thesis: what its nearest artworks leave of a drawing."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from drawsim.common.errors import UserError
from drawsim.learning.miners.base import Miner, Snapshot, check_at_least_one
from drawsim.learning.miners.hardest import nearest_allowed
from drawsim.retrieval.metrics.thesis_protocol import NEAREST
from drawsim.retrieval.ranking import Relevance


@dataclass(kw_only=True)
class ThesisNegatives(Miner):
    """What the `nearest` artworks of a drawing leave when its own are taken out, nearest first.

    10 or 11 of 11, or fewer for a drawing with several artworks (thesis, "Mining").
    """

    nearest: int = NEAREST
    negatives: int = field(init=False)

    def __post_init__(self) -> None:
        check_at_least_one(nearest=self.nearest)
        self.negatives = self.nearest
        super().__post_init__()

    def check(self, gallery_size: int, positives: Relevance) -> None:
        """Raise UserError if the gallery is smaller than what is looked at."""
        if gallery_size < self.nearest:
            raise UserError(
                f"miner.nearest={self.nearest}, but the gallery has {gallery_size} artworks: "
                f"lower miner.nearest to {gallery_size} or add artworks."
            )

    def mine(self, seen: Snapshot) -> Tensor:
        """Nearest first; it is the same in every epoch."""
        return nearest_allowed(seen, self.nearest)
