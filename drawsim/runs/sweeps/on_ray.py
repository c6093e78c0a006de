"""Jobs as tasks of Ray, on this machine or on a cluster."""

from __future__ import annotations

import io
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import Any

from drawsim import __version__
from drawsim.common.errors import UserError
from drawsim.common.words import counted
from drawsim.runs.sweeps import worker
from drawsim.runs.sweeps.answers import read_answer
from drawsim.runs.sweeps.engine import Job, Lost, Outcome

STORE = 100 << 20
"""Bytes for objects of a Ray that is started here: jobs and their answers are small."""


class OnRay:
    """A task each, with so many cores, GPUs and bytes of memory; Ray decides where and when.

    address: of a cluster, `auto` for one that this machine belongs to; None starts a Ray of its own
    here, which ends with the sweep.
    """

    def __init__(
        self, address: str | None, *, cores: float, gpus: float, memory: float | None
    ) -> None:
        self.address = address
        self.options: dict[str, Any] = {
            "num_cpus": cores,
            "num_gpus": gpus,
            "memory": memory,
            "max_retries": 0,  # what is lost begins again as with every engine
        }
        self.tasks: dict[Any, int] = {}
        self.own = False
        self._start()
        self._check_room()

    def _start(self) -> None:
        """Join the cluster, or start one."""
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # its coming default
        if self.address is None:  # else its processes give way to all others of this machine
            os.environ.setdefault("RAY_worker_niceness", "0")
        import ray

        if ray.is_initialized():
            return
        nobody = UserError(
            f"hydra.launcher.address={self.address}: no Ray cluster answers there; start one with "
            "`ray start --head`, or leave the address out"
        )
        if not _answers(self.address):  # Ray itself would try for minutes
            raise nobody
        quiet = {"log_to_driver": False, "logging_level": "ERROR", "include_dashboard": False}
        local: dict[str, Any] = {"object_store_memory": STORE, **quiet}
        joined: dict[str, Any] = {"address": self.address, **quiet}
        joined.pop("include_dashboard")
        try:
            ray.init(**(joined if self.address else local))
        except (ConnectionError, TimeoutError) as error:
            raise nobody from error
        except (RuntimeError, ValueError) as error:  # another version of Python or Ray
            said = " ".join(str(error).split())
            raise UserError(f"hydra.launcher.address={self.address}: {said}") from error
        self.own = self.address is None

    def _check_room(self) -> None:
        """A task that no machine can hold would wait for ever."""
        import ray

        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        for option, name in (("num_cpus", "CPU"), ("num_gpus", "GPU"), ("memory", "memory")):
            asked = self.options[option] or 0
            most = max((node.get(name, 0) for node in nodes), default=0)
            if asked > most:
                unit, size = ("memory_gb", 1e9) if name == "memory" else (option, 1)
                raise UserError(
                    f"hydra.launcher.{unit}={asked / size:g}: no machine of the cluster has more "
                    f"than {most / size:.3g}"
                )

    @property
    def described(self) -> str:
        """Where jobs run."""
        import ray

        nodes = [node for node in ray.nodes() if node["Alive"]]
        cores = sum(node["Resources"].get("CPU", 0) for node in nodes)
        gpus = sum(node["Resources"].get("GPU", 0) for node in nodes)
        has = [counted(int(cores), "core"), *([counted(int(gpus), "GPU")] if gpus else [])]
        return f"Ray, {counted(len(nodes), 'machine')} with {' and '.join(has)}"

    def outcomes(self, jobs: Mapping[int, Job]) -> Iterator[tuple[int, Outcome]]:
        """What becomes of each job, as they end."""
        import ray

        # By value, so that a machine without drawsim can say that it has none.
        ray.cloudpickle.register_pickle_by_value(worker)
        do = ray.remote(worker.do).options(**self.options)
        here = str(Path.cwd())
        for job in jobs.values():
            self.tasks[do.remote(job.sent, __version__, here)] = job.number
        ray.cloudpickle.unregister_pickle_by_value(worker)
        while self.tasks:
            # Ray tells at length there what is said in a line of each job.
            with redirect_stdout(io.StringIO()):
                ended, _ = ray.wait(list(self.tasks), num_returns=1, timeout=1.0)
            for task in ended:
                yield self.tasks.pop(task), _outcome(task)

    def cancel(self) -> None:
        """End what is under way, and a Ray that was started here."""
        import ray

        for task in self.tasks:
            with suppress(Exception):
                ray.cancel(task, force=True)
        self.tasks.clear()
        self.close()

    def close(self) -> None:
        """End a Ray that was started here."""
        import ray

        if self.own:
            ray.shutdown()


def _answers(address: str | None) -> bool:
    """Whether something listens at HOST:PORT; of other kinds of addresses nobody knows."""
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return True
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError:
        return False
    return True


def _outcome(task: Any) -> Outcome:
    import ray

    try:
        return read_answer(ray.get(task))
    except ray.exceptions.RayTaskError:
        raise  # of ours, on the way to the job
    except ray.exceptions.RayError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        why = lines[0] if lines else type(error).__name__
        return Lost(f"its process or machine is gone ({why})")
