"""How much a mean or a share over few queries can be trusted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

REPEATS = 2000
LEVEL = 0.95


def bootstrap(
    values: NDArray[np.float64],
    centre: Callable[..., Any],
    *,
    repeats: int = REPEATS,
    seed: int = 0,
) -> NDArray[np.float64]:
    """The centre of `repeats` samples of the values, each drawn with replacement at full size.

    `values` is (queries,), the result (repeats,); `centre` takes an axis, as numpy's mean does. One
    seed and size give the same draws, so two calls are paired. Takes 16 bytes x queries x repeats.
    Efron and Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13.
    """
    draws = np.random.default_rng(seed).integers(len(values), size=(repeats, len(values)))
    return np.asarray(centre(values[draws], axis=1))


def percentile_interval(sample: NDArray[np.float64]) -> tuple[float, float]:
    """The middle 95 % of a bootstrap sample: lower and upper end."""
    low, high = np.quantile(sample, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def wilson_interval(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share: lower and upper end, within 0..1; of nothing, all of 0..1.

    The score interval (Wilson, "Probable inference, the law of succession, and statistical
    inference", JASA 22, 1927), by scipy.
    """
    if of == 0:
        return 0.0, 1.0
    from scipy.stats import binomtest  # a second, for one number of a page

    interval = binomtest(hits, of).proportion_ci(confidence_level=LEVEL, method="wilson")
    return float(interval.low), float(interval.high)
