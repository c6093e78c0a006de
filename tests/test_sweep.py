"""The sweep that is shipped for W&B's agents."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra.core.global_hydra import GlobalHydra

from drawsim.common.configuration import compose
from drawsim.learning.training.callbacks.evaluation import MONITORS
from drawsim.retrieval.metrics import registry

FILE = Path(__file__).resolve().parents[1] / "experiments" / "sweep.yaml"


@pytest.fixture(autouse=True)
def _clean_hydra() -> Iterator[None]:
    yield
    GlobalHydra.instance().clear()


def test_the_agents_command_is_one_of_ours() -> None:
    """As W&B's agent makes the command, every argument is a setting that train has."""
    from wandb.sdk.launch.sweeps.utils import create_sweep_command, create_sweep_command_args

    sweep: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    drawn = {
        name: {"value": how["values"][-1] if "values" in how else how["max"]}
        for name, how in sweep["parameters"].items()
    }
    arguments = create_sweep_command_args({"args": drawn})["args_no_hyphens"]
    command = create_sweep_command(sweep["command"])
    assert command[-1] == "${args_no_hyphens}"
    start = command.index("drawsim.train")
    config: Any = compose("train", [*command[start + 1 : -1], *arguments])
    assert config.logger.wandb
    assert config.optim.optimizer.lr == drawn["optim.optimizer.lr"]["value"]
    assert config.miner.negatives == drawn["miner.negatives"]["value"]


def test_it_seeks_what_is_monitored() -> None:
    metric = yaml.safe_load(FILE.read_text(encoding="utf-8"))["metric"]
    assert metric["name"] in MONITORS
    assert registry.find(metric["name"]).higher_is_better
    assert metric["goal"] == "maximize"
