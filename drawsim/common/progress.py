"""A bar for long work: on a terminal, and only once it has taken longer than a moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Column
from rich.text import Text

PATIENCE = 1.0  # seconds without a bar

Advance = Callable[..., None]
"""`advance()` counts one more thing as done, `advance(n)` n more."""


class Pace(ProgressColumn):
    """How many things a second are done, and how long the rest takes at that rate."""

    def __init__(self, unit: str) -> None:
        super().__init__(Column(no_wrap=True))
        self.unit = unit

    def render(self, task: Task) -> Text:
        """Nothing before there is a rate."""
        if not task.speed:
            return Text("")
        digits = 1 if task.speed < 100 else 0
        rate = f"{task.speed:,.{digits}f} {self.unit}/s".replace(" /", "/")
        if task.time_remaining is None:
            return Text(rate)
        return Text(f"{rate}, {timedelta(seconds=round(task.time_remaining))} left")


@contextmanager
def progress_bar(what: str, total: int | None, unit: str = "") -> Iterator[Advance]:
    """Count work on a bar that is gone afterwards; `total` None: only what is done is counted.

    unit: what is counted, for the rate: images. The bar is written to standard error, and never
    where that is not a terminal.
    """
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),  # what the words leave
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        *([TimeElapsedColumn()] if total is None else []),  # else it is told what is left
        Pace(unit),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    task = bar.add_task(what, total=total)
    began = time.monotonic()

    def advance(count: int = 1) -> None:
        bar.advance(task, count)
        if time.monotonic() - began > PATIENCE:
            bar.start()

    try:
        yield advance
    finally:
        if bar.live.is_started:  # else rich before 14.3 writes an empty line
            bar.stop()
