"""The model: how a picture becomes a place in a ranking."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from drawsim.collection.kinds import Kind
from drawsim.common.errors import UserError
from drawsim.models.adaptation import Adaptation
from drawsim.models.backbones.backbone import Backbone
from drawsim.models.weights import weights_hash
from drawsim.pixels.reading import CROP_SCALE, Reading
from drawsim.retrieval.index.gallery import EmbeddingModel

PLAIN = "32-true"
"""Float32, as Lightning calls it: the precision on a CPU, and of the few images of a query."""
BATCH = 32
"""Pictures of queries that go through the network at once."""


@dataclass(frozen=True)
class Model:
    """Everything that decides where a picture is in a ranking, for all who embed or rank.

    backbone: the network, with its layout. reading: how pictures become its square. flip: the mean
    with the mirrored picture is taken. adaptation: applied to what the network gives, if any.
    """

    backbone: Backbone
    reading: Reading
    flip: bool = False
    adaptation: Adaptation | None = None

    @property
    def dimensions(self) -> int:
        """Length d of what `encode` gives."""
        return self.backbone.dimensions

    @classmethod
    def load(cls, source: str | Path, trust: Sequence[str] = (), image_size: int = 224) -> Model:
        """The model of a run folder, a checkpoint, an index, or a backbone by name such as lite.

        trust: modules of the user's own that a run's settings may name: of others nothing is
        imported. image_size: pixels, of a backbone by name. Raises UserError if it is none of these
        or says anything else.
        """
        from drawsim.models.loading import load_model

        return load_model(source, trust, image_size)

    @property
    def unadapted(self) -> Model:
        """The same model without its adaptation."""
        return replace(self, adaptation=None)

    def encode(self, images: Tensor, network: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        """(B, 3, S, S) squares, or (B, views, 3, S, S), as `reading` makes them: (B, d) unit rows.

        The mean over views and, with flip, over mirrored views, brought to length 1; not adapted.
        network: equals the backbone, such as a compiled one; None: the backbone.
        """
        call = self.backbone if network is None else network
        views = 1 if images.ndim == 4 else images.shape[1]
        flat = images if images.ndim == 4 else images.flatten(0, 1)
        vectors: Tensor = call(flat)
        if self.flip:
            vectors = vectors + call(flat.flip(3))
        if views > 1:
            vectors = vectors.view(-1, views, vectors.shape[1]).sum(dim=1)
        return normalize(vectors, dim=1) if self.flip or views > 1 else vectors

    def adapt(self, vectors: Tensor, kind: Kind | None) -> Tensor:
        """(B, d) rows of `encode` as they are ranked, (B, k) unit rows.

        kind: what the pictures are; needed by a model that adapts. Raises UserError without it, and
        for an adaptation that was never fitted.
        """
        if self.adaptation is None:
            return vectors
        if kind is None:
            raise UserError(
                "kind must be given, for this model embeds drawings and artworks in different ways"
            )
        if not self.adaptation.fitted:
            raise UserError("the model's adaptation was never fitted: take a checkpoint of a run")
        nothing = vectors[:0]
        if kind == "drawing":
            adapted: Tensor = self.adaptation(vectors, nothing)[0]
        else:
            adapted = self.adaptation(nothing, vectors)[1]
        return adapted

    def look(self, picture: Path | np.ndarray) -> Tensor:
        """A file, or (height, width, 3) uint8 RGB, as `encode` takes it: (views, 3, S, S).

        Raises ImageReadError.
        """
        pixels = picture if isinstance(picture, np.ndarray) else self.reading.decode(picture)
        return torch.from_numpy(self.reading.views(pixels)).permute(0, 3, 1, 2)

    @torch.no_grad()
    def vectors(self, pictures: Sequence[Path | np.ndarray], kind: Kind) -> Tensor:
        """Pictures as they are ranked, (B, k) unit rows, in plain float32: for queries, a few.

        Raises ImageReadError.
        """
        parts = [
            self.adapt(self.encode(torch.stack([self.look(each) for each in some])), kind)
            for some in batched(pictures, BATCH)
        ]
        return torch.cat(parts)

    def made_by(self, dimensions: int) -> EmbeddingModel:
        """What is compared with an index; dimensions: of what `vectors` gives."""
        return EmbeddingModel.from_metadata(self.describe(), dimensions)

    def describe(self, precision: str = PLAIN) -> dict[str, str]:
        """What makes its embeddings, for the metadata of embedding files.

        precision: of the trainer that embeds.
        """
        made_by = self.backbone.describe(self.reading.size, flip=self.flip)
        if crops := self.reading.crops:
            made_by["transform"] += f", mean with {crops} crops of 1/{CROP_SCALE} of each side"
        if self.adaptation is not None:
            made_by["adaptation"] = self.adaptation.describe()
            made_by["adaptation_sha256"] = weights_hash(self.adaptation)
        return made_by | {"reading": self.reading.describe(), "precision": precision}

    def key(self, precision: str = PLAIN) -> dict[str, str]:
        """What the rows in a store depend on: all but the adaptation, which comes after.

        Poolings have no weights, so the network's structure counts besides them.
        """
        network: Any = self.backbone.network
        structure = f"{network} {getattr(network, 'global_pool', '')}"
        digest = hashlib.sha256(structure.encode()).hexdigest()
        made_by = self.describe(precision)
        kept = ("weights_sha256", "dimensions", "transform", "reading", "precision")
        return {name: made_by[name] for name in kept} | {"structure_sha256": digest}


def batched(items: Sequence[Path | np.ndarray], size: int) -> Iterator[Sequence[Path | np.ndarray]]:
    """The items, so many at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
