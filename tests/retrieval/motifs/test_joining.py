"""Drawings that join a group: near to it and to its artworks, or not at all."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from drawsim.retrieval.motifs.graph import Edges, Ints, background
from drawsim.retrieval.motifs.groups import NONE
from drawsim.retrieval.motifs.joining import joined

COUNT, WORKS, WIDE, GROUP = 300, 2000, 64, 5
NEAR, ELSEWHERE, UNLINKED = 5, 6, 7
"""Drawings beside the group: one with its artworks, one with others, one without an edge to it."""


def collection(seed: int, likeness: float) -> tuple[Tensor, Ints, Ints]:
    """Rows, first artworks and groups: the first five are one, the next three are like them."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((COUNT, WIDE))
    centre = rng.standard_normal(WIDE)
    rows[:GROUP] = centre + 0.6 * rows[:GROUP]
    rows[GROUP : UNLINKED + 1] += likeness * centre
    listed = np.stack([rng.permutation(WORKS - 1)[:20] + 1 for _ in range(COUNT)])
    listed[:GROUP, 0] = 0
    listed[[NEAR, UNLINKED], 3] = 0
    label = np.full(COUNT, NONE)
    label[:GROUP] = 0
    return normalize(torch.from_numpy(rows).float(), dim=1), listed, label


def linked(*others: int) -> Edges:
    """An edge from the first drawing to each."""
    second = np.array(others)
    return Edges(np.zeros_like(second), second, np.zeros(len(second), np.float32), COUNT)


def joins(rows: Tensor, listed: Ints, label: Ints, edges: Edges) -> list[int]:
    against = background(rows, 0)
    new = joined(label, edges, rows, against, listed, works=WORKS, chance=1.0, seed=0)
    assert (new[label != NONE] == label[label != NONE]).all(), "nobody leaves"
    return np.flatnonzero((new != NONE) & (label == NONE)).tolist()


def test_who_joins_is_near_to_the_group_and_to_its_artworks() -> None:
    rows, listed, label = collection(0, likeness=0.9)
    assert joins(rows, listed, label, linked(NEAR, ELSEWHERE)) == [NEAR]
    assert joins(rows, listed, label, linked(ELSEWHERE)) == [], "no artwork in common"
    assert joins(rows, listed, np.full(COUNT, NONE), linked(NEAR)) == [], "no group"


def test_those_that_have_nothing_in_common_do_not_join() -> None:
    everybody = linked(*range(GROUP, COUNT))
    many = [len(joins(*collection(seed, likeness=0.0), everybody)) for seed in range(20)]
    assert sum(many) <= 2, "less than a tenth is expected of each collection"


def test_of_two_groups_the_nearer_is_joined() -> None:
    rows, listed, label = collection(1, likeness=0.9)
    label[20:25] = 1
    listed[20:25, 0] = 0  # the same artwork, and nothing else in common
    edges = Edges(np.array([0, NEAR]), np.array([NEAR, 20]), np.zeros(2, np.float32), COUNT)
    new = joined(label, edges, rows, background(rows, 0), listed, works=WORKS, chance=1.0, seed=0)
    assert new[NEAR] == 0
