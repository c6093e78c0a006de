"""The model behind an index, made again to embed what is looked for.

What it is made from is kept beside the index in `model.json`: the checkpoint of a run, or the
settings of a backbone that was not trained.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from omegaconf import OmegaConf
from torch import Tensor

from drawsim.common.errors import UserError, nearest
from drawsim.common.files import write_json
from drawsim.models.backbones.backbone import Backbone
from drawsim.models.recipe import Recipe
from drawsim.models.restore import best_checkpoint, build_backbone, load_recipe, run_settings
from drawsim.pixels.dataset import to_tensor
from drawsim.pixels.decode import DEFAULT_MAX_PIXELS, read_image
from drawsim.retrieval.index.gallery import EmbeddingModel

Kind = Literal["drawing", "artwork"]
SOURCE = "model.json"
PRECISION = "32-true"
"""A query is few images: they are embedded in plain float32, whatever the index was made in."""


@dataclass(frozen=True)
class QueryModel:
    """A recipe whose model is in evaluation mode, for images that come a few at a time."""

    recipe: Recipe
    max_pixels: int

    @property
    def backbone(self) -> Backbone:
        """The network."""
        return self.recipe.backbone

    @property
    def image_size(self) -> int:
        """Side S of the square it sees, in pixels."""
        return self.recipe.image_size

    def read(self, path: Path) -> Tensor:
        """An image file as the model sees it, (3, S, S). Raises ImageReadError."""
        return self.square(read_image(path, self.recipe.least_side, self.max_pixels))

    def square(self, pixels: np.ndarray) -> Tensor:
        """(height, width, 3) uint8 RGB as the model sees it, (3, S, S)."""
        return to_tensor(self.recipe.fit(pixels, self.image_size))

    @torch.no_grad()
    def embed(self, images: Tensor, kind: Kind) -> Tensor:
        """Embeddings of (B, 3, S, S) drawings or artworks, levels 0..255: (B, d) unit rows."""
        return self.recipe.adapt(self.recipe.embed(images[:, None], self.backbone), f"{kind}s")

    def made_by(self, dimensions: int) -> EmbeddingModel:
        """What is to be compared with an index; dimensions: of what `embed` gives."""
        return EmbeddingModel.from_metadata(self.recipe.describe(), dimensions)


def model_source(
    run: str | None, checkpoint: str | None, backbone: str | None, size: int, options: Path
) -> dict[str, Any] | None:
    """What a model is made from, by the settings of a door: one of them, or none.

    options: the folder with a configuration for each backbone. Raises UserError for several, for a
    checkpoint outside a run folder, and for an unknown backbone.
    """
    choices = {"run": run, "checkpoint": checkpoint, "backbone": backbone}
    given = [key for key, value in choices.items() if value]
    if len(given) > 1:
        raise UserError(f"{' and '.join(given)}: give one of them")
    if run or checkpoint:
        file = best_checkpoint(Path(run)) if run else Path(str(checkpoint))
        run_settings(file)
        return {"checkpoint": str(file.resolve())}
    if not backbone:
        return None
    file = options / f"{backbone}.yaml"
    if not file.is_file():
        names = [path.stem for path in options.glob("*.yaml")]
        raise UserError(f"backbone={backbone}: {nearest(backbone, names)}")
    chosen: Any = OmegaConf.load(file)
    missing = [key for key in chosen.keys() if OmegaConf.is_missing(chosen, key)]  # noqa: SIM118
    if missing:
        raise UserError(f"backbone={backbone}: leaves backbone.{missing[0]} open; give run=DIR")
    settings: Any = OmegaConf.create({"image_size": size, "backbone": chosen})
    made: Any = OmegaConf.to_container(settings.backbone, resolve=True)
    return {"backbone": made, "image_size": size}


def save_source(index: Path, source: Mapping[str, Any] | None) -> None:
    """Keep what a model is made from beside an index; nothing is known: forget what was kept."""
    if source is None:
        (index / SOURCE).unlink(missing_ok=True)
    else:
        write_json(index / SOURCE, dict(source))


def load_source(index: Path) -> dict[str, Any]:
    """What `save_source` kept. Raises UserError if there is nothing, or it is damaged."""
    file = index / SOURCE
    cure = "give run=DIR, checkpoint=FILE or backbone=NAME to look up image files"
    if not file.is_file():
        raise UserError(f"{index}: does not say how its model is made; {cure}")
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except ValueError as error:
        raise UserError(f"{file}: damaged; {cure}") from error


def load_model(source: Mapping[str, Any]) -> QueryModel:
    """The model of a source: `checkpoint`, or `backbone` settings with `image_size`.

    Raises UserError where the checkpoint is gone or is none, or the backbone cannot be built.
    """
    if "checkpoint" in source:
        checkpoint = Path(source["checkpoint"])
        _, settings = run_settings(checkpoint)
        return QueryModel(load_recipe(checkpoint, PRECISION), int(settings.data.max_pixels))
    size = int(source["image_size"])
    backbone = build_backbone(source["backbone"], size)
    backbone.eval()
    return QueryModel(Recipe(backbone, size, PRECISION), DEFAULT_MAX_PIXELS)
