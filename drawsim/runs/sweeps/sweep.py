"""All jobs of a sweep by one engine: what is lost is taken up again, what fails is counted."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from drawsim.common.errors import UserError
from drawsim.common.words import counted
from drawsim.runs.folder import read_record
from drawsim.runs.sweeps.board import Board
from drawsim.runs.sweeps.engine import Engine, Job, Lost, Refused


@dataclass(frozen=True)
class Ended:
    """How a job ended: with a value, or an error. story: of an error that is a defect of ours."""

    value: Any = None
    error: str = ""
    story: str = ""
    seconds: float = 0.0

    @property
    def said(self) -> str:
        """In a few words."""
        if self.error:
            return f"failed: {self.error}"
        value = f"{self.value:.4f}, " if isinstance(self.value, float) else ""
        return f"{value}{self.seconds:.1f} s"


def run_all(jobs: Sequence[Job], engine: Engine, *, retries: int, monitor: str = "") -> list[Ended]:
    """Run jobs until each has ended; how, in their order.

    A job whose process is lost begins again after the others, at most `retries` times, and goes on
    with what is in its folder. monitor: what the values are called that jobs return. Raises
    UserError where the engine, or a process of it, can do no jobs.
    """
    began = time.perf_counter()
    finished = {job.number for job in jobs if _finished(job)}
    left, tries = {job.number: job for job in jobs}, dict.fromkeys((j.number for j in jobs), 0)
    found: dict[int, Ended] = {}
    with Board(jobs) as board:
        board.say(f"{counted(len(jobs), 'run')}: {engine.described}")
        try:
            while left:
                for number, outcome in engine.outcomes(dict(left)):
                    if isinstance(outcome, Refused):
                        raise UserError(outcome.why)
                    if isinstance(outcome, Lost):
                        tries[number] += outcome.begun
                        if tries[number] <= retries:
                            if outcome.begun:
                                name = left[number].folder.name
                                board.say(f"{name}: {outcome.why}; it begins again")
                            continue
                        outcome = Ended(error=outcome.why)
                    found[number] = outcome
                    board.ended(left.pop(number), _said(outcome, number in finished, monitor))
        except BaseException:
            engine.cancel()
            raise
        board.say(_summary(found, finished, time.perf_counter() - began))
    return [found[job.number] for job in jobs]


def _said(ended: Ended, finished: bool, monitor: str) -> str:
    if finished and not ended.error:
        return "finished before, skipped"
    is_score = monitor and isinstance(ended.value, float) and not ended.error
    return f"{monitor} {ended.said}" if is_score else ended.said


def _summary(found: dict[int, Ended], finished: set[int], seconds: float) -> str:
    failed = sum(bool(ended.error) for ended in found.values())
    skipped = sum(not found[number].error for number in finished)
    parts = [counted(len(found) - failed - skipped, "run") + " done"]
    parts += [f"{skipped} finished before"] if skipped else []
    parts += [f"{failed} failed"] if failed else []
    return f"{', '.join(parts)}, {seconds:.1f} s"


def _finished(job: Job) -> bool:
    with suppress(UserError):
        return read_record(job.folder).get("status") == "finished"
    return False
