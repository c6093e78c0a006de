"""Which of many 64-bit hashes differ in few bits, without comparing all with all.

Hashes that differ in at most d bits differ, in one of m disjoint bands of bits, in at most a bound
of that band's own, wherever the bounds of the bands add up to d - m + 1: were each exceeded, the
bits would add up to d + 1. So for each band only hashes are compared whose bands are that near:
those in the buckets of all patterns with so few bits. Nothing is missed, nothing is estimated.
M. Norouzi, A. Punjani and D. Fleet, "Fast search in Hamming space with multi-index hashing", 2012;
bounds that add up so: J. Qin et al., "GPH: similarity search in Hamming space", 2018.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from math import comb
from typing import NamedTuple

import numpy as np

BITS = 64
WIDEST = 18
"""Bits of a band, at most: the buckets of a band, one for each pattern, stay in the cache."""

_ONCE = 1 << 16  # pairs compared at once: they stay in the cache
_COMPARING, _ASKING = 1.0, 0.7  # what a pair, and a hash for each pattern, cost in relation


class Close(NamedTuple):
    """Pairs of rows, the smaller first, and the bits in which their hashes differ; int64 each."""

    first: np.ndarray
    second: np.ndarray
    distance: np.ndarray


class Band(NamedTuple):
    """Some of the bits of a hash, and in how many of them near ones may differ there."""

    start: int
    width: int
    bound: int

    def of(self, hashes: np.ndarray) -> np.ndarray:
        """The bits of the band, (N,) int64."""
        mask = np.uint64((1 << self.width) - 1)
        return ((hashes >> np.uint64(self.start)) & mask).astype(np.int64)

    def patterns(self) -> Iterator[int]:
        """All ways to differ in at most `bound` bits."""
        for bits in range(self.bound + 1):
            for places in combinations(range(self.width), bits):
                yield sum(1 << place for place in places)


def close_hashes(hashes: np.ndarray, distance: int) -> Iterator[Close]:
    """Every pair of (N,) uint64 hashes that differ in at most `distance` bits, once, in blocks."""
    bands = choose_bands(len(hashes), distance)
    for number, band in enumerate(bands):
        for first, second in _candidates(band.of(hashes), band):
            differing = hashes[first] ^ hashes[second]
            apart = np.bitwise_count(differing)
            near = np.flatnonzero(apart <= distance)
            first, second, differing, apart = (
                column[near] for column in (first, second, differing, apart)
            )
            for earlier in bands[:number]:  # which have found it already, if it is as near there
                new = np.bitwise_count(earlier.of(differing)) > earlier.bound
                first, second, differing, apart = (
                    column[new] for column in (first, second, differing, apart)
                )
            yield Close(
                np.minimum(first, second), np.maximum(first, second), apart.astype(np.int64)
            )


def choose_bands(count: int, distance: int) -> list[Band]:
    """The bands that find near ones among so many hashes soonest, were their bits random.

    One band of no bits compares all with all: that is best for few hashes or large distances.
    """
    best, least = [Band(0, 0, 0)], _COMPARING * count**2 / 2
    for width in range(1, WIDEST + 1):
        for bands in range(1, min(BITS // width, distance + 1) + 1):
            bounds = _spread(distance - bands + 1, bands)
            balls = [sum(comb(width, bits) for bits in range(bound + 1)) for bound in bounds]
            pairs = sum(balls) * count**2 / 2 ** (width + 1)
            cost = _COMPARING * pairs + _ASKING * sum(balls) * count
            if cost < least:
                starts = range(0, BITS, width)
                least = cost
                best = [Band(s, width, b) for s, b in zip(starts, bounds, strict=False)]
    return best


def _spread(total: int, parts: int) -> list[int]:
    """A number as a sum of so many that differ by one at most."""
    low, more = divmod(total, parts)
    return [low + (part < more) for part in range(parts)]


def _candidates(values: np.ndarray, band: Band) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of rows whose values differ as the band lets them, each once, in blocks."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.searchsorted(ordered, np.arange((1 << band.width) + 1))
    for pattern in band.patterns():
        if pattern:  # of two buckets that are so apart, the one without the highest bit asks
            asking = np.flatnonzero(ordered & (1 << pattern.bit_length() - 1) == 0)
            begin = starts[ordered[asking] ^ pattern]
        else:  # within a bucket, those behind
            asking = np.arange(len(ordered))
            begin = asking + 1
        length = starts[(ordered[asking] ^ pattern) + 1] - begin
        for some in _blocks(length):
            rows = np.repeat(asking[some], length[some])
            # Of each that asks, the others lie one behind another.
            shift = np.repeat(begin[some] - (np.cumsum(length[some]) - length[some]), length[some])
            yield order[rows], order[np.arange(len(rows)) + shift]


def _blocks(length: np.ndarray) -> Iterator[slice]:
    """Slices whose lengths add up to about `_ONCE`: a single one may be longer."""
    ends = np.cumsum(length)
    start = 0
    while start < len(ends) and ends[-1] > (done := ends[start - 1] if start else 0):
        stop = max(start + 1, int(np.searchsorted(ends, done + _ONCE, side="right")))
        yield slice(start, stop)
        start = stop
