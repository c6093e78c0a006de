"""Prepare a collection by steps: `python -m drawsim.prepare step=drawings source=DIR out=DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from drawsim.common.building import build
from drawsim.common.errors import UserError
from drawsim.common.launch import launch, options

if TYPE_CHECKING:
    from omegaconf import DictConfig


def prepare(config: DictConfig) -> None:
    """Run one step and print what it read, made and skipped."""
    if "step" not in config:
        raise UserError(f"step must be given: step={' or '.join(options('prepare', 'step'))}")
    from drawsim.common.machine import cores
    from drawsim.reporting.collection.console import print_summary

    step = build(
        {**config.step, "_partial_": True},
        source=Path(config.source),
        out=Path(config.out),
        workers=cores() if config.workers is None else config.workers,
    )
    print_summary(config.step.name, step())


if __name__ == "__main__":
    launch("prepare", prepare)
