"""The figures of a comparison: ranks over splits, recall@k with bands, curves of a run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from drawsim.reporting.comparison.results import Results
from drawsim.reporting.comparison.tables import SET_NAMES
from drawsim.reporting.kit.figures import (
    COLOURS,
    FONT,
    WIDTH,
    Drawn,
    Tips,
    drawn,
    mark,
    short_names,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RANKS = ("mean_rank", "MMP")
"""What the box plot shows, the first that is known."""
RANK_NAMES = {
    "mean_rank": "mean rank of the true artworks",
    "MMP": "mean position of the first true artwork (MMP, from 0)",
}
BOXED = 5  # replicates that make a box; fewer are shown as dots alone
LETTERS = 26  # of a model's name at most
ROW = 0.3  # inches a model of the box plot takes
COLUMNS = 3  # panels side by side
THICK = 1.4  # points


# Ranks over splits


def rank_figure(results: Results, reference: str) -> Drawn | None:
    """A box per model over its replicates, for validation and test; None if no rank is known."""
    metric = next((m for m in RANKS if m in results.metrics), None)
    sets = [name for name in ("val", "test") if name in results.sets]
    if metric is None or not sets:
        return None
    scores = results.scores[results.scores["metric"] == metric]

    def plot(figure: Figure) -> Tips:
        tips: Tips = {}
        panels = figure.subplots(1, len(sets), sharex=True, sharey=True, squeeze=False)[0]
        for axes, name in zip(panels, sets, strict=True):
            own = scores[scores["set"] == name]
            for place, model in enumerate(results.models):
                # MMP counts from 0, and a logarithm must not meet one.
                values = own.loc[own["model"] == model, "value"].clip(lower=0.5).to_numpy()
                if len(values):
                    colour = _colour(model, reference, results.baselines)
                    _box(axes, place, values, COLOURS[colour], tips, model)
            axes.set_title(SET_NAMES[name], loc="left", fontsize=FONT, color=COLOURS["ink"])
            _model_axis(axes, results.models)
            _rank_axis(axes)
        figure.supxlabel(
            f"{RANK_NAMES[metric]}, lower is better", fontsize=FONT, color=COLOURS["soft"]
        )
        return tips

    height = ROW * len(results.models) + 0.85
    return drawn("mean_rank", "Mean rank over splits", (WIDTH, height), plot)


def _box(axes: Axes, place: int, values: np.ndarray, colour: str, tips: Tips, model: str) -> None:
    """The quartiles as a box, the range within 1.5 of its widths as whiskers, every value a dot."""
    if len(values) >= BOXED:
        line = {"color": colour, "linewidth": 1.0}
        parts = axes.boxplot(
            values,
            positions=[place],
            orientation="horizontal",
            widths=0.58,
            showfliers=False,
            patch_artist=True,
            boxprops={"facecolor": COLOURS["tile"], "edgecolor": colour, "linewidth": 1.0},
            whiskerprops=line,
            capprops={"linewidth": 0},
            medianprops={"color": colour, "linewidth": 2.2, "solid_capstyle": "butt"},
        )
        low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
        tip = (
            f"{model}: median {middle:.0f}, half of {len(values)} runs from {low:.0f} to {high:.0f}"
        )
        mark(parts["boxes"][0], tips, tip)
    # Spread by a fixed pattern, so that one set of numbers gives one picture.
    spread = 0.14 * np.array([-1, 1, 0, -0.5, 0.5])[np.arange(len(values)) % 5]
    axes.scatter(
        values, place + spread * (len(values) > 1), s=9, color=colour, linewidths=0, zorder=3
    )


def _model_axis(axes: Axes, models: Sequence[str]) -> None:
    short = short_names(models, LETTERS)
    axes.set_yticks(range(len(models)), [short[model] for model in models])
    axes.tick_params(axis="y", labelcolor=COLOURS["ink"])
    axes.set_ylim(len(models) - 0.4, -0.6)
    axes.spines["left"].set_visible(False)


def _rank_axis(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(10, subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(axis="x")


def _colour(model: str, reference: str, baselines: Sequence[str]) -> str:
    if model in baselines:
        return "soft"
    return "c4" if model == reference else "c1"


# Recall@k


def recall_figure(results: Results, set_name: str) -> Drawn | None:
    """A panel per model: recall@k, mean and SD over replicates, before the means of the others.

    None if recall is known at fewer than two cut-offs.
    """
    scores = results.scores[results.scores["set"] == set_name]
    names = {
        int(m.partition("@")[2]): m for m in results.metrics if re.fullmatch(r"(R|recall)@\d+", m)
    }
    ks = sorted(names)
    if len(ks) < 2 or not len(scores):
        return None
    percent = 1.0 if names[ks[0]].startswith("R@") else 100.0
    values = scores[scores["metric"].isin(list(names.values()))].groupby(["model", "metric"])[
        "value"
    ]
    order = [names[k] for k in ks]
    mean = values.mean().unstack("metric")[order] * percent
    sd = values.std().unstack("metric")[order].fillna(0.0) * percent
    shown = [model for model in results.models if model in mean.index]
    own = [model for model in shown if model not in results.baselines] or shown
    short = short_names(own, LETTERS)
    columns = min(COLUMNS, len(own))
    rows = -(-len(own) // columns)

    def plot(figure: Figure) -> Tips:
        grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
        for axes in grid.flat[len(own) :]:
            axes.set_visible(False)
        for axes, model in zip(grid.flat, own, strict=False):
            for other in shown:
                dashes = (0, (4, 3)) if other in results.baselines else "-"
                axes.plot(
                    ks,
                    mean.loc[other],
                    color=COLOURS["soft"],
                    alpha=0.4,
                    linewidth=0.8,
                    linestyle=dashes,
                )
            m, s = mean.loc[model], sd.loc[model]
            axes.fill_between(
                ks,
                (m - s).clip(lower=0),
                (m + s).clip(upper=100),
                color=COLOURS["c1"],
                alpha=0.16,
                linewidth=0,
            )
            axes.plot(
                ks,
                m,
                color=COLOURS["c1"],
                marker="o",
                markersize=2.6,
                linewidth=THICK,
                clip_on=False,
            )
            axes.set_title(short[model], loc="left", fontsize=FONT, color=COLOURS["ink"])
            _recall_axes(axes, ks)
        figure.supxlabel("k", fontsize=FONT, color=COLOURS["soft"])
        figure.supylabel("recall@k, %", fontsize=FONT, color=COLOURS["soft"])
        return {}

    title = f"Recall@k, {SET_NAMES[set_name].lower()}"
    return drawn(f"recall_{set_name}", title, (WIDTH, 1.75 * rows + 0.25), plot)


def _recall_axes(axes: Axes, ks: Sequence[int]) -> None:
    from matplotlib.ticker import NullLocator

    axes.set_xscale("log")
    axes.set_xticks(ks, [str(k) for k in ks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_ylim(0, 101)
    axes.set_yticks(range(0, 101, 25))
    axes.grid(axis="y")
    axes.spines["left"].set_visible(False)
