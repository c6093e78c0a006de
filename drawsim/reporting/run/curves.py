"""The curves of a run: loss, the metrics that stand first, the learning rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from drawsim.reporting.kit.charts import Panel, Series, draw_curves
from drawsim.reporting.kit.figures import COLOURS, FONT, Drawn, Tips, drawn
from drawsim.retrieval.metrics import registry

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CURVE_KS = (1, 5, 10, 20, 50)
SETS = {"train": "c4", "val": "c1"}
SIZE = (4.6, 2.3)  # inches

Epochs = Sequence[Mapping[str, float]]
"""The rows of `metrics.csv`."""


def curve_panels(epochs: Epochs, baseline: Mapping[str, Mapping[str, float]]) -> list[Panel]:
    """What can be drawn of the epochs; baseline: set -> metric -> value of the untrained model."""

    def series(label: str, column: str, colour: str) -> Series:
        points = [(row["epoch"], row[column]) for row in epochs if column in row]
        name, _, metric = column.rpartition("/")
        return Series(label, colour, points, baseline.get(name, {}).get(metric))

    def of_sets(metric: str) -> list[Series]:
        return [series(name, f"{name}/{metric}", colour) for name, colour in SETS.items()]

    recorded = dict.fromkeys(column for row in epochs for column in row)
    names = [name.removeprefix("val/") for name in recorded if name.startswith("val/")]
    panels = [Panel(registry.label("loss"), of_sets("loss"), from_zero=False)]
    shown = [name for name in registry.headline(names) if name in registry.computed()]
    for metric in dict.fromkeys(registry.find(name) for name in shown):
        if metric.cutoffs:
            ks = [k for k in CURVE_KS if k in metric.cutoffs]
            own = [series(f"@{k}", f"val/{metric.name}@{k}", f"c{c}") for c, k in enumerate(ks)]
            panels.append(Panel(f"{metric.label}@k, validation", own))
        else:
            panels.append(Panel(metric.label, of_sets(metric.name)))
    panels.append(Panel("Learning rate", [series("", "lr", "c2")]))
    drawn_ones = [Panel(p.title, [s for s in p.series if s.points], p.from_zero) for p in panels]
    return [panel for panel in drawn_ones if panel.series]


def run_charts(panels: Sequence[Panel], chosen: float | None) -> list[Drawn]:
    """A chart per panel, for a page."""
    charts = []
    for number, panel in enumerate(panels):

        def plot(figure: Figure, panel: Panel = panel) -> Tips:
            tips: Tips = {}
            draw_curves(figure.subplots(), panel, tips, chosen=chosen)
            return tips

        charts.append(drawn(f"curve{number}", panel.title, SIZE, plot, paper=False))
    return charts


COLUMNS = 4  # panels side by side
ROW = 1.65  # inches


def curves_figure(
    panels: Sequence[Panel], chosen: float | None, *, name: str, title: str, width: float
) -> Drawn:
    """All panels in one figure for paper, `width` inches wide."""
    rows = -(-len(panels) // COLUMNS)
    small = FONT - 1.5

    def plot(figure: Figure) -> Tips:
        tips: Tips = {}
        grid = figure.subplots(rows, COLUMNS, squeeze=False)
        for axes in grid.flat[len(panels) :]:
            axes.set_visible(False)
        for axes, panel in zip(grid.flat, panels, strict=False):
            draw_curves(axes, panel, tips, chosen=chosen, size=small)
            axes.set_title(panel.title, loc="left", fontsize=FONT, color=COLOURS["ink"])
        return tips

    return drawn(name, title, (width, ROW * rows), plot)
