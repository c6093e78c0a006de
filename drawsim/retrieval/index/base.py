"""What a way to search vectors has to offer, and how well an approximate one does.

A backend is a file: settings that users give, which build it, and what answers. Exact search is
always there; those that are built and kept beside the vectors have an entry in `backends`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from drawsim.common.errors import UserError
from drawsim.retrieval.ranking import TIE, top_k

MEASURED_K = 10
SAMPLE = 1000
"""Queries on which recall is measured."""

Mask = npt.NDArray[np.bool_]


class Searcher(ABC):
    """Vectors that can be searched, (N, d) unit rows."""

    @abstractmethod
    def top_k(self, queries: Tensor, k: int, mask: Mask | None = None) -> tuple[Tensor, Tensor]:
        """The k nearest rows of each query, as far as they are found.

        queries: (Q, d) float32. mask: (N,), the rows that may be found (default: all). Returns
        scores and rows, both (Q, at most k), best first; where a query has found no more, the row
        is -1 and the score -inf.
        """


class Approximate(Searcher):
    """One that is built, kept in a file, and may overlook something."""

    settings: Settings
    """As it was built: numbers that were left to it are filled in."""

    @property
    @abstractmethod
    def count(self) -> int:
        """N."""

    @abstractmethod
    def add(self, vectors: Tensor) -> None:
        """Take in further rows, (n, d) float32."""

    @abstractmethod
    def save(self, path: Path) -> None:
        """Write it, atomically."""


@dataclass(frozen=True)
class Settings(ABC):
    """What users choose of a backend: its fields are whole numbers from 1 on."""

    ending: ClassVar[str]
    """Of the file that it is kept in."""
    by_itself: ClassVar[frozenset[str]] = frozenset()
    """Fields that may be None: they follow from the number of vectors."""

    @abstractmethod
    def build(self, vectors: Tensor) -> Approximate:
        """Vectors, (N, d) float32, made searchable. Raises UserError without its library."""

    @abstractmethod
    def load(self, path: Path) -> Approximate:
        """What `save` wrote. Raises UserError if it is damaged, or without its library."""


@dataclass(frozen=True)
class Measured:
    """How an approximate index was made, and how much of the exact answer it gives.

    recall: share of the exact 10 nearest that it finds, mean over `sample` items of the gallery,
    each searched among all others.
    """

    kind: str
    settings: Settings
    recall: float
    sample: int

    def record(self) -> dict[str, Any]:
        """For the manifest of an index."""
        recall = {f"recall@{MEASURED_K}": self.recall, "sample": self.sample}
        return {"type": self.kind, "parameters": asdict(self.settings), **recall}


def measured_recall(searcher: Searcher, vectors: Tensor) -> tuple[float, int]:
    """Recall of the nearest of sampled items among all others, and the size of the sample.

    vectors: (N, d) float32, what is searched. Equal scores are equally right.
    """
    k = min(MEASURED_K, len(vectors) - 1)
    generator = torch.Generator().manual_seed(0)
    sample = torch.randperm(len(vectors), generator=generator)[:SAMPLE]
    if k == 0:
        return 1.0, len(sample)
    queries = vectors[sample]
    # Each item is its own nearest, and left out.
    best, rows = top_k(queries, vectors, k + 1)
    least = _without(best, rows, sample)[:, k - 1 : k]
    found = _without(*searcher.top_k(queries, k + 1), sample)[:, :k]
    recall = (found >= least - TIE[torch.float32]).double().mean()
    return float(recall), len(sample)


def _without(scores: Tensor, rows: Tensor, own: Tensor) -> Tensor:
    """The scores in descending order, those of the queries' own rows at the end."""
    return scores.masked_fill(rows == own[:, None], -torch.inf).sort(dim=1, descending=True).values


def check_numbers(settings: type[Settings], values: Iterable[tuple[str, Any]]) -> None:
    """Raise UserError for a value that is no whole number from 1 on."""
    for name, value in values:
        if value is None and name in settings.by_itself:
            continue
        if type(value) is not int or value < 1:
            raise UserError(f"ann.{name}={value}: must be a whole number from 1 on")
