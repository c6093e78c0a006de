"""The registry: whole, without a name twice, and what the documentation says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from drawsim.retrieval.metrics import registry
from drawsim.retrieval.metrics.functions import metric_values
from drawsim.retrieval.metrics.metric import FAMILIES
from drawsim.retrieval.metrics.query_ranks import QueryRanks

ROOT = Path(__file__).parents[3]
NAMES = [name for metric in registry.all_metrics() for name in metric.names]


def test_no_name_is_given_twice_and_all_that_stands_first_exists() -> None:
    assert len(NAMES) == len(set(NAMES))
    for metric in registry.all_metrics():
        assert {*metric.headline, *metric.tested} <= set(metric.names)
        assert metric.family in FAMILIES
        assert metric.description.endswith(".")
        assert metric.formula or metric.compute is None


@pytest.mark.parametrize("name", registry.computed())
def test_the_direction_is_that_of_the_formula(name: str) -> None:
    """The best ranking scores better than any other, and never worse than the worst."""
    gallery = 1000
    best, middling, worst = (
        QueryRanks.of_lists([ranks], gallery) for ranks in ([1, 2], [2, 600], [999, 1000])
    )
    first, second, last = (float(metric_values(q)[name][0]) for q in (best, middling, worst))
    assert registry.gain(name, last, first) > 0
    assert registry.gain(name, second, first) >= 0
    assert registry.gain(name, last, second) >= 0
    if registry.find(name).unit == "share":
        assert 0 <= min(first, second, last) <= max(first, second, last) <= 1


def test_the_order_of_the_pairs_does_not_matter() -> None:
    shuffled = QueryRanks.of([5, 2, 5, 9], [3.0, 1.5, 1.0, 4.0], 10)
    sorted_ = QueryRanks.of_lists([[1.5], [1.0, 3.0], [4.0]], 10)
    for name, values in metric_values(sorted_).items():
        np.testing.assert_array_equal(values, metric_values(shuffled)[name])


def test_an_unknown_metric_has_no_direction() -> None:
    assert registry.best("bogus", [1.0, 2.0]) is None
    assert registry.gain("bogus", 1.0, 2.0) == 0
    assert registry.by_family(["bogus", "mrr"]) == [["mrr"], ["bogus"]]


def test_the_documentation_is_up_to_date() -> None:
    run = subprocess.run(
        [sys.executable, ROOT / "scripts" / "metrics_doc.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
