"""How stable groups are: found again where drawings and dimensions are drawn anew?

Each time a fifth of the drawings is left out, and the dimensions of the embeddings are drawn with
replacement, in blocks: the cosines of neighbours change as much as they depend on few dimensions. A
group's stability is the mean, over all times, of the Jaccard index of what is left of it with the
group that is most like it (Hennig, "Cluster-wise assessment of cluster stability", Computational
Statistics & Data Analysis 52, 2007; there 0.75 and more is a valid, stable cluster).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from drawsim.retrieval.motifs.graph import Background, Edges, Floats, Ints
from drawsim.retrieval.motifs.groups import NONE, groups

KEPT = 0.8
"""Share of drawings that is looked at each time."""
BLOCKS = 64
"""Of dimensions: drawn whole, so that products of pairs need be made only once."""
PAIRS = 1 << 15
"""Whose products are made at once."""


def stability(
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
) -> Floats:
    """The stability of each group of `label`, 0..1.

    label: (N,), as `groups` gives it. edges: all that are looked at, those below `least` too, since
    they may come above it. vectors: (N, d) unit rows. least: (E,), z of each, at
    least; what drawings share in a gallery stays as it is.
    """
    count = int(label.max(initial=NONE)) + 1
    rng = np.random.default_rng(seed)
    products, squares = _by_blocks(edges, vectors, rng)
    total, times = np.zeros(count), np.zeros(count)
    for _ in range(resamples):
        weight = np.bincount(rng.integers(BLOCKS, size=BLOCKS), minlength=BLOCKS)
        length = np.sqrt(np.maximum(squares @ weight.astype(np.float32), 1e-12))
        cosine = products @ weight.astype(np.float32)
        cosine /= length[edges.first] * length[edges.second]
        z = against.surprise(edges.first, edges.second, cosine)
        there = rng.random(edges.drawings) < KEPT
        near = (z >= least) & there[edges.first] & there[edges.second]
        again = groups(edges.where(near), smallest, crowded)
        index, left = jaccard(np.where(there, label, NONE), again, count)
        known = left >= smallest
        total[known] += index[known]
        times[known] += 1
        advance(1)
    return np.asarray(total / np.maximum(times, 1), np.float32)


def jaccard(label: Ints, again: Ints, count: int) -> tuple[Floats, Ints]:
    """The Jaccard index of each of `count` groups with the one most like it, and its size.

    label, again: (N,) groups of the same drawings.
    """
    size = np.bincount(label[label >= 0], minlength=count)
    others = np.bincount(again[again >= 0], minlength=1)
    both = (label >= 0) & (again >= 0)
    key, shared = np.unique(label[both] * len(others) + again[both], return_counts=True)
    one, other = np.divmod(key, len(others))
    best = np.zeros(count, np.float32)
    np.maximum.at(best, one, (shared / (size[one] + others[other] - shared)).astype(np.float32))
    return best, size


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
