"""What is searched in what: the drawings and the gallery of a split, by row number."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd
import torch
from torch import Tensor

from drawsim.collection.grades import REJECTED
from drawsim.collection.pairs import graded_unconfirmed
from drawsim.collection.splits import SETS, Set
from drawsim.collection.tables import Collection
from drawsim.retrieval.metrics.functions import expected_ranks
from drawsim.retrieval.ranking import Ranking, Relevance, rank
from drawsim.retrieval.reranking.base import Pictures, Subset
from drawsim.retrieval.reranking.chain import Chain

TOP = 20
"""Best gallery items kept for each query."""


def no_pairs() -> Relevance:
    """No drawing with no artwork."""
    return Relevance(torch.empty(0, dtype=torch.int64), torch.empty(0, dtype=torch.int64))


@dataclass(frozen=True)
class RetrievalTask:
    """Drawings against the whole gallery.

    drawings: ids of every drawing of the split, style copies included, then of `unlabelled` ones,
    of which no pair is known and which are no queries, then of `unpaired` ones, which are embedded
    at the end and never looked at; copies: rows of style copies. artworks: ids of the gallery.
    queries: for
    each set, rows of its original drawings. train_pairs: (P, 2) rows of drawing and artwork that
    train, style copies included. positives: all confirmed artworks of every drawing, those of the
    original for a style copy, whatever set they are in. rejected: likewise, the artworks that
    people found different; undecided: those that they gave another grade, without confirming the
    pair. Pairs that are not confirmed and have no grade say nothing.
    """

    drawings: list[str]
    artworks: list[str]
    queries: dict[Set, Tensor]
    train_pairs: Tensor
    positives: Relevance
    unlabelled: int = 0
    unpaired: int = 0
    copies: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.int64))
    rejected: Relevance = field(default_factory=no_pairs)
    undecided: Relevance = field(default_factory=no_pairs)

    @property
    def gallery(self) -> int:
        """Number of artworks."""
        return len(self.artworks)

    def pairs_of(self, name: Set) -> Tensor:
        """(P, 2) rows of drawing and artwork: every confirmed pair of a set's original drawings."""
        inside = torch.isin(self.positives.query, self.queries[name])
        return torch.stack([self.positives.query, self.positives.gallery], dim=1)[inside]

    def rows(self, sets: Sequence[Set]) -> Tensor:
        """Drawings needed to train on and to evaluate these sets, in ascending order."""
        chosen = [self.queries[name] for name in sets]
        if "train" in sets:
            chosen.append(self.train_pairs[:, 0])
        return torch.unique(torch.cat(chosen))

    def known(self) -> Tensor:
        """Drawings that may be looked at before the end: all but those of the test set."""
        looked_at = self.looked_at()
        without = looked_at[len(looked_at) - self.unlabelled :]
        return torch.cat([self.rows(("train", "val")), without])

    def looked_at(self) -> Tensor:
        """Drawings that training and evaluation look at: all but the unpaired ones."""
        return torch.arange(len(self.drawings) - self.unpaired)

    def originals(self) -> Tensor:
        """All drawings but style copies."""
        every = torch.arange(len(self.drawings))
        return every[~torch.isin(every, self.copies)]

    def relevant_to(self, queries: Tensor) -> Relevance:
        """Who is relevant to these drawings, (Q,) distinct rows; query i is queries[i]."""
        return among(self.positives, queries)

    def rank(
        self,
        queries: Tensor,
        drawings: Tensor,
        artworks: Tensor,
        reranker: Chain | None = None,
        pictures: Pictures | None = None,
    ) -> Ranking:
        """Rank the gallery for these drawings, (Q,) distinct rows; query i is queries[i].

        drawings, artworks: (D, d) and (N, d) unit rows, in the order of the task's ids. reranker:
        looks at the lists again; pictures: those of the task's drawings and artworks, if it does.
        """
        relevance = self.relevant_to(queries)
        asked = drawings[queries.to(drawings.device)]
        if reranker is None or not len(queries):
            return rank(asked, artworks, relevance, TOP)
        ranking = rank(asked, artworks, relevance, max(TOP, reranker.depth))
        some = None if pictures is None else Subset(pictures, queries.tolist())
        ranking = reranker.rerank(ranking, asked, artworks, some)
        top_index, top_score = ranking.top_index[:, :TOP], ranking.top_score[:, :TOP]
        return replace(ranking, top_index=top_index, top_score=top_score)


def among(pairs: Relevance, queries: Tensor) -> Relevance:
    """The pairs of these queries, (Q,) distinct rows; query i of the result is queries[i]."""
    highest = max([-1, *(int(rows.max()) for rows in (pairs.query, queries) if len(rows))])
    place = torch.full((highest + 1,), -1)
    place[queries] = torch.arange(len(queries))
    wanted = place[pairs.query] >= 0
    return Relevance(place[pairs.query[wanted]], pairs.gallery[wanted])


def union(some: Relevance, others: Relevance) -> Relevance:
    """The pairs of both, each once."""
    query = torch.cat([some.query, others.query])
    pairs = torch.stack([query, torch.cat([some.gallery, others.gallery])], dim=1)
    query, gallery = torch.unique(pairs, dim=0).unbind(dim=1)
    return Relevance(query, gallery)


def less(pairs: Relevance, others: Relevance, size: int) -> Relevance:
    """The pairs that are not among others, in a gallery of `size` artworks."""
    there = torch.isin(pairs.query * size + pairs.gallery, others.query * size + others.gallery)
    return Relevance(pairs.query[~there], pairs.gallery[~there])


def make_task(
    collection: Collection,
    split: pd.DataFrame,
    unlabelled: Sequence[str] = (),
    unpaired: Sequence[str] = (),
) -> RetrievalTask:
    """The task of a split: rows for ids, and who is relevant to whom.

    unlabelled: further drawings, of which no pair is known. unpaired: further drawings, which are
    embedded at the end.
    """
    drawings = list(dict.fromkeys(split["drawing_id"]))
    artworks = collection.artworks.index.tolist()
    drawing_row = {name: row for row, name in enumerate(drawings)}
    artwork_row = {name: row for row, name in enumerate(artworks)}
    parents = dict(zip(split["drawing_id"], split["parent"], strict=True))

    confirmed: dict[str, set[str]] = {}
    for table in (collection.true_pairs, split):
        for parent, artwork in zip(table["parent"], table["artwork_id"], strict=True):
            confirmed.setdefault(parent, set()).add(artwork)
    rejected: dict[str, set[str]] = {}
    undecided: dict[str, set[str]] = {}
    graded = graded_unconfirmed(collection.pairs)
    for parent, artwork, grade in zip(
        graded["parent"], graded["artwork_id"], graded["grade"], strict=True
    ):
        if artwork not in confirmed.get(parent, ()):
            (rejected if grade in REJECTED else undecided).setdefault(parent, set()).add(artwork)

    def rows(known: Mapping[str, set[str]]) -> Relevance:
        listed = [
            (drawing_row[drawing], artwork_row[artwork])
            for drawing in drawings
            for artwork in sorted(known.get(parents[drawing], ()))
        ]
        columns = torch.tensor(listed, dtype=torch.int64).view(-1, 2)
        return Relevance(columns[:, 0].contiguous(), columns[:, 1].contiguous())

    originals = split[split["drawing_id"] == split["parent"]]
    queries = {
        name: torch.tensor(
            sorted({drawing_row[i] for i in originals.loc[originals["set"] == name, "drawing_id"]}),
            dtype=torch.int64,
        )
        for name in SETS
    }
    copies = [drawing_row[name] for name in drawings if parents[name] != name]
    train = split[split["set"] == "train"]
    train_pairs = [
        (drawing_row[drawing], artwork_row[artwork])
        for drawing, artwork in zip(train["drawing_id"], train["artwork_id"], strict=True)
    ]
    return RetrievalTask(
        drawings=[*drawings, *unlabelled, *unpaired],
        artworks=artworks,
        queries=queries,
        train_pairs=torch.tensor(train_pairs, dtype=torch.int64).view(-1, 2),
        positives=rows(confirmed),
        unlabelled=len(unlabelled),
        unpaired=len(unpaired),
        copies=torch.tensor(copies, dtype=torch.int64),
        rejected=rows(rejected),
        undecided=rows(undecided),
    )


def ranks_table(task: RetrievalTask, name: Set, ranking: Ranking) -> pd.DataFrame:
    """One row per query of a set, as `ranks.csv` has it; lists are JSON texts."""
    ranks = expected_ranks(ranking)
    rows = []
    for query, drawing in enumerate(task.queries[name].tolist()):
        own = ranking.relevance.query == query
        order = torch.argsort(ranks[own])
        relevant = ranking.relevance.gallery[own][order].tolist()
        rows.append(
            {
                "set": name,
                "drawing_id": task.drawings[drawing],
                "relevant_ids": _json(task.artworks[i] for i in relevant),
                "relevant_ranks": _json(ranks[own][order].tolist()),
                "top_ids": _json(task.artworks[i] for i in ranking.top_index[query].tolist()),
                "top_scores": _json(round(s, 6) for s in ranking.top_score[query].tolist()),
            }
        )
    return pd.DataFrame(rows)


def _json(values: Iterable[object]) -> str:
    return json.dumps(list(values), ensure_ascii=False)
