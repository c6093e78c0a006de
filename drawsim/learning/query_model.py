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

import hydra
import numpy as np
import torch
import yaml
from omegaconf import OmegaConf
from torch import Tensor
from torch.nn.functional import normalize

from drawsim.errors import UserError, nearest
from drawsim.files import write_json
from drawsim.learning.backbones import Backbone
from drawsim.learning.weights import named_tensors, read_content
from drawsim.pixels.dataset import to_tensor
from drawsim.pixels.decode import DEFAULT_MAX_PIXELS, read_image
from drawsim.pixels.thesis_transforms import squash
from drawsim.pixels.transforms import resize
from drawsim.retrieval.adaptation import Adaptation
from drawsim.retrieval.gallery import EmbeddingModel

Kind = Literal["drawing", "artwork"]
SOURCE = "model.json"
BEST = Path("checkpoints", "best.ckpt")


@dataclass(frozen=True)
class QueryModel:
    """A model in evaluation mode, and how it wants its images.

    flip: the mean of each image and its mirror image. exact: images as the thesis resizes them.
    """

    backbone: Backbone
    adaptation: Adaptation | None
    flip: bool
    image_size: int
    exact: bool
    max_pixels: int

    def read(self, path: Path) -> Tensor:
        """An image file as the model sees it, (3, S, S). Raises ImageReadError."""
        smallest = None if self.exact else self.image_size
        return self.square(read_image(path, smallest, self.max_pixels))

    def square(self, pixels: np.ndarray) -> Tensor:
        """(height, width, 3) uint8 RGB as the model sees it, (3, S, S)."""
        shrink = squash if self.exact else resize
        return to_tensor(shrink(pixels, self.image_size))

    @torch.no_grad()
    def embed(self, images: Tensor, kind: Kind) -> Tensor:
        """Embeddings of (B, 3, S, S) drawings or artworks, levels 0..255: (B, d) unit rows."""
        vectors: Tensor = self.backbone(images)
        if self.flip:
            vectors = normalize(vectors + self.backbone(images.flip(3)), dim=1)
        if self.adaptation is None:
            return vectors
        drawings, artworks = self.adaptation(vectors, vectors)
        adapted: Tensor = drawings if kind == "drawing" else artworks
        return adapted

    def made_by(self, dimensions: int) -> EmbeddingModel:
        """What is to be compared with an index; dimensions: of what `embed` gives."""
        made_by = self.backbone.describe(self.image_size, flip=self.flip)
        return EmbeddingModel.from_metadata(made_by, dimensions)


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
    if run:
        return {"checkpoint": str(_checked(Path(run) / BEST, f"run={run}"))}
    if checkpoint:
        return {"checkpoint": str(_checked(Path(checkpoint), f"checkpoint={checkpoint}"))}
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


def _checked(checkpoint: Path, given: str) -> Path:
    checkpoint = checkpoint.resolve()
    if not checkpoint.is_file() or not (checkpoint.parents[1] / "config.yaml").is_file():
        raise UserError(
            f"{given}: no checkpoint of a run there ({checkpoint}, and config.yaml in the folder "
            "above its own)"
        )
    return checkpoint


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
    if "checkpoint" not in source:
        backbone = _build(source["backbone"])
        backbone.eval()
        return QueryModel(
            backbone, None, False, int(source["image_size"]), False, DEFAULT_MAX_PIXELS
        )
    checkpoint = _checked(Path(source["checkpoint"]), "run=DIR must be given")
    text = (checkpoint.parents[1] / "config.yaml").read_text(encoding="utf-8")
    settings = yaml.safe_load(text)
    size = int(settings["image_size"])
    backbone = _build(_without_weights(settings["backbone"]))
    if parts := settings.get("layout", {}).get("parts"):
        backbone.read_layout(parts, size)
    tensors = named_tensors(read_content(checkpoint), checkpoint)
    _load(backbone, tensors, "backbone.", checkpoint)
    adaptation = None
    adapt = {k: v for k, v in settings.get("adapt", {}).items() if k not in ("name", "unlabelled")}
    if adapt.get("_target_"):
        adaptation = hydra.utils.instantiate(adapt, dimensions=backbone.dimensions)
        _load(adaptation, tensors, "adaptation.", checkpoint)
        adaptation.eval()
    backbone.eval()
    return QueryModel(
        backbone,
        adaptation,
        bool(settings["batch"].get("flip")),
        size,
        bool(settings["aug"].get("exact")),
        int(settings["data"]["max_pixels"]),
    )


def _build(settings: Mapping[str, Any]) -> Backbone:
    try:
        backbone: Backbone = hydra.utils.instantiate(dict(settings), _convert_="all")
    except hydra.errors.InstantiationException as error:
        if isinstance(error.__cause__, UserError):
            raise error.__cause__ from error
        raise
    return backbone


def _without_weights(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of the same network with any weights: those of the checkpoint follow."""
    free = {"pretrained": False, "weights": None} if "pretrained" in settings else {}
    return {**settings, **free}


def _load(module: torch.nn.Module, tensors: Mapping[str, Tensor], prefix: str, file: Path) -> None:
    own = {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
    try:
        module.load_state_dict(own)
    except RuntimeError as error:
        raise UserError(f"{file}: not of the network that its run's config.yaml names") from error
