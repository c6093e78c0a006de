"""Semi-hard negatives: a little less similar than a drawing's own artworks."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from drawsim.common.errors import UserError
from drawsim.learning.miners.base import NOTHING, Miner, Snapshot
from drawsim.retrieval.ranking import BLOCK, Relevance


@dataclass(kw_only=True)
class SemiHardNegatives(Miner):
    """Artworks a little less similar to a drawing than its own are, the most similar first.

    Less similar than the least similar of its own, by less than `margin`: hard enough to teach and
    not so hard as to pull everything into one point (Schroff, Kalenichenko and Philbin, "FaceNet",
    2015, section 3.2, there within a batch, here in the whole gallery). If these are too few, those
    next to them follow: first the ones as similar as the own or more, the least similar first,
    since those still break the margin; then the ones beyond the margin, the most similar first.
    """

    margin: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.margin <= 2:
            raise UserError(f"miner.margin={self.margin}: must be above 0 and at most 2.")

    def mine(self, seen: Snapshot) -> Tensor:
        """In the order described; for a drawing without an own artwork, the nearest."""
        never = seen.never
        mined = torch.empty(len(seen.drawings), self.negatives, dtype=torch.int64)
        # The order is not that of the scores, so each block is scored here rather than in top_k;
        # four of its size are held at a time.
        step = max(1, BLOCK // 4 // max(1, len(seen.artworks)))
        for start in range(0, len(seen.drawings), step):
            scores = seen.drawings[start : start + step] @ seen.artworks.T
            row, column = _inside(seen.positives, start, scores)
            least = scores.new_full((len(scores),), torch.inf)
            least = least.scatter_reduce(0, row, scores[row, column], "amin")[:, None]
            # Cosines lie in -1..1: semi-hard ones stay there, harder ones come to lie in -3..-1,
            # easier ones in -5..-3.
            outside = torch.where(scores >= least, -2 - scores, scores - 4)
            order = torch.where((scores < least) & (scores > least - self.margin), scores, outside)
            order[_inside(never, start, scores)] = -torch.inf
            best = order.topk(self.negatives, dim=1)
            rows = best.indices.masked_fill(best.values == -torch.inf, NOTHING)
            mined[start : start + step] = rows.cpu()
        return mined


def _inside(pairs: Relevance, start: int, scores: Tensor) -> tuple[Tensor, Tensor]:
    """Where these pairs are in a block of scores (rows, N) that begins at drawing `start`."""
    inside = (pairs.query >= start) & (pairs.query < start + len(scores))
    row, column = pairs.query[inside] - start, pairs.gallery[inside]
    return row.to(scores.device), column.to(scores.device)
