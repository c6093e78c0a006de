"""Everything that makes an embedding of an image, and how a file says so."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor
from torch.nn.functional import normalize

from drawsim.common.errors import UserError
from drawsim.models.adaptation import Adaptation
from drawsim.models.backbones.backbone import Backbone
from drawsim.models.weights import weights_hash
from drawsim.pixels.thesis_transforms import squash
from drawsim.pixels.transforms import resize

KINDS = ("drawings", "artworks")
MAX_CROPS = 5
CROP_SCALE = 1.25
"""Crops are cut from the image squashed to this many times the network's size."""


@dataclass(frozen=True)
class Recipe:
    """Everything that makes an embedding of an image.

    exact: read and resized as the thesis evaluates (see `ImageDataset`). flip: mean with the
    mirrored image. crops: mean of the whole image and of so many crops, 0 to 5: the centre, then
    the corners, each 1/1.25 of a side. precision: of the trainer, "32-true" for plain float32.
    """

    backbone: Backbone
    image_size: int
    precision: str
    exact: bool = False
    flip: bool = False
    crops: int = 0
    adaptation: Adaptation | None = None

    @property
    def least_side(self) -> int | None:
        """Pixels of each side that decoding must leave of an image; None: all there are."""
        if self.exact:
            return None
        return round(self.image_size * CROP_SCALE) if self.crops else self.image_size

    @property
    def fit(self) -> Callable[[np.ndarray, int], np.ndarray]:
        """Brings an image, (height, width, 3) uint8 RGB, to a square of a size in pixels."""
        return squash if self.exact else resize

    def embed(self, images: Tensor, network: Callable[[Tensor], Tensor]) -> Tensor:
        """(B, views, 3, S, S) images to (B, d) raw unit rows, by the backbone or what equals it.

        Means over views and, with flip, over mirrored views, at unit length.
        """
        count, views = images.shape[:2]
        flat = images.flatten(0, 1)
        vectors = network(flat)
        if self.flip:
            vectors = vectors + network(flat.flip(3))
        if views > 1:
            vectors = vectors.view(count, views, -1).sum(dim=1)
        return normalize(vectors, dim=1) if self.flip or views > 1 else vectors

    def describe(self) -> dict[str, str]:
        """What made an embedding, for the metadata of embedding files."""
        made_by = self.backbone.describe(self.image_size, flip=self.flip)
        if self.crops:
            made_by["transform"] += f", mean with {self.crops} crops of 1/{CROP_SCALE} of each side"
        if self.adaptation is not None:
            made_by["adaptation"] = self.adaptation.describe()
            made_by["adaptation_sha256"] = weights_hash(self.adaptation)
        return made_by | {
            "reading": "full resolution, no antialias" if self.exact else "areas averaged",
            "precision": self.precision,
        }

    def key(self) -> dict[str, str]:
        """What the rows in a store depend on: all but the adaptation, which comes after.

        Poolings have no weights, so the network's structure counts besides them.
        """
        network: Any = self.backbone.network
        structure = f"{network} {getattr(network, 'global_pool', '')}"
        digest = hashlib.sha256(structure.encode()).hexdigest()
        made_by = self.describe()
        kept = ("weights_sha256", "dimensions", "transform", "reading", "precision")
        return {name: made_by[name] for name in kept} | {"structure_sha256": digest}

    def adapt(self, vectors: Tensor, kind: str | None) -> Tensor:
        """(B, d) raw unit rows of drawings or artworks as they are ranked, (B, k) unit rows."""
        if self.adaptation is None:
            return vectors
        if not self.adaptation.fitted:
            raise UserError("the model's adaptation was never fitted: take a checkpoint of a run")
        drawings, artworks = (vectors if kind == name else vectors[:0] for name in KINDS)
        adapted: Tensor = self.adaptation(drawings, artworks)[KINDS.index(str(kind))]
        return adapted
