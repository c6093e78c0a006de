"""Whether probabilities that were said came true as often as they were said."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BINS = 10
IN_A_BIN = 10
"""Drawings of a bin, about, where there are too few for ten bins."""
FOLDS = 5


@dataclass(frozen=True)
class Bin:
    """Drawings of similar probability: how many, their mean probability, the share of true tops."""

    drawings: int
    probability: float
    share: float


@dataclass(frozen=True)
class Reliability:
    """How probabilities that were given without knowing the answer agree with the answers.

    brier: mean squared difference (Brier, 1950); brier_constant: that of giving everyone the share
    of true tops; calibration_error: the mean distance between probability and share over bins,
    weighted by their drawings (Naeini, Cooper and Hauskrecht, "Obtaining well calibrated
    probabilities using Bayesian binning", 2015), of bins with equally many drawings.
    """

    bins: tuple[Bin, ...]
    brier: float
    brier_constant: float
    calibration_error: float


def grouped_folds(answers: NDArray[np.bool_], groups: NDArray[np.generic]) -> NDArray[np.int64]:
    """A fold of 0 … FOLDS - 1 for each drawing, (Q,): one per group, answers spread evenly.

    Groups come largest first, in a fixed shuffle, each to the fold with fewest of its rarer answer
    (in all data) and then with fewest drawings.
    """
    _, unit = np.unique(groups, return_inverse=True)
    rarer = answers if answers.mean() <= 0.5 else ~answers
    size, rare = np.bincount(unit), np.bincount(unit, weights=rarer)
    shuffle = np.random.default_rng(0).permutation(len(size))
    order = shuffle[np.lexsort((-size[shuffle], -rare[shuffle]))]
    fold_of = np.empty(len(size), dtype=np.int64)
    held = np.zeros((FOLDS, 2))
    for group in order:
        fold = min(range(FOLDS), key=lambda i: (held[i, 0] if rare[group] else 0, held[i, 1], i))
        fold_of[group] = fold
        held[fold] += rare[group], size[group]
    return np.asarray(fold_of[unit])


def measure_reliability(
    probability: Floats, answers: NDArray[np.bool_], bins: int | None = None
) -> Reliability:
    """Bins of nearly equally many drawings (equal probabilities stay together), and their errors.

    probability: (Q,); answers: (Q,). bins: None: BINS, fewer where they would hold too little.
    """
    bins = bins or max(1, min(BINS, len(answers) // IN_A_BIN))
    edges = np.unique(np.quantile(probability, np.linspace(0, 1, bins + 1)[1:-1]))
    _, which = np.unique(np.searchsorted(edges, probability, side="left"), return_inverse=True)
    count = np.bincount(which)
    mean = np.bincount(which, weights=probability) / count
    share = np.bincount(which, weights=answers) / count
    base = float(answers.mean())
    return Reliability(
        bins=tuple(
            Bin(int(n), float(p), float(s)) for n, p, s in zip(count, mean, share, strict=True)
        ),
        brier=float(np.square(probability - answers).mean()),
        brier_constant=base * (1 - base),
        calibration_error=float((count * np.abs(mean - share)).sum() / len(answers)),
    )
