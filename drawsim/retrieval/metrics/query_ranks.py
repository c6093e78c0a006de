"""The ranks of every query's relevant items: all that a metric is computed from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class QueryRanks:
    """Ranks, from 1, of the relevant items of Q queries in one gallery of `gallery_size` items.

    query: (P,) int64, ascending, the number 0 … Q - 1 of each rank's query; every query has one at
    least. rank: (P,) float64, ascending within a query; fractional where scores are tied.
    """

    query: NDArray[np.int64]
    rank: Floats
    gallery_size: int

    @classmethod
    def of(cls, query: ArrayLike, rank: ArrayLike, gallery_size: int) -> QueryRanks:
        """From pairs in any order; query numbers may be any integers, and are counted anew.

        >>> QueryRanks.of([7, 3, 7], [4.0, 2.0, 1.0], gallery_size=9).rank.tolist()
        [2.0, 1.0, 4.0]
        """
        _, number = np.unique(np.asarray(query), return_inverse=True)
        ranks = np.asarray(rank, dtype=np.float64)
        order = np.lexsort((ranks, number))
        return cls(number[order].astype(np.int64), ranks[order], gallery_size)

    @classmethod
    def of_lists(cls, ranks: Sequence[Sequence[float]], gallery_size: int) -> QueryRanks:
        """From the ranks of each query, none of which is empty.

        >>> QueryRanks.of_lists([[2.0], [4.0, 1.0]], gallery_size=9).first.tolist()
        [2.0, 1.0]
        """
        query = np.repeat(np.arange(len(ranks)), [len(own) for own in ranks])
        return cls.of(query, [rank for own in ranks for rank in own], gallery_size)

    @cached_property
    def relevant(self) -> NDArray[np.int64]:
        """(Q,) how many relevant items each query has: m."""
        return np.bincount(self.query)

    @cached_property
    def place(self) -> NDArray[np.int64]:
        """(P,) the place of each rank among those of its query, from 1: j of r_j."""
        before = np.cumsum(self.relevant) - self.relevant
        places: NDArray[np.int64] = np.arange(len(self.query)) - before[self.query] + 1
        return places

    @cached_property
    def first(self) -> Floats:
        """(Q,) the rank of each query's nearest relevant item: r_1."""
        return self.rank[self.place == 1]

    def total(self, values: ArrayLike) -> Floats:
        """(Q,) the sum over each query's relevant items of (P,) values."""
        weights = np.asarray(values, np.float64)
        sums = np.bincount(self.query, weights=weights, minlength=len(self.relevant))
        return sums.astype(np.float64)
