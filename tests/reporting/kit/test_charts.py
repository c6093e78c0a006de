"""Charts: what is drawn can be read back."""

from __future__ import annotations

import re
from html import unescape
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from drawsim.reporting.kit.charts import Panel, Series, draw_curves, spread
from drawsim.reporting.kit.figures import Drawn, drawn
from drawsim.reporting.run.curves import curve_panels, curves_figure, run_charts

values = st.floats(-1e6, 1e6, allow_subnormal=False).map(lambda value: round(value, 6))
series = st.lists(values, min_size=1, max_size=12).map(lambda column: list(enumerate(column)))


def tips(figure: Drawn) -> list[str]:
    return [unescape(tip) for tip in re.findall(r"<title>(.*?)</title>", figure.svg)]


def xy(line: Line2D) -> np.ndarray:
    """(N, 2) the points of a line."""
    return np.asarray(line.get_xydata())


@settings(max_examples=20, deadline=None)
@given(series, st.none() | values, st.booleans())
def test_points_and_baseline_are_on_the_axes(
    points: list[tuple[float, float]], baseline: float | None, from_zero: bool
) -> None:
    if from_zero:
        points = [(epoch, abs(value)) for epoch, value in points]
        baseline = None if baseline is None else abs(baseline)
    axes = Figure().subplots()
    draw_curves(axes, Panel("x", [Series("val", "c1", points, baseline)], from_zero), {}, chosen=1)
    low, high = axes.get_ylim()
    assert low <= min(value for _, value in points)
    assert high >= max(value for _, value in points)
    assert not from_zero or low == 0
    line, *others = axes.lines
    assert np.array_equal(xy(line), np.array(points, dtype=float))
    heights = [float(xy(other)[0, 1]) for other in others]  # of the upright line 0
    assert baseline is None or heights[0] == baseline


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


def test_each_point_says_its_value() -> None:
    panel = Panel("MRR", [Series("val", "c1", [(0, 0.1), (1, 0.25)]), Series("t", "c4", [(1, 1)])])

    def plot(figure: Figure) -> dict[str, list[str]]:
        said: dict[str, list[str]] = {}
        draw_curves(figure.subplots(), panel, said, chosen=None)
        return said

    figure = drawn("x", "X", (4, 2), plot, paper=False)
    assert figure.png == b""
    assert tips(figure) == ["MRR val, epoch 0: 0.1", "MRR val, epoch 1: 0.25", "MRR t, epoch 1: 1"]
    assert figure.svg.count('<g class="mark">') == 3


def test_the_chosen_epoch_is_marked_only_within_the_axis() -> None:
    one = Panel("x", [Series("val", "c1", [(0, 0.1), (1, 0.2), (2, 0.3)])])
    for chosen, marked in ((1, True), (9, False)):
        axes = Figure().subplots()
        draw_curves(axes, one, {}, chosen=chosen)
        assert any((xy(line)[:, 0] == 1).all() for line in axes.lines) == marked


def test_a_run_is_charted_as_far_as_it_was_recorded() -> None:
    baseline = {"val": {"mrr": 0.1}}
    epochs = [{"epoch": 0.0, "val/mrr": 0.1}, {"epoch": 1.0, "val/mrr": 0.4, "train/loss": 0.6}]
    panels = {panel.title: panel for panel in curve_panels(epochs, baseline)}
    assert set(panels) == {"Loss", "MRR"}
    assert [(line.label, line.baseline) for line in panels["MRR"].series] == [("val", 0.1)]
    assert panels["Loss"].series[0].points == [(1.0, 0.6)]
    assert curve_panels([], baseline) == []


@pytest.mark.parametrize("count", [1, 4, 5])
def test_all_panels_are_in_one_figure_for_paper(count: int) -> None:
    panels = [Panel(f"panel {n}", [Series("", "c1", [(0, 1), (1, n)])]) for n in range(count)]
    figure = curves_figure(panels, 1, name="c", title="C", width=7.2)
    assert figure.png.startswith(b"\x89PNG")
    assert all(f"panel {n}" in figure.svg for n in range(count))
    assert len(run_charts(panels, 1)) == count
