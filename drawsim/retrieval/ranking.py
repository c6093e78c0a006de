"""The ranking core: one pass over the gallery that serves metrics, mining and search.

Scores are cosine similarities: queries and gallery are unit rows, larger is nearer. A block of
queries meets the whole gallery in one matrix product; the best k are kept, and the rank of each
relevant item is found by counting what scores higher. A score that is no number is the worst there
is. Memory is O(block), whatever the sizes, and
nothing is ever fully sorted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from drawsim.retrieval.selection import largest, padded

BLOCK = 1 << 26
"""Scores held at a time: 64 M float32 are 256 MiB. The product of few rows takes longer by row."""

TIE = {torch.float32: 5e-7, torch.float64: 1e-14}
"""Scores this near are equal: the same two vectors give products up to 1.2e-7 apart, by where in
the matrix they stand (float32, measured up to 2048 dimensions; float64 in proportion)."""


@dataclass(frozen=True)
class Relevance:
    """Which gallery items are relevant to which queries: pair i says gallery[i] suits query[i].

    query, gallery: (P,) int64 row numbers. No pair twice. Queries may have several relevant items.
    """

    query: Tensor
    gallery: Tensor

    def __post_init__(self) -> None:
        if self.query.shape != self.gallery.shape or self.query.ndim != 1:
            raise ValueError(f"pairs of shape {self.query.shape} and {self.gallery.shape}")
        pairs = torch.stack([self.query, self.gallery], dim=1)
        if len(torch.unique(pairs, dim=0)) != len(pairs):
            raise ValueError("a pair is listed twice")


@dataclass(frozen=True)
class Ranking:
    """What the gallery looks like from each query.

    top_index, top_score: (Q, k) best gallery rows and their scores, best first.
    higher, equal: (P,) int64, for each relevant pair in the order of the Relevance: how many
        gallery items score higher, and how many score the same (itself counted).
    """

    top_index: Tensor
    top_score: Tensor
    relevance: Relevance
    higher: Tensor
    equal: Tensor
    gallery_size: int

    @property
    def tie_rate(self) -> float:
        """Share of relevant pairs whose score is shared with another gallery item (0 if none)."""
        return float((self.equal > 1).double().mean()) if len(self.equal) else 0.0


def rank(queries: Tensor, gallery: Tensor, relevance: Relevance, k: int) -> Ranking:
    """Rank the gallery for every query.

    queries: (Q, d), gallery: (N, d), unit rows on one device. k is cut to N;
    0 leaves the lists out.
    """
    tie = TIE[queries.dtype]
    order = torch.argsort(relevance.query, stable=True)
    pair_query = relevance.query[order].to(queries.device)
    pair_gallery = relevance.gallery[order].to(queries.device)
    higher = torch.zeros_like(pair_query)
    equal = torch.zeros_like(pair_query)
    lists = _Lists(queries, gallery, min(k, len(gallery)))
    for start, room in _blocks(queries, gallery, lists.width):
        scores = _numbers(room[:, : len(gallery)])
        lists.keep(start, room)
        bounds = torch.tensor([start, start + len(scores)], device=pair_query.device)
        first, last = torch.searchsorted(pair_query, bounds).tolist()
        # Relevant pairs are counted a few at a time, so that a query with very many of them does
        # not need a copy of its scores for each.
        step = max(1, BLOCK // max(1, len(gallery)))
        for i in range(first, last, step):
            some = slice(i, min(i + step, last))
            rows = scores[pair_query[some] - start]
            own = rows.gather(1, pair_gallery[some, None])
            higher[some] = _count(rows, own + tie, torch.Tensor.gt_)
            equal[some] = _count(rows, own - tie, torch.Tensor.ge_) - higher[some]
    back = torch.argsort(order)
    return Ranking(
        top_index=lists.index,
        top_score=lists.score,
        relevance=relevance,
        higher=higher.cpu()[back],
        equal=equal.cpu()[back],
        gallery_size=len(gallery),
    )


def _count(rows: Tensor, bound: Tensor, beyond: Callable[[Tensor, int], Tensor]) -> Tensor:
    """How many scores of each row are beyond its bound, (R,) int64.

    In floating point, which on a CPU takes a third of the time of truth values; ones add up exactly
    as long as a row is shorter than 2^24.
    """
    return beyond(rows - bound, 0).sum(dim=1).long()


def top_k(
    queries: Tensor, gallery: Tensor, k: int, exclude: Relevance | None = None
) -> tuple[Tensor, Tensor]:
    """The k nearest gallery rows of each query, less the excluded pairs.

    Returns scores and gallery rows, both (Q, k), best first. Raises ValueError if the gallery
    leaves fewer than k rows to some query.
    """
    left = len(gallery)
    if exclude is not None and len(exclude.query):
        left -= int(torch.bincount(exclude.query).max())
    if k > left:
        raise ValueError(f"{k} nearest of {left} gallery rows asked for")
    lists = _Lists(queries, gallery, k)
    for start, room in _blocks(queries, gallery, lists.width):
        lists.keep(start, room, _inside(exclude, start, room))
    return lists.score, lists.index


Places = tuple[Tensor, Tensor]
"""Rows and columns of a block."""


def _inside(exclude: Relevance | None, start: int, room: Tensor) -> Places | None:
    """Where in the block that begins with the query `start` the excluded pairs are."""
    if exclude is None:
        return None
    inside = (exclude.query >= start) & (exclude.query < start + len(room))
    rows = (exclude.query[inside] - start).to(room.device)
    return rows, exclude.gallery[inside].to(room.device)


class _Lists:
    """The best k of every query, on the CPU.

    Room for all is made at first: small results that are kept between large blocks that are freed
    would break the heap into pieces too short for the next block, and memory would grow and grow.
    """

    def __init__(self, queries: Tensor, gallery: Tensor, k: int) -> None:
        self.index = torch.empty(len(queries), k, dtype=torch.int64)
        self.score = torch.empty(len(queries), k, dtype=queries.dtype)
        self.size = len(gallery)
        self.width = padded(self.size)
        """Columns of a block; what is beyond the gallery is -inf."""

    def keep(self, start: int, room: Tensor, hidden: Places | None = None) -> None:
        """The lists of the queries from `start` on, from their scores. hidden: is never listed."""
        if hidden is not None:
            room[hidden] = -torch.inf
        best, index = largest(room, self.index.shape[1])
        if not best.isfinite().all():  # NaN and inf come first, -inf and what is hidden last
            _numbers(room[:, : self.size])
            if hidden is not None:
                room[hidden] = -torch.inf
            best, index = largest(room, self.index.shape[1])
        self.index[start : start + len(room)] = index
        self.score[start : start + len(room)] = best


def _blocks(queries: Tensor, gallery: Tensor, width: int) -> Iterator[tuple[int, Tensor]]:
    """Score blocks (rows, width) and the query row at which each begins; one block's room for all.

    What is beyond the gallery, in width, is -inf.
    """
    step = max(1, BLOCK // max(1, width))
    blocks = max(1, -(-len(queries) // step))
    step = max(1, -(-len(queries) // blocks))  # as many blocks, all of like height
    room = queries.new_empty(min(step, len(queries)), width)
    room[:, len(gallery) :] = -torch.inf
    for start in range(0, len(queries), step):
        some = queries[start : start + step]
        _multiply(some, gallery, room[: len(some), : len(gallery)])
        yield start, room[: len(some)]


def _multiply(queries: Tensor, gallery: Tensor, out: Tensor) -> None:
    """Scores (Q, N), into room for them.

    The product is numpy's on a CPU: torch's takes a tenth to a half more of the time on some
    processors, and for one vector it runs on one thread.
    """
    if queries.device.type != "cpu":
        torch.mm(queries, gallery.T, out=out)
        return
    rows, columns = queries.detach().numpy(), gallery.detach().numpy()
    with np.errstate(all="ignore"):  # what is no number is dealt with where lists are made
        if len(rows) == 1:  # as a matrix of one row it would take twice the time of a vector
            np.matmul(columns, rows[0], out=out[0].numpy())
        else:
            np.matmul(rows, columns.T, out=out.numpy())


def _numbers(scores: Tensor) -> Tensor:
    """The same scores, all finite: differences of them, which are counted, are never NaN."""
    return scores.nan_to_num_(nan=torch.finfo(scores.dtype).min)
