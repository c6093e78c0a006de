"""A loss of the user's own: it trains, and whoever opens the run has to trust its module."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from drawsim.common.errors import UserError
from drawsim.runs.run import Run
from drawsim.runs.settings import read_settings
from tests.commands import run

MODULE = """
from drawsim.learning.losses.triplet import TripletCosineLoss


class MyLoss(TripletCosineLoss):
    pass
"""
OPTION = """
name: mine
_target_: my_module.MyLoss
margin: 0.3
reduction: mean
"""


def test_a_loss_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "my_module.py").write_text(MODULE)
    (tmp_path / "MYCONF" / "loss").mkdir(parents=True)
    (tmp_path / "MYCONF" / "loss" / "mine.yaml").write_text(OPTION)
    command = [
        *("train", "--config-dir", "MYCONF", "loss=mine"),
        *("+experiment=tiny", "data.demo.cache=cache", "logger=csv", "trainer.max_epochs=1"),
        *("workers=0", "batch.size=16"),
    ]
    done = run(*command, folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    [folder] = (tmp_path / "runs" / "tiny-demo_small").iterdir()
    assert folder.name == "lite-light-v0-seed0-tiny-mine-batch.size16-max_epochs1"
    assert json.loads((folder / "metrics.json").read_text())["own_modules"] == ["my_module"]
    assert Run.open(folder).settings["loss"]["margin"] == 0.3
    with pytest.raises(UserError, match="trust=my_module"):
        read_settings(folder)
    assert read_settings(folder, trust=["my_module"])["loss"]["name"] == "mine"
