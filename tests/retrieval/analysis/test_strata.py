"""Exact tests within strata, against scipy's of one table and against all permutations."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from drawsim.retrieval.analysis.strata import Ints, Margins, association


def counts(*values: int) -> Ints:
    return np.array(values, np.int64)


@settings(max_examples=40)
@given(st.integers(2, 40), st.data())
def test_one_stratum_is_fishers_test(drawings: int, data: st.DataObject) -> None:
    having = data.draw(st.integers(1, drawings - 1))
    taken = data.draw(st.integers(1, drawings - 1))
    least, most = max(0, having + taken - drawings), min(having, taken)
    count = data.draw(st.integers(least, most))
    found = association(counts(drawings), counts(having), counts(taken), count)
    table = [[count, taken - count], [having - count, drawings - having - taken + count]]
    tails = [stats.fisher_exact(table, alternative=side).pvalue for side in ("less", "greater")]
    assert found.p == pytest.approx(min(1.0, 2 * min(tails)), rel=1e-6)
    assert found.expected == pytest.approx(having * taken / drawings)
    if least < most:
        odds = stats.contingency.odds_ratio(table)
        interval = odds.confidence_interval(0.95)
        assert found.odds_ratio == pytest.approx(odds.statistic, rel=1e-3)
        assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=1e-3)


def every_choice(labels: list[list[bool]], taken: list[int]) -> list[int]:
    """The counts of all ways to take so many drawings of each stratum."""
    ways = [
        [sum(some) for some in itertools.combinations(own, number)]
        for own, number in zip(labels, taken, strict=True)
    ]
    return [sum(one) for one in itertools.product(*ways)]


@pytest.mark.parametrize("count", [1, 3, 4, 5])
def test_strata_are_all_permutations_within_them(count: int) -> None:
    labels = [[True] * 3 + [False] * 4, [True] * 2 + [False] * 3, [True], [False] * 4]
    taken = [4, 2, 1, 2]
    every = np.array(every_choice(labels, taken))
    p = min(1.0, 2 * min(np.mean(every >= count), np.mean(every <= count)))
    margins = (
        counts(*map(len, labels)),
        counts(*map(sum, labels)),
        counts(*taken),
    )
    found = association(*margins, count)
    assert found.p == pytest.approx(p)
    assert found.expected == pytest.approx(every.mean())
    ends = min(np.mean(every == every.max()), np.mean(every == every.min()))
    assert Margins.of(*margins).attainable == pytest.approx(2 * ends)


def test_the_interval_leaves_out_one_where_p_is_small() -> None:
    found = association(counts(60, 40), counts(12, 9), counts(10, 8), 9)
    assert found.p < 0.05
    assert found.low > 1
    assert found.low < found.odds_ratio < found.high


def test_nothing_to_tell_is_no_finding() -> None:
    found = association(counts(5, 3), counts(5, 0), counts(2, 1), 2)
    assert (found.p, found.low, found.high) == (1.0, 0.0, np.inf)


def test_what_chance_would_never_give_has_a_number() -> None:
    found = association(counts(90_000), counts(900), counts(300), 290)
    assert 0 < found.p <= 1e-299
    assert 2000 < found.low < found.odds_ratio < found.high < 10_000
