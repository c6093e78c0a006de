"""Approximate nearest neighbours with FAISS: for galleries of a million images and more.

Two kinds: HNSW, a graph that is walked towards the query (Malkov and Yashunin, "Efficient and
robust approximate nearest neighbor search using hierarchical navigable small world graphs", 2018),
and IVF, lists around cluster centres of which the nearest are read in full (Jégou, Douze and
Schmid, "Product quantization for nearest neighbor search", 2011, without the quantisation). Both
score by inner product and keep whole vectors, so that their scores are exact; only what they
overlook makes them approximate, and that is measured. FAISS is an extra: faiss-cpu.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from drawsim.common.errors import UserError, nearest
from drawsim.common.files import atomic
from drawsim.retrieval.ranking import TIE, top_k

MEASURED_K = 10
SAMPLE = 1000
"""Queries on which recall is measured."""
TRAINING_POINTS = 40
"""Vectors for each centre in the clustering of an IVF; more take longer and change little."""


@dataclass(frozen=True)
class Hnsw:
    """neighbours: links of each item (M). build_width, search_width: items that are kept in view
    while a new item is linked (efConstruction) and while a query is answered (efSearch)."""

    neighbours: int = 32
    build_width: int = 100
    search_width: int = 128


@dataclass(frozen=True)
class Ivf:
    """lists: clusters; by default 2 √N; at most one for 40 items, which are needed to place it.
    probes: lists that are read for a query; by default a 64th of them, at least 8."""

    lists: int | None = None
    probes: int | None = None

    def for_size(self, items: int) -> Ivf:
        """The same with numbers for a gallery of this size, which may be too small for them."""
        lists = min(self.lists or round(2 * math.sqrt(items)), max(1, items // TRAINING_POINTS))
        return Ivf(lists, min(lists, self.probes or max(8, lists // 64)))


Settings = Hnsw | Ivf
KINDS: dict[str, type[Hnsw] | type[Ivf]] = {"hnsw": Hnsw, "ivf": Ivf}


def ann_settings(kind: str, parameters: Mapping[str, Any]) -> Settings:
    """Settings by name: `hnsw` or `ivf`, and whatever differs from the defaults.

    Raises UserError, with the nearest names, for a kind or a parameter that there is not, and for
    values that are not whole numbers from 1 on.
    """
    if kind not in KINDS:
        raise UserError(f"ann={kind}: {nearest(kind, KINDS)}")
    known = [field.name for field in fields(KINDS[kind])]
    for name, value in parameters.items():
        if name not in known:
            raise UserError(f"ann.{name}: {kind} has no such parameter, {nearest(name, known)}")
        optional = value is None and KINDS[kind] is Ivf
        if not optional and (type(value) is not int or value < 1):
            raise UserError(f"ann.{name}={value}: must be a whole number from 1 on")
    return KINDS[kind](**parameters)


@dataclass(frozen=True)
class Measured:
    """How an approximate index was made, and how much of the exact answer it gives.

    recall: share of the exact 10 nearest that it finds, mean over `sample` items of the gallery,
    each searched among all others.
    """

    settings: Settings
    recall: float
    sample: int

    def record(self) -> dict[str, Any]:
        """For the manifest of an index."""
        kind = next(name for name, made in KINDS.items() if isinstance(self.settings, made))
        recall = {f"recall@{MEASURED_K}": self.recall, "sample": self.sample}
        return {"type": kind, "parameters": asdict(self.settings), **recall}

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Measured:
        """What `record` gave."""
        settings = ann_settings(record["type"], record["parameters"])
        return cls(settings, float(record[f"recall@{MEASURED_K}"]), int(record["sample"]))


def build_ann(vectors: Tensor, settings: Settings) -> tuple[Any, Measured]:
    """A FAISS index of vectors, (N, d) float32, unit rows, and its measured recall.

    Raises UserError if FAISS is not installed.
    """
    faiss = load_faiss()
    if isinstance(settings, Ivf):
        settings = settings.for_size(len(vectors))
        text = f"IVF{settings.lists},Flat"
    else:
        text = f"HNSW{settings.neighbours},Flat"
    index = faiss.index_factory(vectors.shape[1], text, faiss.METRIC_INNER_PRODUCT)
    if isinstance(settings, Ivf):
        index.cp.max_points_per_centroid = TRAINING_POINTS
        index.train(_array(vectors))
    else:
        index.hnsw.efConstruction = settings.build_width
    return extend_ann(index, vectors, settings)


def extend_ann(index: Any, vectors: Tensor, settings: Settings) -> tuple[Any, Measured]:
    """Add the rows of `vectors`, (N, d), that the index does not have yet, and measure anew."""
    index.add(_array(vectors[index.ntotal :]))
    return index, _measure(index, vectors, settings)


def ann_top_k(
    index: Any,
    settings: Settings,
    queries: Tensor,
    k: int,
    mask: npt.NDArray[np.bool_] | None = None,
) -> tuple[Tensor, Tensor]:
    """The k nearest rows of each query, as far as they are found.

    queries: (Q, d) float32. mask: (N,), the rows that may be found (default: all). Returns scores
    and rows, both (Q, k), best first; where fewer are found, the row is -1 and the score -inf.
    """
    faiss = load_faiss()
    limits: dict[str, Any] = {}
    share = 1.0
    if mask is not None:
        bits = np.packbits(mask, bitorder="little")
        limits["sel"] = faiss.IDSelectorBitmap(bits)
        share = max(float(mask.mean()), 1 / len(mask))
    # Only a share of what comes into view may be found: as much more is looked at.
    if isinstance(settings, Hnsw):
        width = math.ceil(max(settings.search_width, 2 * k) / share)
        asked = faiss.SearchParametersHNSW(efSearch=min(width, index.ntotal), **limits)
    else:
        probes = math.ceil((settings.probes or 1) / share)
        asked = faiss.SearchParametersIVF(nprobe=min(probes, index.nlist), **limits)
    scores, rows = index.search(_array(queries), k, params=asked)
    scores[rows < 0] = -np.inf
    return torch.from_numpy(scores), torch.from_numpy(rows)


def save_ann(index: Any, path: Path) -> None:
    """Write a FAISS index, atomically."""
    with atomic(path) as temporary:
        load_faiss().write_index(index, str(temporary))


def load_ann(path: Path) -> Any:
    """Read what `save_ann` wrote. Raises UserError if it is damaged, or FAISS is not installed."""
    faiss = load_faiss()
    try:
        return faiss.read_index(str(path))
    except RuntimeError as error:
        raise UserError(f"{path}: damaged; build the index again.") from error


def load_faiss() -> Any:
    """The library FAISS. Raises UserError if it is not installed."""
    try:
        return importlib.import_module("faiss")
    except ImportError as error:
        raise UserError(
            f"approximate search needs FAISS ({error}): pip install faiss-cpu, or search exactly"
        ) from error


def _measure(index: Any, vectors: Tensor, settings: Settings) -> Measured:
    """Recall of the nearest of sampled items among all others; equal scores are equally right."""
    k = min(MEASURED_K, len(vectors) - 1)
    generator = torch.Generator().manual_seed(0)
    sample = torch.randperm(len(vectors), generator=generator)[:SAMPLE]
    if k == 0:
        return Measured(settings, 1.0, len(sample))
    queries = vectors[sample]
    # Each item is its own nearest, and left out.
    best, rows = top_k(queries, vectors, k + 1)
    least = _without(best, rows, sample)[:, k - 1 : k]
    found = _without(*ann_top_k(index, settings, queries, k + 1), sample)[:, :k]
    recall = (found >= least - TIE[torch.float32]).double().mean()
    return Measured(settings, float(recall), len(sample))


def _without(scores: Tensor, rows: Tensor, own: Tensor) -> Tensor:
    """The scores in descending order, those of the queries' own rows at the end."""
    return scores.masked_fill(rows == own[:, None], -torch.inf).sort(dim=1, descending=True).values


def _array(vectors: Tensor) -> npt.NDArray[np.float32]:
    return np.ascontiguousarray(vectors.numpy(), dtype=np.float32)
