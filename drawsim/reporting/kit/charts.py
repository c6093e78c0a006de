"""Curves over epochs, drawn alike wherever they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drawsim.reporting.kit.figures import COLOURS, FONT, Tips, mark_points

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LABEL_GAP = 1.25  # between the names of lines, in heights of their letters
THICK = 1.4  # points


@dataclass(frozen=True)
class Series:
    """One line: its name and colour, its (epoch, value) points, what it is to be compared with."""

    label: str
    colour: str
    points: Sequence[tuple[float, float]]
    baseline: float | None = None


@dataclass(frozen=True)
class Panel:
    """Lines on common axes; the value axis starts at 0 if `from_zero`."""

    title: str
    series: Sequence[Series]
    from_zero: bool = True


def draw_curves(
    axes: Axes, panel: Panel, tips: Tips, *, chosen: float | None, size: float = FONT
) -> None:
    """Draw a panel, letters of `size` points; an upright line marks the `chosen` epoch.

    Each line has its name at its end, each point says its value. Dashed: the baseline.
    """
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    for one in panel.series:
        x, y = zip(*one.points, strict=True)
        axes.plot(
            x,
            y,
            color=COLOURS[one.colour],
            marker="o",
            markersize=size / 3.2,
            linewidth=THICK,
            clip_on=False,
        )
        if one.baseline is not None:
            axes.axhline(one.baseline, color=COLOURS[one.colour], linewidth=0.8, dashes=(4, 3))
        name = f"{panel.title} {one.label}".strip() if one.label else panel.title
        texts = [f"{name}, epoch {epoch:g}: {value:.4g}" for epoch, value in one.points]
        mark_points(axes, x, y, tips, texts)
    if panel.from_zero:
        axes.set_ylim(bottom=0)
    last = max(epoch for one in panel.series for epoch, _ in one.points)
    axes.set_xlim(0, max(1.0, last))
    if chosen is not None and 0 <= chosen <= max(1.0, last):
        axes.axvline(chosen, color=COLOURS["ink"], linewidth=0.8, zorder=0)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.6g}"))
    axes.tick_params(labelsize=size)
    axes.grid(axis="y")
    axes.spines["left"].set_visible(False)
    _name_lines(axes, panel.series, size)


def _name_lines(axes: Axes, series: Sequence[Series], size: float) -> None:
    """The name of each line beside its end, clear of the others."""
    height = axes.get_window_extent().height / axes.figure.dpi * 72  # points
    low, high = axes.get_ylim()
    ends = [(one.points[-1][1] - low) / (high - low) for one in series]
    places = spread(ends, LABEL_GAP * size / height, 0.0, 1.0)
    for one, place in zip(series, places, strict=True):
        axes.text(
            1.03,
            place,
            one.label,
            transform=axes.transAxes,
            verticalalignment="center",
            fontsize=size,
            color=COLOURS[one.colour],
        )


def spread(positions: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """The positions moved apart to at least `gap` within `low..high`, order kept.

    Of equal positions the later one comes first. Where the interval is too small for the gap, they
    are spaced evenly over it.
    """
    gap = min(gap, (high - low) / max(1, len(positions) - 1))
    order = sorted(range(len(positions)), key=lambda index: (positions[index], -index))
    placed = [min(max(positions[index], low), high) for index in order]
    for index in range(1, len(placed)):
        placed[index] = max(placed[index], placed[index - 1] + gap)
    ceiling = high
    for index in reversed(range(len(placed))):
        placed[index] = min(placed[index], ceiling)
        ceiling = placed[index] - gap
    result = [0.0] * len(positions)
    for index, position in zip(order, placed, strict=True):
        result[index] = position
    return result
