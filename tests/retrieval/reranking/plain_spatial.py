"""Spatial verification in plain steps: every hypothesis looks at every cell. Slow, and the oracle.

Each way of a drawing is placed by itself, an artwork's matches stay in the places of the drawing's
cells, and hypotheses of scales that are not looked at are tried like the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from drawsim.retrieval.reranking.local import LocalFeatures
from drawsim.retrieval.reranking.spatial import (
    HYPOTHESES,
    LARGEST_CHANCE,
    SCALES,
    TOLERANCE,
    Placement,
    expected_by_chance,
)


def plain_place(
    drawing: LocalFeatures, artworks: LocalFeatures, *, seed: int = 0
) -> list[Placement | None]:
    """As `spatial.place`."""
    upright = _Fit.of(drawing[[0]], artworks, seed)
    mirrored = _Fit.of(drawing[[1]], artworks, seed)
    placements: list[Placement | None] = []
    for i in range(len(artworks.vectors)):
        flip = bool(mirrored.score[i] > upright.score[i])
        fit = mirrored if flip else upright
        placements.append(fit.placement(i, drawing.positions, flip))
    return placements


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
        chance = float(expected_by_chance(int(agrees.sum()), matches))
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
