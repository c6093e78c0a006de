"""Paired tests against scipy, brute force over sign flips, and properties."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from drawsim.retrieval.analysis.statistics import (
    EXACT_UNITS,
    bootstrap_interval,
    holm,
    paired_test,
    permutation_p,
    smallest_p,
    wilcoxon_p,
)

small = st.lists(st.integers(-9, 9), min_size=1, max_size=9)
p_values = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def flipped_sums(values: list[float]) -> list[float]:
    """The sum under every assignment of signs, written out plainly."""
    flips = product((1, -1), repeat=len(values))
    return [sum(sign * value for sign, value in zip(flip, values, strict=True)) for flip in flips]


def as_floats(values: list[int]) -> np.ndarray:
    return np.array(values, dtype=np.float64)


@given(small)
def test_permutation_counts_all_sign_flips(values: list[int]) -> None:
    sums = flipped_sums([float(value) for value in values])
    expected = np.mean([abs(s) >= abs(sum(values)) for s in sums])
    assert permutation_p(as_floats(values)) == pytest.approx(expected)


def test_permutation_agrees_with_scipy() -> None:
    values = np.random.default_rng(0).normal(0.5, 1, 10)
    ours = permutation_p(values)
    theirs = stats.permutation_test(
        (values,), np.mean, permutation_type="samples", n_resamples=np.inf
    )
    assert ours == pytest.approx(theirs.pvalue)


def test_drawn_flips_come_near_all_flips() -> None:
    values = np.random.default_rng(1).normal(0.4, 1, EXACT_UNITS + 2)
    signs = 1 - 2 * (np.arange(1 << len(values))[:, None] >> np.arange(len(values)) & 1)
    exact = float((np.abs(signs @ values) >= abs(values.sum())).mean())
    # five standard errors of a share of 20,000 draws
    assert permutation_p(values) == pytest.approx(exact, abs=5 * np.sqrt(exact / 20_000))
    assert permutation_p(values, seed=3) == permutation_p(values, seed=3)


def test_drawn_p_is_never_zero() -> None:
    assert 0 < permutation_p(np.ones(60)) < 1e-3


@pytest.mark.parametrize("n", [4, 9, EXACT_UNITS, EXACT_UNITS + 1, 30])
def test_wilcoxon_agrees_with_scipy_without_ties(n: int) -> None:
    values = np.random.default_rng(n).normal(0.3, 1, n)
    assert wilcoxon_p(values) == pytest.approx(stats.wilcoxon(values, method="exact").pvalue)


@given(small.filter(any))
def test_wilcoxon_is_exact_with_ties_and_zeros(values: list[int]) -> None:
    moved = [value for value in values if value]
    ranks = stats.rankdata(np.abs(moved))
    signed = [float(np.sign(v) * rank) for v, rank in zip(moved, ranks, strict=True)]
    expected = np.mean([abs(s) >= abs(sum(signed)) - 1e-9 for s in flipped_sums(signed)])
    assert wilcoxon_p(as_floats(values)) == pytest.approx(expected)


def test_no_difference_is_no_evidence() -> None:
    test = paired_test([0.0, 0.0, 0.0])
    assert (test.p_wilcoxon, test.p_permutation) == (1.0, 1.0)
    assert (test.difference, test.low, test.high) == (0.0, 0.0, 0.0)


def test_rounding_makes_no_difference() -> None:
    """0.1 + 0.2 - 0.3 is not 0, and 0.3 - 0.1 is not 0.2, but they count as such."""
    rounded = paired_test([0.1 + 0.2 - 0.3, 0.3 - 0.1, 0.2, -0.2, 0.5])
    exact = paired_test([0.0, 0.2, 0.2, -0.2, 0.5])
    assert rounded.p_wilcoxon == exact.p_wilcoxon
    assert rounded.p_permutation == exact.p_permutation


@given(small)
def test_swapping_the_models_turns_the_sign_alone(values: list[int]) -> None:
    one, other = paired_test(values), paired_test([-value for value in values])
    assert one.difference == -other.difference
    assert one.p_wilcoxon == other.p_wilcoxon
    assert one.p_permutation == other.p_permutation


def test_all_of_one_sign_gives_the_smallest_p() -> None:
    test = paired_test([1.0, 2.0, 3.0, 4.0, 5.0])
    assert test.p_wilcoxon == test.p_permutation == smallest_p(5) == 2 / 32


def test_a_group_is_one_unit() -> None:
    together = paired_test([1.0] * 20, ["same artwork"] * 20)
    assert (together.pairs, together.units) == (20, 1)
    assert together.p_wilcoxon == together.p_permutation == 1.0
    assert np.isnan(together.low)
    apart = paired_test([1.0] * 20)
    assert apart.units == 20
    assert apart.p_permutation < 0.001


def test_groups_are_tested_by_their_sums() -> None:
    values, groups = [1.0, 2.0, -1.0, 4.0, 3.0], ["a", "a", "b", "c", "b"]
    test = paired_test(values, groups)
    sums = paired_test([3.0, 2.0, 4.0])
    assert test.p_permutation == sums.p_permutation
    assert test.p_wilcoxon == sums.p_wilcoxon
    assert test.difference == pytest.approx(np.mean(values))


def test_the_interval_is_near_the_normal_one() -> None:
    values = np.random.default_rng(2).normal(3, 2, 400)
    low, high = bootstrap_interval(values, np.ones(400))
    half = 1.96 * values.std() / 20
    assert low == pytest.approx(values.mean() - half, abs=0.15 * half)
    assert high == pytest.approx(values.mean() + half, abs=0.15 * half)


def test_the_interval_moves_with_the_values() -> None:
    sizes = np.array([1.0, 3.0, 2.0, 5.0])
    means = np.array([0.2, 0.9, 0.4, 0.1])
    low, high = bootstrap_interval(means * sizes, sizes)
    moved = bootstrap_interval((means + 7) * sizes, sizes)
    assert moved == pytest.approx((low + 7, high + 7))
    assert low < (means * sizes).sum() / sizes.sum() < high


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.6, 0.9]) == pytest.approx([1.0, 1.0])
    assert len(holm([])) == 0


@given(p_values)
def test_holm_lies_between_raw_and_bonferroni_and_keeps_the_order(p: list[float]) -> None:
    corrected = holm(p)
    assert (corrected >= np.array(p)).all()
    assert (corrected <= np.minimum(1, np.array(p) * len(p)) + 1e-12).all()
    order = np.argsort(p, kind="stable")
    assert (np.diff(corrected[order]) >= 0).all()
