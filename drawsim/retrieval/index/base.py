"""What a way to search vectors has to offer: build, add, remove, search, and say what it is.

A backend is a file and an option of `conf/ann`: settings that users choose, which build it or open
what was built, and what answers. It keeps what it makes in a file of the index's folder, or in a
database. Exact search is always there, by the vectors of the folder, which is where the truth is:
whatever a backend finds is a row of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import torch
from torch import Tensor

from drawsim.common.errors import UserError
from drawsim.retrieval.index.filters import Passing
from drawsim.retrieval.index.gallery import EmbeddingModel

GATHERED = 1 << 26
"""Numbers of vectors that are copied at a time: 64 M float32 are 256 MiB."""


@dataclass(frozen=True)
class Place:
    """Where what is built is kept: in an index's folder, or in a database that a file there names.

    kind, change: of the part of the index that it searches. model: what made the vectors. database:
    the address that the user gave, None where he gave none.
    """

    folder: Path
    kind: str
    change: int
    model: EmbeddingModel
    database: str | None = None

    def file(self, ending: str) -> Path:
        """The file of the folder with this ending."""
        return self.folder / f"{self.kind}s.{self.change}.{ending}"


@dataclass(frozen=True)
class Items:
    """What is searched, row by row.

    ids: N that differ. vectors: (N, d) float32 or float16, unit rows, maybe memory-mapped. table:
    text cells, N rows in the same order, which filters ask for. place: where the searcher is kept.
    """

    ids: Sequence[str]
    vectors: Tensor
    table: pd.DataFrame
    place: Place


class Searcher(ABC):
    """Vectors that can be searched, (N, d) unit rows."""

    @abstractmethod
    def top_k(
        self, queries: Tensor, k: int, passing: Passing | None = None
    ) -> tuple[Tensor, Tensor]:
        """The k nearest rows of each query, as far as they are found.

        queries: (Q, d) float32. passing: what may be found (default: all). Returns scores, float32,
        and rows, both (Q, at most k), best first; where a query has found no more, the row is -1
        and the score -inf.
        """


class Approximate(Searcher):
    """One that is built, kept, and may overlook something."""

    settings: Settings
    """As it was built: numbers that were left to it are filled in."""

    @property
    @abstractmethod
    def count(self) -> int:
        """N."""

    @property
    @abstractmethod
    def bytes(self) -> int:
        """How many it takes where it is kept, once it is saved."""

    def looked_at(self, k: int) -> int:
        """How many of its own results are scored again to have the best k."""
        return k

    @abstractmethod
    def add(self, items: Items, rows: Sequence[int]) -> None:
        """Take in rows of the items that are searched from now on; the last, but in a database."""

    def remove(self, items: Items, ids: Sequence[str]) -> None:
        """Take ids out; the items are what is searched once all is added that comes instead."""
        raise NotImplementedError  # see InDatabase

    @abstractmethod
    def save(self, items: Items) -> None:
        """Keep what was built or changed, whole or not at all, at the place of the items."""


@dataclass(frozen=True)
class Settings(ABC):
    """What users choose of a backend: its fields are whole numbers from 1 on."""

    ending: ClassVar[str]
    """Of the file that it is kept in, or that names what is kept in a database."""
    by_itself: ClassVar[frozenset[str]] = frozenset()
    """Fields that may be None: they follow from the number of vectors."""

    @abstractmethod
    def build(self, items: Items) -> Approximate:
        """Items made searchable. Raises UserError without its library or database."""

    @abstractmethod
    def load(self, items: Items) -> Approximate:
        """What was saved for these items. Raises UserError if it is damaged or another, or without
        its library or database."""


class InDatabase(Settings):
    """Of a backend that keeps items in a database, by their ids, and a file that names it there.

    Any items can be removed, and added anew with what is said about them now. What is in a file
    alone has its rows in the order in which they came: it takes in further ones, and after any
    other change it is built again.
    """

    @abstractmethod
    def tidy(self, items: Items) -> None:
        """Delete from the database what is not among the items. Raises UserError."""

    @classmethod
    @abstractmethod
    def drop(cls, file: Path, database: str | None) -> None:
        """Delete from the database what a file of an earlier change names, if nothing else does.

        database: the address that the user gave. Raises UserError where that cannot be done now.
        """


class Rescored(Searcher):
    """What another finds, by its exact cosines. vectors: (N, d), float32 or float16.

    Rows that are none, or come again, are as if not found: a damaged file can say anything.
    """

    def __init__(self, coarse: Approximate, vectors: Tensor) -> None:
        self.coarse = coarse
        self.vectors = vectors

    def top_k(
        self, queries: Tensor, k: int, passing: Passing | None = None
    ) -> tuple[Tensor, Tensor]:
        """The best k of what it finds; of equal scores, the row that comes first."""
        _, rows = self.coarse.top_k(queries, self.coarse.looked_at(k), passing)
        rows = rows.masked_fill((rows < 0) | (rows >= len(self.vectors)), -1).sort(dim=1).values
        rows[:, 1:] = rows[:, 1:].masked_fill(rows[:, 1:] == rows[:, :-1], -1)
        scores = torch.full(rows.shape, -torch.inf)
        step = max(1, GATHERED // max(1, rows.shape[1] * queries.shape[1]))
        for start in range(0, len(rows), step):
            some = slice(start, start + step)
            found = self.vectors[rows[some].clamp(min=0)].float()
            scores[some] = torch.einsum("qd,qcd->qc", queries[some], found)
        scores.masked_fill_(rows < 0, -torch.inf)
        scores, order = scores.sort(dim=1, descending=True, stable=True)
        return scores[:, :k], rows.gather(1, order)[:, :k]


def searcher(backend: Approximate, vectors: Tensor) -> Searcher:
    """What a backend finds, with exact scores. vectors: (N, d), of its items."""
    return Rescored(backend, vectors)


def check_numbers(settings: type[Settings], values: Iterable[tuple[str, Any]]) -> None:
    """Raise UserError for a value that is no whole number from 1 on."""
    for name, value in values:
        if value is None and name in settings.by_itself:
            continue
        if type(value) is not int or value < 1:
            raise UserError(f"ann.{name}={value}: must be a whole number from 1 on")
