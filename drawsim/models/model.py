"""The model: how a picture becomes a place in a ranking."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from drawsim.collection.kinds import Kind
from drawsim.common.errors import UserError
from drawsim.models.adaptation import Adaptation
from drawsim.models.backbones.backbone import Backbone
from drawsim.models.precision import BF16, PLAIN, Precision, arithmetic
from drawsim.models.weights import weights_hash
from drawsim.pixels.decode import DECODING
from drawsim.pixels.reading import CROP_SCALE, Reading
from drawsim.retrieval.embeddings import Embeddings
from drawsim.retrieval.index.gallery import EmbeddingModel
from drawsim.retrieval.ranking import top_k
from drawsim.retrieval.reranking.base import Lists, Pictures
from drawsim.retrieval.reranking.chain import Chain
from drawsim.runs.stages import ADAPTED

if TYPE_CHECKING:
    import pandas as pd

    from drawsim.collection.tables import Collection
    from drawsim.pixels.screening import OnMissing
    from drawsim.retrieval.index.folder import Index
    from drawsim.retrieval.index.found import Found
    from drawsim.retrieval.index.queries import Hits

BATCH = 32
"""Pictures of queries that go through the network at once."""


@dataclass(frozen=True, repr=False)
class Model:
    """Everything that decides where a picture is in a ranking, for all who embed or rank.

    backbone: the network, with its layout. reading: how pictures become its square. flip: the mean
    with the mirrored picture is taken. adaptation: applied to what the network gives, if any.
    rerank: how the first of ranked lists are looked at again, if they are. precision: of what the
    network computes; `auto` is that of the trainer, and float32 for the few images of a query.

    >>> model = Model.load("lite", image_size=64)
    >>> model
    Model(lite, 64 px, 1280 dimensions)
    """

    backbone: Backbone
    reading: Reading
    flip: bool = False
    adaptation: Adaptation | None = None
    rerank: Chain | None = None
    precision: Precision = "auto"

    def __repr__(self) -> str:
        stages = [f"{self.reading.size} px", f"{self.dimensions} dimensions"]
        if self.reading.method == "thesis":
            stages.append("read as in the thesis")
        if self.reading.frames == "crop":
            stages.append("frames cropped")
        if self.precision != "auto":
            stages.append(self.precision)
        if self.flip:
            stages.append("mirrored too")
        if self.adaptation is not None:
            stages.append("adapted")
        if self.rerank is not None:
            stages.append(f"re-ranked by {self.rerank.name}")
        return f"Model({', '.join([self.backbone.name, *stages])})"

    @property
    def dimensions(self) -> int:
        """Length d of what `encode` gives."""
        return self.backbone.dimensions

    @classmethod
    def load(
        cls,
        source: str | Path | Sequence[str],
        trust: Sequence[str] = (),
        image_size: int = 224,
    ) -> Model:
        """The model of a run folder, a checkpoint, an index, or a backbone by name such as lite.

        A list of such names is of networks side by side.
        trust: modules of the user's own that a run's settings may name: of others nothing is
        imported. image_size: pixels, of a backbone by name. Raises UserError if it is none of these
        or says anything else.
        """
        from drawsim.models.sources import load_model

        return load_model(source, trust, image_size)

    @property
    def unadapted(self) -> Model:
        """The same model without its adaptation."""
        return replace(self, adaptation=None)

    def without(self, stages: Sequence[str]) -> Model:
        """The same model less some stages: its adaptation, ways of re-ranking by their names."""
        adaptation = None if ADAPTED in stages else self.adaptation
        again = None if self.rerank is None else self.rerank.without(stages)
        return replace(self, adaptation=adaptation, rerank=again)

    def without_layout(self) -> Model:
        """The same model, of which the network reads no layout from here on.

        Its adaptation is a new one, to be fitted.
        """
        self.backbone.drop_layout()
        if self.adaptation is None:
            return self
        shape = self.backbone.dimensions, self.backbone.channels
        return replace(self, adaptation=self.adaptation.for_parts(*shape))

    def encode(self, images: Tensor, network: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        """(B, 3, S, S) squares, or (B, views, 3, S, S), as `reading` makes them: (B, d) unit rows.

        The mean over views and, with flip, over mirrored views, brought to length 1; not adapted.
        network: equals the backbone, such as a compiled one; None: the backbone.
        """
        given = self.backbone if network is None else network

        def call(squares: Tensor) -> Tensor:
            with arithmetic(self.precision, squares.device):
                return given(squares)

        views = 1 if images.ndim == 4 else images.shape[1]
        flat = images if images.ndim == 4 else images.flatten(0, 1)
        vectors: Tensor = call(flat)
        if self.flip:
            vectors = vectors + call(flat.flip(3))
        if views > 1:
            vectors = vectors.view(-1, views, vectors.shape[1]).sum(dim=1)
        return normalize(vectors, dim=1) if self.flip or views > 1 else vectors

    def encode_with_plain(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """What `encode` gives, and what it would give if the network read no layout."""
        plain: list[Tensor] = []

        def both(squares: Tensor) -> Tensor:
            own, without_layout = self.backbone.with_plain(squares)
            plain.append(without_layout)
            return own

        vectors = self.encode(images, both)
        told = iter(plain)
        return vectors, self.encode(images, lambda _: next(told))

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
        """Pictures as they are ranked, (B, k) unit rows, by no trainer: for queries, a few.

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

    def embed(
        self,
        images: Mapping[str, Path] | Sequence[Path | str] | Path | str,
        kind: Kind | None = None,
        *,
        progress: bool = False,
        on_missing: OnMissing = "error",
        store: Path | str | None = None,
    ) -> Embeddings:
        """The embeddings of any number of pictures, as they are ranked; none is computed twice.

        images: files by id, such as `collection.paths("artwork")`; a list of files; or a folder.
        kind: what they are, needed by a model that adapts. progress: show bars. on_missing: `skip`
        leaves out what cannot be read, `error` raises UserError. store: where embeddings are kept
        by content; None: the user's cache folder.
        """
        from drawsim.models.embedding.files import embed_files

        raw = embed_files(self, images, progress=progress, on_missing=on_missing, store=store)
        return Embeddings(raw.ids, self.adapt(raw.vectors, kind))

    def rank(
        self,
        queries: Embeddings,
        gallery: Embeddings,
        k: int = 20,
        *,
        kind: Kind = "artwork",
        pictures: Pictures | None = None,
    ) -> Hits:
        """The k nearest of the gallery for each query, in the model's last stage of ranking.

        kind: what the gallery is. pictures: for a way of re-ranking that looks at them (see
        `drawsim.models.local_features`).

        >>> rows = Embeddings(["a", "b"], torch.eye(2))
        >>> Model.load("lite", image_size=64).rank(rows, rows, k=1).table()["id"].tolist()
        ['a', 'b']
        """
        from drawsim.retrieval.index.queries import Hits

        depth = k if self.rerank is None else max(k, self.rerank.depth)
        asked, known = queries.vectors.float(), gallery.vectors.float()
        scores, rows = top_k(asked, known, min(depth, len(known)))
        if self.rerank is not None:
            lists = self.rerank.reorder(Lists(asked, known, rows, scores), pictures)
            scores, rows = lists.scores, lists.rows
        ids = np.array(list(gallery.ids), dtype=object)[rows[:, :k].numpy()]
        return Hits(list(queries.ids), kind, ids, scores[:, :k].numpy())

    def evaluate(
        self, collection: Collection, split: str = "v0", *, progress: bool = False
    ) -> pd.DataFrame:
        """Metrics of the model's last stage on a split: a row for each set, metrics as columns."""
        from drawsim.models.evaluating import evaluate_collection

        return evaluate_collection(self, collection, split, progress=progress)

    def search(
        self,
        index: Index,
        images: Sequence[Path | str],
        k: int = 20,
        *,
        kind: Kind = "drawing",
        where: str | None = None,
    ) -> Found:
        """What image files find in an index of this model: a table, with pictures in a notebook.

        kind: what the files are; the other kind is searched. where: a filter. Raises UserError if
        the index is of another model, and ImageReadError.
        """
        from drawsim.models.searching import search_files

        return search_files(self, index, [Path(each) for each in images], k, kind, where)

    def describe(self, precision: str = PLAIN, *, layout: bool = True) -> dict[str, str]:
        """What makes its embeddings, for the metadata of embedding files.

        precision: of the trainer that embeds, for a model that has none of its own. layout: false
        for those of the plain network.
        """
        if self.precision == "bf16":
            precision = BF16
        made_by = self.backbone.describe(self.reading.size, flip=self.flip, layout=layout)
        if crops := self.reading.crops:
            made_by["transform"] += f", mean with {crops} crops of 1/{CROP_SCALE} of each side"
        if self.adaptation is not None:
            made_by["adaptation"] = self.adaptation.describe()
            made_by["adaptation_sha256"] = weights_hash(self.adaptation)
        return made_by | {"reading": self.reading.describe(), "precision": precision}

    def key(self, precision: str = PLAIN, *, layout: bool = True) -> dict[str, str]:
        """What the rows in a store depend on: all but the adaptation, which comes after.

        Poolings have no weights, so the network's structure counts besides them. layout: false for
        the rows of the plain network.
        """
        digest = hashlib.sha256(self.backbone.structure().encode()).hexdigest()
        made_by = self.describe(precision, layout=layout)
        made_by["dimensions"] = str(self.dimensions if layout else self.backbone.plain_width)
        kept = ("weights_sha256", "dimensions", "transform", "reading", "precision")
        return {name: made_by[name] for name in kept} | {
            "structure_sha256": digest,
            "decoding": str(DECODING),
        }


def batched(items: Sequence[Path | np.ndarray], size: int) -> Iterator[Sequence[Path | np.ndarray]]:
    """The items, so many at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
