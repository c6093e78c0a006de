"""The geometry of small line charts; `templates/chart.svg.j2` draws it as inline SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drawsim.retrieval.metrics import registry

# One drawing, in SVG units. The right margin holds the name of each line.
WIDTH, HEIGHT = 480.0, 250.0
LEFT, RIGHT, TOP, BOTTOM = 54.0, 84.0, 22.0, 34.0
LABEL_GAP = 15.0
CURVE_KS = (1, 5, 10, 20, 50)


@dataclass(frozen=True)
class Scale:
    """A linear map of the interval `low..high` onto `start..end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


@dataclass(frozen=True)
class Series:
    """One line: its (epoch, value) points, and the value it is to be compared with, if any."""

    label: str
    colour: int
    points: Sequence[tuple[float, float]]
    baseline: float | None = None


@dataclass(frozen=True)
class Dot:
    """A measured point in drawing units and what it says when pointed at."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Line:
    """A series in drawing units; `label_y` is where its name stands, clear of the others."""

    label: str
    colour: int
    dots: tuple[Dot, ...]
    label_y: float
    baseline_y: float | None

    @property
    def path(self) -> str:
        """The line through the dots, as the value of an SVG `points` attribute."""
        return " ".join(f"{dot.x:.1f},{dot.y:.1f}" for dot in self.dots)


@dataclass(frozen=True)
class Tick:
    """A place on an axis, in drawing units, and its text."""

    at: float
    text: str


@dataclass(frozen=True)
class Chart:
    """All that the template needs to draw one chart."""

    title: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...]
    marked: Tick | None
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    right: float = WIDTH - RIGHT
    top: float = TOP
    bottom: float = HEIGHT - BOTTOM


def run_charts(metrics: Mapping[str, Any], epochs: Sequence[Mapping[str, float]]) -> list[Chart]:
    """Loss, the metrics that stand first, and the learning rate over epochs, as far as recorded.

    `metrics` is the run's `metrics.json`, `epochs` the rows of its `metrics.csv`.
    """
    baseline = metrics["baseline"]
    recorded = dict.fromkeys(column for row in epochs for column in row)

    def series(label: str, column: str, colour: int) -> Series:
        points = [(row["epoch"], row[column]) for row in epochs if column in row]
        name, _, metric = column.rpartition("/")
        return Series(label, colour, points, baseline.get(name, {}).get(metric))

    def chart(title: str, own: list[Series], *, from_zero: bool = True) -> Chart | None:
        best = metrics.get("best_epoch")
        return line_chart(title, own, marked_epoch=best, from_zero=from_zero)

    drawn = [chart("Loss", [series("train", "train/loss", 4), series("val", "val/loss", 1)])]
    names = [name.removeprefix("val/") for name in recorded if name.startswith("val/")]
    shown = [name for name in registry.headline(names) if name in registry.computed()]
    for metric in dict.fromkeys(registry.find(name) for name in shown):
        if metric.cutoffs:
            ks = [k for k in CURVE_KS if k in metric.cutoffs]
            own = [series(f"@{k}", f"val/{metric.name}@{k}", c) for c, k in enumerate(ks)]
            drawn.append(chart(f"{metric.label}@k, validation set", own))
        else:
            own = [series(s, f"{s}/{metric.name}", c) for s, c in (("train", 4), ("val", 1))]
            drawn.append(chart(metric.label, own))
    drawn.append(chart("Learning rate", [series("lr", "lr", 2)]))
    return [one for one in drawn if one is not None]


def line_chart(
    title: str, series: Sequence[Series], *, marked_epoch: float | None, from_zero: bool
) -> Chart | None:
    """A chart of values over epochs; None if no series has a point.

    The value axis covers all points and baselines and starts at 0 if `from_zero`.
    """
    drawn = [one for one in series if one.points]
    if not drawn:
        return None
    epochs = [epoch for one in drawn for epoch, _ in one.points]
    values = [value for one in drawn for _, value in one.points]
    values += [one.baseline for one in drawn if one.baseline is not None]
    y_ticks = nice_ticks(0.0 if from_zero else min(values), max(values))
    x = Scale(0.0, max(1.0, *epochs), LEFT, WIDTH - RIGHT)
    y = Scale(y_ticks[0], y_ticks[-1], HEIGHT - BOTTOM, TOP)

    ends = [y(one.points[-1][1]) for one in drawn]
    lines = tuple(
        Line(
            label=one.label,
            colour=one.colour,
            dots=tuple(
                Dot(x(epoch), y(value), f"{one.label}, epoch {epoch:g}: {value:.4g}")
                for epoch, value in one.points
            ),
            label_y=label_y,
            baseline_y=None if one.baseline is None else y(one.baseline),
        )
        for one, label_y in zip(drawn, spread(ends, LABEL_GAP, TOP, HEIGHT - BOTTOM), strict=True)
    )
    x_ticks = [tick for tick in nice_ticks(0.0, x.high) if tick <= x.high and tick == int(tick)]
    return Chart(
        title=title,
        x_ticks=tuple(Tick(x(tick), f"{tick:g}") for tick in x_ticks),
        y_ticks=tuple(Tick(y(tick), f"{tick:.6g}".replace("e-0", "e-")) for tick in y_ticks),
        lines=lines,
        marked=None
        if marked_epoch is None or not 0 <= marked_epoch <= x.high
        else Tick(x(marked_epoch), f"epoch {marked_epoch:g}"),
    )


def nice_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """At least two and at most `most` round values that cover `low..high` in equal steps.

    The step is 1, 2 or 5 times a power of ten, the smallest that needs no more than `most` values.
    A single value is given room above and below.
    """
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        room = abs(high) / 2 or 1.0
        low, high = (0.0 if low == 0 else low - room), high + room
    exponent = math.floor(math.log10((high - low) / most))
    # Two decades always hold a step that is wide enough: 20 times the smallest one tried.
    for power in (exponent, exponent + 1):
        for factor in (1, 2, 5):
            step = factor * 10.0**power
            first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
            if last - first < most:
                # Rounding keeps 3 * 0.1 at 0.3.
                return [round(index * step, max(0, -power)) for index in range(first, last + 1)]
    raise AssertionError("unreachable: the widest step spans the whole interval")


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
