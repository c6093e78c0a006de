"""Samples of a logistic regression, against sums over draws of its prior."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from drawsim.retrieval.analysis.posterior import (
    CLASSES,
    DRAWS,
    INTERCEPT_SD,
    NO_SLOPE,
    SLOPE_SD,
    posterior,
)


def of_the_prior(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    slopes = np.abs(rng.normal(0, SLOPE_SD, count))
    slopes[rng.random(count) < NO_SLOPE] = 0
    return slopes, rng.normal(0, INTERCEPT_SD, count)


@pytest.mark.parametrize("seed", range(4))
def test_the_samples_are_of_the_posterior(seed: int) -> None:
    """Oracle: draws of the prior, weighed by the likelihood of the answers."""
    rng = np.random.default_rng(seed)
    feature = rng.normal(size=4 + 5 * seed)
    answers = rng.random(len(feature)) < expit(2 * feature - 1)
    slopes, intercepts = of_the_prior(rng, 200_000)
    logits = slopes[:, None] * feature + intercepts[:, None]
    weights = np.exp(np.where(answers, -np.logaddexp(0, -logits), -np.logaddexp(0, logits)).sum(1))
    found = posterior(feature, answers)
    for at in (-1.5, 0.0, 2.0):
        p = expit(slopes * at + intercepts)
        order = np.argsort(p)
        share = np.cumsum(weights[order]) / weights.sum()
        expected = p[order][np.searchsorted(share, [0.05, 0.5, 0.95])]
        ours = expit(found[:, 0] * at + found[:, 1])
        np.testing.assert_allclose(np.quantile(ours, [0.05, 0.5, 0.95]), expected, atol=0.03)
        assert ours.mean() == pytest.approx(np.average(p, weights=weights), abs=0.02)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Of truths as the prior has them, 95 of 100 lie in 95 % intervals, from seven answers."""
    rng = np.random.default_rng(0)
    inside = []
    for slope, intercept in zip(*of_the_prior(rng, 120), strict=True):
        feature = rng.normal(size=7)
        answers = rng.random(7) < expit(slope * feature + intercept)
        at = rng.normal(size=4)
        truth = expit(slope * at + intercept)
        found = posterior(feature, answers)
        low, high = np.quantile(expit(found[:, :1] * at + found[:, 1:]), [0.025, 0.975], axis=0)
        inside += ((low <= truth) & (truth <= high)).tolist()
    assert 0.92 <= np.mean(inside) <= 0.98


@settings(max_examples=30)
@given(st.lists(st.tuples(st.floats(-3, 3), st.booleans()), min_size=1, max_size=12))
def test_a_slope_is_never_negative_and_certainty_never_whole(
    known: list[tuple[float, bool]],
) -> None:
    feature = np.array([each for each, _ in known])
    found = posterior(feature, np.array([answer for _, answer in known]))
    assert found.shape == (DRAWS, 2)
    assert np.isfinite(found).all()
    assert (found[:, 0] >= 0).all()
    mean = expit(found[:, 0] * 0 + found[:, 1]).mean()
    assert 0.001 < mean < 0.999


def test_many_answers_leave_little_open() -> None:
    rng = np.random.default_rng(0)
    feature = rng.normal(size=20 * CLASSES)
    found = posterior(feature, rng.random(len(feature)) < expit(2 * feature - 1))
    np.testing.assert_allclose(found.mean(axis=0), [2, -1], atol=0.15)
    assert found.std(axis=0).max() < 0.1
    nothing = posterior(feature, rng.random(len(feature)) < 0.3)
    assert np.abs(expit(nothing[:, 0] * 2 + nothing[:, 1]) - 0.3).max() < 0.1
