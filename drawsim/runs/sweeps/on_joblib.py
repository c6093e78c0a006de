"""Jobs in processes of joblib's on this machine."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterator, Mapping
from functools import partial

from drawsim import __version__
from drawsim.common.words import counted
from drawsim.runs.sweeps.answers import read_answer
from drawsim.runs.sweeps.engine import Job, Lost, Outcome
from drawsim.runs.sweeps.worker import Answer, do


class OnJoblib:
    """So many processes, each with so many threads, that live for all jobs of a sweep.

    A process that is killed takes the others with it (joblib's loky ends them all): their jobs are
    lost then, and those that had not begun are told apart.
    """

    def __init__(self, processes: int, threads: int) -> None:
        self.processes = processes
        self.threads = threads

    @property
    def described(self) -> str:
        """Where jobs run."""
        return f"{counted(self.processes, 'process', 'processes')} of joblib"

    def outcomes(self, jobs: Mapping[int, Job]) -> Iterator[tuple[int, Outcome]]:
        """What becomes of each job, as they end."""
        from joblib import Parallel, delayed, parallel_config
        from joblib.externals.loky.process_executor import BrokenProcessPool

        left, begun = dict(jobs), set[int]()

        def calls() -> Iterator[object]:
            for job in jobs.values():
                begun.add(job.number)
                yield delayed(numbered)(job.number, job.sent, str(os.getcwd()))  # noqa: PTH109

        with parallel_config("loky", inner_max_num_threads=self.threads):
            parallel = Parallel(
                self.processes,
                return_as="generator_unordered",
                batch_size=1,
                pre_dispatch=self.processes,
            )
            try:
                for number, answer in parallel(calls()):
                    del left[number]
                    yield number, read_answer(answer)
            except BrokenProcessPool:
                why = "its process was killed, most likely for lack of memory"
                for number in list(left):
                    yield number, Lost(why, number in begun)

    def cancel(self) -> None:
        """End the processes."""
        from joblib.externals.loky import get_reusable_executor

        get_reusable_executor().shutdown(wait=False, kill_workers=True)


def numbered(number: int, sent: bytes, folder: str) -> tuple[int, Answer]:
    """Do a job in a process of joblib's."""
    prepare_process()
    return number, do(sent, __version__, folder)


_prepared = False


def prepare_process() -> None:
    """Let this process of joblib's start others of its own, and end with the one that started it.

    joblib names its own way to start processes the default of this process; torch's readers cannot
    start so.
    """
    global _prepared
    if _prepared:
        return
    _prepared = True
    if multiprocessing.get_start_method(allow_none=True) == "loky":
        multiprocessing.set_start_method(None, force=True)
    threading.Thread(target=partial(_end_without, os.getppid()), daemon=True).start()


def _end_without(parent: int) -> None:
    ended = threading.Event()
    while os.getppid() == parent:
        ended.wait(1.0)
    os._exit(1)
