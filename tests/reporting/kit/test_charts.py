"""Charts: what is drawn can be read back from the axes."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawsim.reporting.kit.charts import Chart, Series, line_chart, nice_ticks, run_charts, spread

values = st.floats(-1e6, 1e6, allow_subnormal=False).map(lambda value: round(value, 6))
series = st.lists(values, min_size=1, max_size=12).map(lambda column: list(enumerate(column)))


def read_y(chart: Chart, y: float) -> float:
    """The value at height y, as a reader gets it from the lowest and highest tick."""
    low, high = chart.y_ticks[0], chart.y_ticks[-1]
    share = (y - low.at) / (high.at - low.at)
    return float(low.text) + share * (float(high.text) - float(low.text))


@given(series, st.none() | values, st.booleans())
def test_points_and_baseline_land_where_the_axis_says(
    points: list[tuple[float, float]], baseline: float | None, from_zero: bool
) -> None:
    if from_zero:
        points = [(epoch, abs(value)) for epoch, value in points]
        baseline = None if baseline is None else abs(baseline)
    chart = line_chart(
        "x", [Series("val", 1, points, baseline)], marked_epoch=None, from_zero=from_zero
    )
    assert chart is not None
    (line,) = chart.lines
    assert (chart.y_ticks[-1].at, chart.y_ticks[0].at) == (chart.top, chart.bottom)
    span = float(chart.y_ticks[-1].text) - float(chart.y_ticks[0].text)
    tolerance = 1e-4 * span + 1e-5 * max(abs(value) for _, value in points)
    for (epoch, value), dot in zip(points, line.dots, strict=True):
        assert read_y(chart, dot.y) == pytest.approx(value, abs=tolerance)
        share = (dot.x - chart.left) / (chart.right - chart.left)
        assert share * max(1, points[-1][0]) == pytest.approx(epoch)
        assert chart.left - 1e-6 <= dot.x <= chart.right + 1e-6
        assert chart.top - 1e-6 <= dot.y <= chart.bottom + 1e-6
    if baseline is not None and line.baseline_y is not None:
        assert read_y(chart, line.baseline_y) == pytest.approx(
            baseline, abs=tolerance + 1e-5 * abs(baseline)
        )
    assert (line.baseline_y is None) == (baseline is None)
    if from_zero:
        assert chart.y_ticks[0].text == "0"


@given(values, values, st.integers(3, 10))
def test_ticks_are_round_even_and_cover_the_interval(a: float, b: float, most: int) -> None:
    low, high = min(a, b), max(a, b)
    ticks = nice_ticks(low, high, most)
    assert 2 <= len(ticks) <= most
    slack = 1e-6 * max(1.0, high - low)
    assert ticks[0] <= low + slack
    assert ticks[-1] >= high - slack
    step = (ticks[-1] - ticks[0]) / (len(ticks) - 1)
    assert ticks == pytest.approx([ticks[0] + index * step for index in range(len(ticks))])
    mantissa = step / 10.0 ** math.floor(math.log10(step) + 1e-9)
    assert any(mantissa == pytest.approx(nice, rel=1e-6) for nice in (1, 2, 5))


def test_ticks_carry_no_floating_point_dust() -> None:
    assert nice_ticks(0.0, 0.3, 4) == [0.0, 0.1, 0.2, 0.3]
    assert nice_ticks(0.0, 0.0) == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]


@given(st.lists(st.floats(0, 100), max_size=8), st.floats(0, 30))
def test_labels_keep_their_order_and_distance(positions: list[float], gap: float) -> None:
    placed = spread(positions, gap, 0.0, 100.0)
    fair = min(gap, 100.0 / max(1, len(positions) - 1))
    for (before, after), (before_other, after_other) in pairwise(
        sorted(zip(positions, placed, strict=True))
    ):
        assert before == before_other or after <= after_other
    ordered = sorted(placed)
    assert all(b - a >= fair - 1e-6 for a, b in pairwise(ordered))
    assert all(-1e-6 <= one <= 100 + 1e-6 for one in placed)


@given(st.lists(st.integers(0, 4).map(lambda n: 20.0 * n), unique=True, max_size=5))
def test_labels_that_are_clear_of_each_other_stay(positions: list[float]) -> None:
    assert spread(positions, 15.0, 0.0, 100.0) == positions


def test_a_chart_without_points_is_not_drawn() -> None:
    empty = Series("val", 1, [], baseline=0.5)
    assert line_chart("x", [empty], marked_epoch=1, from_zero=True) is None


def test_the_chosen_epoch_is_marked_at_its_point_and_only_within_the_axis() -> None:
    one = Series("val", 1, [(0, 0.1), (1, 0.2), (2, 0.3)])
    chart = line_chart("x", [one], marked_epoch=1, from_zero=True)
    assert chart is not None
    assert chart.marked is not None
    assert chart.marked.at == chart.lines[0].dots[1].x
    outside = line_chart("x", [one], marked_epoch=9, from_zero=True)
    assert outside is not None
    assert outside.marked is None


def test_a_run_is_charted_as_far_as_it_was_recorded() -> None:
    metrics = {"baseline": {"val": {"mrr": 0.1}}, "best_epoch": 1}
    epochs = [{"epoch": 0.0, "val/mrr": 0.1}, {"epoch": 1.0, "val/mrr": 0.4, "train/loss": 0.6}]
    charts = {chart.title: chart for chart in run_charts(metrics, epochs)}
    assert set(charts) == {"Loss", "MRR"}
    assert [line.label for line in charts["MRR"].lines] == ["val"]
    assert charts["MRR"].lines[0].baseline_y == charts["MRR"].lines[0].dots[0].y
    assert len(charts["Loss"].lines[0].dots) == 1
    assert run_charts(metrics, []) == []
