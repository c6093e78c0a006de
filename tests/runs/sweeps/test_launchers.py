"""A sweep by a launcher, from the command line to the lines that it says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from omegaconf import DictConfig

from drawsim.common.errors import UserError
from drawsim.common.launch import is_one_of_several, output_folder
from drawsim.runs.folder import can_go_on
from drawsim.runs.sweeps.on_joblib import OnJoblib
from tests.common.test_launch import Start
from tests.common.test_launch import _clean_hydra as _clean_hydra
from tests.common.test_launch import start as start


@pytest.fixture(autouse=True)
def _no_processes() -> Iterator[None]:
    yield
    OnJoblib(1, 1).cancel()


def test_a_sweep_in_other_processes(start: Start, tmp_path: Path) -> None:
    def task(config: DictConfig) -> float:
        if config.seed == 1:
            raise UserError("not this one")
        if config.seed == 2:
            raise ZeroDivisionError("a defect")
        print("said by a job")
        assert is_one_of_several()
        (output_folder() / "done").touch()
        return 0.5

    line = ["-m", "seed=0,1,2,x", "aug=none", "+experiment=tiny", "hydra/launcher=joblib"]
    code, shown = start([*line, "hydra.launcher.n_jobs=2"], task)
    assert code == 1
    lines = shown.splitlines()
    assert lines[0] == "4 runs: 2 processes of joblib"
    ended = "\n".join(sorted(line.split("  ")[1] for line in lines[1:5]))
    assert "lite-none-v0-seed0-tiny: val/mrr 0.5000, " in ended
    assert "lite-none-v0-seed1-tiny: failed: not this one\n" in ended
    assert "lite-none-v0-seed2-tiny: failed: ZeroDivisionError: a defect\n" in ended
    assert "failed: seed=x: must be a whole number" in ended
    assert lines[5].startswith("1 run done, 3 failed, ")
    assert lines[6].startswith("Traceback"), "of the defect alone"
    assert "said by a job" not in shown
    beside = sorted(path.name for path in (tmp_path / "runs/tiny-demo_small").iterdir())
    assert beside == ["lite-none-v0-seed0-tiny"]


def test_an_unknown_launcher_and_an_unknown_setting_of_one(start: Start) -> None:
    code, shown = start(["-m", "seed=0,1", "hydra/launcher=rayy"])
    assert (code, shown.splitlines()) == (
        1,
        ["drawsim: hydra/launcher=rayy: no such option, did you mean ray?"],
    )
    code, shown = start(["-m", "seed=0,1", "hydra/launcher=joblib", "hydra.launcher.jobs=2"])
    assert (code, len(shown.splitlines())) == (1, 1)


@pytest.mark.parametrize(
    ("status", "goes_on"),
    [("running", True), ("interrupted", True), ("failed", True), ("finished", False)],
)
def test_which_runs_go_on(tmp_path: Path, status: str, goes_on: bool) -> None:
    (tmp_path / "metrics.json").write_text(json.dumps({"status": status}), encoding="utf-8")
    assert can_go_on(tmp_path) == goes_on
    assert not can_go_on(tmp_path / "none")
