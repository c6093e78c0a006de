"""How much a mean or a share over few queries can be trusted."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
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

    All p that (hits / of - p)^2 <= z^2 p (1 - p) / of holds for (Wilson, "Probable inference, the
    law of succession, and statistical inference", JASA 22, 1927).
    """
    if of == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + LEVEL) / 2)
    share, weight = hits / of, z * z / of
    middle = (share + weight / 2) / (1 + weight)
    half = math.sqrt(share * (1 - share) * weight + weight * weight / 4) / (1 + weight)
    # With no hits, or hits only, an end is 0 or 1; rounding must not carry it beyond.
    return max(0.0, middle - half), min(1.0, middle + half)
