"""What goes wrong in an embedding beside its metrics: memorised artworks, and hubs."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from drawsim.retrieval.ranking import top_k

PLACES = 10
"""Length of the lists that are looked at."""


@dataclass(frozen=True)
class Memorisation:
    """Share of the top-10 places that artworks from training pairs take, and what chance gives.

    A model that has learnt its training artworks by heart shows them to every drawing: places is
    then far above gallery, their share of all artworks.
    """

    places: float
    gallery: float

    @property
    def factor(self) -> float:
        """How many times as often as by chance; 0 if nothing was trained on."""
        return self.places / self.gallery if self.gallery else 0.0


def memorisation(top_index: Tensor, train_artworks: Tensor, gallery_size: int) -> Memorisation:
    """From the best gallery rows of each query, (Q, k >= 10), and the rows trained on, (T,)."""
    places = top_index[:, :PLACES]
    share = torch.isin(places, train_artworks).double().mean() if places.numel() else 0.0
    return Memorisation(float(share), len(train_artworks) / gallery_size)


@dataclass(frozen=True)
class Hubness:
    """How unevenly gallery items occur in the top-10 lists.

    occurrences: (N,) int64, N_10 of each item. skew: their standardised third moment, 0 for an even
    spread, large where a few hubs are near to everything (Radovanović, Nanopoulos and Ivanović,
    "Hubs in space", 2010).
    """

    occurrences: Tensor
    skew: float

    def worst(self, count: int) -> Tensor:
        """Gallery rows of the items that occur most, most first; none that never occurs."""
        order = torch.argsort(self.occurrences, descending=True, stable=True)[:count]
        return order[self.occurrences[order] > 0]


def hubness(top_index: Tensor, gallery_size: int) -> Hubness:
    """From the best gallery rows of each query, (Q, k >= 10)."""
    occurrences = torch.bincount(top_index[:, :PLACES].reshape(-1), minlength=gallery_size)
    spread = occurrences.double() - occurrences.double().mean()
    deviation = spread.square().mean().sqrt()
    skew = float((spread**3).mean() / deviation**3) if deviation > 0 else 0.0
    return Hubness(occurrences, skew)


def csls(queries: Tensor, gallery: Tensor, neighbours: int) -> tuple[Tensor, Tensor]:
    """Vectors whose products rank the gallery with hubs held back.

    Cross-domain similarity local scaling, 2 cos(q, g) - r(q) - r(g), where r is the mean similarity
    to the nearest `neighbours` of the other side (Conneau et al., "Word translation without
    parallel data", 2018). r(q) moves all scores of a query alike and is left out. queries: (Q, d),
    gallery: (N, d) unit rows -> (Q, d + 1) and (N, d + 1), no unit rows any more.
    """
    nearest, _ = top_k(gallery, queries, min(neighbours, len(queries)))
    local = nearest.mean(dim=1, keepdim=True).to(gallery.dtype)
    ones = queries.new_ones(len(queries), 1)
    return torch.cat([2 * queries, ones], dim=1), torch.cat([gallery, -local], dim=1)
