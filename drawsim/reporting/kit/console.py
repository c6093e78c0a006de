"""Metrics in the terminal: one table for whoever has some to show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from drawsim.retrieval.metrics import registry

WIDTH = 110  # a table that is cut is worse than one that wraps


@dataclass(frozen=True)
class Line:
    """What is measured, cell by cell, and the metrics of it."""

    about: tuple[str, ...]
    scores: Mapping[str, float]


def wide_console() -> Console:
    """The terminal, wide enough for a table of metrics."""
    console = Console(highlight=False)
    console.width = max(console.width, WIDTH)
    return console


def metrics_table(
    columns: Iterable[str], lines: Iterable[Line], *, numbers: int = 0, title: str | None = None
) -> Table:
    """The metrics that stand first, a line each; the last `numbers` of the columns are numbers."""
    lines, columns = list(lines), list(columns)
    shown = registry.headline(dict.fromkeys(name for line in lines for name in line.scores))
    table = Table(box=SIMPLE_HEAD, title=title, title_justify="left")
    for place, column in enumerate(columns):
        is_number = place >= len(columns) - numbers
        table.add_column(column, justify="right" if is_number else "left")
    for name in shown:
        table.add_column(registry.short_label(name), justify="right", no_wrap=True)
    for line in lines:
        cells = [registry.written(line.scores.get(name), name) for name in shown]
        table.add_row(*map(escape, line.about), *cells)
    return table
