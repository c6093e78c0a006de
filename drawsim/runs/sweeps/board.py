"""What the terminal that started several runs says of them: how far each is, how each ended."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from drawsim.common.errors import UserError
from drawsim.runs.folder import read_record
from drawsim.runs.run import Run
from drawsim.runs.sweeps.engine import Job

LOOK_EVERY = 2.0
"""Seconds between two looks at the folders of runs under way."""
SHOWN = 20
"""Runs under way that have a bar; there is one for all besides."""


class Board:
    """A line on standard error for each run that has ended and, on a terminal, bars for the others.

    What is known of a run under way is what its folder says, on whatever machine it runs.
    """

    def __init__(self, jobs: Iterable[Job]) -> None:
        self.left = {job.number: job for job in jobs}
        self.total = len(self.left)
        self.ended_ones = 0
        self.console = Console(stderr=True, highlight=False, soft_wrap=True)
        self.bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self.all: TaskID = self.bars.add_task("all", total=self.total, unit="runs")
        self.own: dict[int, TaskID] = {}
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self._look, name="board", daemon=True)

    def __enter__(self) -> Board:
        self.bars.start()
        self.thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.over.set()
        self.thread.join()
        if self.bars.live.is_started:  # else rich before 14.3 writes an empty line
            self.bars.stop()

    def say(self, text: str) -> None:
        """A line above the bars."""
        self.console.print(escape(text))

    def ended(self, job: Job, text: str) -> None:
        """One has ended, and how."""
        with self.lock:
            self.left.pop(job.number, None)
            if job.number in self.own:
                self.bars.remove_task(self.own.pop(job.number))
            self.ended_ones += 1
            self.bars.update(self.all, completed=self.ended_ones)
        width = len(str(self.total))
        self.say(f"{self.ended_ones:{width}}/{self.total}  {job.folder.name}: {text}")

    def _look(self) -> None:
        while not self.over.wait(LOOK_EVERY):
            if self.console.is_terminal:
                for job in list(self.left.values()):
                    self._look_at(job)

    def _look_at(self, job: Job) -> None:
        try:
            under_way = read_record(job.folder).get("status") == "running"
            epochs = Run.open(job.folder).curves.index.max() if under_way else None
        except (UserError, OSError, ValueError):  # between two versions of a file
            return
        with self.lock:
            if job.number not in self.left or not under_way:
                return
            if job.number not in self.own and len(self.own) < SHOWN:
                self.own[job.number] = self.bars.add_task(
                    escape(job.folder.name), total=job.epochs, unit="epochs"
                )
            if job.number in self.own and epochs is not None and epochs == epochs:
                self.bars.update(self.own[job.number], completed=int(epochs))
