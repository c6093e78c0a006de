"""Drawings that join a group that was found: near to its members as a whole, and to its artworks.

A pair of drawings says less than a drawing and a group: what one pair lacks, several make up for. A
drawing's z with a group is its mean z with the members, measured by what drawings at random have
(their median, and standard deviations from the quartiles). By that alone portraits join portraits.
So the artworks are a second witness: the group's are those at the head of its members' lists, and
how surprisingly a drawing's own begin alike is a z as well (see `echoes`). The mean of both, which
is Stouffer's sum for two that say the same, must be so high that less than a tenth of
`explore.motifs.chance` would come as near of all drawings and groups.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import norm
from torch import Tensor

from drawsim.retrieval.motifs.echoes import shared_surprise
from drawsim.retrieval.motifs.graph import (
    BLOCK,
    QUARTILES,
    REFERENCES,
    Background,
    Edges,
    Floats,
    Ints,
)
from drawsim.retrieval.motifs.groups import NONE

PART = 0.1
"""Of `chance`, what is left to drawings that join."""


def joined(
    label: Ints,
    edges: Edges,
    vectors: Tensor,
    against: Background,
    listed: Ints,
    *,
    works: int,
    chance: float,
    seed: int,
) -> Ints:
    """The groups, (N,), with the drawings that join them; of several groups the nearest.

    label: groups, 0, 1, …, NONE for drawings of none. edges: who may join has one to a member.
    vectors: (N, d) unit rows, of which `against` is the background. listed: (N, r) first artworks,
    of so many works.
    """
    count = int(label.max(initial=NONE)) + 1
    if not count:
        return label
    least = float(norm.isf(min(PART * chance / (len(label) * count), 0.5)))
    some = np.random.default_rng(seed).permutation(len(label))[:REFERENCES]
    best, new = np.full(len(label), -np.inf), label.copy()
    for group in range(count):
        members = np.flatnonzero(label == group)
        asked = _beside(edges, label, group)
        others = some[label[some] != group]
        if not len(asked) or not len(others):
            continue
        usual = _mean_surprise(others, members, vectors, against)
        low, middle, high = np.quantile(usual, [0.25, 0.5, 0.75])
        own = _mean_surprise(asked, members, vectors, against)
        near = (own - middle) / max((high - low) / QUARTILES, 1e-6)
        lists = np.vstack([_first_of(listed[members]), listed[asked]])
        at = np.arange(1, len(lists))
        both = (near + shared_surprise(lists, np.zeros_like(at), at, works)) / 2
        joins = (both >= least) & (both > best[asked])
        new[asked[joins]], best[asked[joins]] = group, both[joins]
    return new


def _beside(edges: Edges, label: Ints, group: int) -> Ints:
    """The drawings of no group that have an edge to a member of this one."""
    one, other = label[edges.first], label[edges.second]
    ends = [
        edges.second[(one == group) & (other == NONE)],
        edges.first[(other == group) & (one == NONE)],
    ]
    return np.unique(np.concatenate(ends))


def _mean_surprise(rows: Ints, members: Ints, vectors: Tensor, against: Background) -> Floats:
    """The mean z of each row with the members, (R,); of a large group some rows at a time."""
    mean = np.empty(len(rows), np.float32)
    for start in range(0, len(rows), BLOCK):
        some = rows[start : start + BLOCK]
        cosine = (vectors[some] @ vectors[members].T).numpy()
        z = against.surprise(some[:, None], members[None, :], cosine)
        mean[start : start + len(some)] = z.mean(axis=1)
    return mean


def _first_of(lists: Ints) -> Ints:
    """The artworks that (M, r) lists begin with, r of them, by the sum of their inverse ranks."""
    weight = 1 / np.arange(1, lists.shape[1] + 1)
    names, place = np.unique(lists, return_inverse=True)
    weights = np.broadcast_to(weight, lists.shape).ravel()
    total = np.bincount(place.ravel(), weights).astype(np.float64)
    return np.asarray(names[np.argsort(-total, kind="stable")[: lists.shape[1]]])
