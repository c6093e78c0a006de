"""Approximate nearest neighbours with FAISS: for galleries of a million images and more.

Two kinds: HNSW, a graph that is walked towards the query (Malkov and Yashunin, "Efficient and
robust approximate nearest neighbor search using hierarchical navigable small world graphs", 2018),
and IVF, lists around cluster centres of which the nearest are read in full (Jégou, Douze and
Schmid, "Product quantization for nearest neighbor search", 2011, without the quantisation). Both
score by inner product and keep whole vectors; only what they overlook makes them approximate, and
that is measured. FAISS is an extra: faiss-cpu.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from drawsim.common.errors import UserError
from drawsim.common.files import atomic
from drawsim.retrieval.index.base import Approximate, Items, Settings
from drawsim.retrieval.index.filters import Passing

TRAINING_POINTS = 40
"""Vectors for each centre in the clustering of an IVF; more take longer and change little."""


@dataclass(frozen=True)
class Hnsw(Settings):
    """neighbours: links of each item (M). build_width, search_width: items that are kept in view
    while a new item is linked (efConstruction) and while a query is answered (efSearch)."""

    ending = "faiss"

    neighbours: int = 32
    build_width: int = 100
    search_width: int = 128

    def build(self, items: Items) -> FaissIndex:
        index = _new(items.vectors, f"HNSW{self.neighbours},Flat")
        index.hnsw.efConstruction = self.build_width
        return _filled(FaissIndex(index, self), items)

    def load(self, items: Items) -> FaissIndex:
        return _read(self, items)

    def asked(self, index: Any, k: int, share: float, limits: dict[str, Any]) -> Any:
        """FAISS's parameters of a search where a share of the items may be found."""
        width = math.ceil(max(self.search_width, 2 * k) / share)
        return load_faiss().SearchParametersHNSW(efSearch=min(width, index.ntotal), **limits)


@dataclass(frozen=True)
class Ivf(Settings):
    """lists: clusters; by default 2 √N; at most one for 40 items, which are needed to place it.
    probes: lists that are read for a query; by default a 64th of them, at least 8."""

    ending = "faiss"
    by_itself = frozenset({"lists", "probes"})

    lists: int | None = None
    probes: int | None = None

    def for_size(self, items: int) -> Ivf:
        """The same with numbers for a gallery of this size, which may be too small for them."""
        lists = min(self.lists or round(2 * math.sqrt(items)), max(1, items // TRAINING_POINTS))
        return replace(self, lists=lists, probes=min(lists, self.probes or max(8, lists // 64)))

    def build(self, items: Items) -> FaissIndex:
        settings = self.for_size(len(items.ids))
        index = _new(items.vectors, f"IVF{settings.lists},Flat")
        index.cp.max_points_per_centroid = TRAINING_POINTS
        index.cp.min_points_per_centroid = 1  # it would warn of small galleries
        index.train(_array(items.vectors))
        return _filled(FaissIndex(index, settings), items)

    def load(self, items: Items) -> FaissIndex:
        return _read(self, items)

    def asked(self, index: Any, k: int, share: float, limits: dict[str, Any]) -> Any:
        """FAISS's parameters of a search for k items, where a share of all may be found."""
        probes = math.ceil((self.probes or 1) / share)
        return load_faiss().SearchParametersIVF(nprobe=min(probes, index.nlist), **limits)


class InFile(Approximate):
    """An index of FAISS's, kept in a file. index: FAISS's own. file: where it was saved."""

    index: Any
    file: Path | None

    @property
    def count(self) -> int:
        return int(self.index.ntotal)

    @property
    def bytes(self) -> int:
        return self.file.stat().st_size if self.file is not None else 0


class FaissIndex(InFile):
    """index: FAISS's own. file: where it was saved."""

    def __init__(self, index: Any, settings: Hnsw | Ivf, file: Path | None = None) -> None:
        self.index = index
        self.file = file
        self.settings: Hnsw | Ivf = settings

    def add(self, items: Items, rows: Sequence[int]) -> None:
        self.index.add(_array(items.vectors[list(rows)]))

    def top_k(
        self, queries: Tensor, k: int, passing: Passing | None = None
    ) -> tuple[Tensor, Tensor]:
        share, limits = limits_of(passing)
        asked = self.settings.asked(self.index, k, share, limits)
        scores, rows = self.index.search(_array(queries), k, params=asked)
        scores[rows < 0] = -np.inf
        return torch.from_numpy(scores), torch.from_numpy(rows)

    def save(self, items: Items) -> None:
        self.file = items.place.file(self.settings.ending)
        with atomic(self.file) as temporary:
            load_faiss().write_index(self.index, str(temporary))


def limits_of(passing: Passing | None) -> tuple[float, dict[str, Any]]:
    """The share of the items that may be found, and FAISS's parameter that says which they are.

    Only a share of what comes into view may be found: as much more has to be looked at.
    """
    if passing is None:
        return 1.0, {}
    bits = np.packbits(passing.mask, bitorder="little")
    selector = load_faiss().IDSelectorBitmap(bits)
    selector.bits = bits  # kept as long as the selector, which only points to them
    return max(float(passing.mask.mean()), 1 / len(passing.mask)), {"sel": selector}


def load_faiss() -> Any:
    """The library FAISS. Raises UserError if it is not installed."""
    try:
        return importlib.import_module("faiss")
    except ImportError as error:
        raise UserError(
            f"approximate search needs FAISS ({error}): pip install faiss-cpu, or search exactly"
        ) from error


def _new(vectors: Tensor, factory: str) -> Any:
    faiss = load_faiss()
    return faiss.index_factory(vectors.shape[1], factory, faiss.METRIC_INNER_PRODUCT)


def _filled(index: FaissIndex, items: Items) -> FaissIndex:
    index.add(items, range(len(items.ids)))
    return index


def _read(settings: Hnsw | Ivf, items: Items) -> FaissIndex:
    faiss = load_faiss()
    path = items.place.file(settings.ending)
    try:
        faiss.set_deserialization_vector_byte_limit(path.stat().st_size)
        index = faiss.read_index(str(path))
    except RuntimeError as error:
        raise UserError(f"{path}: damaged; build the index again.") from error
    own = faiss.IndexHNSWFlat if isinstance(settings, Hnsw) else faiss.IndexIVFFlat
    if type(index) is not own or index.metric_type != faiss.METRIC_INNER_PRODUCT:
        raise UserError(f"{path}: of another kind than index.json says; build the index again.")
    kept = int(index.ntotal), int(index.d)
    if kept != tuple(items.vectors.shape):
        raise UserError(
            f"{path}: {kept[0]:,} vectors of {kept[1]} dimensions, not {len(items.ids):,} of "
            f"{items.vectors.shape[1]}; build the index again."
        )
    return FaissIndex(index, settings, path)


def _array(vectors: Tensor) -> npt.NDArray[np.float32]:
    return np.ascontiguousarray(vectors.numpy(), dtype=np.float32)
