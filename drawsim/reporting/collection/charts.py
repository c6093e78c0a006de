"""The charts of a collection: columns over years, ranked bars, distributions."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from drawsim.common.words import counted
from drawsim.reporting.collection.counts import UNKNOWN
from drawsim.reporting.kit.figures import COLOURS, FONT, WIDTH, Drawn, Tips, drawn, mark, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW = 0.19  # inches that a bar of a ranking takes
RANKED = 60  # bars of a ranking at most
LETTERS = 26  # of a bar's label at most
WRITTEN = 12  # columns with their counts above them at most
OTHERS = 3  # named below the years for what is not a year, at most
LONGEST_SPAN = 60  # years on a true time axis at most
BINS = 30
KIND_COLOURS = {"drawing": "c1", "artwork": "c4"}
PAIR_COLOURS = {"confirmed": "c1", "ambiguous": "c4"}
SHAPES = {"1:3": 1 / 3, "1:2": 1 / 2, "2:3": 2 / 3, "1:1": 1, "3:2": 1.5, "2:1": 2, "3:1": 3}


@dataclass(frozen=True)
class Bar:
    """A bar with its label, and what it says when pointed at; a `plain` one stands apart."""

    label: str
    count: int
    tip: str
    plain: bool = False


def years_figure(counts: pd.Series[int]) -> Drawn:
    """Columns over the years, with gaps where a year has none; the rest is told below."""
    columns, ticks, rest = year_columns(counts)

    def plot(figure: Figure) -> Tips:
        tips: Tips = {}
        axes = figure.add_subplot()
        heights = [column.bar.count for column in columns]
        bars = axes.bar([column.x for column in columns], heights, color=COLOURS["c1"])
        for patch, column in zip(bars, columns, strict=True):
            mark(patch, tips, column.bar.tip)
        axes.set_xticks(list(ticks.values()), list(ticks))
        axes.set_xlim(columns[0].x - 1, columns[-1].x + 1)
        _count_axis(axes, "drawings")
        if rest:
            axes.set_xlabel(rest, loc="right", fontsize=FONT - 1)
        return tips

    return drawn("drawings_per_year", "Drawings per year", (WIDTH, 2.5), plot)


@dataclass(frozen=True)
class Column:
    """An upright bar and its place, in years."""

    x: float
    bar: Bar


def year_columns(counts: pd.Series[int]) -> tuple[list[Column], dict[str, float], str]:
    """The columns of the years with their places, labels below with theirs, and what has no year.

    Years stand on a true time axis. If there are none, or they span too much of it, everything
    stands in order.
    """
    labels = list(counts.index)
    years = [int(label) for label in labels if re.fullmatch("[0-9]{4}", label)]
    if not years or years[-1] - years[0] > LONGEST_SPAN:
        columns = [Column(x, _bar(label, int(counts[label]))) for x, label in enumerate(labels)]
        every = -(-len(labels) // 20)
        ticks = {shortened(column.bar.label, 10): column.x for column in columns[::every]}
        return columns, ticks, ""
    first, last = years[0], years[-1]
    columns = [Column(year, _bar(str(year), int(counts[str(year)]))) for year in years]
    step = next(step for step in (1, 2, 5) if (last - first) / step <= 15)
    ticks = {str(year): float(year) for year in range(-(-first // step) * step, last + 1, step)}
    others = counts[[label for label in labels if not re.fullmatch("[0-9]{4}", label)]]
    rest = [
        f"{shortened(str(label), 20)} {count:,}" for label, count in others.head(OTHERS).items()
    ]
    if len(others) > OTHERS:
        rest.append(f"{len(others) - OTHERS} others {others.iloc[OTHERS:].sum():,}")
    return columns, ticks, f"not shown: {', '.join(rest)}" if rest else ""


def _bar(label: str, count: int) -> Bar:
    return Bar(label, count, f"{label}: {counted(count, 'drawing')}")


def _count_axis(axes: Axes, what: str) -> None:
    """Whole numbers up the side, with lines across."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_ylabel(what)
    axes.grid(axis="y")
    axes.spines["left"].set_visible(False)


def ages_figure(counts: pd.Series[int]) -> Drawn:
    """A bar for each age group, with its share."""
    total = int(counts.sum())
    bars = [
        Bar(str(label), count, f"{label}: {counted(count, 'drawing')}, {count / total:.1%}")
        for label, count in counts.items()
    ]
    return bars_figure("drawings_per_age_group", "Drawings per age group", bars)


def countries_figure(countries: pd.DataFrame) -> Drawn:
    """A bar for each country, most drawings first; codes that the map does not know in gray."""
    bars = []
    for code, name, count, on_map in countries.itertuples(index=False):
        tip = f"{name} ({code})" if on_map else f"{code}, not on the map"
        bars.append(Bar(name, count, f"{tip}: {counted(count, 'drawing')}", plain=not on_map))
    return bars_figure("drawings_per_country", "Drawings per country", bars, pooled="codes")


def artists_figure(artists: pd.DataFrame) -> Drawn:
    """A bar for each artist, most artworks first."""
    bars = [
        Bar(name, count, f"{name}: {counted(count, 'artwork')}")
        for _, name, count in artists.itertuples(index=False)
    ]
    return bars_figure("artworks_per_artist", "Artworks per artist", bars, pooled="artists")


def bars_figure(name: str, title: str, bars: Sequence[Bar], *, pooled: str = "") -> Drawn:
    """Bars from top to bottom in the order given, each with its count; many in two columns.

    With `pooled`, what the bars stand for, the unknown and what is beyond RANKED are told below
    instead: they would dwarf the rest.
    """
    rest = []
    if pooled and len(bars) > 1:
        rest = [f"{bar.label} {bar.count:,}" for bar in bars if bar.label == UNKNOWN]
        bars = [bar for bar in bars if bar.label != UNKNOWN]
        if beyond := bars[RANKED:]:
            rest.insert(0, f"{len(beyond)} other {pooled} {sum(bar.count for bar in beyond):,}")
        bars = bars[:RANKED]
    told = f"not shown: {', '.join(rest)}" if rest else ""
    panels = 1 if len(bars) <= 15 else 2
    rows = -(-len(bars) // panels)
    top = max(bar.count for bar in bars)
    size = (WIDTH if panels == 2 else WIDTH / 2, ROW * (rows + bool(told)) + 0.15)

    def plot(figure: Figure) -> Tips:
        tips: Tips = {}
        for panel, axes in enumerate(np.atleast_1d(figure.subplots(1, panels))):
            part = bars[panel * rows : (panel + 1) * rows]
            colours = [COLOURS["soft" if bar.plain else "c1"] for bar in part]
            patches = axes.barh(
                range(len(part)), [bar.count for bar in part], color=colours, height=0.72
            )
            for place, (bar, patch) in enumerate(zip(part, patches, strict=True)):
                mark(patch, tips, bar.tip)
                axes.annotate(
                    f"{bar.count:,}",
                    (bar.count, place),
                    (3, 0),
                    textcoords="offset points",
                    va="center_baseline",
                    color=COLOURS["soft"],
                    fontsize=FONT - 1,
                )
            axes.set_yticks(range(len(part)), [shortened(bar.label, LETTERS) for bar in part])
            axes.tick_params(axis="y", labelcolor=COLOURS["ink"])
            axes.set_xlim(0, top * 1.2)  # room for the longest bar's count
            axes.set_ylim(rows - 0.5, -0.5)
            axes.set_xticks([])
            axes.spines["bottom"].set_visible(False)
        if told:
            axes.set_xlabel(told, loc="right", fontsize=FONT - 1)
        return tips

    return drawn(name, title, size, plot)


def pairs_figure(distribution: pd.DataFrame) -> Drawn:
    """How many artworks have 1, 2, … drawings, confirmed and ambiguous side by side."""
    kinds = [kind for kind in distribution.columns if distribution[kind].any()]

    def plot(figure: Figure) -> Tips:
        from matplotlib.ticker import MaxNLocator

        tips: Tips = {}
        axes = figure.add_subplot()
        for place, kind in enumerate(kinds):
            shift = (place - (len(kinds) - 1) / 2) * 0.4
            bars = axes.bar(
                distribution.index + shift,
                distribution[kind],
                width=0.8 / len(kinds),
                color=COLOURS[PAIR_COLOURS[kind]],
                label=kind,
            )
            numbers = zip(distribution.index, distribution[kind], strict=True)
            for patch, (drawings, artworks) in zip(bars, numbers, strict=True):
                tip = f"{counted(artworks, 'artwork')} with {counted(drawings, f'{kind} drawing')}"
                mark(patch, tips, tip)
            if len(distribution) <= WRITTEN:
                written = [f"{count:,}" if count else "" for count in distribution[kind]]
                axes.bar_label(bars, written, padding=2, color=COLOURS["soft"], fontsize=FONT - 1.5)
        axes.xaxis.set_major_locator(MaxNLocator(12, integer=True))
        axes.set_xlim(0.4, len(distribution) + 0.6)
        axes.set_xlabel("drawings of the artwork")
        _count_axis(axes, "artworks")
        if len(kinds) > 1:
            axes.legend(frameon=False)
        return tips

    return drawn("pairs_per_artwork", "Drawings per artwork", (WIDTH / 2, 2.5), plot)


def sizes_figure(sizes: pd.DataFrame) -> Drawn:
    """Longer sides and shapes of drawings and artworks, each as shares of its kind.

    sizes: `kind`, `width`, `height` (pixels, upright).
    """
    width, height = (sizes[side].to_numpy(float) for side in ("width", "height"))
    longer = np.log2(np.maximum(width, height))
    shape = np.log2(np.clip(width / height, 1 / 3, 3))

    def plot(figure: Figure) -> Tips:
        left, right = figure.subplots(1, 2)
        octaves = range(math.floor(longer.min()), math.floor(longer.max()) + 2)
        _shares(left, longer, sizes["kind"], (octaves[0], octaves[-1]))
        left.set_xticks(octaves, [f"{2**octave:,}" for octave in octaves])
        left.set_xlabel("longer side, pixels")
        _shares(right, shape, sizes["kind"], (np.log2(1 / 3.2), np.log2(3.2)))
        right.set_xticks(np.log2(list(SHAPES.values())), list(SHAPES))
        right.set_xlabel("width to height")
        left.set_ylabel("share of images")
        left.legend(frameon=False)
        return {}

    return drawn("image_sizes", "Image sizes", (WIDTH, 2.5), plot)


def _shares(
    axes: Axes, values: np.ndarray, kinds: pd.Series[str], span: tuple[float, float]
) -> None:
    """Outlined histograms of the kinds over each other; each adds up to 1."""
    from matplotlib.ticker import PercentFormatter

    for kind, colour in KIND_COLOURS.items():
        own = values[(kinds == kind).to_numpy()]
        if len(own):
            heights, edges = np.histogram(own, BINS, span)
            shares = heights / len(own)
            axes.stairs(shares, edges, color=COLOURS[colour], linewidth=1.6, label=f"{kind}s")
            axes.stairs(shares, edges, color=COLOURS[colour], fill=True, alpha=0.12)
    axes.set_ylim(0)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.grid(axis="y")
    axes.spines["left"].set_visible(False)
