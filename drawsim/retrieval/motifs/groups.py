"""Groups of a graph of drawings: what hangs together by edges that close triangles.

Two drawings of one motif have neighbours in common. An edge counts if its ends share enough of
them, by the structural similarity of SCAN (Xu, Yuruk, Feng and Schweiger, "SCAN: a structural
clustering algorithm for networks", KDD 2007); what such edges connect is a group. So a drawing that
shows two motifs does not join them into one, as it would by edges alone, and groups do not grow
into chains whose ends have nothing in common.

Lists of neighbours end somewhere. In a group of thousands they hold a small part of what is near,
and two drawings of it share few of them, or none: where both ends have more neighbours than
`crowded`, one in common is enough.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from drawsim.retrieval.motifs.graph import Edges, Ints

SHARED = 0.3
"""Neighbours that the ends of an edge share, themselves counted, of the geometric mean of both."""
NONE = -1
"""The group of a drawing that belongs to none."""


def groups(edges: Edges, smallest: int, crowded: int) -> Ints:
    """The group of each drawing, (N,): 0, 1, …, the largest first, NONE for most.

    smallest: drawings of a group, at least; 3 or more, as fewer close no triangle.
    """
    return connected(edges.where(_closed(edges, crowded)), smallest)


def connected(edges: Edges, smallest: int) -> Ints:
    """What edges connect, as `groups` has it; smaller parts are none."""
    graph = coo_array(
        (np.ones(len(edges.first), np.int8), (edges.first, edges.second)),
        shape=(edges.drawings, edges.drawings),
    )
    _, label = connected_components(graph, directed=False)
    size = np.bincount(label, minlength=1)
    order = np.argsort(-size, kind="stable")
    order = order[size[order] >= smallest]
    new = np.full(len(size), NONE)
    new[order] = np.arange(len(order))
    return new[label]


def _closed(edges: Edges, crowded: int) -> NDArray[np.bool_]:
    """Which edges have ends that share at least one neighbour, and enough of all."""
    if not len(edges.first):
        return np.zeros(0, bool)
    count = edges.drawings
    ones = np.ones(2 * len(edges.first), np.int32)
    ends = np.r_[edges.first, edges.second], np.r_[edges.second, edges.first]
    graph = csr_array((ones, ends), shape=(count, count))
    common = _common(graph, edges)
    degree = np.diff(graph.indptr)
    one, other = degree[edges.first], degree[edges.second]
    shared = (common + 2) / np.sqrt((one + 1) * (other + 1))  # the ends themselves counted
    return np.asarray((common > 0) & ((shared >= SHARED) | (np.minimum(one, other) > crowded)))


def _common(graph: csr_array, edges: Edges, step: int = 1 << 16) -> Ints:
    """How many neighbours the ends of each edge share; so many edges at a time."""
    found = [
        np.asarray(
            graph[edges.first[start : start + step]]
            .multiply(graph[edges.second[start : start + step]])
            .sum(axis=1)
        ).ravel()
        for start in range(0, len(edges.first), step)
    ]
    return np.concatenate(found).astype(np.int64)
