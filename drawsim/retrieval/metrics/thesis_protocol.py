"""The thesis's own evaluation and mining, to the last digit, kept to compare with its numbers.

Source: R. Annapureddy, "Searching for patterns in a large collection of children drawings", EPFL,
2022, and the code published with it. What is odd here is odd there: a drawing with two artworks
counts twice, a drawing's own id counts as a relevant item that no gallery holds, and each item that
is not found is put at position 400 of however long a gallery. The default protocol
(`drawsim.retrieval.metrics.functions`) does none of this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from drawsim.retrieval.ranking import Ranking, Relevance, rank

CUTS = (400, 200, 100, 50, 20)
NOT_FOUND = 400
"""The position, from 0, of a relevant item that is not in the gallery."""
NEAREST = 11
"""Nearest artworks from which a drawing's own are taken out: the rest are its negatives."""


@dataclass(frozen=True)
class ThesisRanking:
    """The gallery by Euclidean distance from every drawing.

    ranking: of all drawings, by row. relevant: (D,) int64, artworks paired with each drawing, those
    that the gallery lacks included.
    """

    ranking: Ranking
    relevant: Tensor

    @classmethod
    def of(
        cls, drawings: Tensor, artworks: Tensor, positives: Relevance, relevant: Tensor
    ) -> ThesisRanking:
        """Rank in float64. drawings: (D, d), artworks: (N, d), of any length."""
        # |q - g|² = |q|² - 2 (q·g - |g|²/2): one more dimension turns distance into a product.
        drawings, artworks = drawings.double(), artworks.double()
        half = -artworks.square().sum(dim=1, keepdim=True) / 2
        queries = torch.cat([drawings, torch.ones(len(drawings), 1, dtype=torch.float64)], dim=1)
        gallery = torch.cat([artworks, half], dim=1)
        return cls(rank(queries, gallery, positives, NEAREST), relevant)

    def scores(self, pair_drawings: Tensor) -> dict[str, float]:
        """The scores of a set: (P,) rows of the drawing of each of its pairs.

        Fractions in 0..1 and positions from 0, under the names of the thesis's code. recall_k and
        map count what the gallery holds; mean_position is over all relevant items of all pairs, its
        padding included; mean_min_position and mean_median_position are means over pairs.
        """
        position = self._positions()[pair_drawings]  # (P, most relevant items + 1)
        relevant = self.relevant[pair_drawings] + 1  # and the drawing itself
        column = torch.arange(position.shape[1])
        # Beyond the hits comes the padding, and beyond the relevant items nothing at all.
        padded = torch.where(torch.isnan(position), float(NOT_FOUND), position)
        padded = torch.where(column < relevant[:, None], padded, torch.nan)
        precision = (column + 1) / (position + 1)
        recall = {
            k: torch.where(torch.isnan(position), torch.nan, (position < k).double()) for k in CUTS
        }
        return {
            "mean_position": float(padded.nanmean()),
            "mean_min_position": float(position[:, 0].mean()),
            "mean_median_position": float(padded.nanquantile(0.5, dim=1).mean()),
            "map": float(precision.nanmean(dim=1).mean()),
            **{f"recall_{k}": float(recall[k].nanmean(dim=1).mean()) for k in CUTS},
        }

    def _positions(self) -> Tensor:
        """(D, M) positions of each drawing's hits in ascending order, then nan."""
        drawing, higher = self.ranking.relevance.query, self.ranking.higher
        order = torch.argsort(higher, stable=True)
        order = order[torch.argsort(drawing[order], stable=True)]
        drawing, higher = drawing[order], higher[order]
        hits = torch.bincount(drawing, minlength=len(self.relevant))
        place = torch.arange(len(drawing)) - (torch.cumsum(hits, 0) - hits)[drawing]
        positions = torch.full(
            (len(self.relevant), int(self.relevant.max()) + 1), torch.nan, dtype=torch.float64
        )
        positions[drawing, place] = higher.double()
        return positions

    def negatives(self) -> Tensor:
        """(D, 11) gallery rows of each drawing's nearest artworks, -1 where that is one of its own.

        What is left are its negatives: 11, or 10, or fewer for a drawing with several artworks.
        """
        nearest = self.ranking.top_index
        drawing = torch.arange(len(nearest))[:, None]
        size, relevance = self.ranking.gallery_size, self.ranking.relevance
        own = torch.isin(drawing * size + nearest, relevance.query * size + relevance.gallery)
        return nearest.masked_fill(own, -1)


def thesis_summary(
    ranking: ThesisRanking, sets: Mapping[str, Tensor]
) -> dict[str, dict[str, float]]:
    """Scores of each set, and of val and test together, as the thesis reports them.

    sets: for train, val and test the rows of the drawing of each pair.
    """
    sets = {**sets, "val+test": torch.cat([sets["val"], sets["test"]])}
    return {name: ranking.scores(drawings) for name, drawings in sets.items()}
