"""The reliability curve of a calibration: what it says against what is true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import binomtest

from drawsim.reporting.kit.figures import COLOURS, FONT, Drawn, Tips, counted, drawn
from drawsim.retrieval.analysis.calibration import Calibration

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (3.6, 3.5)  # inches
DOT = 5.0  # points, the diameter


def reliability_figure(calibration: Calibration) -> Drawn:
    """Share of true top results over their mean probability, a dot per bin, cross-validated.

    The bars are 95 % intervals of the shares (Wilson, "Probable inference, the law of succession,
    and statistical inference", 1927).
    """
    measured = calibration.reliability

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
