"""Mixed negatives: hardest and random ones, in shares that change with the epochs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from drawsim.common.errors import UserError
from drawsim.common.typed import check_bounds
from drawsim.learning.miners.base import NOTHING, Miner, Snapshot, check_at_least_one
from drawsim.learning.miners.hardest import hardest
from drawsim.learning.miners.random import drawn, excluded_rows


@dataclass(kw_only=True)
class MixedNegatives(Miner):
    """Hardest negatives first, then random ones, in shares that change with the epochs.

    The share of the hardest moves linearly from `start` in the first epoch to `end` in the last of
    `epochs`, and stays there. No artwork is twice among those of a drawing.
    """

    start: float
    end: float
    epochs: int
    seed: int

    def __post_init__(self) -> None:
        super().__post_init__()
        check_bounds("miner.seed", self.seed, 0)
        for name, share in (("start", self.start), ("end", self.end)):
            if not 0 <= share <= 1:
                raise UserError(f"miner.{name}={share}: a share in 0..1.")
        check_at_least_one(epochs=self.epochs)

    def hardest(self, epoch: int) -> int:
        """How many of the negatives are hardest ones in an epoch, counted from 0."""
        done = min(1, epoch / max(1, self.epochs - 1))
        share = self.start + done * (self.end - self.start)
        return math.floor(share * self.negatives + 0.5)

    def mine(self, seen: Snapshot) -> Tensor:
        """The hardest first, nearest first, then the random ones."""
        size = len(seen.artworks)
        count = self.hardest(seen.epoch)
        first = hardest(seen, count)
        chosen = first.masked_fill(first == NOTHING, size)
        excluded = torch.cat([excluded_rows(seen.never, len(first), size), chosen], dim=1)
        rng = np.random.default_rng([self.seed, seen.epoch])
        rest = drawn(excluded.sort(dim=1).values, size, self.negatives - count, rng)
        return torch.cat([first, rest], dim=1)
