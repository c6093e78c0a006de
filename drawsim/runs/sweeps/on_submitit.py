"""Jobs by submitit: as jobs of Slurm, or as processes of this machine."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drawsim import __version__
from drawsim.common.errors import UserError
from drawsim.common.streams import silence
from drawsim.runs.sweeps.answers import read_answer
from drawsim.runs.sweeps.engine import Job, Lost, Outcome
from drawsim.runs.sweeps.worker import Answer, do

LOOK_EVERY = 0.5
"""Seconds between two looks at what is under way; of Slurm, submitit asks less often."""


@dataclass(frozen=True)
class Task:
    """What submitit sends to a job. One that Slurm takes the node from goes back in the queue."""

    sent: bytes
    folder: str

    def __call__(self) -> Answer:
        """Do the job."""
        return do(self.sent, __version__, self.folder)

    def checkpoint(self) -> Any:
        """The same again: the run goes on after its last whole epoch."""
        import submitit

        return submitit.helpers.DelayedSubmission(self)


class OnSubmitit:
    """cluster: slurm or local. folder: of submitit's own files, which goes when all has ended well.

    at_once: jobs under way at a time. parameters: by submitit's names for them, see its
    `AutoExecutor.update_parameters`.
    """

    def __init__(
        self, cluster: str, folder: Path, at_once: int, parameters: Mapping[str, Any]
    ) -> None:
        import submitit

        self.cluster = cluster
        self.folder = folder
        self.at_once = at_once
        own = submitit.AutoExecutor._typed_parameters()
        given = {key: value for key, value in parameters.items() if value is not None}
        named = {key if key in own else f"{cluster}_{key}": v for key, v in given.items()}
        begin = f"{cluster}_max_num_timeout"
        first = {begin: named.pop(begin)} if begin in named else {}
        try:
            self.executor = submitit.AutoExecutor(folder / "%j", cluster=cluster, **first)
            self.executor.update_parameters(**named)
        except (RuntimeError, ValueError, TypeError, NameError) as error:
            said = " ".join(str(error).split())
            raise UserError(f"hydra/launcher=submitit_{cluster}: {said}") from error
        self.jobs: dict[int, Any] = {}

    @property
    def described(self) -> str:
        """Where jobs run."""
        where = "Slurm" if self.cluster == "slurm" else "this machine"
        return f"submitit on {where}, {self.at_once} at a time"

    def outcomes(self, jobs: Mapping[int, Job]) -> Iterator[tuple[int, Outcome]]:
        """What becomes of each job, as they end."""
        waiting = list(jobs.values())
        well = True
        while waiting or self.jobs:
            room = len(waiting) if self.cluster == "slurm" else self.at_once - len(self.jobs)
            begin, waiting = waiting[: max(room, 0)], waiting[max(room, 0) :]
            self._submit(begin)
            for number in [n for n, job in self.jobs.items() if job.done()]:
                outcome = self._outcome(self.jobs.pop(number))
                well = well and not isinstance(outcome, Lost)
                yield number, outcome
            time.sleep(LOOK_EVERY)
        if well:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _submit(self, jobs: list[Job]) -> None:
        """All at once to Slurm, which makes an array of them."""
        if not jobs:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        here = str(Path.cwd())
        # What starts a process here is told of Ctrl-C too, and would show where it was.
        with silence() if self.cluster == "local" else nullcontext(), self.executor.batch():
            own = [self.executor.submit(Task(job.sent, here)) for job in jobs]
        self.jobs |= {job.number: one for job, one in zip(jobs, own, strict=True)}

    def _outcome(self, job: Any) -> Outcome:
        import submitit

        if self.cluster == "local" and not job.paths.result_pickle.exists():
            return Lost(f"its process has ended{_last_words(job)}")
        try:
            return read_answer(job.result())
        except submitit.core.utils.UncompletedJobError:
            return Lost(f"{job.state.lower()} in Slurm{_last_words(job)}")

    def cancel(self) -> None:
        """End what is under way, in Slurm's queue too."""
        for job in self.jobs.values():
            with suppress(Exception):  # it may have ended by itself
                job.cancel(check=False)
        for job in self.jobs.values():
            process = getattr(job, "_process", None)
            if process is not None:  # one of this machine: its own children end with it
                with suppress(Exception):
                    process.wait(timeout=10)
        self.jobs.clear()
        shutil.rmtree(self.folder, ignore_errors=True)


def _last_words(job: Any) -> str:
    """What the job wrote last, if anything."""
    lines = [line for line in (job.stderr() or "").splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith("submitit ")]
    return f" ({lines[-1].strip()})" if lines else ""
