"""A second look at ranked lists: what all ways of it have in common.

A way of re-ranking gives new scores to the first images of each list, and the list is put in their
order; what comes after them stays where it was. It is part of a model, so that training,
evaluation and search have the same lists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from drawsim.retrieval.ranking import TIE, Ranking
from drawsim.retrieval.reranking.local import LocalFeatures


@dataclass(frozen=True)
class Lists:
    """What queries found, best first.

    queries: (Q, d) and gallery: (N, d), unit rows; rows: (Q, m) gallery rows; scores: (Q, m).
    """

    queries: Tensor
    gallery: Tensor
    rows: Tensor
    scores: Tensor


class Pictures(Protocol):
    """The pictures behind the vectors, for ways that look at them."""

    def prepare(self, rows: Sequence[int]) -> None:
        """Compute what will be asked for of these gallery rows, all at once."""
        ...

    def queries(self, numbers: Sequence[int]) -> LocalFeatures:
        """Local features of queries: for each two pictures, as it is and mirrored.

        Raises UserError for a query whose picture is not known.
        """
        ...

    def gallery(self, rows: Sequence[int]) -> tuple[list[int], LocalFeatures]:
        """Those of the rows whose pictures can be read, by place, and their local features."""
        ...


@runtime_checkable
class Reranker(Protocol):
    """A way of re-ranking.

    name: as people choose it. depth: how many of each list it looks at. looks: whether it needs the
    pictures. says: what its scores are, for people.
    """

    name: str
    depth: int
    looks: bool
    says: str

    def scores(self, lists: Lists, pictures: Pictures | None) -> Tensor:
        """New scores of the listed images, (Q, m), larger is better; m is `depth` at most."""
        ...


def reordered(reranker: Reranker, lists: Lists, pictures: Pictures | None = None) -> Lists:
    """The lists with their first `depth` in the order of new scores, which take the old's place.

    A row of -1 says that a list has ended. Raises UserError where pictures are needed and missing.
    """
    rows, scores = lists.rows.clone(), lists.scores.clone()
    lengths = (lists.rows[:, : reranker.depth] >= 0).sum(dim=1)
    for length in torch.unique(lengths).tolist():
        if length < 1:
            continue
        some = (lengths == length).nonzero().flatten()
        head = Lists(lists.queries[some], lists.gallery, rows[some, :length], scores[some, :length])
        chosen = None if pictures is None else Subset(pictures, some.tolist())
        new, place = reranker.scores(head, chosen).sort(dim=1, descending=True, stable=True)
        rows[some, :length] = head.rows.gather(1, place)
        scores[some, :length] = new.to(scores.dtype)
    return replace(lists, rows=rows, scores=scores)


def reranked(
    reranker: Reranker,
    ranking: Ranking,
    queries: Tensor,
    gallery: Tensor,
    pictures: Pictures | None = None,
) -> Ranking:
    """A ranking with the first `depth` of its lists in the order of the new scores.

    ranking: of these (Q, d) queries and (N, d) gallery, with lists of `depth` at least.
    """
    head, tail = slice(reranker.depth), slice(reranker.depth, None)
    first = replace(
        ranking, top_index=ranking.top_index[:, head], top_score=ranking.top_score[:, head]
    )
    lists = Lists(queries, gallery, first.top_index, first.top_score)
    new = with_scores(first, reranker.scores(lists, pictures).to(first.top_score.dtype))
    return replace(
        new,
        top_index=torch.cat([new.top_index, ranking.top_index[:, tail]], dim=1),
        top_score=torch.cat([new.top_score, ranking.top_score[:, tail]], dim=1),
    )


@dataclass(frozen=True)
class Subset:
    """The pictures of some of the queries: query i is numbers[i] of theirs."""

    pictures: Pictures
    numbers: list[int]

    def prepare(self, rows: Sequence[int]) -> None:
        self.pictures.prepare(rows)

    def queries(self, numbers: Sequence[int]) -> LocalFeatures:
        return self.pictures.queries([self.numbers[number] for number in numbers])

    def gallery(self, rows: Sequence[int]) -> tuple[list[int], LocalFeatures]:
        return self.pictures.gallery(rows)


def with_scores(ranking: Ranking, scores: Tensor) -> Ranking:
    """The ranking with its lists in the order of new scores, (Q, k), one for each listed artwork.

    What is not listed stays behind the list, in its old order.
    """
    new, place = scores.sort(dim=1, descending=True, stable=True)
    listed = ranking.top_index.shape[1]
    query, gallery = ranking.relevance.query, ranking.relevance.gallery
    own = ranking.top_index[query] == gallery[:, None]
    score = (scores[query] * own).sum(dim=1, keepdim=True)
    tie = TIE[scores.dtype]
    ahead = (scores[query] > score + tie).sum(dim=1)
    level = (scores[query] >= score - tie).sum(dim=1) - ahead
    behind = ranking.higher.clamp(min=listed)
    inside = own.any(dim=1)
    return replace(
        ranking,
        top_index=ranking.top_index.gather(1, place),
        top_score=new,
        higher=torch.where(inside, ahead, behind),
        equal=torch.where(inside, level, ranking.higher + ranking.equal - behind),
    )
