"""Several jobs of one command line: each for itself, and nothing beside their folders."""

from __future__ import annotations

from pathlib import Path

from omegaconf import DictConfig

from drawsim.common.errors import UserError
from drawsim.common.launch import output_folder
from tests.common.test_launch import Start
from tests.common.test_launch import _clean_hydra as _clean_hydra
from tests.common.test_launch import start as start


def test_in_a_multirun_the_others_go_on(start: Start, tmp_path: Path) -> None:
    seen: list[int] = []

    def task(config: DictConfig) -> None:
        seen.append(config.seed)
        if config.seed == 1:
            raise UserError("not this one")
        (output_folder() / "done").touch()

    code, shown = start(["-m", "seed=0,1,2,x", "aug=none", "+experiment=tiny"], task)
    assert code == 1
    assert shown.splitlines() == [
        "drawsim: not this one",
        "drawsim: seed=x: must be a whole number",
    ]
    assert seen == [0, 1, 2]
    done = sorted(path.parent.name for path in tmp_path.rglob("done"))
    assert done == ["lite-none-v0-seed0-tiny", "lite-none-v0-seed2-tiny"]
    assert not list(tmp_path.rglob("*-seed1*"))
    beside = sorted(path.name for path in (tmp_path / "runs/tiny-demo_small").iterdir())
    assert beside == done, "nothing of Hydra's own"


def test_a_multirun_of_refused_jobs_leaves_nothing(start: Start, tmp_path: Path) -> None:
    code, _ = start(["-m", "seed=x,y"])
    assert code == 1
    assert list(tmp_path.iterdir()) == []
