"""The hardest negatives: the nearest artworks that are not a drawing's own."""

from __future__ import annotations

import torch
from torch import Tensor

from drawsim.learning.miners.base import NOTHING, Miner, Snapshot, most_artworks, nothing_last
from drawsim.retrieval.ranking import top_k


class HardestNegatives(Miner):
    """The artworks of the whole gallery that are nearest to a drawing, nearest first.

    On unit vectors the largest cosine is the smallest Euclidean distance, by which the thesis
    mines. It is the same in every epoch.
    """

    def mine(self, seen: Snapshot) -> Tensor:
        """Nearest first."""
        return hardest(seen, self.negatives)


def hardest(seen: Snapshot, count: int) -> Tensor:
    """The `count` nearest artworks that are allowed: (D, count), then NOTHING."""
    return nearest_allowed(seen, count + most_artworks(seen.never))[:, :count]


def nearest_allowed(seen: Snapshot, considered: int) -> Tensor:
    """What is allowed of the nearest `considered` artworks: (D, considered or N), then NOTHING."""
    size, never = len(seen.artworks), seen.never
    _, index = top_k(seen.drawings, seen.artworks, min(considered, size))
    pairs = torch.arange(len(index))[:, None] * size + index
    index[torch.isin(pairs, never.query * size + never.gallery)] = NOTHING
    return nothing_last(index)
