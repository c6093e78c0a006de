"""Figures of motifs, for papers and the page: how large and stable, and who draws them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from drawsim.reporting.kit.figures import (
    COLOURS,
    FONT,
    WIDTH,
    Drawn,
    Tips,
    drawn,
    mark_points,
    shortened,
)
from drawsim.reporting.motifs.view import MotifsView
from drawsim.reporting.motifs.words import finding_words, odds_words, value_words

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

SHOWN = 24
"""Findings of the figure of who draws what."""
ROW = 0.21  # inches
WIDEST = 1000.0
"""Odds beyond this, and its inverse, end at the edge of the figure."""
LETTERS = 44
TICKS = (3, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 50_000)
DOTS = 3000
"""Motifs of which each has a dot; of more, the largest."""


def figures_of(view: MotifsView) -> dict[str, Drawn]:
    """The figures that there is something to draw of, by name."""
    figures = []
    if len(view.found.motifs) > 1:
        figures.append(_sizes(view))
    if len(view.findings):
        figures.append(_who(view.findings.head(SHOWN)))
    return {figure.name: figure for figure in figures}


def _sizes(view: MotifsView) -> Drawn:
    """Each motif by size and stability."""
    motifs = view.found.motifs[:DOTS]
    sizes = [motif.size for motif in motifs]
    stable = [motif.stability for motif in motifs]

    def plot(figure: Figure) -> Tips:
        from matplotlib.ticker import FuncFormatter, NullFormatter

        tips: Tips = {}
        axes = figure.add_subplot()
        axes.scatter(sizes, stable, s=22, color=COLOURS["c1"], alpha=0.75, linewidths=0)
        axes.set_xscale("log")
        low, high = min(sizes) / 1.25, max(sizes) * 1.25
        axes.set_xlim(low, high)
        axes.set_xticks([tick for tick in TICKS if low <= tick <= high])
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_ylim(min(0.7, min(stable) - 0.05), 1.02)
        axes.set_xlabel("drawings")
        axes.set_ylabel("stability")
        axes.grid(axis="y")
        texts = [
            f"Motif {motif.id}: {motif.size:,} drawings, stability {motif.stability:.2f}"
            for motif in motifs
        ]
        mark_points(axes, sizes, stable, tips, texts)
        return tips

    return drawn("motifs_by_size", "Motifs by size and stability", (WIDTH * 0.62, 2.6), plot)


def _who(rows: pd.DataFrame) -> Drawn:
    """Odds ratios with their intervals, a line a finding.

    A dot stands where the odds are estimated: of none, or of all, there is an interval alone.
    Arrows are at intervals that go on beyond the figure.
    """
    found: list[Any] = list(rows.itertuples())

    def plot(figure: Figure) -> Tips:
        from matplotlib.ticker import FuncFormatter, NullFormatter

        tips: Tips = {}
        axes = figure.add_subplot()
        places = np.arange(len(found))
        odds, low, high = (
            np.clip([getattr(row, name) for row in found], 1 / WIDEST, WIDEST)
            for name in ("odds_ratio", "low", "high")
        )
        colours = [COLOURS["c1" if one > 1 else "c4"] for one in odds]
        axes.hlines(places, low, high, colors=colours, linewidth=1.3)
        dots = [n for n, row in enumerate(found) if 0 < row.odds_ratio < np.inf]
        axes.scatter(odds[dots], places[dots], color=[colours[n] for n in dots], s=24, zorder=3)
        for edge, marker, beyond in (
            (WIDEST, ">", [n for n, row in enumerate(found) if row.high > WIDEST]),
            (1 / WIDEST, "<", [n for n, row in enumerate(found) if row.low < 1 / WIDEST]),
        ):
            hues = [colours[n] for n in beyond]
            axes.scatter([edge] * len(beyond), places[beyond], marker=marker, s=22, color=hues)
        axes.axvline(1, color=COLOURS["line"], linewidth=0.8)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"× {value:,.6g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_yticks(places, [_label(row) for row in found])
        axes.set_ylim(len(found) - 0.4, -0.6)
        axes.tick_params(axis="y", labelsize=FONT)
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x")
        axes.set_xlabel("odds against the rest of the collection, with 95 % interval")
        words = [f"Motif {row.motif}, {finding_words(row)}; {odds_words(row)}" for row in found]
        mark_points(axes, odds, places, tips, words)
        return tips

    return drawn("who_draws_it", "Who draws it", (WIDTH, 0.9 + ROW * len(found)), plot)


def _label(row: Any) -> str:
    value = value_words(str(row.column), str(row.value))
    return shortened(f"Motif {row.motif}, {value}", LETTERS)
