"""Which drawings are surprisingly alike: a graph of neighbours, hubs held back.

Two drawings are compared as the model ranks them, by their cosine. Some drawings are near to all
others, and a cosine that says much of one pair says nothing of another. So each cosine is measured
by what both drawings have with drawings in general: z is the lesser of the two distances from the
median, in standard deviations, which is mutual proximity without its product (Schnitzer, Flexer,
Schedl and Widmer, "Local and global scaling reduce hubs in space", JMLR 13, 2012). A pair is an
edge if fewer than `chance` pairs as near are expected among all pairs of drawings that have nothing
in common, were their z normal: the a contrario rule (Desolneux, Moisan and Morel, "Meaningful
alignments", IJCV 40, 2000).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from drawsim.retrieval.ranking import Relevance, top_k

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]

BLOCK = 2048
"""Drawings whose neighbours are looked for at once."""
REFERENCES = 1024
"""Drawings, drawn at random, that stand for drawings in general."""
POWER = 0.5
"""As `adapt=hubs` has it: axes are divided by their standard deviation to this power."""
FLAT = 1e-6
"""Standard deviation of a dimension, at most, in which unit rows are the same but for rounding."""
QUARTILES = 1.349
"""Standard deviations from the first to the third quartile of a normal distribution."""


@dataclass(frozen=True)
class Background:
    """What each drawing's cosines with drawings in general are: median and spread, (N,) each.

    The spread is the range of the middle half, as standard deviations: the drawings of a large
    motif, which are near to one another, do not take one another for the background.
    """

    centre: Floats
    spread: Floats

    def surprise(self, first: Ints, second: Ints, cosine: Floats) -> Floats:
        """z of pairs: how far above the background of both a cosine is."""
        own = (cosine - self.centre[first]) / self.spread[first]
        other = (cosine - self.centre[second]) / self.spread[second]
        return np.minimum(own, other)


@dataclass(frozen=True)
class Edges:
    """Pairs of drawings, first < second, each once. first, second: (E,); z: (E,), how surprising.

    drawings: how many there are, with an edge or without.
    """

    first: Ints
    second: Ints
    z: Floats
    drawings: int

    def where(self, keep: NDArray[np.bool_]) -> Edges:
        """Those for which keep, (E,), is true."""
        return Edges(self.first[keep], self.second[keep], self.z[keep], self.drawings)


def spread_out(vectors: Tensor) -> Tensor:
    """(N, d) unit rows of a plain network as an adapted model would have them, without artworks.

    Their mean is taken away, and each axis divided by the root of its standard deviation.
    """
    centred = vectors.float() - vectors.float().mean(dim=0)
    deviation = centred.square().mean(dim=0).sqrt()
    flat = deviation <= deviation.max() * 1e-4
    return normalize(centred / deviation.masked_fill(flat, torch.inf) ** POWER, dim=1)


def varying(vectors: Tensor) -> Tensor:
    """(N, d) unit rows less the dimensions in which all are the same, again of length 1.

    An adaptation that holds hubs back gives drawings two such dimensions: they change no order of
    cosines, but would weigh much where dimensions are drawn anew.
    """
    return normalize(vectors[:, vectors.std(dim=0) > FLAT], dim=1)


def nearest(
    vectors: Tensor, k: int, advance: Callable[[int], None] = lambda _: None
) -> tuple[Floats, Ints]:
    """The k nearest others of each of (N, d) unit rows: cosines and rows, (N, k) each, k < N.

    Exact, block by block: memory does not grow with the square of N. advance: is told how many
    are done.
    """
    cosines = np.empty((len(vectors), k), np.float32)
    rows = np.empty((len(vectors), k), np.int64)
    for start in range(0, len(vectors), BLOCK):
        some = vectors[start : start + BLOCK]
        own = torch.arange(len(some))
        score, index = top_k(some, vectors, k, Relevance(own, own + start))
        cosines[start : start + len(some)] = score.numpy()
        rows[start : start + len(some)] = index.numpy()
        advance(len(some))
    return cosines, rows


def background(vectors: Tensor, seed: int) -> Background:
    """What each of (N, d) unit rows has in common with rows in general: with 1,024 at random."""
    count = len(vectors)
    chosen = np.random.default_rng(seed).permutation(count)[:REFERENCES]
    references = vectors[np.sort(chosen)]
    place = np.full(count, -1)
    place[np.sort(chosen)] = np.arange(len(chosen))
    centre, spread = np.empty(count, np.float32), np.empty(count, np.float32)
    for start in range(0, count, BLOCK):
        cosines = (vectors[start : start + BLOCK] @ references.T).numpy()
        itself = place[start : start + len(cosines)]
        rows = np.flatnonzero(itself >= 0)
        cosines[rows, itself[rows]] = np.nan
        low, middle, high = np.nanquantile(cosines, [0.25, 0.5, 0.75], axis=1)
        centre[start : start + len(cosines)] = middle
        spread[start : start + len(cosines)] = (high - low) / QUARTILES
    return Background(centre, np.maximum(spread, 1e-6))


def edges_of(cosines: Floats, rows: Ints, against: Background) -> Edges:
    """The pairs of lists of neighbours, (N, k), each once, with their z."""
    count, k = rows.shape
    one, other = np.repeat(np.arange(count), k), rows.ravel()
    key = np.minimum(one, other) * count + np.maximum(one, other)
    key, place = np.unique(key, return_index=True)
    first, second = np.divmod(key, count)
    return Edges(first, second, against.surprise(first, second, cosines.ravel()[place]), count)


def least_surprise(drawings: int, chance: float) -> float:
    """z that fewer than `chance` of the pairs of so many drawings reach, were it normal."""
    from scipy.stats import norm

    pairs = drawings * (drawings - 1) / 2
    return float(norm.isf(min(chance / pairs, 0.5)))
