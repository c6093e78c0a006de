"""A bar for long work: on a terminal, and only once it has taken longer than a moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

PATIENCE = 1.0  # seconds without a bar

Advance = Callable[..., None]
"""`advance()` counts one more thing as done, `advance(n)` n more."""


@contextmanager
def progress_bar(what: str, total: int | None) -> Iterator[Advance]:
    """Count work on a bar that is gone afterwards; `total` None: only what is done is counted.

    The bar is written to standard error, and never where that is not a terminal.
    """
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
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
        bar.stop()
