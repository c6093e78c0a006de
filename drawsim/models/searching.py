"""Searching an index by a model: pictures become queries, lists are looked at again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Protocol, overload

import torch

from drawsim.collection.kinds import KINDS, Kind
from drawsim.collection.paths import Places
from drawsim.models.local_features import KeptPictures, Picture
from drawsim.models.model import BATCH, Model
from drawsim.models.words import TextTower
from drawsim.retrieval.index.asked import Asked, find_files
from drawsim.retrieval.index.folder import Index
from drawsim.retrieval.index.found import Found
from drawsim.retrieval.index.queries import Hits, Queries, joined, of_ids, of_vectors, search
from drawsim.retrieval.index.results import picture
from drawsim.retrieval.reranking.base import Lists


class Pictured(Protocol):
    """What has a picture, as `Asked` does."""

    @property
    def picture(self) -> Picture | None:
        """A file, or (height, width, 3) uint8 RGB; None where it is not known."""


def as_queries(
    asked: Sequence[Asked], index: Index, model: Model | None, tower: TextTower | None = None
) -> list[Queries]:
    """The vectors of what is asked, one query each, in the same order.

    model: that of the index, to embed image files; tower: its text tower, for words; None is enough
    for ids. Raises UserError if an id is not in the index, and ImageReadError.
    """
    found: dict[int, Queries] = {}
    for number, each in enumerate(asked):
        if each.words:
            assert tower is not None  # one is loaded where words are asked for
            found[number] = of_vectors([each.name], tower.vectors([each.name]), index.model)
    files = [n for n, each in enumerate(asked) if each.id is None and not each.words]
    for kind in KINDS:
        own = [number for number in files if asked[number].kind == kind]
        for start in range(0, len(own), BATCH):
            some = own[start : start + BATCH]
            found |= _embedded(some, [asked[number] for number in some], model)
    for number, each in enumerate(asked):
        if each.id is not None:
            found[number] = of_ids(index, each.kind, [each.id])
    return [found[number] for number in range(len(asked))]


def _embedded(
    numbers: Sequence[int], asked: Sequence[Asked], model: Model | None
) -> dict[int, Queries]:
    assert model is not None  # one is loaded where files are asked for
    pictures = [each.picture for each in asked]
    vectors = model.vectors([each for each in pictures if each is not None], asked[0].kind)
    made_by = model.made_by(vectors.shape[1])
    return {
        number: of_vectors([each.name], vector[None], made_by)
        for number, each, vector in zip(numbers, asked, vectors, strict=True)
    }


class GalleryFiles(Sequence["Path | None"]):
    """The picture of each row of an index, looked up as it is asked for."""

    def __init__(self, index: Index, kind: str) -> None:
        self.of = index
        self.kind = kind
        self.names = index.part(kind).names

    def __len__(self) -> int:
        return len(self.names) - 1

    @overload
    def __getitem__(self, row: int) -> Path | None: ...

    @overload
    def __getitem__(self, row: slice) -> Sequence[Path | None]: ...

    def __getitem__(self, row: int | slice) -> Path | Sequence[Path | None] | None:
        if isinstance(row, slice):
            return [self[i] for i in range(*row.indices(len(self)))]
        return picture(self.of, self.kind, str(self.names[row]), self._places)

    @cached_property
    def _places(self) -> Places | None:
        return None if self.of.collection is None else Places.of(self.of.collection)


def looked_again(
    model: Model,
    index: Index,
    asked: Sequence[Pictured],
    queries: Queries,
    found: Hits,
    store: Path | None = None,
) -> Hits:
    """The lists in the order of the model's re-ranking; as they are if it has none.

    asked: what has the picture behind each query. store: where local features are kept; None: the
    user's cache. Raises UserError where pictures are needed and not known, and ImageReadError.
    """
    if model.rerank is None:
        return found
    part = index.part(found.kind)
    known = part.embeddings.rows
    rows = torch.tensor(
        [[known[name] if name else -1 for name in line] for line in found.ids.tolist()]
    ).view(found.ids.shape)
    scores = torch.from_numpy(found.scores).nan_to_num(nan=-torch.inf)
    lists = Lists(queries.vectors, part.matrix, rows, scores)
    pictures = kept_pictures(model, index, asked, found.kind, store)
    again = model.rerank.reorder(lists, pictures)
    ids = part.names[again.rows.numpy()]
    return replace(found, ids=ids, scores=again.scores.masked_fill(rows < 0, torch.nan).numpy())


def kept_pictures(
    model: Model, index: Index, asked: Sequence[Pictured], kind: str, store: Path | None = None
) -> KeptPictures | None:
    """The pictures behind queries and an index; None if the model's re-ranking looks at none."""
    if model.rerank is None or not model.rerank.looks:
        return None
    return KeptPictures(model, [each.picture for each in asked], GalleryFiles(index, kind), store)


def search_files(
    model: Model, index: Index, paths: Sequence[Path], k: int, kind: Kind, where: str | None
) -> Found:
    """What image files find in an index, in the last stage of ranking. See `Model.search`."""
    index.check_model(model.made_by(index.model.dimensions))
    asked, _ = find_files(paths, kind)
    queries = joined(as_queries(asked, index, model))
    searched = next((other for other in index.parts if other != kind), kind)
    depth = k if model.rerank is None else max(k, model.rerank.depth)
    hits = search(index, searched, queries, depth, where)
    return Found(looked_again(model, index, asked, queries, hits).first(k), index)
