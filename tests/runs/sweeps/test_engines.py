"""Ways to run jobs side by side: what is lost begins again, and nothing stays behind."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from drawsim import __version__
from drawsim.common.errors import UserError
from drawsim.runs.sweeps import worker
from drawsim.runs.sweeps.installed import needs
from drawsim.runs.sweeps.on_joblib import OnJoblib
from drawsim.runs.sweeps.sweep import run_all
from tests.runs.sweeps.jobs import check_four, four_jobs, job

Said = Callable[[], str]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    return lambda: capsys.readouterr().err


def test_by_joblib(tmp_path: Path, said: Said) -> None:
    engine = OnJoblib(2, 1)
    try:
        check_four(engine, tmp_path)
    finally:
        engine.cancel()
    lines = said().splitlines()
    assert lines[0] == "4 runs: 2 processes of joblib"
    assert any("killed_once: its process was killed" in line for line in lines)
    assert sum(line.endswith("fails: failed: not this one") for line in lines) == 1
    assert "well: val/mrr 0.5000, 1.0 s" in "".join(lines)
    assert lines[-1].startswith("3 runs done, 1 failed, ")


def test_by_submitit_on_this_machine(tmp_path: Path, said: Said) -> None:
    pytest.importorskip("submitit", reason="submitit is not installed")
    from drawsim.runs.sweeps.on_submitit import OnSubmitit

    engine = OnSubmitit("local", tmp_path / ".submitit", 2, {"timeout_min": 5})
    check_four(engine, tmp_path)
    assert "killed_once: its process has ended; it begins again" in said()


def test_what_is_lost_each_time_fails_in_the_end(tmp_path: Path, said: Said) -> None:
    class Unlucky(OnJoblib):
        tries = 0

        def outcomes(self, jobs):  # type: ignore[no-untyped-def]
            from drawsim.runs.sweeps.engine import Lost

            self.tries += 1
            yield 0, Lost("its machine burns")

    engine = Unlucky(1, 1)
    ended = run_all([job(0, tmp_path / "one", None)], engine, retries=2)
    assert (engine.tries, ended[0].error) == (3, "its machine burns")
    assert "0 runs done, 1 failed" in said()


def test_no_slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("submitit", reason="submitit is not installed")
    from drawsim.runs.sweeps.on_submitit import OnSubmitit

    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"hydra/launcher=submitit_slurm: .*srun"):
        OnSubmitit("slurm", tmp_path, 2, {"timeout_min": 5, "max_num_timeout": 1})


def test_slurm_is_asked_for_one_array(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in takes what sbatch is given."""
    pytest.importorskip("submitit", reason="submitit is not installed")
    from drawsim.runs.sweeps.on_submitit import OnSubmitit

    for name, does in (("sbatch", f'cp "$1" {tmp_path}/asked; echo job 7'), ("srun", "exit 0")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    own = {"timeout_min": 30, "cpus_per_task": 4, "mem_gb": 8, "partition": "gpu", "qos": None}
    engine = OnSubmitit("slurm", tmp_path / ".submitit", 3, {**own, "array_parallelism": 3})
    engine._submit(four_jobs(tmp_path))
    asked = (tmp_path / "asked").read_text(encoding="utf-8")
    for line in ("array=0-3%3", "time=30", "cpus-per-task=4", "mem=8GB", "partition=gpu"):
        assert f"#SBATCH --{line}\n" in asked
    assert [one.job_id for one in engine.jobs.values()] == ["7_0", "7_1", "7_2", "7_3"]


def test_no_cluster_at_the_address() -> None:
    pytest.importorskip("ray", reason="ray is not installed")
    from drawsim.runs.sweeps.on_ray import OnRay

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(UserError, match=f"address={address}: no Ray cluster answers there"):
            OnRay(address, cores=1, gpus=0, memory=None)


def test_a_process_that_cannot_do_jobs_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = f"{socket.gethostname()} ({sys.executable}): "
    assert worker.cannot(__version__, str(tmp_path)) == ""
    found = worker.cannot("9.9", str(tmp_path))
    assert found == f"{here}drawsim {__version__} is installed there, 9.9 here; install the same"
    found = worker.cannot(__version__, str(tmp_path / "none"))
    assert found.startswith(f"{here}there is no folder {tmp_path}/none; start from")
    monkeypatch.setitem(sys.modules, "drawsim", None)
    found = worker.cannot(__version__, str(tmp_path))
    assert found == f"{here}drawsim is not installed there; install drawsim {__version__}"
    assert worker.do(b"", __version__, "") == (worker.REFUSED, found.encode())


def test_what_is_not_installed_names_the_extra() -> None:
    needs("json", "x", "y")
    with pytest.raises(UserError, match=r"hydra/launcher=ray needs no_ray: pip install 'drawsim\["):
        needs("no_ray", "hydra/launcher=ray", "ray")
