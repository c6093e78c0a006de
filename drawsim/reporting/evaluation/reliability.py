"""A calibration in two figures: what it says of a list, and how that agrees with what is true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.stats import binomtest

from drawsim.common.words import counted
from drawsim.reporting.kit.figures import COLOURS, FONT, Drawn, Tips, drawn
from drawsim.retrieval.analysis.calibration import Calibration
from drawsim.retrieval.analysis.reliability import Reliability

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (3.6, 3.5)  # inches
DOT = 5.0  # points, the diameter


def chance_figure(calibration: Calibration) -> Drawn:
    """How likely the first result is true, over its lead, with the 95 % interval."""
    ends = [calibration.centre + by * calibration.scale for by in (-2, 4)]
    lead = np.linspace(max(0.0, ends[0]), ends[1], 100)
    chances = calibration.chances(torch.from_numpy(np.column_stack([lead, np.zeros_like(lead)])))

    def plot(figure: Figure) -> Tips:
        axes = figure.subplots()
        low, high = [each.low for each in chances], [each.high for each in chances]
        axes.fill_between(lead, low, high, color=COLOURS["c1"], alpha=0.2, linewidth=0)
        axes.plot(lead, [each.probability for each in chances], color=COLOURS["c1"], linewidth=1.4)
        ticks = np.linspace(0, 1, 5)
        axes.yaxis.set_ticks(ticks, [f"{tick:.0%}".replace("%", " %") for tick in ticks])
        axes.set(xlim=(lead[0], lead[-1]), ylim=(0, 1))
        axes.set_xlabel("score of the first result less that of the second")
        axes.set_ylabel("the first is a true match")
        axes.grid()
        return {}

    return drawn("chance", "How likely the first result is a true match", SIZE, plot)


def reliability_figure(calibration: Calibration, measured: Reliability) -> Drawn:
    """Share of true top results over their mean probability, a dot per bin, cross-validated.

    The bars are 95 % intervals of the shares (Wilson, "Probable inference, the law of succession,
    and statistical inference", 1927).
    """

    def plot(figure: Figure) -> Tips:
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=COLOURS["soft"], linewidth=0.8, linestyle=(0, (4, 3)))
        for each in measured.bins:
            hits = round(each.share * each.drawings)
            interval = binomtest(hits, each.drawings).proportion_ci(method="wilson")
            axes.plot(
                [each.probability] * 2,
                [interval.low, interval.high],
                color=COLOURS["c1"],
                alpha=0.35,
                linewidth=1.6,
                solid_capstyle="butt",
            )
        axes.plot(
            [each.probability for each in measured.bins],
            [each.share for each in measured.bins],
            color=COLOURS["c1"],
            linewidth=1.2,
            marker="o",
            markersize=DOT,
            markeredgecolor=COLOURS["page"],
            clip_on=False,
            zorder=3,
        )
        _axes(axes)
        count = calibration.true_tops + calibration.other_tops
        gain = 1 - measured.brier / measured.brier_constant
        word = "lower" if gain > 0 else "higher"
        axes.set_title(
            f"Brier score {measured.brier:.2f}, {abs(gain):.0%} {word} than a constant's\n"
            f"calibration error {measured.calibration_error:.1%}, {counted(count, 'drawing')}",
            loc="left",
            fontsize=FONT,
            color=COLOURS["ink"],
        )
        return {}

    return drawn("reliability", "Reliability of the probability of a true match", SIZE, plot)


def _axes(axes: Axes) -> None:
    ticks = np.linspace(0, 1, 5)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.set_xlabel("probability that the top result is a true match")
    axes.set_ylabel("share of true matches")
    axes.grid()
