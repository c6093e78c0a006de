"""No negatives of a drawing's own: the batch and the cross-batch memory have them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from drawsim.learning.miners.base import Miner, Remine, Snapshot


@dataclass(kw_only=True)
class NoNegatives(Miner):
    """None of its own for any drawing: it is told apart from what else there is.

    For losses over the batch and a memory of the gallery, which holds the nearest artworks anyway.
    """

    mines: ClassVar[bool] = False
    negatives: int = field(default=0, init=False)
    remine: Remine = field(default="every_epoch", init=False)

    def mine(self, seen: Snapshot) -> Tensor:
        """(D, 0)."""
        return torch.empty(len(seen.drawings), 0, dtype=torch.int64)
