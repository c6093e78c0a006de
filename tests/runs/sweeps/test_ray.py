"""Jobs on a Ray cluster of two machines, which are processes of this one."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from drawsim.common.errors import UserError
from drawsim.runs.sweeps.sweep import run_all
from tests.runs.sweeps.jobs import check_four, job

STORE = 80 << 20
QUIET = {"include_dashboard": False}


@pytest.fixture
def cluster() -> Any:
    """Two machines of a core each; the second is not the one that the tests are on."""
    pytest.importorskip("ray", reason="ray is not installed")
    import ray
    from ray.cluster_utils import Cluster

    own = {"num_cpus": 1, "object_store_memory": STORE}
    for left in (2, 1, 0):
        try:
            found = Cluster(initialize_head=True, head_node_args={**own, **QUIET})
            found.second = found.add_node(**own)
            break
        except Exception:  # Ray gives a busy machine 30 seconds
            if not left:
                raise
    try:
        yield found
    finally:
        ray.shutdown()
        found.shutdown()


def test_on_a_cluster_that_loses_a_job_and_a_machine(
    cluster: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from drawsim.runs.sweeps.on_ray import OnRay

    engine = OnRay(cluster.address, cores=1, gpus=0, memory=None)
    check_four(engine, tmp_path)
    captured = capsys.readouterr()
    assert captured.err.startswith("4 runs: Ray, 2 machines with 2 cores\n")
    assert "killed_once: its process or machine is gone" in captured.err
    assert captured.out == ""

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
            if not (tmp_path / "lost").exists():
                cluster.remove_node(cluster.second, allow_graceful=False)
                (tmp_path / "lost").touch()
            return found

    with pytest.raises(UserError, match=r"num_cpus=3: no machine of the cluster has more than 1"):
        OnRay(cluster.address, cores=3, gpus=0, memory=None)
    jobs = [job(number, tmp_path / f"long{number}", long) for number in range(2)]
    ended = run_all(jobs, Losing(cluster.address, cores=1, gpus=0, memory=None), retries=2)
    assert [one.value for one in ended] == [1.0, 1.0]
