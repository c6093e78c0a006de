"""What every miner is given and gives, and lists of artworks as tables."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal, get_args

import torch
from torch import Tensor

from drawsim.common.errors import UserError, nearest
from drawsim.retrieval.ranking import Relevance
from drawsim.retrieval.task import union

Remine = Literal["every_epoch", "on_improvement"]
NOTHING = -1
"""Stands for no artwork."""


@dataclass(frozen=True)
class Snapshot:
    """What a miner chooses from.

    drawings: (D, d), artworks: (N, d), unit rows as the model embeds them now. positives: pairs of
    their rows that belong together; ignored_pairs: pairs that are not to be told apart either: the
    artwork is a near-duplicate of one of the drawing's own, or people are undecided about it.
    Neither are ever negatives. epoch: the number of epochs that have been trained.
    """

    drawings: Tensor
    artworks: Tensor
    positives: Relevance
    ignored_pairs: Relevance | None
    epoch: int

    @cached_property
    def never(self) -> Relevance:
        """All pairs that are not to be told apart."""
        if self.ignored_pairs is None:
            return self.positives
        return union(self.positives, self.ignored_pairs)


@dataclass(kw_only=True)
class Miner(ABC):
    """What a miner has.

    negatives: how many it chooses for a drawing; 0 for a miner that `mines` none. remine:
    `every_epoch`, or `on_improvement` (thesis, "Mining"): only after an epoch with a lower val loss
    than the best so far or a higher val recall@20 than the epoch before. near_duplicate_similarity:
    see `drawsim.learning.miners.near_duplicates`; None: no such check.
    Raises UserError for a setting out of its range.
    """

    mines: ClassVar[bool] = True
    negatives: int
    remine: Remine = "every_epoch"
    near_duplicate_similarity: float | None = None

    def __post_init__(self) -> None:
        choices = get_args(Remine)
        if self.remine not in choices:
            raise UserError(f"miner.remine={self.remine}: {nearest(self.remine, choices)}")
        if self.mines:
            check_at_least_one(negatives=self.negatives)
        similarity = self.near_duplicate_similarity
        if similarity is not None and not 0 < similarity <= 1:
            raise UserError(
                f"miner.near_duplicate_similarity={similarity}: a cosine above 0 and up to 1."
            )

    def check(self, gallery_size: int, positives: Relevance) -> None:
        """Raise UserError if the gallery is too small to give each drawing its negatives."""
        most = most_artworks(positives)
        if gallery_size - most < self.negatives:
            raise UserError(
                f"miner.negatives={self.negatives}, but the gallery has {gallery_size} artworks, "
                f"of which up to {most} are a drawing's own: lower miner.negatives to "
                f"{max(0, gallery_size - most)} or add artworks."
            )

    @abstractmethod
    def mine(self, seen: Snapshot) -> Tensor:
        """Artwork rows for each drawing: (D, negatives) int64, with NOTHING last where it has less.

        The doc of each miner says in which order.
        """


def check_at_least_one(**settings: int) -> None:
    """Raise UserError for a setting of the group `miner` that is below 1."""
    for name, value in settings.items():
        if value < 1:
            raise UserError(f"miner.{name}={value}: at least one is needed.")


def most_artworks(pairs: Relevance) -> int:
    """The most artworks that any drawing has."""
    return int(torch.bincount(pairs.query).max()) if len(pairs.query) else 0


def listed(pairs: Relevance, rows: int, filler: int = NOTHING) -> Tensor:
    """Pairs as a table: the artworks of each of `rows` drawings in their order, then the filler.

    (rows, m) int64, m the most artworks that any has.
    """
    order = torch.argsort(pairs.query, stable=True)
    query, gallery = pairs.query[order], pairs.gallery[order]
    table = torch.full((rows, most_artworks(pairs)), filler)
    table[query, places(query, rows)] = gallery
    return table


def places(query: Tensor, rows: int) -> Tensor:
    """The place of each pair among those of its drawing, from 0; query: (P,) rows, ascending."""
    counts = torch.bincount(query, minlength=rows)
    return torch.arange(len(query)) - (counts.cumsum(0) - counts)[query]


def nothing_last(table: Tensor) -> Tensor:
    """The rows of a table with NOTHING moved behind everything else, whose order stays."""
    return table.gather(1, (table == NOTHING).int().argsort(dim=1, stable=True))
