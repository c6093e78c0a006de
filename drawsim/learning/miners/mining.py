"""Mining: which artworks a drawing is told apart from."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from drawsim.common.errors import UserError, nearest
from drawsim.retrieval.metrics.thesis_protocol import NEAREST
from drawsim.retrieval.ranking import BLOCK, Relevance, top_k
from drawsim.retrieval.task import union

Remine = Literal["every_epoch", "on_improvement"]
NOTHING = -1
"""Stands for no artwork."""


class Miner(ABC):
    """What a miner has.

    negatives: how many it chooses for a drawing. remine: `every_epoch`, or `on_improvement`
    (thesis, "Mining"): only after an epoch with a lower val loss than the best so far or a higher
    val recall@20 than the epoch before. same_picture: see
    `drawsim.learning.miners.near_duplicates`; None: no such check.
    Raises UserError for a setting out of its range.
    """

    def __init__(self, negatives: int, remine: Remine, same_picture: float | None = None) -> None:
        choices = get_args(Remine)
        if remine not in choices:
            raise UserError(f"miner.remine={remine}: {nearest(remine, choices)}")
        if negatives < 1:
            raise UserError(f"miner.negatives={negatives}: at least one is needed.")
        if same_picture is not None and not 0 < same_picture <= 1:
            raise UserError(f"miner.same_picture={same_picture}: a cosine above 0 and up to 1.")
        self.negatives = negatives
        self.remine: Remine = remine
        self.same_picture = same_picture

    def check(self, gallery_size: int, positives: Relevance) -> None:
        """Raise UserError if the gallery is too small to give each drawing its negatives."""
        most = most_artworks(positives)
        if gallery_size - most < self.negatives:
            raise UserError(
                f"miner.negatives={self.negatives}, but the gallery has {gallery_size} artworks, "
                f"of which up to {most} are a drawing's own: lower miner.negatives to "
                f"{max(0, gallery_size - most)} or add artworks."
            )

    @abstractmethod
    def mine(
        self,
        drawings: Tensor,
        artworks: Tensor,
        positives: Relevance,
        spared: Relevance | None,
        epoch: int,
    ) -> Tensor:
        """Artwork rows for each drawing: (D, negatives) int64, with NOTHING last where it has less.

        drawings: (D, d), artworks: (N, d), unit rows. positives: pairs of their rows that belong
        together; spared: pairs that are not to be told apart either: the artwork is the same
        picture as one of the drawing's own, or people are undecided about it. Neither are ever
        negatives. epoch: the number of epochs that have been trained.
        """


class HardestNegatives(Miner):
    """The artworks of the whole gallery that are nearest to a drawing, nearest first.

    On unit vectors the largest cosine is the smallest Euclidean distance, by which the thesis
    mines.
    """

    def mine(
        self,
        drawings: Tensor,
        artworks: Tensor,
        positives: Relevance,
        spared: Relevance | None,
        epoch: int,
    ) -> Tensor:
        """Nearest first; it is the same in every epoch."""
        return _hardest(drawings, artworks, _never(positives, spared), self.negatives)


class NoNegatives(Miner):
    """None of its own for any drawing: it is told apart from what else there is.

    For losses over the batch and a memory of the gallery, which holds the nearest artworks anyway.
    """

    def __init__(self, same_picture: float | None) -> None:
        super().__init__(1, "every_epoch", same_picture)
        self.negatives = 0

    def mine(
        self,
        drawings: Tensor,
        artworks: Tensor,
        positives: Relevance,
        spared: Relevance | None,
        epoch: int,
    ) -> Tensor:
        """(D, 0)."""
        return torch.empty(len(drawings), 0, dtype=torch.int64)


class ThesisNegatives(Miner):
    """What the `nearest` artworks of a drawing leave when its own are taken out, nearest first.

    10 or 11 of 11, or fewer for a drawing with several artworks (thesis, "Mining").
    """

    def __init__(
        self, remine: Remine, nearest: int = NEAREST, same_picture: float | None = None
    ) -> None:
        if nearest < 1:
            raise UserError(f"miner.nearest={nearest}: at least one is needed.")
        super().__init__(nearest, remine, same_picture)

    def check(self, gallery_size: int, positives: Relevance) -> None:
        """Raise UserError if the gallery is smaller than what is looked at."""
        if gallery_size < self.negatives:
            raise UserError(
                f"miner.nearest={self.negatives}, but the gallery has {gallery_size} artworks: "
                f"lower miner.nearest to {gallery_size} or add artworks."
            )

    def mine(
        self,
        drawings: Tensor,
        artworks: Tensor,
        positives: Relevance,
        spared: Relevance | None,
        epoch: int,
    ) -> Tensor:
        """Nearest first; it is the same in every epoch."""
        return _nearest(drawings, artworks, _never(positives, spared), self.negatives)


class SemiHardNegatives(Miner):
    """Artworks a little less similar to a drawing than its own are, the most similar first.

    Less similar than the least similar of its own, by less than `margin`: hard enough to teach and
    not so hard as to pull everything into one point (Schroff, Kalenichenko and Philbin, "FaceNet",
    2015, section 3.2, there within a batch, here in the whole gallery). If these are too few, those
    next to them follow: first the ones as similar as the own or more, the least similar first,
    since those still break the margin; then the ones beyond the margin, the most similar first.
    """

    def __init__(
        self, negatives: int, remine: Remine, margin: float, same_picture: float | None = None
    ) -> None:
        super().__init__(negatives, remine, same_picture)
        if margin <= 0:
            raise UserError(f"miner.margin={margin}: must be above 0.")
        self.margin = margin

    def mine(
        self,
        drawings: Tensor,
        artworks: Tensor,
        positives: Relevance,
        spared: Relevance | None,
        epoch: int,
    ) -> Tensor:
        """In the order described; for a drawing without an own artwork, the nearest."""
        never = _never(positives, spared)
        mined = torch.empty(len(drawings), self.negatives, dtype=torch.int64)
        # The order is not that of the scores, so each block is scored here rather than in top_k;
        # four of its size are held at a time.
        step = max(1, BLOCK // 4 // max(1, len(artworks)))
        for start in range(0, len(drawings), step):
            scores = drawings[start : start + step] @ artworks.T
            row, column = _inside(positives, start, scores)
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


class RandomNegatives(Miner):
    """Any artworks, each as likely as another and none twice for a drawing.

    They are drawn from (seed, epoch) alone: every process draws the same.
    """

    def __init__(
        self, negatives: int, remine: Remine, seed: int, same_picture: float | None = None
    ) -> None:
        super().__init__(negatives, remine, same_picture)
        self.seed = seed

    def mine(
        self,
        drawings: Tensor,
        artworks: Tensor,
        positives: Relevance,
        spared: Relevance | None,
        epoch: int,
    ) -> Tensor:
        """In no order."""
        excluded = _table(_never(positives, spared), len(drawings), len(artworks))
        rng = np.random.default_rng([self.seed, epoch])
        return _random(excluded, len(artworks), self.negatives, rng)


class MixedNegatives(Miner):
    """Hardest negatives first, then random ones, in shares that change with the epochs.

    The share of the hardest moves linearly from `start` in the first epoch to `end` in the last of
    `epochs`, and stays there. No artwork is twice among those of a drawing.
    """

    def __init__(
        self,
        negatives: int,
        remine: Remine,
        start: float,
        end: float,
        epochs: int,
        seed: int,
        same_picture: float | None = None,
    ) -> None:
        super().__init__(negatives, remine, same_picture)
        for name, share in (("start", start), ("end", end)):
            if not 0 <= share <= 1:
                raise UserError(f"miner.{name}={share}: a share in 0..1.")
        if epochs < 1:
            raise UserError(f"miner.epochs={epochs}: at least one is needed.")
        self.start = start
        self.end = end
        self.epochs = epochs
        self.seed = seed

    def hardest(self, epoch: int) -> int:
        """How many of the negatives are hardest ones in an epoch, counted from 0."""
        done = min(1, epoch / max(1, self.epochs - 1))
        share = self.start + done * (self.end - self.start)
        return math.floor(share * self.negatives + 0.5)

    def mine(
        self,
        drawings: Tensor,
        artworks: Tensor,
        positives: Relevance,
        spared: Relevance | None,
        epoch: int,
    ) -> Tensor:
        """The hardest first, nearest first, then the random ones."""
        size = len(artworks)
        count = self.hardest(epoch)
        never = _never(positives, spared)
        hardest = _hardest(drawings, artworks, never, count)
        chosen = hardest.masked_fill(hardest == NOTHING, size)
        excluded = torch.cat([_table(never, len(drawings), size), chosen], dim=1).sort(dim=1).values
        rng = np.random.default_rng([self.seed, epoch])
        drawn = _random(excluded, size, self.negatives - count, rng)
        return torch.cat([hardest, drawn], dim=1)


def rejected_first(
    mined: Tensor, drawings: Tensor, artworks: Tensor, rejected: Relevance
) -> Tensor:
    """Put artworks that people found different from a drawing in front of what was mined for it.

    They are negatives beyond doubt; among those that were mined may be artworks that belong to the
    drawing and that nobody has looked at. The nearest ones take half of its places (rounded up) at
    most, so that the rest of the gallery is told apart too. mined: (D, n) as `Miner.mine` gives it,
    and so is what is returned. drawings: (D, d), artworks: (N, d), unit rows.
    """
    count = mined.shape[1]
    if not len(rejected.query) or not count:
        return mined
    query, gallery = rejected.query, rejected.gallery
    cosines = (drawings[query.to(drawings.device)] * artworks[gallery.to(artworks.device)]).sum(1)
    by_cosine = cosines.argsort(descending=True, stable=True).cpu()
    order = by_cosine[query[by_cosine].argsort(stable=True)]
    query, gallery = query[order], gallery[order]
    counts = torch.bincount(query, minlength=len(mined))
    place = torch.arange(len(query)) - (counts.cumsum(0) - counts)[query]
    first = torch.full((len(mined), (count + 1) // 2), NOTHING)
    room = place < first.shape[1]
    first[query[room], place[room]] = gallery[room]
    again = (mined[:, :, None] == first[:, None]).any(dim=2)
    both = torch.cat([first, mined.masked_fill(again, NOTHING)], dim=1)
    return both.gather(1, (both == NOTHING).int().argsort(dim=1, stable=True))[:, :count]


def most_artworks(pairs: Relevance) -> int:
    """The most artworks that any drawing has."""
    return int(torch.bincount(pairs.query).max()) if len(pairs.query) else 0


def _never(positives: Relevance, spared: Relevance | None) -> Relevance:
    """All pairs that are not to be told apart."""
    return positives if spared is None else union(positives, spared)


def _inside(pairs: Relevance, start: int, scores: Tensor) -> tuple[Tensor, Tensor]:
    """Where these pairs are in a block of scores (rows, N) that begins at drawing `start`."""
    inside = (pairs.query >= start) & (pairs.query < start + len(scores))
    row, column = pairs.query[inside] - start, pairs.gallery[inside]
    return row.to(scores.device), column.to(scores.device)


def _hardest(drawings: Tensor, artworks: Tensor, never: Relevance, count: int) -> Tensor:
    """The `count` nearest artworks that are allowed: (D, count), then NOTHING."""
    return _nearest(drawings, artworks, never, count + most_artworks(never))[:, :count]


def _nearest(drawings: Tensor, artworks: Tensor, never: Relevance, places: int) -> Tensor:
    """What is allowed of the nearest `places` artworks: (D, places or N), then NOTHING."""
    size = len(artworks)
    _, index = top_k(drawings, artworks, min(places, size))
    pairs = torch.arange(len(index))[:, None] * size + index
    index[torch.isin(pairs, never.query * size + never.gallery)] = NOTHING
    order = (index == NOTHING).int().argsort(dim=1, stable=True)
    return index.gather(1, order)


def _table(pairs: Relevance, drawings: int, size: int) -> Tensor:
    """The artworks of each drawing in ascending order, filled up with `size`: (D, most)."""
    codes = (pairs.query * size + pairs.gallery).sort().values
    query, gallery = codes // size, codes % size
    counts = torch.bincount(query, minlength=drawings)
    place = torch.arange(len(query)) - (counts.cumsum(0) - counts)[query]
    table = torch.full((drawings, most_artworks(pairs)), size)
    table[query, place] = gallery
    return table


def _random(excluded: Tensor, size: int, count: int, rng: np.random.Generator) -> Tensor:
    """`count` artworks of `size` for each row of `excluded` (see `_table`), none of those in it.

    Every set of artworks is as likely as another: R. Floyd's sampling without replacement (Bentley
    and Floyd, "A sample of brilliance", 1987), for all drawings at once, among the numbers of the
    allowed artworks. (D, count), then NOTHING.
    """
    there = excluded < size
    allowed = size - there.sum(dim=1)
    drawn = torch.full((len(excluded), count), NOTHING)
    for column in range(count):
        top = allowed - count + column
        pick = torch.from_numpy(rng.integers(0, top.clamp(min=0).numpy() + 1))
        taken = (drawn[:, :column] == pick[:, None]).any(dim=1)
        drawn[:, column] = torch.where(taken, top, pick).masked_fill(top < 0, NOTHING)
    # The nth allowed artwork is n plus the number of excluded ones before it. The excluded one at
    # place i has e - i allowed ones before it.
    before = (excluded - torch.arange(excluded.shape[1])).masked_fill(~there, size)
    return (drawn + torch.searchsorted(before, drawn, right=True)).flip(1)
