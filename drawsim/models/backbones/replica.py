"""The Replica networks: backbones trained on photographs of artworks that share a pattern.

Two ResNeXt-101 32x8d by L. Schaerf (2022), `mini` and `clus`. Their files are not published: where
a user has none, a network that drawsim trained on simulated photographs takes the place.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import timm

from drawsim.common.errors import UserError
from drawsim.models.backbones.backbone import Backbone
from drawsim.models.backbones.pooling import Pool
from drawsim.models.backbones.timm_models import create_network, fit_network, model_levels
from drawsim.models.weights import OWN_PREFIX, named_tensors, network_tensors, read_content

log = logging.getLogger(__name__)

MODEL = "resnext101_32x8d"
"""The architecture of both networks, as timm calls it."""
FOLDER = Path("weights")
"""Where their files are looked for, below the folder in which the command is run."""


class Trained(NamedTuple):
    """The network of a drawsim checkpoint: timm's name, and mean and scale of its pixels."""

    model: str
    levels: list[list[float]]


def replica(
    name: str,
    pool: Pool,
    freeze_norm: bool,
    image_size: int,
    substitute: str,
    weights: str | None = None,
) -> Backbone:
    """The Replica network `name`: from `weights`, from the folder `weights/`, or its substitute.

    A file of the original layout, or one converted to safetensors, is a ResNeXt-101 32x8d. A
    drawsim checkpoint says which architecture and preprocessing it has. Raises UserError if there
    is no file, or if it does not fit.
    """
    path = Path(weights) if weights is not None else find_weights(name, Path(substitute))
    content = read_content(path)
    tensors = network_tensors(content, path, name)
    trained = trained_network(content, path, name)
    network = create_network(trained.model if trained else MODEL, pool, image_size)
    fit_network(network, tensors, str(path))
    if trained is None:
        log.info("%s: weights of %s", name, path)
        mean, std = model_levels(network)
        return Backbone(name, network, mean, std, freeze_norm, MODEL, image_size)
    log.info("%s: substitute made by drawsim (%s), not the published weights", name, trained.model)
    mean, std = trained.levels
    return Backbone(name, network, mean, std, freeze_norm, trained.model, image_size)


def find_weights(name: str, substitute: Path) -> Path:
    """The first file there is: converted, original, substitute. Raises UserError if none is."""
    own = [FOLDER / f"{name}.safetensors", FOLDER / f"{name}.pth"]
    for path in (*own, substitute):
        if path.is_file():
            return path
    raise UserError(
        f"backbone={name}: no weights. Put the published file at {own[1]} (or, converted, at "
        f"{own[0]}), or make a substitute ({substitute}): "
        f"python -m drawsim.train +experiment={name} "
        "(with data=folder data.root=GALLERY for a gallery of your own)"
    )


def trained_network(content: Any, path: Path, member: str = "") -> Trained | None:
    """Which network a drawsim checkpoint holds; None for a file of another origin.

    member: which one, of a checkpoint of several networks side by side.
    Raises UserError for a checkpoint that does not say it, or names a network that timm lacks.
    """
    if not any(name.startswith(OWN_PREFIX) for name in named_tensors(content, path)):
        return None
    said = content.get("backbone")
    if isinstance(said, Mapping) and isinstance(members := said.get("networks"), Mapping):
        said = members.get(member)
    try:
        model, (mean, std) = said["model"], said["levels"]
        trained = Trained(str(model), [[float(v) for v in levels] for levels in (mean, std)])
    except (KeyError, TypeError, ValueError):
        label = f"{said}" if isinstance(said, str) else "NAME"
        raise UserError(
            f"{path}: a checkpoint that does not say its architecture, as drawsim wrote them "
            f"before. Train it again, or load it by name: backbone={label} backbone.weights={path}"
        ) from None
    if not timm.is_model(trained.model):
        raise UserError(f"{path}: a checkpoint of {trained.model or 'a network'} that timm lacks")
    return trained
