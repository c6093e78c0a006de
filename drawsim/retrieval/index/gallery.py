"""What goes into an index: embeddings, the model that made them, what is known about the images."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import torch
from safetensors import safe_open

from drawsim.collection.ids import as_listed, check_ids
from drawsim.collection.kinds import Kind
from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError
from drawsim.common.words import counted
from drawsim.retrieval.embeddings import Embeddings, load_embeddings, no_unit_row

UNKNOWN = "unknown"
NONE = "none"


@dataclass(frozen=True, eq=False)
class Space:
    """What must be the same for two vectors to be comparable.

    Files of earlier versions do not say how images were read, nor which adaptation there was: what
    is unknown on one side is taken to be what the other side says.
    """

    weights_sha256: str
    transform: str
    dimensions: int
    adaptation: str
    reading: str

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Space):
            return NotImplemented
        told = ((self.adaptation, other.adaptation), (self.reading, other.reading))
        return self._always() == other._always() and all(
            one == two or UNKNOWN in (one, two) for one, two in told
        )

    def __hash__(self) -> int:
        return hash(self._always())

    def _always(self) -> tuple[str, str, int]:
        return self.weights_sha256, self.transform, self.dimensions


@dataclass(frozen=True)
class EmbeddingModel:
    """What made an embedding. Vectors may be compared if they are of one space.

    transform: size, levels, layout and mirroring. adaptation: hash of its numbers, or "none".
    reading: how images were reduced in size.
    """

    name: str
    weights_sha256: str
    transform: str
    dimensions: int
    adaptation: str = UNKNOWN
    reading: str = UNKNOWN

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], dimensions: int) -> EmbeddingModel:
        """From the metadata of an embedding file; what they do not say is unknown.

        A file that names its model and no adaptation is of none.
        """
        name, weights, transform, reading = (
            metadata.get(key, UNKNOWN)
            for key in ("model", "weights_sha256", "transform", "reading")
        )
        silent = UNKNOWN if "adaptation" in metadata or name == UNKNOWN else NONE
        adaptation = metadata.get("adaptation_sha256", silent)
        return cls(name, weights, transform, dimensions, adaptation, reading)

    def __post_init__(self) -> None:
        texts = (self.name, self.weights_sha256, self.transform, self.adaptation, self.reading)
        if not all(isinstance(text, str) for text in texts):
            raise TypeError("what a model is said by is text")
        if type(self.dimensions) is not int or self.dimensions < 1:
            raise TypeError("the dimensions of a model are a whole number from 1 on")

    def metadata(self) -> dict[str, str]:
        """The same as texts, for the metadata of an embedding file."""
        return {
            "model": self.name,
            "weights_sha256": self.weights_sha256,
            "transform": self.transform,
            "dimensions": str(self.dimensions),
            "adaptation_sha256": self.adaptation,
            "reading": self.reading,
        }

    @property
    def space(self) -> Space:
        """What must be the same for two vectors to be comparable."""
        return Space(
            self.weights_sha256, self.transform, self.dimensions, self.adaptation, self.reading
        )

    @property
    def short(self) -> str:
        """For people: the network, the pixels of a side, and what is done besides.

        >>> EmbeddingModel("lite", "9f86d081", "squash to 280x280, (x - 127) / 128", 1280).short
        'lite, 280 px'
        """
        sides = re.match(r"squash to (\d+)x", self.transform)
        parts = [self.name, *([f"{sides[1]} px"] if sides else [])]
        if "mirrored image" in self.transform:
            parts.append("mirrored too")
        if self.adaptation not in (NONE, UNKNOWN):
            parts.append("adapted")
        return ", ".join(parts)

    def __str__(self) -> str:
        adapted = (
            "" if self.adaptation in (NONE, UNKNOWN) else f", adaptation {self.adaptation[:12]}"
        )
        exact = "" if self.reading == UNKNOWN else f", {self.reading}"
        return (
            f"{self.name} ({self.dimensions} dimensions, weights {self.weights_sha256[:12]}, "
            f"{self.transform}{exact}{adapted})"
        )


@dataclass(frozen=True)
class Gallery:
    """Embeddings to be indexed: ids that differ, unit rows.

    table: what is known about the images, indexed by id, such as `Collection.artworks`; others may
    be in it, and some may lack. Raises UserError for ids or vectors that cannot be indexed.
    """

    embeddings: Embeddings
    model: EmbeddingModel
    table: pd.DataFrame = field(default_factory=pd.DataFrame)

    def __post_init__(self) -> None:
        check_ids(self.embeddings.ids)
        _check_vectors(self.embeddings, self.model)


def gallery_from_file(path: Path, table: pd.DataFrame | None = None) -> Gallery:
    """An embedding file, with the collection's table of these images if there is one.

    Ids are then spelt as the table has them. Raises UserError if the file is missing or damaged,
    or its ids or vectors cannot be indexed.
    """
    embeddings = load_embeddings(path)
    if table is not None:
        ids = as_listed(pd.Series(embeddings.ids, dtype=object), table.index)
        embeddings = Embeddings(ids.tolist(), embeddings.vectors)
    model = EmbeddingModel.from_metadata(read_metadata(path), embeddings.vectors.shape[-1])
    try:
        return Gallery(embeddings, model, pd.DataFrame() if table is None else table)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def gallery_of_collection(path: Path, collection: Collection, kind: Kind) -> tuple[Gallery, int]:
    """The embeddings of a collection's drawings or artworks; and how many style copies it had.

    These are left out. Raises UserError as `gallery_from_file` does, and for images that the
    collection does not have.
    """
    listed = collection.drawings if kind == "drawing" else collection.artworks
    every = gallery_from_file(path, listed)
    strange = [name for name in every.embeddings.ids if name not in listed.index]
    if strange:
        raise UserError(
            f"{path}: embeddings of another collection: "
            f"{counted(len(strange), f'of its {kind}s is', f'of its {kind}s are')} not in "
            f"{collection.root}, such as {strange[0]!r}; name its own, or none"
        )
    copies = set(collection.copies.index) if kind == "drawing" else set()
    own = [name for name in every.embeddings.ids if name not in copies]
    left_out = len(every.embeddings.ids) - len(own)
    if not left_out:
        return every, 0
    return Gallery(every.embeddings.of(own), every.model, every.table), left_out


def read_metadata(path: Path) -> dict[str, str]:
    """What an embedding file that can be read says of how it was made."""
    with safe_open(path, framework="pt") as file:
        return dict(file.metadata() or {})


def _check_vectors(embeddings: Embeddings, model: EmbeddingModel) -> None:
    vectors = embeddings.vectors
    if not len(vectors):
        raise UserError("there are no embeddings to index")
    if vectors.dtype not in (torch.float32, torch.float16) or vectors.ndim != 2:
        raise UserError("embeddings must be a matrix of float32 or float16; embed again")
    if vectors.shape[1] != model.dimensions:
        raise UserError(f"vectors of {vectors.shape[1]} dimensions are not by {model}; embed again")
    row = no_unit_row(vectors)
    if row is not None:
        name = embeddings.ids[row]
        raise UserError(f"the embedding of {name!r} is not of length 1; embed again")
