"""The drawings or the artworks of an index: vectors, what is known about them, and their files."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from drawsim.collection.csv_files import write_csv
from drawsim.collection.kinds import KINDS
from drawsim.collection.spreadsheets import unguarded
from drawsim.common.errors import UserError
from drawsim.common.files import read_table
from drawsim.retrieval.embeddings import Embeddings, ids_path, load_embeddings
from drawsim.retrieval.index.base import (
    Approximate,
    Items,
    Place,
    Searcher,
    Settings,
    searcher,
)
from drawsim.retrieval.index.exact import Exact
from drawsim.retrieval.index.filters import offer
from drawsim.retrieval.index.gallery import EmbeddingModel, Gallery
from drawsim.retrieval.index.measured import Measured, measured, recorded

AGAIN = "build it again with drawsim index"
LARGE = 1 << 28
"""Numbers of vectors that are not kept as float32 in memory: that would take 1 GiB."""


@dataclass(frozen=True)
class Part:
    """The drawings or the artworks of an index.

    embeddings: memory-mapped. table: text cells, indexed by `id`, in the order of the embeddings.
    measured: how they can be searched approximately, if at all. change: the number in the names of
    their files. model: what made the vectors. database: the address that the user gave, for what
    is kept in one.
    """

    kind: str
    embeddings: Embeddings
    table: pd.DataFrame
    measured: Measured | None
    folder: Path
    change: int
    model: EmbeddingModel
    database: str | None = None

    @property
    def settings(self) -> Settings | None:
        """How approximate search was asked for, if at all."""
        return None if self.measured is None else self.measured.settings

    @cached_property
    def matrix(self) -> Tensor:
        """The vectors as float32, (N, d)."""
        return self.embeddings.vectors.float()

    @cached_property
    def names(self) -> npt.NDArray[np.object_]:
        """The ids and, for the row -1, an empty text: (N + 1,)."""
        return np.array([*self.embeddings.ids, ""], dtype=object)

    @cached_property
    def exact(self) -> Searcher:
        """What searches it exactly: large parts as they are stored, others as float32."""
        large = self.embeddings.vectors.numel() > LARGE
        return Exact(self.embeddings.vectors if large else self.matrix)

    @cached_property
    def ann(self) -> Searcher:
        """What searches it approximately. Raises UserError as `load_ann` does."""
        return searcher(self.load_ann(), self.embeddings.vectors)

    @property
    def items(self) -> Items:
        """What a backend is told of it."""
        return Items(self.embeddings.ids, self.embeddings.vectors, self.table, self.place)

    @property
    def place(self) -> Place:
        """Where it is kept."""
        return Place(self.folder, self.kind, self.change, self.model, self.database)

    def load_ann(self) -> Approximate:
        """What searches it approximately, as it was saved.

        Raises UserError if there is none, if it is damaged, or without its library or database.
        """
        if self.measured is None:
            raise UserError(
                f"{self.folder}: the {self.kind}s can be searched exactly only; search exactly, or "
                "build the index for approximate search, such as ann=hnsw"
            )
        return self.measured.settings.load(self.items)

    @property
    def files(self) -> list[Path]:
        """What it consists of on disk."""
        vectors = self.file("safetensors")
        ann = [] if self.settings is None else [self.file(self.settings.ending)]
        return [vectors, ids_path(vectors), self.file("csv"), *ann]

    def file(self, ending: str) -> Path:
        """The file with this ending."""
        return self.place.file(ending)

    def rows(self, ids: Sequence[str]) -> list[int]:
        """The row of each id. Raises UserError, with the nearest, for an id that is not there."""
        known = self.embeddings.rows
        for name in ids:
            if name not in known:
                raise UserError(f"no {self.kind} {name!r} in the index, {offer(name, known)}")
        return [known[name] for name in ids]

    def record(self) -> dict[str, Any]:
        """What index.json says of it, by which `read_part` finds it and knows it for the same."""
        return {
            "count": len(self.embeddings.ids),
            "dtype": str(self.embeddings.vectors.dtype).removeprefix("torch."),
            "ids_sha256": _ids_hash(self.embeddings.ids),
            "change": self.change,
            "bytes": {file.name: file.stat().st_size for file in self.files},
            "ann": None if self.measured is None else self.measured.record(),
        }


@dataclass(frozen=True)
class Change:
    """How what searched a part becomes what searches the next one: ids go, then rows come."""

    ann: Approximate
    gone: Sequence[str]
    fresh: Sequence[int]


def described(gallery: Gallery) -> pd.DataFrame:
    """The rows of a gallery's table for its ids, as text; nan where it says nothing."""
    own = pd.Index(list(gallery.embeddings.ids), name="id", dtype=object)
    rows = gallery.table[gallery.table.index.isin(own)]
    return rows.astype(str).astype(object).where(rows.notna()).reindex(own)


def merged_tables(old: pd.DataFrame, new: pd.DataFrame, fresh: Sequence[str]) -> pd.DataFrame:
    """The old table with the cells that the new one has, and with the fresh rows at the end."""
    columns = [*old.columns, *(name for name in new.columns if name not in old.columns)]
    table = old.reindex(index=[*old.index, *fresh], columns=columns).astype(object)
    table.update(new)
    return table.fillna("").rename_axis("id")


def write_part(part: Part, settings: Settings | None, change: Change | None = None) -> Part:
    """Write the files of a part. change: what makes it of one that was there; None: build it."""
    known = None
    if settings is not None:
        began = time.perf_counter()
        ann = settings.build(part.items) if change is None else _changed(change, part.items)
        ann.save(part.items)
        known = measured(ann, part.items, time.perf_counter() - began)
    part.embeddings.save(part.file("safetensors"), part.model.metadata())
    write_csv(part.table.reset_index(), part.file("csv"))
    return replace(part, measured=known)


def _changed(change: Change, items: Items) -> Approximate:
    """What searches the items from now on."""
    if change.gone:
        change.ann.remove(items, change.gone)
    if change.fresh:
        change.ann.add(items, change.fresh)
    return change.ann


def whole_change(number: object) -> int:
    """The number of a change, as index.json says it. Raises ValueError for what is none."""
    if type(number) is not int or number < 0:
        raise ValueError("a change that is no whole number")
    return number


def read_part(
    folder: Path,
    kind: str,
    entry: Mapping[str, Any],
    model: EmbeddingModel,
    database: str | None = None,
) -> Part:
    """Open a part by its record, of vectors by a model. database: the address that the user gave.

    Raises UserError if its files are not those that were written, or other vectors are in them; and
    ValueError, TypeError, KeyError or AttributeError for what is no record.
    """
    if kind not in KINDS:
        raise ValueError("a kind that is neither drawing nor artwork")
    known = None if entry["ann"] is None else recorded(entry["ann"])
    change = whole_change(entry["change"])
    nothing = Embeddings([], torch.empty(0))
    part = Part(kind, nothing, pd.DataFrame(), known, folder, change, model, database)
    for file in part.files:
        size = file.stat().st_size if file.is_file() else None
        if size != entry["bytes"][file.name]:
            raise UserError(f"{file}: {'missing' if size is None else 'damaged'}; {AGAIN}")
    embeddings = load_embeddings(part.file("safetensors"))
    width = embeddings.vectors.shape[1]
    if width != model.dimensions:
        raise UserError(
            f"{folder}: the vectors of its {kind}s have {width} dimensions, not the "
            f"{model.dimensions} of its model; {AGAIN}"
        )
    table = unguarded(read_table(part.file("csv"), ("id",))).set_index("id")
    ids = embeddings.ids
    if list(table.index) != list(ids) or _ids_hash(ids) != entry["ids_sha256"]:
        raise UserError(
            f"{folder}: the tables of its {kind}s are not those it was built with; {AGAIN}"
        )
    return replace(part, embeddings=embeddings, table=table)


def _ids_hash(ids: Sequence[str]) -> str:
    """SHA-256 of the ids in their order."""
    return hashlib.sha256(json.dumps(list(ids)).encode()).hexdigest()
