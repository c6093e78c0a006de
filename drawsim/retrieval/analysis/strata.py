"""Exact tests of whether a group has more of a value than chance gives it, within strata.

Drawings of a stratum, such as a year and a country, are exchangeable under the null hypothesis:
any of them could have been in the group. Then the number of the group's drawings that have a value
is a sum of independent hypergeometric numbers, one a stratum, whose distribution is computed whole:
it is the permutation test with all permutations, and nothing is drawn at random. With a common odds
ratio other than 1, each of them is Fisher's noncentral hypergeometric, and their sum is the same
distribution tilted, from which follow the conditional maximum-likelihood estimate and an exact
interval (Mehta, Patel and Gray, "Computing an exact confidence interval for the common odds ratio
in several 2 × 2 contingency tables", JASA 80, 1985).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import gammaln, logsumexp

from drawsim.retrieval.analysis.intervals import LEVEL

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

STEEPEST = 40.0
"""The largest logarithm of an odds ratio that is looked at."""
SMALLEST = 1e-300
"""What a p that is less is given as."""


@dataclass(frozen=True)
class Association:
    """A group and a value. count: drawings that are of both; expected: by chance within strata.

    odds_ratio: common to all strata, with its exact 95 % interval; 0 or infinite where count is the
    least or the most that there can be. p: two-sided, twice the lesser tail, at most 1; so it is
    below 0.05 where the interval leaves out 1.
    """

    count: int
    expected: float
    odds_ratio: float
    low: float
    high: float
    p: float


def association(drawings: Ints, having: Ints, taken: Ints, count: int) -> Association:
    """Test a group against a value from counts of each stratum, (S,) each.

    drawings: in the stratum; having: of them those with the value; taken: those of the group.
    count: of the group's drawings those with the value, over all strata.
    """
    each = Margins.of(drawings, having, taken)
    expected = float((having * taken / np.maximum(drawings, 1)).sum())
    if each.fewest == each.most:
        return Association(count, expected, math.nan, 0.0, math.inf, 1.0)
    at = each.centred(count)
    p = min(1.0, max(2 * math.exp(min(at.tail(1), at.tail(-1))), SMALLEST))
    return Association(count, expected, *at.odds(), p=p)


@dataclass(frozen=True)
class Margins:
    """What counts there can be: log weights (S, W) of the counts 0, 1, … above the least of each.

    fewest, most: the least and the largest sum. Strata in which nothing can vary are left out of
    the weights.
    """

    weights: Floats
    fewest: int
    most: int

    @classmethod
    def of(cls, drawings: Ints, having: Ints, taken: Ints) -> Margins:
        """From counts of each stratum, as `association` takes them."""
        least = np.maximum(0, having + taken - drawings)
        most = np.minimum(having, taken)
        varies = most > least
        n, k, t = (each[varies, None] for each in (drawings, having, taken))
        width = int((most - least)[varies].max(initial=0)) + 1
        x = least[varies, None] + np.arange(width)
        inside = x <= most[varies, None]
        x = np.minimum(x, most[varies, None])
        logs = -(
            gammaln(x + 1) + gammaln(k - x + 1) + gammaln(t - x + 1) + gammaln(n - k - t + x + 1)
        )
        weights = np.where(inside, logs, -np.inf)
        return cls(weights, int(least.sum()), int(most.sum()))

    @property
    def attainable(self) -> float:
        """The least p that any count would give."""
        total = logsumexp(self.weights, axis=1).sum()
        last = np.isfinite(self.weights).sum(axis=1) - 1
        ends = self.weights[:, 0].sum(), self.weights[np.arange(len(last)), last].sum()
        return min(1.0, 2 * math.exp(min(ends) - total))

    def tilted(self, slope: float) -> tuple[Floats, float]:
        """Probabilities (S, W) of the counts at a log odds ratio, and the log of what they sum."""
        logs = self.weights + slope * np.arange(self.weights.shape[1])
        highest = logs.max(axis=1, keepdims=True)
        shares = np.exp(logs - highest)
        sums = shares.sum(axis=1, keepdims=True)
        return shares / sums, float(highest.sum() + np.log(sums).sum())

    def centred(self, count: int) -> _Centred:
        """The distribution at the odds ratio whose mean is a count: its conditional estimate."""
        above = np.arange(self.weights.shape[1])

        def excess(slope: float) -> float:
            return self.fewest + float((self.tilted(slope)[0] @ above).sum()) - count

        if count <= self.fewest:
            slope = -STEEPEST
        elif count >= self.most:
            slope = STEEPEST
        else:
            slope = _root(excess)
        shares, total = self.tilted(slope)
        found = np.ones(1)
        for row in shares:
            found = np.convolve(found, np.trim_zeros(row, "b"))
        found = np.pad(found, (0, self.most - self.fewest + 1 - len(found)))
        with np.errstate(divide="ignore"):
            logs = np.log(found)
        return _Centred(logs, count - self.fewest, slope, total - self.tilted(0.0)[1])


@dataclass(frozen=True)
class _Centred:
    """A distribution of counts where the one that was found is likely: far tails stay exact.

    logs: log probabilities of the counts from the fewest on, at log odds ratio `slope`; at: the
    place of the count that was found; scale: what tilting back to 0 adds to their logarithms.
    """

    logs: Floats
    at: int
    slope: float
    scale: float

    def tail(self, sign: int) -> float:
        """log P(X >= count), sign 1, or log P(X <= count), sign -1, at an odds ratio of 1."""
        logs = self.logs - self.slope * np.arange(len(self.logs))
        beyond = logs[self.at :] if sign > 0 else logs[: self.at + 1]
        return min(0.0, float(logsumexp(beyond) + self.scale))

    def odds(self) -> tuple[float, float, float]:
        """The common odds ratio and its interval."""
        x = np.arange(len(self.logs)) - self.at

        def beyond(step: float, side: NDArray[np.bool_]) -> float:
            tilted = self.logs + step * x
            tilted -= tilted.max()
            shares = np.exp(tilted)
            return float(np.log(shares[side].sum() / shares.sum()) - math.log((1 - LEVEL) / 2))

        first, last = self.at == 0, self.at == len(x) - 1
        low = 0.0 if first else math.exp(self.slope + _root(lambda s: beyond(s, x >= 0)))
        high = math.inf if last else math.exp(self.slope + _root(lambda s: -beyond(s, x <= 0)))
        centre = 0.0 if first else math.inf if last else math.exp(self.slope)
        return centre, low, high


def _root(rising: Callable[[float], float]) -> float:
    """Where a function that rises is zero, between -2 and 2 times STEEPEST."""
    low, high, widest = -1.0, 1.0, 2 * STEEPEST
    with np.errstate(divide="ignore"):
        while rising(low) > 0:
            if low <= -widest:
                return -widest
            low, high = 3 * low, low
        while rising(high) < 0:
            if high >= widest:
                return widest
            low, high = high, 3 * high
        return float(brentq(rising, low, high, xtol=1e-7))
