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

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
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
LARGEST_CHANCE = 1.0
"""A placement is believed if fewer than so many as good are expected among random matches."""
QUERIES = 32
"""Drawings whose local features are asked for at once."""


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


def extent(points: Tensor) -> tuple[float, float, float, float]:
    """Where points, (n, 2), lie in a picture: x, y, width, height, half a tolerance around them."""
    low = (points.min(dim=0).values - TOLERANCE / 2).clamp(min=0)
    high = (points.max(dim=0).values + TOLERANCE / 2).clamp(max=1)
    x, y = low.tolist()
    width, height = (high - low).tolist()
    return x, y, width, height


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
        pictures.prepare(torch.unique(lists.rows).tolist())
        added = torch.zeros_like(lists.scores)
        for start in range(0, len(lists.rows), QUERIES):
            numbers = range(start, min(start + QUERIES, len(lists.rows)))
            drawings = pictures.queries(numbers)
            rows = lists.rows[start : start + QUERIES].tolist()

            def look(
                place: int, drawings: LocalFeatures = drawings, rows: list[list[int]] = rows
            ) -> tuple[list[int], Tensor]:
                listed, found = pictures.gallery(rows[place])
                return listed, spatial_scores(drawings[2 * place : 2 * place + 2], found)

            for number, (listed, shares) in zip(numbers, in_threads(look, len(rows)), strict=True):
                added[number, listed] = shares.to(added)
        return lists.scores + self.weight * added


T = TypeVar("T")


def in_threads(work: Callable[[int], T], count: int) -> list[T]:
    """What work gives for 0, 1, … below count, by as many threads as torch has.

    Each does its own with one thread of torch's: of many small steps none then waits for another.
    """
    threads = torch.get_num_threads()
    if threads == 1 or count < 2 * threads:
        return [work(number) for number in range(count)]
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(work, range(count)))
    finally:
        torch.set_num_threads(threads)


def placements(pictures: Pictures, query: int, rows: Sequence[int]) -> list[Placement | None]:
    """Where a query lies in each of these pictures; None where nowhere, or it cannot be read."""
    pictures.prepare(rows)
    places, found = pictures.gallery(rows)
    every: list[Placement | None] = [None] * len(rows)
    if places:
        for at, placement in zip(places, place(pictures.queries([query]), found), strict=True):
            every[at] = placement
    return every


def place(
    drawing: LocalFeatures, artworks: LocalFeatures, *, seed: int = 0
) -> list[Placement | None]:
    """Where the drawing lies in each of the artworks; None where its matches agree on no place.

    drawing: two pictures, upright and mirrored, as `both_ways` has them. An artwork's placement
    does not depend on the others. Memory is bounded whatever their number.
    """
    return [
        fit.placement(row) if fit.believed[row] else None
        for fit in _fits(drawing, artworks, seed)
        for row in range(len(fit.believed))
    ]


def spatial_scores(drawing: LocalFeatures, artworks: LocalFeatures, *, seed: int = 0) -> Tensor:
    """The scores of the placements that `place` finds, (C,) float32; 0 where there is none."""
    every = [fit.score * fit.believed for fit in _fits(drawing, artworks, seed)]
    return torch.cat([torch.zeros(0), *every])


def _fits(drawing: LocalFeatures, artworks: LocalFeatures, seed: int) -> Iterator[_Fit]:
    """The fits of the drawing in the artworks, the better of both ways, so many at a time."""
    cells = drawing.vectors.shape[1]
    step = max(1, BLOCK // (8 * cells * max(artworks.vectors.shape[1], HYPOTHESES)))
    for start in range(0, len(artworks.vectors), step):
        both = _Fit.of(_Matches.of(drawing, artworks[start : start + step]), seed)
        upright, mirrored = torch.arange(len(both.score)).view(2, -1)
        better = both.score[mirrored] > both.score[upright]
        yield both[torch.where(better, mirrored, upright)]


@dataclass(frozen=True)
class _Matches:
    """The matches of two pictures of a drawing, upright and mirrored, in each of C artworks.

    A match is mutual: each cell is the other's nearest. First the C of the upright one, each in the
    order of the drawing's cells, with as many places, K, as the longest list has. source, target:
    (2C, K, 2) positions in the drawing's picture and in the artwork; similarity: (2C, K), zero in
    empty places, all at the end; cells: of the drawing.
    """

    source: Tensor
    target: Tensor
    similarity: Tensor
    cells: int

    @classmethod
    def of(cls, drawing: LocalFeatures, artworks: LocalFeatures) -> _Matches:
        (both, n), (count, m) = drawing.vectors.shape[:2], artworks.vectors.shape[:2]
        # One product of two large matrices: that is what processors are fastest at.
        products = drawing.vectors.flatten(0, 1) @ artworks.vectors.flatten(0, 1).T
        products = products.view(both, n, count, m)
        similarity, nearest = products.max(dim=3)
        back = products.max(dim=1).indices.flatten(0, 1)
        similarity, nearest = (
            each.transpose(1, 2).reshape(both * count, n) for each in (similarity, nearest)
        )
        mutual = back.gather(1, nearest) == torch.arange(n)
        similarity = similarity.clamp(min=0) * mutual
        matched = similarity > 0
        most = max(1, int(matched.sum(dim=1).max()))
        first = torch.argsort(matched.byte(), dim=1, descending=True, stable=True)[:, :most]
        return cls(
            drawing.positions[first],
            artworks.positions[nearest.gather(1, first)],
            similarity.gather(1, first),
            n,
        )


@dataclass(frozen=True)
class _Fit:
    """The best scale and shift of pictures of a drawing in B artworks.

    agrees: (B, K), which of the matches do; scale: (B,); shift: (B, 2); score: (B,); mirrored:
    (B,), whether the picture was. Indexing picks artworks.
    """

    matches: _Matches
    agrees: Tensor
    scale: Tensor
    shift: Tensor
    score: Tensor
    mirrored: Tensor

    @classmethod
    def of(cls, matches: _Matches, seed: int) -> _Fit:
        scale, shift, inside = _hypotheses(matches, seed)
        total = _agreement(matches, scale, shift)[0] * inside
        best = total.argmax(dim=1, keepdim=True)
        found = total.gather(1, best)
        scale = scale.gather(1, best)
        shift = shift.gather(1, best[..., None].expand(-1, -1, 2))
        agrees = _agreement(matches, scale, shift)[1][:, 0]
        better_scale, better_shift = _least_squares(matches, agrees)
        refined, agrees_then = _agreement(matches, better_scale[:, None], better_shift[:, None])
        take = (refined >= found) & _inside(better_scale)[:, None] & (found > 0)
        return cls(
            matches,
            agrees=torch.where(take, agrees_then[:, 0], agrees) & (found > 0),
            scale=torch.where(take, better_scale[:, None], scale)[:, 0],
            shift=torch.where(take, better_shift, shift[:, 0]),
            score=torch.where(take, refined, found)[:, 0] / matches.cells,
            mirrored=torch.arange(len(found)) >= len(found) // 2,
        )

    def __getitem__(self, rows: Tensor) -> _Fit:
        own = self.matches
        matches = _Matches(own.source[rows], own.target[rows], own.similarity[rows], own.cells)
        return _Fit(
            matches,
            self.agrees[rows],
            self.scale[rows],
            self.shift[rows],
            self.score[rows],
            self.mirrored[rows],
        )

    @cached_property
    def chance(self) -> Tensor:
        """How many placements as good are expected at random, (B,) float64."""
        agreeing = self.agrees.sum(dim=1).numpy()
        return torch.from_numpy(
            expected_by_chance(agreeing, (self.matches.similarity > 0).sum(dim=1).numpy())
        )

    @cached_property
    def believed(self) -> Tensor:
        """Whether a placement is more than chance, (B,)."""
        return self.chance < LARGEST_CHANCE

    def placement(self, row: int) -> Placement:
        """What was found in one artwork."""
        agrees = self.agrees[row]
        mirrored = bool(self.mirrored[row])
        drawing = self.matches.source[row][agrees]
        if mirrored:
            drawing = torch.stack([1 - drawing[:, 0], drawing[:, 1]], dim=1)
        x, y = self.shift[row].tolist()
        return Placement(
            scale=float(self.scale[row]),
            shift=(x, y),
            mirrored=mirrored,
            score=float(self.score[row]),
            matches=int((self.matches.similarity[row] > 0).sum()),
            chance=float(self.chance[row]),
            drawing=drawing,
            artwork=self.matches.target[row][agrees],
            similarity=self.matches.similarity[row][agrees],
        )


def expected_by_chance(agreeing: Any, matches: Any) -> NDArray[np.float64]:
    """How many hypotheses would find so many agreeing matches if these ended anywhere.

    agreeing, matches: (B,) counts. The number of hypotheses, of both mirror images, times the
    binomial chance that the matches other than the two that made the hypothesis agree (Moisan and
    Stival, "A probabilistic criterion to detect rigid point matches between two images", 2004). A
    match that ends anywhere agrees with probability π TOLERANCE², the circle's share of the
    picture. Infinity below three that agree.
    """
    agreeing, matches = np.asarray(agreeing), np.asarray(matches)
    tail = binom.sf(agreeing - 3, matches - 2, np.pi * TOLERANCE**2)
    return np.where(agreeing < 3, np.inf, 2 * HYPOTHESES * tail)


def _hypotheses(matches: _Matches, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Scales (B, H) and shifts (B, H, 2), each of two random matches of its picture.

    And which of them are of a scale that is looked at, (B, H): those come first, in the order in
    which they were drawn, and there are no more places than the longest of these lists needs. The
    same draws serve every picture, as shares of its number of matches.
    """
    draws = torch.rand(2, HYPOTHESES, generator=torch.Generator().manual_seed(seed))
    count = (matches.similarity > 0).sum(dim=1, keepdim=True)
    first, second = ((draw * count).long() for draw in draws)
    starts = [_at(matches.source, cells) for cells in (first, second)]
    ends = [_at(matches.target, cells) for cells in (first, second)]
    step, moved = starts[0] - starts[1], ends[0] - ends[1]
    scale = (step * moved).sum(dim=2) / step.square().sum(dim=2).clamp(min=1e-9)
    inside = _inside(scale)
    most = max(1, int(inside.sum(dim=1).max()))
    order = torch.argsort(inside.byte(), dim=1, descending=True, stable=True)[:, :most]
    shift = (ends[0] + ends[1] - scale[..., None] * (starts[0] + starts[1])) / 2
    return scale.gather(1, order), _at(shift, order), inside.gather(1, order)


def _at(points: Tensor, places: Tensor) -> Tensor:
    """Of (B, K, 2) points those at (B, H) places, (B, H, 2)."""
    return points.gather(1, places[..., None].expand(-1, -1, 2))


def _inside(scale: Tensor) -> Tensor:
    """Whether scales are among those that are looked at."""
    return (scale >= SCALES[0]) & (scale <= SCALES[1])


def _agreement(matches: _Matches, scale: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
    """Summed similarity (B, H) of the matches that agree with each hypothesis, and which (B, H, K).

    scale: (B, H), shift: (B, H, 2).
    """
    x, y = (
        torch.addcmul(shift[..., axis, None], scale[..., None], matches.source[:, None, :, axis])
        .sub_(matches.target[:, None, :, axis])
        .square_()
        for axis in (0, 1)
    )
    near = x.add_(y) < TOLERANCE**2
    similarity = matches.similarity[..., None]
    total = (near.to(similarity) @ similarity)[..., 0]
    return total, near & (matches.similarity > 0)[:, None]


def _least_squares(matches: _Matches, agrees: Tensor) -> tuple[Tensor, Tensor]:
    """Scale (B,) and shift (B, 2) that bring agreeing matches (B, K) nearest to their targets.

    Each counts by its similarity.
    """
    source, target = matches.source, matches.target
    weight = matches.similarity * agrees
    share = (weight / weight.sum(dim=1, keepdim=True).clamp(min=1e-9))[..., None]
    middle, end = (share * source).sum(dim=1), (share * target).sum(dim=1)
    step, moved = source - middle[:, None], target - end[:, None]
    scale = (share * step * moved).sum(dim=(1, 2)) / (share * step.square()).sum(dim=(1, 2)).clamp(
        min=1e-9
    )
    return scale, end - scale[:, None] * middle
