"""How stable groups are: found again where drawings and dimensions are drawn anew?

Each time a fifth of the drawings is left out, and the dimensions of the embeddings are drawn with
replacement, in blocks: the cosines of neighbours change as much as they depend on few dimensions.

Two drawings stay in one group if they are in one in most of the times that both are there, and what
such edges connect is the group that counts: the consensus of Monti, Tamayo, Mesirov and Golub
("Consensus clustering", Machine Learning 52, 2003). A drawing that hangs on by an edge that comes
and goes is let go, and two groups that one such edge joins are two.

A group's stability is the mean, over all times, of the Jaccard index of what is left of it with the
group that is most like it (Hennig, "Cluster-wise assessment of cluster stability", Computational
Statistics & Data Analysis 52, 2007; there 0.75 and more is a valid, stable cluster). A time at
which those left of it would be no group by their own edges, as they are, says nothing about it: too
few are left, or the one that knows them all is away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from drawsim.retrieval.motifs.graph import Background, Edges, Floats, Ints
from drawsim.retrieval.motifs.groups import NONE, connected, groups

KEPT = 0.8
"""Share of drawings that is looked at each time."""
BLOCKS = 64
"""Of dimensions: drawn whole, so that products of pairs need be made only once."""
PAIRS = 1 << 15
"""Whose products are made at once."""
MOST = 0.5
"""Share of times from which on two drawings stay in one group."""


@dataclass(frozen=True)
class Resampled:
    """One time: there, (N,), the drawings that are; label, (N,), their groups then."""

    there: NDArray[np.bool_]
    label: NDArray[np.int32]


def stable_groups(
    label: Ints,
    edges: Edges,
    vectors: Tensor,
    against: Background,
    *,
    least: Floats,
    smallest: int,
    crowded: int,
    resamples: int,
    seed: int,
    advance: Callable[[int], None] = lambda _: None,
) -> tuple[Ints, Floats]:
    """What stays together of the groups of `label`: groups as those are, and the stability of each.

    label: (N,), as `groups` gives it. edges: all that are looked at, those below `least` too, since
    they may come above it. vectors: (N, d) unit rows. least: (E,), z of each, at
    least; what drawings share in a gallery stays as it is. The stability is 0..1.
    """
    rng = np.random.default_rng(seed)
    products, squares = _by_blocks(edges, vectors, rng)
    times = []
    for _ in range(resamples):
        weight = np.bincount(rng.integers(BLOCKS, size=BLOCKS), minlength=BLOCKS)
        length = np.sqrt(np.maximum(squares @ weight.astype(np.float32), 1e-12))
        cosine = products @ weight.astype(np.float32)
        cosine /= length[edges.first] * length[edges.second]
        z = against.surprise(edges.first, edges.second, cosine)
        there = rng.random(edges.drawings) < KEPT
        both = there[edges.first] & there[edges.second]
        again = groups(edges.where((z >= least) & both), smallest, crowded)
        times.append(Resampled(there, again.astype(np.int32)))
        advance(1)
    own = _inside(edges.where(edges.z >= least), label)
    stays = staying(own, times, smallest)
    return stays, stability(stays, own, times, smallest=smallest, crowded=crowded)


def staying(edges: Edges, times: list[Resampled], smallest: int) -> Ints:
    """The groups, (N,), of what is together most times. edges: of groups as they are."""
    return connected(edges.where(together(edges, times) >= MOST), smallest)


def together(edges: Edges, times: list[Resampled]) -> Floats:
    """How often the ends of each edge are in one group, (E,), of the times that both are there."""
    both, one = np.zeros(len(edges.first)), np.zeros(len(edges.first))
    for time in times:
        first, second = time.label[edges.first], time.label[edges.second]
        both += time.there[edges.first] & time.there[edges.second]
        one += (first == second) & (first != NONE)
    return np.asarray(one / np.maximum(both, 1), np.float32)


def stability(
    label: Ints, edges: Edges, times: list[Resampled], *, smallest: int, crowded: int
) -> Floats:
    """The stability of each group of `label`, (N,), 0..1; 0 of one that never could be found.

    edges: of the drawings as they are.
    """
    count = int(label.max(initial=NONE)) + 1
    own = _inside(edges, label)
    total, known = np.zeros(count), np.zeros(count)
    for time in times:
        left = np.where(time.there, label, NONE)
        both = time.there[own.first] & time.there[own.second]
        could = groups(own.where(both), smallest, crowded) != NONE
        possible = np.bincount(label[could], minlength=count) > 0
        total[possible] += jaccard(left, time.label, count)[possible]
        known += possible
    return np.asarray(total / np.maximum(known, 1), np.float32)


def _inside(edges: Edges, label: Ints) -> Edges:
    """The edges whose ends are in one group."""
    return edges.where((label[edges.first] == label[edges.second]) & (label[edges.first] != NONE))


def jaccard(label: Ints, again: Ints | NDArray[np.int32], count: int) -> Floats:
    """The Jaccard index of each of `count` groups with the one most like it.

    label, again: (N,) groups of the same drawings.
    """
    size = np.bincount(label[label >= 0], minlength=count)
    others = np.bincount(again[again >= 0], minlength=1)
    both = (label >= 0) & (again >= 0)
    key, shared = np.unique(label[both] * len(others) + again[both], return_counts=True)
    one, other = np.divmod(key, len(others))
    best = np.zeros(count, np.float32)
    np.maximum.at(best, one, (shared / (size[one] + others[other] - shared)).astype(np.float32))
    return best


def _by_blocks(edges: Edges, vectors: Tensor, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Products of the ends of edges, (E, BLOCKS), and squares of drawings, (N, BLOCKS), by blocks.

    The dimensions of a block are drawn at random.
    """
    order = torch.from_numpy(rng.permutation(vectors.shape[1]))
    parts = torch.tensor_split(order, BLOCKS)
    member = torch.zeros(vectors.shape[1], BLOCKS)
    for number, part in enumerate(parts):
        member[part, number] = 1.0
    squares = torch.cat([part.square() @ member for part in torch.split(vectors, PAIRS)])
    products = torch.empty(len(edges.first), BLOCKS)
    for start in range(0, len(edges.first), PAIRS):
        one = vectors[edges.first[start : start + PAIRS]]
        products[start : start + PAIRS] = (
            one.mul_(vectors[edges.second[start : start + PAIRS]]) @ member
        )
    return products.numpy(), squares.numpy()
