"""Queries of an index and what they find: by id or vector, combined, filtered, fused.

Scores are cosine similarities, larger is nearer. A query that is in the index itself is never found
by itself among its own kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor
from torch.nn.functional import normalize

from drawsim.common.errors import UserError
from drawsim.retrieval.index.base import Searcher
from drawsim.retrieval.index.filters import Passing, parse_filter, passing
from drawsim.retrieval.index.folder import Index
from drawsim.retrieval.index.gallery import EmbeddingModel
from drawsim.retrieval.index.parts import Part

FEW = 20_000
"""Where a filter leaves fewer images, or less than a tenth, an exact search is as fast."""
RANK_CONSTANT = 60
"""k of reciprocal rank fusion, as in its paper: what damps the first ranks."""


@dataclass(frozen=True)
class Queries:
    """What is looked for.

    names: Q texts, ids or file names. vectors: (Q, d) float32, unit rows. model: what made them.
    own: for each query the images of an index that it is, as (kind, id); they are not found.
    """

    names: Sequence[str]
    vectors: Tensor
    model: EmbeddingModel
    own: Sequence[frozenset[tuple[str, str]]]

    def __post_init__(self) -> None:
        if not len(self.names) == len(self.vectors) == len(self.own):
            raise ValueError(f"{len(self.names)} names, {self.vectors.shape}, {len(self.own)} own")


def of_vectors(names: Sequence[str], vectors: Tensor, model: EmbeddingModel) -> Queries:
    """Queries that are not in the index. vectors: (Q, d), unit rows."""
    return Queries(names, vectors.float(), model, [frozenset()] * len(names))


def of_ids(index: Index, kind: str, ids: Sequence[str]) -> Queries:
    """Drawings or artworks of the index as queries (kind: drawing, artwork).

    Raises UserError, with the nearest ids, for one that is not there.
    """
    part = index.part(kind)
    vectors = part.embeddings.vectors[part.rows(ids)].float()
    return Queries(list(ids), vectors, index.model, [frozenset({(kind, name)}) for name in ids])


def joined(several: Sequence[Queries]) -> Queries:
    """Queries by one model, one after the other. Raises UserError if their models differ."""
    for queries in several:
        if queries.model.space != several[0].model.space:
            raise UserError(
                f"queries by {several[0].model} and by {queries.model} cannot be combined; embed "
                "all of them with one model"
            )
    return Queries(
        [name for queries in several for name in queries.names],
        torch.cat([queries.vectors for queries in several]),
        several[0].model,
        [own for queries in several for own in queries.own],
    )


def combined(positives: Queries, negatives: Queries | None = None, weight: float = 0.5) -> Queries:
    """One query out of several: like all of the positives, unlike the negatives.

    mean of the positives − weight × mean of the negatives, brought to length 1 (Rocchio, "Relevance
    feedback in information retrieval", 1971). Raises UserError if nothing is left of it.
    """
    if not len(positives.names):
        raise UserError("a combined query needs at least one image to be like")
    vector = positives.vectors.mean(dim=0)
    name = " + ".join(positives.names)
    own = reduce(frozenset.union, positives.own, frozenset[tuple[str, str]]())
    if negatives is not None and len(negatives.names):
        joined([positives, negatives])  # one model
        vector = vector - weight * negatives.vectors.mean(dim=0)
        name = " - ".join([name, *negatives.names])
        own = reduce(frozenset.union, negatives.own, own)
    if float(vector.norm()) < 1e-4:
        raise UserError(f"{name}: these images cancel each other; choose others or another weight")
    return Queries([name], normalize(vector[None], dim=1), positives.model, [own])


@dataclass(frozen=True)
class Hits:
    """What queries found, best first.

    queries: Q names. kind: drawing or artwork. ids: (Q, k) texts, scores: (Q, k); where a query
    found fewer than k, the id is "" and the score nan, at the end. notes: what to tell the user.
    """

    queries: Sequence[str]
    kind: str
    ids: npt.NDArray[np.object_]
    scores: npt.NDArray[np.floating[Any]]
    notes: tuple[str, ...] = ()

    @property
    def ranks(self) -> npt.NDArray[np.int64]:
        """Places in the lists, (Q, k), from 1; 0 where nothing is."""
        places = np.broadcast_to(np.arange(1, self.ids.shape[1] + 1), self.ids.shape)
        return np.where(np.isnan(self.scores), 0, places)

    def first(self, k: int) -> Hits:
        """The first k of each list."""
        return replace(self, ids=self.ids[:, :k], scores=self.scores[:, :k])

    def table(self, metadata: pd.DataFrame | None = None) -> pd.DataFrame:
        """A row for each hit: `query`, `rank`, `id`, `score`, and the columns of the metadata.

        metadata: indexed by id, such as `part.table`. A column of it whose name is taken gets the
        kind before it: `artwork_rank`.
        """
        query, place = np.nonzero(self.ranks)
        table = pd.DataFrame(
            {
                "query": np.array(self.queries, dtype=object)[query],
                "rank": place + 1,
                "id": self.ids[query, place],
                "score": self.scores[query, place],
            }
        )
        if metadata is None:
            return table
        taken = {name: f"{self.kind}_{name}" for name in table.columns if name in metadata.columns}
        return table.join(metadata.rename(columns=taken), on="id")


def search(
    index: Index,
    kind: str,
    queries: Queries,
    k: int,
    where: str | Mapping[str, Any] | None = None,
    ann: bool = False,
) -> Hits:
    """The k nearest drawings or artworks (kind: drawing, artwork) of each query.

    where: a filter (see `drawsim.retrieval.index.filters`), applied before ranking. ann: search
    approximately, where that is quicker; lists that come out too short are then completed by exact
    search. If k is larger than what there is to rank, all of it is ranked and a note says so.
    Raises UserError if the queries are by another model than the index, if it does not hold this
    kind, or for a filter that cannot be used.
    """
    if k < 1:
        raise UserError(f"k={k}: must be at least 1")
    index.check_model(queries.model)
    part = index.part(kind)
    conditions = parse_filter(where)
    allowed = passing(conditions, part.table) if conditions else None
    mask = None if allowed is None else allowed.mask
    own = _own_rows(part, queries)
    candidates = len(part.embeddings.ids) if mask is None else int(mask.sum())
    possible = torch.tensor([candidates - _allowed(rows, mask) for rows in own])

    few = mask is not None and candidates < max(FEW, len(mask) // 10)
    if ann and not few:
        scores, rows = _nearest(part.ann, queries.vectors, own, k, allowed)
        short = ((rows >= 0).sum(dim=1) < possible.clamp(max=k)).nonzero().flatten()
        if len(short):
            again = [own[query] for query in short.tolist()]
            scores[short], rows[short] = _nearest(
                part.exact, queries.vectors[short], again, k, allowed
            )
    else:
        scores, rows = _nearest(part.exact, queries.vectors, own, k, allowed)
    most = int(possible.max()) if len(possible) else k
    notes: tuple[str, ...] = ()
    if k > most:
        notes = (f"k={k}: there are {most} {kind}s to rank, and all of them are listed",)
        scores, rows = scores[:, :most], rows[:, :most]
    ids = part.names[rows.numpy()]
    return Hits(queries.names, kind, ids, scores.masked_fill(rows < 0, torch.nan).numpy(), notes)


def _own_rows(part: Part, queries: Queries) -> list[list[int]]:
    """Rows of the part that each query itself is."""
    known = part.embeddings.rows
    return [
        [known[name] for kind, name in own if kind == part.kind and name in known]
        for own in queries.own
    ]


def _allowed(rows: Sequence[int], mask: npt.NDArray[np.bool_] | None) -> int:
    return len(rows) if mask is None else int(mask[rows].sum())


def _nearest(
    searcher: Searcher,
    queries: Tensor,
    own: Sequence[Sequence[int]],
    k: int,
    allowed: Passing | None,
) -> tuple[Tensor, Tensor]:
    """Scores and rows of the k nearest of those that pass, (Q, k); -inf and -1 after the last."""
    return _without(*searcher.top_k(queries, k + _most(own), allowed), own, k)


def _most(own: Sequence[Sequence[int]]) -> int:
    return max((len(rows) for rows in own), default=0)


def _without(
    scores: Tensor, rows: Tensor, own: Sequence[Sequence[int]], k: int
) -> tuple[Tensor, Tensor]:
    """The lists less the queries' own rows, cut or filled up to k."""
    width = _most(own)
    if width:
        padded = torch.tensor([[*some, *[-1] * (width - len(some))] for some in own])
        dropped = (rows[:, :, None] == padded[:, None, :]).any(dim=2)
        scores = scores.masked_fill(dropped, -torch.inf)
        rows = rows.masked_fill(dropped, -1)
        order = torch.argsort((rows < 0).byte(), dim=1, stable=True)
        scores, rows = scores.gather(1, order), rows.gather(1, order)
    missing = max(0, k - rows.shape[1])
    pad = torch.nn.functional.pad
    return pad(scores[:, :k], (0, missing), value=-torch.inf), pad(
        rows[:, :k], (0, missing), value=-1
    )


def fused(several: Sequence[Hits], k: int, weights: Sequence[float] | None = None) -> Hits:
    """The lists of several models for the same queries as one list each.

    The score of an image is Σ weight / (60 + rank) over the lists that hold it (Cormack, Clarke and
    Büttcher, "Reciprocal rank fusion outperforms Condorcet and individual rank learning methods",
    2009, with a weight for each model). Lists should be longer than k: what a list lacks adds
    nothing. Of equal scores the one with the best rank in any list comes first, then the one in the
    earlier list. Raises UserError if queries, kinds or the number of weights do not match.
    """
    first = several[0]
    for hits in several:
        if list(hits.queries) != list(first.queries) or hits.kind != first.kind:
            raise UserError("only lists for the same queries, of one kind of image, can be fused")
    weights = [1.0] * len(several) if weights is None else weights
    if len(weights) != len(several) or not all(weight > 0 for weight in weights):
        raise UserError(
            f"weights {list(weights)}: one number above 0 for each of the {len(several)} models"
        )
    found = []
    for hits, weight in zip(several, weights, strict=True):
        query, place = np.nonzero(hits.ranks)
        columns = {"query": query, "rank": place + 1, "id": hits.ids[query, place]}
        found.append(pd.DataFrame(columns).assign(score=weight / (RANK_CONSTANT + place + 1)))
    by_image = pd.concat(found).groupby(["query", "id"], sort=False)
    table = by_image.agg(score=("score", "sum"), rank=("rank", "min")).reset_index()
    table = table.sort_values(
        ["query", "score", "rank"], ascending=[True, False, True], kind="stable"
    )
    table["place"] = table.groupby("query").cumcount()
    table = table[table["place"] < k]
    width = int(table["place"].max()) + 1 if len(table) else 0
    ids = np.full((len(first.queries), width), "", dtype=object)
    scores = np.full((len(first.queries), width), np.nan)
    ids[table["query"], table["place"]] = table["id"]
    scores[table["query"], table["place"]] = table["score"]
    note = f"k={k}: the lists hold {width} {first.kind}s at most, and all of them are listed"
    return replace(first, ids=ids, scores=scores, notes=(note,) if width < k else ())
