"""How stable groups are, on times that are written out: what stays together, and how surely."""

from __future__ import annotations

import numpy as np
import pytest

from drawsim.retrieval.motifs.graph import Edges, Ints
from drawsim.retrieval.motifs.stability import Resampled, jaccard, stability, staying, together

ONE, TWO = [0, 0, 0, 0, 0, 0], [0, 0, 0, 1, 1, 1]


def edges(*pairs: tuple[int, int], drawings: int = 6) -> Edges:
    first, second = (np.array(ends) for ends in zip(*pairs, strict=True))
    return Edges(first, second, np.ones(len(pairs), np.float32), drawings)


def time(label: list[int], there: list[bool] | None = None) -> Resampled:
    return Resampled(np.array(there or [True] * len(label)), np.array(label, np.int32))


def stable(label: Ints, graph: Edges, times: list[Resampled]) -> list[float]:
    return stability(label, graph, times, smallest=3, crowded=9).tolist()


def test_how_often_ends_are_together_is_of_the_times_that_both_are_there() -> None:
    graph = edges((0, 1), (2, 3), (4, 5))
    away = [True, True, True, False, True, True]
    none = [0, 0, 0, 0, -1, -1]
    times = [time(ONE), time(TWO), time([0, 0, 0, -1, 0, 0], away), time(none)]
    assert together(graph, times).tolist() == pytest.approx([1, 2 / 3, 3 / 4])
    never = [time([-1, 0, 0, 1, 1, 1], [False] + [True] * 5)]
    assert together(graph, never).tolist() == [0, 0, 1]


def test_two_groups_that_are_one_now_and_then_are_two() -> None:
    triangles = (0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5)
    graph = edges(*triangles, (1, 3), (2, 3), drawings=6)
    assert staying(graph, [time(ONE), time(TWO), time(TWO)], 3).tolist() == TWO
    assert staying(graph, [time(ONE), time(ONE), time(TWO)], 3).tolist() == ONE


def test_a_drawing_that_is_there_now_and_then_is_let_go() -> None:
    graph = edges((0, 1), (0, 2), (1, 2), (1, 3), (2, 3), drawings=4)
    times = [time([0, 0, 0, 0]), time([0, 0, 0, -1]), time([0, 0, 0, -1])]
    assert staying(graph, times, 3).tolist() == [0, 0, 0, -1]
    assert staying(graph, times, 4).tolist() == [-1] * 4


def test_the_index_of_a_group_is_that_of_its_best_match() -> None:
    label = np.array([0, 0, 0, 0, 1, 1, 1, -1, -1])
    again = np.array([1, 1, 1, -1, 0, 0, 1, 1, -1])
    assert jaccard(label, again, 3).tolist() == pytest.approx([3 / 6, 2 / 3, 0.0])


def test_a_time_at_which_a_group_cannot_be_says_nothing_of_it() -> None:
    """Four, of which 2 and 3 are no neighbours: without 0 the others close no triangle."""
    graph = edges((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), drawings=4)
    label = np.zeros(4, np.int64)
    whole = time([0, 0, 0, 0])
    without_0 = time([-1, -1, -1, -1], [False, True, True, True])
    assert stable(label, graph, [whole, without_0]) == [1]
    without_3 = time([-1, -1, -1, -1], [True, True, True, False])
    assert stable(label, graph, [whole, without_3]) == [0.5], "three that know one another"
    assert stable(label, graph, [without_0]) == [0], "never seen"
