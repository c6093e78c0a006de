"""A logistic regression on one feature as all that few answers leave possible: samples of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

Floats = NDArray[np.float64]

DRAWS = 1000
"""Samples that are taken."""
SLOPE_SD, INTERCEPT_SD = 2.5, 3.0
NO_SLOPE = 0.25
"""The prior, for a feature of standard deviation 1."""
SLOPES, INTERCEPTS = (0.0, 12.0), (-14.0, 14.0)
"""Where the posterior is looked for first; beyond, the prior leaves nothing."""
POINTS, PASSES = 50, 3
"""Of an axis of the grid, and how often it is narrowed to where the posterior is."""
TAIL = 1e-5
"""Of the posterior, what may be cut off at an end of an axis."""
CLASSES = 100
"""Of so many drawings each counts by itself; of more, neighbours are counted together."""


def posterior(feature: Floats, answers: NDArray[np.bool_]) -> Floats:
    """Slopes and intercepts, (DRAWS, 2), as likely as the answers make them.

    feature: (n,), standardised; answers: (n,). P(true) = expit(slope * feature + intercept). The
    prior is weakly informative (Gelman, Jakulin, Pittau and Su, "A weakly informative default prior
    distribution for logistic and other regression models", 2008), here with normal tails: the
    intercept normal with INTERCEPT_SD; the slope 0 with probability NO_SLOPE, for the feature may
    say nothing, else half-normal with SLOPE_SD, for a better list is never less likely to be right.
    The posterior is summed over a grid, so that it is the same on any machine; its samples are
    taken at equal steps of probability.
    """
    counts = _counted(feature, answers)
    with_slope, evidence = _grid(counts, SLOPES)
    without, evidence_without = _grid(counts, (0.0, 0.0))
    parts = np.log([1 - NO_SLOPE, NO_SLOPE]) + np.array([evidence, evidence_without])
    share = np.exp(parts - logsumexp(parts))
    points = np.concatenate([with_slope[:, :2], without[:, :2]])
    mass = np.concatenate([share[0] * with_slope[:, 2], share[1] * without[:, 2]])
    steps = (np.arange(DRAWS) + 0.5) / DRAWS
    taken = np.searchsorted(np.cumsum(mass), steps).clip(max=len(mass) - 1)
    return np.asarray(points[taken])


def _counted(feature: Floats, answers: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """Features, how many drawings have each, and how many true answers these have."""
    order = np.argsort(feature, kind="stable")
    classes = np.arange(len(order)) * min(len(order), CLASSES) // len(order)
    count = np.bincount(classes)
    mean = np.bincount(classes, weights=feature[order]) / count
    true = np.bincount(classes, weights=answers[order].astype(np.float64))
    return mean, count.astype(np.float64), np.asarray(true, dtype=np.float64)


def _grid(
    counts: tuple[Floats, Floats, Floats], slopes: tuple[float, float]
) -> tuple[Floats, float]:
    """Slope, intercept and posterior mass of each point, (P, 3), and the log of the evidence."""
    axes = [_axis(*slopes), _axis(*INTERCEPTS)]
    for left in reversed(range(PASSES)):
        points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
        density = _log_likelihood(points, *counts) + _log_prior(points, slopes)
        whole = float(logsumexp(density))
        mass = np.exp(density - whole).reshape([len(axis) for axis in axes])
        if left:
            axes = [_narrowed(axes[i], mass.sum(axis=1 - i)) for i in (0, 1)]
    cell = sum(float(np.log(axis[1] - axis[0])) for axis in axes if len(axis) > 1)
    return np.column_stack([points, mass.ravel()]), whole + cell


def _axis(low: float, high: float) -> Floats:
    """The middles of POINTS steps from end to end."""
    count = POINTS if high > low else 1
    return low + (np.arange(count) + 0.5) * (high - low) / count


def _narrowed(axis: Floats, mass: Floats) -> Floats:
    """The axis over the steps that hold the mass, and one more to either side."""
    if len(axis) == 1:
        return axis
    step = axis[1] - axis[0]
    held = np.flatnonzero((np.cumsum(mass) > TAIL) & (np.cumsum(mass[::-1])[::-1] > TAIL))
    low, high = axis[held[0]] - 1.5 * step, axis[held[-1]] + 1.5 * step
    return _axis(max(axis[0] - step / 2, low), high)


def _log_likelihood(points: Floats, feature: Floats, count: Floats, true: Floats) -> Floats:
    logits = points[:, :1] * feature + points[:, 1:]
    return np.asarray(logits @ true - np.logaddexp(0, logits) @ count)


def _log_prior(points: Floats, slopes: tuple[float, float]) -> Floats:
    """Up to what is the same with a slope and without; half of a normal has twice its density."""
    prior = -0.5 * (points[:, 1] / INTERCEPT_SD) ** 2
    if slopes[1] > slopes[0]:
        normal = -0.5 * (points[:, 0] / SLOPE_SD) ** 2
        prior = prior + normal + np.log(2 / (SLOPE_SD * np.sqrt(2 * np.pi)))
    return np.asarray(prior)
