"""Paired tests of two models on the same units: queries, groups of queries, or splits.

A unit has one difference, that of the two models' scores. Every test is two-sided, and its null
hypothesis is that the sign of each unit's difference is a coin's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from drawsim.retrieval.analysis.intervals import bootstrap, percentile_interval

Floats = NDArray[np.float64]

EXACT_UNITS = 14
"""Up to so many units all 2^n sign flips are counted; beyond, flips are drawn."""
FLIPS = 20_000
RESAMPLES = 5_000
CHUNK = 1 << 22
"""Signs held at a time."""


@dataclass(frozen=True)
class PairedTest:
    """A mean difference, and how far it can be trusted.

    pairs: differences that came in; units: groups of them that were tested. difference: the mean
    over pairs; low, high: its 95 % bootstrap interval. The p-values are uncorrected.
    """

    pairs: int
    units: int
    difference: float
    low: float
    high: float
    p_wilcoxon: float
    p_permutation: float


def paired_test(
    differences: ArrayLike, groups: ArrayLike | None = None, *, seed: int = 0
) -> PairedTest:
    """Test a model against another from the differences of their scores, (n,).

    groups: (n,) labels; pairs of one group depend on each other, so that a group is one unit, with
    the sum of its differences. Without them every pair is a unit. One seed, one result.
    """
    values = np.asarray(differences, dtype=np.float64)
    labels = np.arange(len(values)) if groups is None else np.asarray(groups)
    _, unit = np.unique(labels, return_inverse=True)
    sizes = np.bincount(unit).astype(np.float64)
    sums = np.bincount(unit, weights=values).astype(np.float64)
    # What differs by rounding alone is equal: zeros and ties count in the tests.
    scale = float(np.abs(sums).max()) or 1.0
    sums = (sums / scale).round(12) * scale
    low, high = bootstrap_interval(sums, sizes, seed=seed)
    return PairedTest(
        pairs=len(values),
        units=len(sums),
        difference=float(values.mean()),
        low=low,
        high=high,
        p_wilcoxon=wilcoxon_p(sums),
        p_permutation=permutation_p(sums, seed=seed),
    )


def wilcoxon_p(differences: Floats) -> float:
    """p of the signed-rank test (Wilcoxon, 1945); differences of zero say nothing and are dropped.

    Of at most EXACT_UNITS differences it is exact with ties too: the permutation test of the signed
    ranks. Beyond, scipy takes the exact distribution up to 50 without ties, else the normal one.
    """
    moved = differences[differences != 0]
    if len(moved) <= EXACT_UNITS:
        return permutation_p(np.sign(moved) * stats.rankdata(np.abs(moved)))
    return float(stats.wilcoxon(moved).pvalue)


def permutation_p(differences: Floats, *, seed: int = 0) -> float:
    """p of the paired permutation test of the mean (Fisher, The Design of Experiments, 1935, §21).

    The share of sign flips whose sum is at least as far from 0 as the observed one: of all flips
    for at most EXACT_UNITS differences other than 0; otherwise of FLIPS flips drawn from the seed
    and the observed one, (1 + hits) / (1 + FLIPS) (Phipson and Smyth, 2010), which is never 0.
    scipy's permutation_test counts the same flips, and takes 20 times as long for 300 queries.
    """
    moved = differences[differences != 0]  # the flip of a zero changes no sum
    if not len(moved):
        return 1.0
    bound = abs(moved.sum()) - 1e-12 * np.abs(moved).sum()  # sums that differ by rounding are equal
    if len(moved) <= EXACT_UNITS:
        flipped = np.arange(1 << len(moved))[:, None] >> np.arange(len(moved)) & 1
        sums = moved.sum() - 2.0 * (flipped @ moved)
        return float((np.abs(sums) >= bound).mean())
    rng = np.random.default_rng(seed)
    hits = 0
    step = max(1, CHUNK // len(moved))
    for start in range(0, FLIPS, step):
        flipped = rng.integers(2, size=(min(step, FLIPS - start), len(moved)), dtype=np.int8)
        sums = moved.sum() - 2.0 * (flipped @ moved)
        hits += int((np.abs(sums) >= bound).sum())
    return (1 + hits) / (1 + FLIPS)


def bootstrap_interval(sums: Floats, sizes: Floats, *, seed: int = 0) -> tuple[float, float]:
    """95 % percentile interval of a mean whose values come in groups: (low, high).

    sums, sizes: (groups,) sum and number of the values of each group. Groups are drawn with
    replacement, and the mean of a draw is the sum of its sums over that of its sizes (Davison and
    Hinkley, Bootstrap Methods and their Application, 1997, §3.8). A single group gives no interval:
    both ends are NaN.
    """
    if len(sums) < 2:
        return float("nan"), float("nan")
    groups = np.column_stack([sums, sizes])
    return percentile_interval(bootstrap(groups, _ratio, repeats=RESAMPLES, seed=seed))


def _ratio(groups: Floats, axis: int) -> Floats:
    sums, sizes = np.moveaxis(groups.sum(axis=axis), -1, 0)
    return np.asarray(sums / sizes)


def holm(p_values: ArrayLike) -> Floats:
    """p-values corrected for being a family, in the order given (Holm, 1979).

    The i-th smallest of m becomes the largest of (m - j + 1) p_j over j <= i, at most 1. The chance
    that any true null hypothesis of the family falls below a level is then at most that level.
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    steps = p[order] * (len(p) - np.arange(len(p)))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return corrected


def benjamini_hochberg(p_values: ArrayLike) -> Floats:
    """p-values as false-discovery rates, in the order given (Benjamini and Hochberg, 1995).

    The i-th smallest of m becomes the least of m p_j / j over j >= i. Of those at most a level, the
    share of true null hypotheses is expected to be at most that level: proved for independent
    tests and for those that depend positively.
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")[::-1]
    rates = p[order] * len(p) / np.arange(len(p), 0, -1)
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(1.0, np.minimum.accumulate(rates))
    return corrected


def smallest_p(units: int) -> float:
    """The smallest p that the tests can give for so many units, 2 / 2^n: all have one sign."""
    return float(2.0 ** (1 - units))
