"""How well an approximate index does, on its own vectors: recall, time and room."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from drawsim.common.words import counted
from drawsim.retrieval.index.backends import ann_settings, name_of
from drawsim.retrieval.index.base import Approximate, Items, Searcher, Settings, searcher
from drawsim.retrieval.index.exact import Exact
from drawsim.retrieval.ranking import TIE

DEPTHS = (10, 100)
SAMPLE = 1000
"""Queries on which recall is measured."""
TIMED, TIMED_K = 20, 10
"""Single queries whose time is taken, and the length of their lists."""


@dataclass(frozen=True)
class Measured:
    """How an approximate index was made, and how much of the exact answer it gives.

    recall: by k, the share of the exact k nearest that it finds, mean over `sample` items of the
    gallery, each searched among all others. bytes: of a vector, where it is kept. build: seconds;
    query: median milliseconds of a single one.
    """

    settings: Settings
    recall: Mapping[int, float]
    sample: int
    bytes: float
    build: float
    query: float

    def record(self) -> dict[str, Any]:
        """For the manifest of an index."""
        return {
            "type": name_of(self.settings),
            "parameters": asdict(self.settings),
            **{f"recall@{k}": share for k, share in self.recall.items()},
            "sample": self.sample,
            "bytes_per_vector": self.bytes,
            "build_seconds": self.build,
            "query_milliseconds": self.query,
        }

    def said(self, kind: str) -> str:
        """For people. kind: of the images."""
        recall = ", ".join(f"recall@{k} {share:.4f}" for k, share in self.recall.items())
        return (
            f"{name_of(self.settings)}, {recall} of exact search (on {counted(self.sample, kind)})"
            f", {self.bytes:,.0f} bytes a vector, built in {self.build:,.1f} s, "
            f"{self.query:.1f} ms a query"
        )


def measured(backend: Approximate, items: Items, build: float) -> Measured:
    """How well a saved backend does on its own items. build: seconds that building took."""
    vectors = items.vectors
    found = searcher(backend, vectors)
    generator = torch.Generator().manual_seed(0)
    sample = torch.randperm(len(vectors), generator=generator)[:SAMPLE]
    return Measured(
        backend.settings,
        measured_recall(found, vectors, sample),
        len(sample),
        backend.bytes / len(vectors),
        build,
        _milliseconds(found, vectors[sample[:TIMED]].float()),
    )


def measured_recall(found: Searcher, vectors: Tensor, sample: Tensor) -> dict[int, float]:
    """By k, the share of the k nearest of some items among all others that are found.

    vectors: (N, d) float32 or float16, what is searched. sample: rows of it. Equal scores are
    equally right.
    """
    most = min(DEPTHS[-1], len(vectors) - 1)
    if most == 0:
        return dict.fromkeys(DEPTHS, 1.0)
    queries = vectors[sample].float()
    # Each item is its own nearest, and left out.
    best = _without(*Exact(vectors).top_k(queries, most + 1), sample)
    recall = {}
    for depth in DEPTHS:
        k = min(depth, most)
        own = _without(*found.top_k(queries, k + 1), sample)[:, :k]
        hits = own >= best[:, k - 1 : k] - TIE[torch.float32]
        recall[depth] = float(hits.double().sum() / (k * len(sample)))
    return recall


def recorded(record: Mapping[str, Any]) -> Measured:
    """What `Measured.record` gave; what earlier versions did not measure is not a number.

    Raises UserError for settings that cannot be, and KeyError, TypeError or ValueError for what is
    no record.
    """
    nothing = float("nan")
    return Measured(
        ann_settings(record["type"], record["parameters"]),
        {k: float(record.get(f"recall@{k}", nothing)) for k in DEPTHS},
        int(record["sample"]),
        float(record.get("bytes_per_vector", nothing)),
        float(record.get("build_seconds", nothing)),
        float(record.get("query_milliseconds", nothing)),
    )


def _without(scores: Tensor, rows: Tensor, own: Tensor) -> Tensor:
    """The scores in descending order, those of the queries' own rows at the end."""
    return scores.masked_fill(rows == own[:, None], -torch.inf).sort(dim=1, descending=True).values


def _milliseconds(found: Searcher, queries: Tensor) -> float:
    """The median time of single queries, after a first one that opens what has to be opened."""
    taken = []
    for query in queries[:1].repeat(2, 1) if len(queries) == 1 else queries:
        began = time.perf_counter()
        found.top_k(query[None], TIMED_K)
        taken.append(time.perf_counter() - began)
    return 1000 * statistics.median(taken[1:])
