"""What is tried on a Ray cluster of two machines, the processes of one program of its own."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from drawsim.common.errors import UserError
from drawsim.runs.sweeps.sweep import run_all
from tests.runs.sweeps.jobs import check_four, job

STORE = 80 << 20
QUICK = {
    "RAY_raylet_start_wait_time_s": "120",
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "500",  # that a machine is lost is seen soon
    "RAY_health_check_timeout_ms": "2000",
    "RAY_worker_niceness": "0",
}
WENT_ON = "all jobs ended"


@contextlib.contextmanager
def two_machines() -> Any:
    """A cluster of a core each; the second is not the one that the tests are on."""
    import ray
    from ray.cluster_utils import Cluster

    own = {"num_cpus": 1, "object_store_memory": STORE}
    found: Any = Cluster(initialize_head=True, head_node_args={**own, "include_dashboard": False})
    try:
        found.second = found.add_node(**own)
        yield found
    finally:
        ray.shutdown()
        found.shutdown()


def try_jobs(cluster: Any, root: Path) -> None:
    """What is promised of jobs whose process is killed."""
    from drawsim.runs.sweeps.on_ray import OnRay

    with (
        contextlib.redirect_stdout(io.StringIO()) as output,
        contextlib.redirect_stderr(io.StringIO()) as errors,
    ):
        check_four(OnRay(cluster.address, cores=1, gpus=0, memory=None), root)
    said = errors.getvalue()
    assert said.startswith("4 runs: Ray, 2 machines with 2 cores\n"), said
    assert "killed_once: its process or machine is gone" in said, said
    assert output.getvalue() == ""
    with pytest.raises(UserError, match=r"num_cpus=3: no machine of the cluster has more than 1"):
        OnRay(cluster.address, cores=3, gpus=0, memory=None)


def lose_a_machine(cluster: Any, root: Path) -> None:
    """Two jobs that run until a machine is lost, and what becomes of them."""
    from drawsim.runs.sweeps.on_ray import OnRay

    def long(folder: Path) -> Any:
        import ray

        from drawsim.runs.sweeps.sweep import Ended

        place = ray.get_runtime_context().get_node_id()
        (folder / f"on-{place}").touch()
        while not (folder.parent / "lost").exists():
            time.sleep(0.05)
        return Ended(1.0)

    class Losing(OnRay):
        def outcomes(self, jobs):  # type: ignore[no-untyped-def]
            found = super().outcomes(jobs)
            if not (root / "lost").exists():
                cluster.remove_node(cluster.second, allow_graceful=False)
                (root / "lost").touch()
            return found

    jobs = [job(number, root / f"long{number}", long) for number in range(2)]
    ended = run_all(jobs, Losing(cluster.address, cores=1, gpus=0, memory=None), retries=2)
    assert [one.value for one in ended] == [1.0, 1.0]


def main() -> None:
    """In the folder that is the only argument; ends with WENT_ON where all is as it has to be."""
    os.environ.update(QUICK)
    root = Path(sys.argv[1])
    with two_machines() as cluster:
        try_jobs(cluster, root)
        lose_a_machine(cluster, root)
    print(WENT_ON)
