"""Random negatives: any artworks that are not a drawing's own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from drawsim.common.typed import check_bounds
from drawsim.learning.miners.base import NOTHING, Miner, Snapshot, listed
from drawsim.retrieval.ranking import Relevance


@dataclass(kw_only=True)
class RandomNegatives(Miner):
    """Any artworks, each as likely as another and none twice for a drawing.

    They are drawn from (seed, epoch) alone: every process draws the same.
    """

    seed: int

    def __post_init__(self) -> None:
        super().__post_init__()
        check_bounds("miner.seed", self.seed, 0)

    def mine(self, seen: Snapshot) -> Tensor:
        """In no order."""
        size = len(seen.artworks)
        excluded = excluded_rows(seen.never, len(seen.drawings), size)
        return drawn(excluded, size, self.negatives, np.random.default_rng([self.seed, seen.epoch]))


def excluded_rows(pairs: Relevance, drawings: int, size: int) -> Tensor:
    """The artworks of each drawing in ascending order, filled up with `size`: (D, most)."""
    codes = (pairs.query * size + pairs.gallery).sort().values
    return listed(Relevance(codes // size, codes % size), drawings, filler=size)


def drawn(excluded: Tensor, size: int, count: int, rng: np.random.Generator) -> Tensor:
    """`count` of `size` artworks for each row of `excluded_rows`, none of those in it.

    Every set of artworks is as likely as another: R. Floyd's sampling without replacement (Bentley
    and Floyd, "A sample of brilliance", 1987), for all drawings at once, among the numbers of the
    allowed artworks. (D, count), then NOTHING.
    """
    there = excluded < size
    allowed = size - there.sum(dim=1)
    numbers = torch.full((len(excluded), count), NOTHING)
    for column in range(count):
        top = allowed - count + column
        pick = torch.from_numpy(rng.integers(0, top.clamp(min=0).numpy() + 1))
        taken = (numbers[:, :column] == pick[:, None]).any(dim=1)
        numbers[:, column] = torch.where(taken, top, pick).masked_fill(top < 0, NOTHING)
    # The nth allowed artwork is n plus the number of excluded ones before it. The excluded one at
    # place i has e - i allowed ones before it.
    before = (excluded - torch.arange(excluded.shape[1])).masked_fill(~there, size)
    return (numbers + torch.searchsorted(before, numbers, right=True)).flip(1)
