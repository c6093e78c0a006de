"""Spatial verification: does the drawing's layout lie in the artwork, moved, scaled or mirrored?

Cells of a network's feature map are matched between drawing and artwork where each is the other's
nearest, and RANSAC (Fischler and Bolles, 1981) looks for the scale and shift on which most matches
agree, of the drawing as it is and of its mirror image. Artworks were re-ranked so in Replica
(Seguin, Striolo, diLenardo and Kaplan, "Visual link retrieval in a database of paintings", 2016)
and in ArtMiner (Shen, Efros and Aubry, "Discovering visual patterns in art collections with
spatially-consistent feature learning", 2019).

Positions are shares of a picture's width and height, (0, 0) at the upper left corner and (1, 1) at
the lower right: networks see pictures squashed to a square, and children fit what they copy to
their sheet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from scipy.stats import binom
from torch import Tensor

from drawsim.common.errors import UserError
from drawsim.common.typed import check_bounds
from drawsim.retrieval.ranking import BLOCK
from drawsim.retrieval.reranking.base import Lists, Pictures
from drawsim.retrieval.reranking.local import LocalFeatures

TOLERANCE = 0.1
"""How far from its predicted place an agreeing match may lie: one and a half cells of 14."""
HYPOTHESES = 200
SCALES = (1 / 3, 3.0)
WEIGHT = 2.0
"""What a spatial score of 1 adds to the cosine similarity."""
LARGEST_CHANCE = 1.0
"""A placement is believed if fewer than so many as good are expected among random matches."""


@dataclass(frozen=True)
class Placement:
    """Where a drawing lies in an artwork: p -> scale * p' + shift, with p' = p or its mirror image.

    scale: of the drawing's sides, each measured by the picture's own. shift: (x, y). score: sum of
    the similarities of the agreeing matches over the number of the drawing's cells, 0..1. matches:
    mutual nearest cells; chance: how many placements as good are expected if the matches lay at
    random. drawing, artwork: (k, 2) positions of the agreeing matches, similarity: (k,) theirs.
    """

    scale: float
    shift: tuple[float, float]
    mirrored: bool
    score: float
    matches: int
    chance: float
    drawing: Tensor
    artwork: Tensor
    similarity: Tensor

    def apply(self, points: Tensor) -> Tensor:
        """Positions in the artwork of positions in the drawing, both (n, 2)."""
        sides = torch.tensor([-1.0, 1.0]) if self.mirrored else torch.ones(2)
        corner = torch.tensor([float(self.mirrored), 0.0])
        return self.scale * (points * sides + corner) + torch.tensor(self.shift)

    def frame(self) -> Tensor:
        """The drawing's corners in the artwork, (4, 2): from its upper left, clockwise."""
        return self.apply(torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]))


class Spatial:
    """Lists in the order of cosine similarity plus weight * spatial score (see `Placement`).

    depth: of each list, how many pictures are looked at.
    """

    name = "spatial"
    looks = True
    says = "cosine similarity plus {weight:g} times the share of patches that agree on one layout"

    def __init__(self, depth: int, weight: float) -> None:
        check_bounds("rerank.spatial.depth", depth, 1)
        check_bounds("rerank.spatial.weight", weight, 0)
        self.depth = depth
        self.weight = weight
        self.says = self.says.format(weight=weight)

    def scores(self, lists: Lists, pictures: Pictures | None) -> Tensor:
        """New scores of the listed, (Q, m)."""
        if pictures is None:
            raise UserError(
                "rerank=spatial: compares pictures, and where they are is not known; name the "
                "collection, or take rerank=none"
            )
        rows = [
            spatial_scores(own, placements(pictures, number, listed), self.weight)
            for number, (own, listed) in enumerate(
                zip(lists.scores, lists.rows.tolist(), strict=True)
            )
        ]
        return torch.stack(rows)


def placements(pictures: Pictures, query: int, rows: Sequence[int]) -> list[Placement | None]:
    """Where a query lies in each of these pictures; None where nowhere, or it cannot be read."""
    places, found = pictures.gallery(rows)
    every: list[Placement | None] = [None] * len(rows)
    if places:
        for at, placement in zip(places, place(pictures.query(query), found), strict=True):
            every[at] = placement
    return every


def place(
    drawing: LocalFeatures, artworks: LocalFeatures, *, seed: int = 0
) -> list[Placement | None]:
    """Where the drawing lies in each of the artworks; None where its matches agree on no place.

    drawing: two pictures, upright and mirrored, as `both_ways` has them. An artwork's placement
    does not depend on the others. Memory is bounded whatever their number.
    """
    cells = drawing.vectors.shape[1]
    step = max(1, BLOCK // (4 * cells * (artworks.vectors.shape[1] + HYPOTHESES)))
    placements: list[Placement | None] = []
    for start in range(0, len(artworks.vectors), step):
        some = artworks[start : start + step]
        upright = _Fit.of(drawing[[0]], some, seed)
        mirrored = _Fit.of(drawing[[1]], some, seed)
        for i in range(len(some.vectors)):
            flip = bool(mirrored.score[i] > upright.score[i])
            fit = mirrored if flip else upright
            placements.append(fit.placement(i, drawing.positions, flip))
    return placements


def spatial_scores(
    scores: Tensor, placements: Sequence[Placement | None], weight: float = WEIGHT
) -> Tensor:
    """New scores of one query's list, (k,): its cosine similarities plus weight * spatial score."""
    spatial = [0.0 if found is None else found.score for found in placements]
    return scores + weight * scores.new_tensor(spatial)


@dataclass(frozen=True)
class _Fit:
    """The best scale and shift of one picture in each of C others.

    target: (C, n, 2) where each cell's match lies; similarity: (C, n), zero where it has none;
    agrees: (C, n); scale: (C,); shift: (C, 2); score: (C,).
    """

    target: Tensor
    similarity: Tensor
    agrees: Tensor
    scale: Tensor
    shift: Tensor
    score: Tensor

    @classmethod
    def of(cls, drawing: LocalFeatures, artworks: LocalFeatures, seed: int) -> _Fit:
        similarity, target = _mutual_matches(drawing, artworks)
        source = drawing.positions
        scale, shift = _hypotheses(source, target, similarity > 0, seed)
        total, _ = _agreement(source, target, similarity, scale, shift)
        total[(scale < SCALES[0]) | (scale > SCALES[1])] = 0
        best = total.argmax(dim=1, keepdim=True)
        scale = scale.gather(1, best)
        shift = shift.gather(1, best[..., None].expand(-1, -1, 2))
        found, agrees = _agreement(source, target, similarity, scale, shift)
        found = total.gather(1, best)
        better_scale, better_shift = _least_squares(source, target, similarity * agrees[:, 0])
        refined, agrees_then = _agreement(
            source, target, similarity, better_scale[:, None], better_shift[:, None]
        )
        inside = (better_scale[:, None] >= SCALES[0]) & (better_scale[:, None] <= SCALES[1])
        take = (refined >= found) & inside & (found > 0)
        return cls(
            target=target,
            similarity=similarity,
            agrees=torch.where(take, agrees_then[:, 0], agrees[:, 0]) & (found > 0),
            scale=torch.where(take, better_scale[:, None], scale)[:, 0],
            shift=torch.where(take, better_shift, shift[:, 0]),
            score=torch.where(take, refined, found)[:, 0] / len(source),
        )

    def placement(self, row: int, positions: Tensor, mirrored: bool) -> Placement | None:
        agrees = self.agrees[row]
        matches = int((self.similarity[row] > 0).sum())
        chance = expected_by_chance(int(agrees.sum()), matches)
        if chance >= LARGEST_CHANCE:
            return None
        drawing = positions[agrees]
        if mirrored:
            drawing = torch.stack([1 - drawing[:, 0], drawing[:, 1]], dim=1)
        x, y = self.shift[row].tolist()
        return Placement(
            scale=float(self.scale[row]),
            shift=(x, y),
            mirrored=mirrored,
            score=float(self.score[row]),
            matches=matches,
            chance=chance,
            drawing=drawing,
            artwork=self.target[row][agrees],
            similarity=self.similarity[row][agrees],
        )


def expected_by_chance(agreeing: int, matches: int) -> float:
    """How many hypotheses would find so many agreeing matches if these ended anywhere.

    The number of hypotheses, of both mirror images, times the binomial chance that the matches
    other than the two that made the hypothesis agree (Moisan and Stival, "A probabilistic criterion
    to detect rigid point matches between two images", 2004). A match that ends anywhere agrees with
    probability π TOLERANCE², the circle's share of the picture.
    """
    if agreeing < 3:
        return float("inf")
    tail = binom.sf(agreeing - 3, matches - 2, torch.pi * TOLERANCE**2)
    return float(2 * HYPOTHESES * tail)


def _mutual_matches(drawing: LocalFeatures, artworks: LocalFeatures) -> tuple[Tensor, Tensor]:
    """(C, n) similarity of each of the drawing's cells to its match, and (C, n, 2) where that lies.

    A match is mutual: each cell is the other's nearest. The similarity is 0 where there is none.
    """
    products = drawing.vectors @ artworks.vectors.transpose(1, 2)
    similarity, nearest = products.max(dim=2)
    back = products.argmax(dim=1).gather(1, nearest)
    mutual = back == torch.arange(products.shape[1])
    return similarity.clamp(min=0) * mutual, artworks.positions[nearest]


def _hypotheses(
    source: Tensor, target: Tensor, matched: Tensor, seed: int
) -> tuple[Tensor, Tensor]:
    """Scales (C, H) and shifts (C, H, 2), each of two random matches of its picture.

    The same draws serve every picture, as shares of its number of matches.
    """
    draws = torch.rand(2, HYPOTHESES, generator=torch.Generator().manual_seed(seed))
    count = matched.sum(dim=1)
    order = torch.argsort(matched.byte(), dim=1, descending=True, stable=True)
    first, second = ((d * count[:, None]).long() for d in draws)
    first, second = order.gather(1, first), order.gather(1, second)

    def ends(cells: Tensor) -> Tensor:
        return target.gather(1, cells[..., None].expand(-1, -1, 2))

    step, moved = source[first] - source[second], ends(first) - ends(second)
    scale = (step * moved).sum(dim=2) / step.square().sum(dim=2).clamp(min=1e-9)
    shift = (ends(first) + ends(second) - scale[..., None] * (source[first] + source[second])) / 2
    return scale, shift


def _agreement(
    source: Tensor, target: Tensor, similarity: Tensor, scale: Tensor, shift: Tensor
) -> tuple[Tensor, Tensor]:
    """Summed similarity (C, H) of the matches that agree with each hypothesis, and which (C, H, n).

    scale: (C, H), shift: (C, H, 2).
    """
    away = [
        torch.addcmul(shift[..., axis, None], scale[..., None], source[:, axis])
        - target[:, None, :, axis]
        for axis in (0, 1)
    ]
    agrees = away[0].square_().add_(away[1].square_()) < TOLERANCE**2
    agrees &= (similarity > 0)[:, None]
    return (agrees.to(similarity) @ similarity[..., None])[..., 0], agrees


def _least_squares(source: Tensor, target: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Scale (C,) and shift (C, 2) that bring source nearest to target, weighted by (C, n)."""
    share = (weight / weight.sum(dim=1, keepdim=True).clamp(min=1e-9))[..., None]
    middle, end = (share * source).sum(dim=1), (share * target).sum(dim=1)
    step, moved = source - middle[:, None], target - end[:, None]
    scale = (share * step * moved).sum(dim=(1, 2)) / (share * step.square()).sum(dim=(1, 2)).clamp(
        min=1e-9
    )
    return scale, end - scale[:, None] * middle
