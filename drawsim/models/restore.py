"""Taking a trained model up again: from a checkpoint and the settings of the run it lies in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import hydra
from omegaconf import OmegaConf
from torch import nn

from drawsim.common.errors import UserError
from drawsim.models.backbones.backbone import Backbone
from drawsim.models.recipe import Recipe
from drawsim.models.weights import named_tensors, read_content

BEST = Path("checkpoints", "best.ckpt")
"""The selected weights, in a run folder."""
NOT_OF_ADAPTATION = ("name", "unlabelled")
"""Settings of the group `adapt` that are not of the adaptation itself."""


def best_checkpoint(run: Path) -> Path:
    """The selected weights of a run. Raises UserError if there are none."""
    if not (run / BEST).is_file():
        raise UserError(f"run={run}: no {BEST.as_posix()} in it. Give run=runs/STUDY/NAME")
    return run / BEST


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
    """Load a checkpoint of a run into the module that its settings make.

    Raises UserError if it cannot be read, or is of another network.
    """
    tensors = named_tensors(read_content(checkpoint), checkpoint)
    try:
        module.load_state_dict(tensors)
    except RuntimeError as error:
        raise UserError(
            f"{checkpoint}: not of the network that its run's config.yaml names"
        ) from error


def load_recipe(checkpoint: Path, precision: str) -> Recipe:
    """What makes embeddings as the run of a checkpoint did, in evaluation mode.

    precision: of the trainer that will embed. Raises UserError as `run_settings` and
    `load_checkpoint` do.
    """
    _, found = run_settings(checkpoint)
    settings: Any = OmegaConf.to_container(found, resolve=True)
    size = int(settings["image_size"])
    parts = settings.get("layout", {}).get("parts")
    backbone = build_backbone(_with_any_weights(settings["backbone"]), size, parts)
    own: dict[str, nn.Module] = {"backbone": backbone}
    adapt = {k: v for k, v in settings.get("adapt", {}).items() if k not in NOT_OF_ADAPTATION}
    adaptation = None
    if adapt.get("_target_"):
        adaptation = hydra.utils.instantiate(adapt, dimensions=backbone.dimensions)
        own["adaptation"] = adaptation
    model = nn.ModuleDict(own)
    load_checkpoint(model, checkpoint)
    model.eval()
    return Recipe(
        backbone,
        size,
        precision,
        exact=bool(settings["aug"].get("exact")),
        flip=bool(settings["batch"].get("flip")),
        adaptation=adaptation,
    )


def build_backbone(
    settings: Mapping[str, Any], image_size: int, parts: Sequence[Sequence[int]] | None = None
) -> Backbone:
    """The network that plain settings of the group `backbone` name. parts: of its layout, if any.

    Raises UserError if it cannot be built.
    """
    try:
        backbone: Backbone = hydra.utils.instantiate(dict(settings), _convert_="all")
    except hydra.errors.InstantiationException as error:
        if isinstance(error.__cause__, UserError):
            raise error.__cause__ from error
        raise
    if parts:
        backbone.read_layout(parts, image_size)
    return backbone


def _with_any_weights(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of the same network with what weights there are: those of the checkpoint follow."""
    if "substitute" in settings:  # a Replica network, which a file tells the architecture of
        return dict(settings)
    free = {"pretrained": False, "weights": None}
    return {**settings, **{key: value for key, value in free.items() if key in settings}}
