"""Local features of pictures by a model: computed once, then kept by content, like embeddings.

They lie in the store beside the embeddings, one file a picture, in float16: half the room, and the
same whether a picture was looked at before or not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from drawsim.common.errors import UserError
from drawsim.common.files import atomic, write_json
from drawsim.common.opening import CannotOpenError
from drawsim.models.embedding.store import default_store, file_sha256
from drawsim.models.model import Model
from drawsim.pixels.decode import ImageReadError
from drawsim.retrieval.reranking.local import STRIDE, LocalFeatures, both_ways, local_features

BATCH = 16
Picture = Path | np.ndarray
"""A file, or (height, width, 3) uint8 RGB."""


class KeptPictures:
    """The pictures of queries and of a gallery, as a way of re-ranking looks at them.

    queries, files: of each query and each gallery row, None where it is not known. store: the
    folder of the store; None: that of embeddings. What has no file of its own is not kept.
    """

    def __init__(
        self,
        model: Model,
        queries: Sequence[Picture | None],
        files: Sequence[Path | None],
        store: Path | None = None,
    ) -> None:
        self.model = model
        self.queries = queries
        self.files = files
        self._root = default_store() if store is None else store

    def query(self, number: int) -> LocalFeatures:
        """Of a query as it is and mirrored: two pictures. Raises UserError if it is not known."""
        picture = self.queries[number]
        if picture is None:
            raise UserError(
                "rerank=spatial: the picture of a query is not known; name the collection"
            )
        return self._rounded(both_ways(self.model.look(picture)[0]))

    def gallery(self, rows: Sequence[int]) -> tuple[list[int], LocalFeatures]:
        """Those of the rows that can be read, by their place among `rows`, and their features.

        Raises UserError if none of their files is known.
        """
        known = [(place, file) for place, row in enumerate(rows) if (file := self.files[row])]
        if not known:
            raise UserError(
                "rerank=spatial: needs the pictures of what is found; build the index with "
                "collection=DIR"
            )
        found: dict[int, Tensor] = {}
        waiting: list[tuple[int, bytes, Tensor]] = []
        for place, file in known:
            try:
                digest = file_sha256(file)
                kept = self._kept(digest)
                if kept is None:
                    waiting.append((place, digest, self.model.look(file)[0]))
                else:
                    found[place] = kept
            except (ImageReadError, CannotOpenError):
                continue
            if len(waiting) == BATCH:
                found |= self._compute(waiting)
                waiting = []
        found |= self._compute(waiting)
        places = sorted(found)
        vectors = [found[place] for place in places]
        shape = self.shape
        return places, LocalFeatures(
            torch.stack(vectors).float() if vectors else torch.empty(0, shape[0] * shape[1], 1),
            *shape,
        )

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Cells of a picture, height and width."""
        size = self.model.reading.size
        blank = torch.zeros(1, 3, size, size, dtype=torch.uint8)
        features = local_features(self.model.backbone, blank.to(self.model.backbone.mean.device))
        return features.height, features.width

    @cached_property
    def folder(self) -> Path:
        """Where the features of this model are kept."""
        key = {
            name: value
            for name, value in self.model.key().items()
            if name in ("weights_sha256", "structure_sha256", "reading", "transform", "decoding")
        } | {"local_features": f"stride {STRIDE}"}
        name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:32]
        folder = self._root / f"local-{name}"
        if not (folder / "model.json").is_file():
            write_json(folder / "model.json", key)  # for people who look into the folder
        return folder

    def _compute(self, waiting: Sequence[tuple[int, bytes, Tensor]]) -> dict[int, Tensor]:
        """The features of pictures by place, which are kept."""
        if not waiting:
            return {}
        features = self._rounded(torch.stack([square for _, _, square in waiting]))
        found = {}
        for (place, digest, _), vectors in zip(waiting, features.vectors, strict=True):
            found[place] = vectors
            with atomic(self._file(digest)) as temporary:
                temporary.write_bytes(save({"vectors": vectors.half()}))
        return found

    def _rounded(self, images: Tensor) -> LocalFeatures:
        """The features of (B, 3, S, S) images as they come back from the store."""
        device = self.model.backbone.mean.device
        features = local_features(self.model.backbone, images.to(device))
        vectors = features.vectors.cpu().half().float()
        return LocalFeatures(vectors, features.height, features.width)

    def _kept(self, digest: bytes) -> Tensor | None:
        """The features of a picture; None if they are not there, or damaged."""
        try:
            vectors = load(self._file(digest).read_bytes())["vectors"]
        except (OSError, KeyError, SafetensorError):
            return None
        height, width = self.shape
        return vectors if vectors.ndim == 2 and len(vectors) == height * width else None

    def _file(self, digest: bytes) -> Path:
        name = digest.hex()
        return self.folder / name[:2] / f"{name}.safetensors"
