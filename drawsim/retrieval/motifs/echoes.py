"""Drawings that echo the same artwork: what two lists of nearest artworks say of a pair.

A drawing's artworks are ranked by z, the lesser of how far their cosine is above what the drawing
has with artworks in general, and the artwork with drawings in general; so an artwork that is near
to all drawings is first of none. If two lists had nothing to do with one another, an artwork would
be among the first r of both with a probability of (r / M)², and any of M would with r² / M at most.
As a z, that is taken together with the z of the pair itself by Stouffer's sum ("The American
soldier", 1949), for correlated ones: (z + z') / sqrt(2 + 2 rho). For drawings that are alike have
like lists: rho is measured among drawings at random of which lists meet at all.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy.stats import norm
from torch import Tensor

from drawsim.retrieval.motifs.graph import (
    BLOCK,
    QUARTILES,
    REFERENCES,
    Background,
    Floats,
    Ints,
)

LISTED = 20
"""Artworks of each drawing, the first ones, that are compared."""
EDGES = 1 << 13
"""Pairs whose lists are compared at once."""
PAIRS = 100_000
"""Pairs at random among which the correlation is measured."""
FEWEST = 100
"""Of them, those that must meet."""


def first_artworks(
    drawings: Tensor, artworks: Tensor, seed: int, advance: Callable[[int], None] = lambda _: None
) -> Ints:
    """The first artworks of each drawing, (N, 20) rows or as many as there are, the best first.

    drawings, artworks: (N, d) and (M, d) unit rows of one model. advance: is told how many drawings
    are done.
    """
    rng = np.random.default_rng(seed)
    centre, spread = _background(artworks, drawings[_some(len(drawings), rng)])
    others = artworks[_some(len(artworks), rng)]
    listed = np.empty((len(drawings), min(LISTED, len(artworks))), np.int64)
    for start in range(0, len(drawings), BLOCK):
        some = drawings[start : start + BLOCK]
        middle, wide = _background(some, others)
        cosine = some @ artworks.T
        z = torch.minimum((cosine - middle[:, None]) / wide[:, None], (cosine - centre) / spread)
        listed[start : start + len(some)] = z.topk(listed.shape[1]).indices.numpy()
        advance(len(some))
    return listed


def _some(count: int, rng: np.random.Generator) -> Tensor:
    return torch.from_numpy(np.sort(rng.permutation(count)[:REFERENCES]))


def _background(rows: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """Median and spread of each row's cosines with others, as `graph.Background` has them."""
    centre, spread = torch.empty(len(rows)), torch.empty(len(rows))
    at = torch.tensor([0.25, 0.5, 0.75])
    for start in range(0, len(rows), BLOCK):
        low, middle, high = (rows[start : start + BLOCK] @ others.T).quantile(at, dim=1)
        centre[start : start + BLOCK] = middle
        spread[start : start + BLOCK] = ((high - low) / QUARTILES).clamp(min=1e-6)
    return centre, spread


def shared_surprise(listed: Ints, first: Ints, second: Ints, artworks: int) -> Floats:
    """How surprising it is that pairs of lists meet so far up as these do, (E,), as z.

    -inf where they do not meet. listed: (N, k), as `first_artworks` gives it. first, second: (E,)
    rows of it. artworks: of how many they are the first.
    """
    place = np.arange(1, listed.shape[1] + 1)
    later = np.maximum(place[:, None], place).astype(np.float32)
    best = np.empty(len(first), np.float32)
    for start in range(0, len(first), EDGES):
        one = listed[first[start : start + EDGES], :, None]
        other = listed[second[start : start + EDGES], None, :]
        best[start : start + EDGES] = np.where(one == other, later, np.inf).min(axis=(1, 2))
    return np.asarray(norm.isf(np.minimum(best**2 / artworks, 1.0)), np.float32)


def correlation(listed: Ints, vectors: Tensor, against: Background, works: int, seed: int) -> float:
    """rho of the two z of pairs whose lists meet, 0..1, among pairs at random.

    1, with which two say no more than one, where too few pairs meet. vectors: (N, d), of which
    `against` is the background. works: artworks of the gallery.
    """
    ends = np.random.default_rng(seed).integers(len(vectors), size=(2, PAIRS))
    first, second = ends[:, ends[0] != ends[1]]
    shared = shared_surprise(listed, first, second, works)
    meet = np.isfinite(shared)
    if meet.sum() < FEWEST:
        return 1.0
    first, second = first[meet], second[meet]
    cosine = np.empty(len(first), np.float32)
    for start in range(0, len(first), EDGES):
        some = slice(start, start + EDGES)
        cosine[some] = (vectors[first[some]] * vectors[second[some]]).sum(dim=1).numpy()
    found = np.corrcoef(against.surprise(first, second, cosine), shared[meet])[0, 1]
    return float(np.clip(found, 0, 1)) if np.isfinite(found) else 1.0


def eased(shared: Floats, least: float, rho: float) -> Floats:
    """z, 0 or more, that pairs need, (E,), for both z together to be `least` at least.

    shared: (E,), see `shared_surprise`. rho: see `correlation`.
    """
    return np.maximum(np.sqrt(2 + 2 * rho) * least - shared, 0).astype(np.float32)
