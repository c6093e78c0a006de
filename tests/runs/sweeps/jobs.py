"""Jobs that tests send to other processes: functions of their own, sent by value."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cloudpickle

from drawsim.runs.sweeps.engine import Engine, Job
from drawsim.runs.sweeps.sweep import Ended, run_all


def job(number: int, folder: Path, work: Any) -> Job:
    """A job whose function is called with its folder."""

    def called() -> Any:
        folder.mkdir(parents=True, exist_ok=True)
        return work(folder)

    return Job(number, folder, cloudpickle.dumps(called))


def four_jobs(root: Path) -> list[Job]:
    """One that is well, one that fails, one killed at its first try, one that starts a process."""

    def well(folder: Path) -> Any:
        from drawsim.runs.sweeps.sweep import Ended

        return Ended(0.5, seconds=1.0)

    def fails(folder: Path) -> Any:
        from drawsim.runs.sweeps.sweep import Ended

        return Ended(error="not this one")

    def killed_once(folder: Path) -> Any:
        from drawsim.runs.sweeps.sweep import Ended

        if not (folder / "tried").exists():
            (folder / "tried").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return Ended(0.25, seconds=1.0)

    def starts_another(folder: Path) -> Any:
        import multiprocessing

        from drawsim.runs.sweeps.sweep import Ended

        reader = multiprocessing.Process(target=(folder / "read").touch)
        reader.start()
        reader.join()
        return Ended(float((folder / "read").exists()), seconds=1.0)

    works = (well, fails, killed_once, starts_another)
    return [job(number, root / work.__name__, work) for number, work in enumerate(works)]


def check_four(engine: Engine, root: Path) -> list[Ended]:
    """What every engine does with them."""
    ended = run_all(four_jobs(root), engine, retries=2, monitor="val/mrr")
    assert [one.value for one in ended] == [0.5, None, 0.25, 1.0]
    assert [one.error for one in ended] == ["", "not this one", "", ""]
    return ended


def own_processes() -> Iterator[int]:
    """The numbers of all processes below this one."""
    waiting = [os.getpid()]
    while waiting:
        for task in Path(f"/proc/{waiting.pop()}/task").glob("*/children"):
            children = [int(number) for number in task.read_text().split()]
            waiting += children
            yield from children
