"""Several ways of re-ranking, one after the other: each looks at what the one before it left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from drawsim.retrieval.ranking import Ranking
from drawsim.retrieval.reranking.base import Lists, Pictures, Reranker, reordered, reranked


@dataclass(frozen=True)
class Chain:
    """How the lists of a model are looked at again, in order; at least one link.

    Each link looks at the first `depth` of its own; what comes after them stays where it was.
    """

    links: tuple[Reranker, ...]

    @property
    def name(self) -> str:
        """Its links as people choose them."""
        return ", ".join(link.name for link in self.links)

    @property
    def depth(self) -> int:
        """How many of each list any link looks at."""
        return max(link.depth for link in self.links)

    @property
    def looks(self) -> bool:
        """Whether any link needs the pictures."""
        return any(link.looks for link in self.links)

    @property
    def says(self) -> str:
        """What the scores of the last link are, for people."""
        return self.links[-1].says

    def without(self, names: Sequence[str]) -> Chain | None:
        """The chain less the links of these names; None where none is left."""
        kept = tuple(link for link in self.links if link.name not in names)
        return Chain(kept) if kept else None

    def reorder(self, lists: Lists, pictures: Pictures | None = None) -> Lists:
        """Lists of any length in the order of the last link. Raises UserError as `scores` does."""
        for link in self.links:
            lists = reordered(link, lists, pictures)
        return lists

    def rerank(
        self, ranking: Ranking, queries: Tensor, gallery: Tensor, pictures: Pictures | None = None
    ) -> Ranking:
        """A ranking of (Q, d) queries and (N, d) gallery, with lists of `depth` at least."""
        for link in self.links:
            ranking = reranked(link, ranking, queries, gallery, pictures)
        return ranking


def chain_of(links: Sequence[Reranker]) -> Chain | None:
    """The chain of these links; None: of none."""
    return Chain(tuple(links)) if links else None
