"""Taking a trained model up again: from a checkpoint and the settings of the run it lies in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from omegaconf import OmegaConf
from torch import nn

from drawsim.errors import UserError


def run_settings(checkpoint: Path) -> tuple[Path, Any]:
    """The run folder of a checkpoint and its settings, as `config.yaml` has them.

    Raises UserError if the file is not there, or not in a run folder.
    """
    run = checkpoint.resolve().parents[1]
    if not checkpoint.is_file() or not (run / "config.yaml").is_file():
        raise UserError(
            f"checkpoint={checkpoint}: no checkpoint of a run. Give one that lies in its run "
            "folder, e.g. runs/STUDY/NAME/checkpoints/last.ckpt"
        )
    return run, OmegaConf.load(run / "config.yaml")


def load_checkpoint(module: nn.Module, checkpoint: Path) -> None:
    """Load a checkpoint of a run into the module that its settings make."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    module.load_state_dict(state["state_dict"])
