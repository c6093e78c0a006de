"""The loggers that settings ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytorch_lightning.loggers import Logger

from drawsim.learning.training.loggers.steps import StepLog
from drawsim.learning.training.loggers.weights_and_biases import wandb_logger
from drawsim.runs.folder import RunFolder


def make_loggers(
    settings: Mapping[str, Any], run: RunFolder, config: Mapping[str, Any]
) -> list[Logger]:
    """The loggers of `conf/logger`; in processes that do not write, none."""
    if not run.writes:
        return []
    loggers: list[Logger] = []
    if settings["csv"]:
        loggers.append(StepLog(run.path / "steps.csv"))
    if settings["wandb"]:
        loggers.append(wandb_logger(settings, run, config))
    return loggers
