"""A million images and more on one machine: lists of short codes on disk, and whole vectors after.

IVF-PQ (Jégou, Douze and Schmid, "Product quantization for nearest neighbor search", 2011): vectors
are kept in lists around cluster centres, each as a code of what sets it apart from its centre; the
lists nearest to a query are read, and the best by code are scored again by the vectors themselves,
which stay on disk. FAISS does it. It is built in bounded memory: clusters are found on a sample,
and vectors are taken in a part at a time.

The file is in the format of safetensors, mapped into memory: `centres` and `codebook`, `sizes` of
the lists, and `entries`, for each list its codes and then its rows, as FAISS reads them from disk.
FAISS's own format is not read: it says how much memory to take and where to look, and a file that
somebody else wrote must not.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from drawsim.common.errors import UserError
from drawsim.common.files import atomic
from drawsim.common.progress import progress_bar
from drawsim.retrieval.index.base import GATHERED, Items, Settings
from drawsim.retrieval.index.faiss import TRAINING_POINTS, InFile, limits_of, load_faiss
from drawsim.retrieval.index.filters import Passing

BITS = 8
WORDS = 1 << BITS
"""Centres that a byte of a code names."""
ROW = 8
"""Bytes of a row number in a list."""
NOISE = 0.01
"""Of numbers of vectors that are copied."""
ROUNDS = 10
"""Of the clustering that makes a codebook: more change little."""
DAMAGED = "damaged; build the index again."


@dataclass(frozen=True)
class IvfPq(Settings):
    """lists: clusters; by default 2 √N; at most one for 40 items, which are needed to place it.
    probes: lists that are read for a query; by default a 16th of them, at least 32. code: bytes of
    a vector's code, which divide its dimensions; by default about an eighth of them. rescored: how
    many of the best by code are scored again, at least; ten times as many as are asked for."""

    ending = "ivfpq"
    by_itself = frozenset({"lists", "probes", "code"})

    lists: int | None = None
    probes: int | None = None
    code: int | None = None
    rescored: int = 1000

    def for_size(self, items: int, dimensions: int) -> IvfPq:
        """The same with numbers for a gallery of this size. Raises UserError for a code that cannot
        be."""
        lists = min(self.lists or round(2 * math.sqrt(items)), max(1, items // TRAINING_POINTS))
        probes = min(lists, self.probes or max(32, lists // 16))
        if self.code is not None and dimensions % self.code:
            raise UserError(
                f"ann.code={self.code}: must divide the {dimensions} dimensions of the vectors"
            )
        most = max(1, dimensions // 8)
        code = self.code or next(n for n in range(most, 0, -1) if dimensions % n == 0)
        return replace(self, lists=lists, probes=probes, code=code)

    def build(self, items: Items) -> IvfPqIndex:
        count, dimensions = items.vectors.shape
        settings = self.for_size(count, dimensions)
        made = IvfPqIndex(_new(settings, dimensions), settings)
        made.train(_sample(items.vectors, settings.lists or 1))
        made.add(items, range(count))
        return made

    def load(self, items: Items) -> IvfPqIndex:
        return _mapped(self, items)


class IvfPqIndex(InFile):
    """index: FAISS's own. file: where it was saved. lists: those on disk, if they are there."""

    def __init__(
        self, index: Any, settings: IvfPq, file: Path | None = None, lists: Any = None
    ) -> None:
        self.index = index
        self.file = file
        self.settings: IvfPq = settings
        self.lists = lists  # FAISS does not keep it alive

    def looked_at(self, k: int) -> int:
        return min(max(self.settings.rescored, 10 * k), self.count)

    def train(self, sample: npt.NDArray[np.float32]) -> None:
        """Find the centres of the lists, and those that codes name, on (n, d) vectors."""
        self.index.cp.max_points_per_centroid = TRAINING_POINTS
        self.index.pq.cp.max_points_per_centroid = TRAINING_POINTS
        self.index.pq.cp.min_points_per_centroid = 1  # it would warn of small galleries
        self.index.pq.cp.niter = ROUNDS
        self.index.train(sample)

    def add(self, items: Items, rows: Sequence[int]) -> None:
        if self.lists is not None:  # those on disk are whole: they go on in memory
            held = load_faiss().ArrayInvertedLists(self.lists.nlist, self.lists.code_size)
            self.lists.copy_subset_to(held, 0, 0, self.count)
            self.index.replace_invlists(held, True)
            held.this.disown()
            self.lists = None
        step = max(1, GATHERED // items.vectors.shape[1])
        with progress_bar("index", len(rows), "vectors") as advance:
            for start in range(0, len(rows), step):
                some = torch.tensor(rows[start : start + step])
                self.index.add(_array(items.vectors.index_select(0, some)))
                advance(len(some))

    def top_k(
        self, queries: Tensor, k: int, passing: Passing | None = None
    ) -> tuple[Tensor, Tensor]:
        share, limits = limits_of(passing)
        probes = min(math.ceil((self.settings.probes or 1) / share), self.index.nlist)
        asked = load_faiss().SearchParametersIVF(nprobe=probes, **limits)
        scores, rows = self.index.search(_array(queries), k, params=asked)
        if rows.max(initial=-1) >= self.count:
            raise UserError(f"{self.file}: {DAMAGED}")
        scores[rows < 0] = -np.inf
        return torch.from_numpy(scores), torch.from_numpy(rows)

    def save(self, items: Items) -> None:
        faiss, lists = load_faiss(), self.index.invlists
        self.file = items.place.file(self.settings.ending)
        code, count = self.index.code_size, self.index.nlist
        sizes = np.array([lists.list_size(number) for number in range(count)], dtype=np.int64)
        words = faiss.vector_to_array(self.index.pq.centroids)
        arrays = {
            "centres": self.index.quantizer.reconstruct_n(0, count),
            "codebook": words.reshape(code, WORDS, -1),
            "sizes": sizes,
        }
        with atomic(self.file) as temporary, temporary.open("wb") as file:
            file.write(_header(arrays, int(sizes.sum()) * (code + ROW)))
            for array in arrays.values():
                file.write(array.tobytes())
            for number in np.flatnonzero(sizes).tolist():
                size = int(sizes[number])
                file.write(faiss.rev_swig_ptr(lists.get_codes(number), size * code).tobytes())
                file.write(faiss.rev_swig_ptr(lists.get_ids(number), size).tobytes())


def _new(settings: IvfPq, dimensions: int) -> Any:
    faiss = load_faiss()
    quantizer = faiss.IndexFlatIP(dimensions)
    metric = faiss.METRIC_INNER_PRODUCT
    index = faiss.IndexIVFPQ(quantizer, dimensions, settings.lists, settings.code, BITS, metric)
    index.own_fields = True
    quantizer.this.disown()
    return index


def _sample(vectors: Tensor, lists: int) -> npt.NDArray[np.float32]:
    """Vectors to find centres on, (n, d).

    A codebook needs 256 that differ, and some more: of few vectors, copies with noise.
    """
    generator = torch.Generator().manual_seed(0)
    wanted = TRAINING_POINTS * max(lists, WORDS)
    rows = torch.randperm(len(vectors), generator=generator)[:wanted].sort().values
    some = vectors.index_select(0, rows).float()
    if len(some) < 2 * WORDS:
        copies = some.repeat(math.ceil(2 * WORDS / len(some)), 1)
        some = copies + NOISE * torch.randn(copies.shape, generator=generator)
    return _array(some)


def _header(arrays: dict[str, npt.NDArray[Any]], entries: int) -> bytes:
    """The beginning of a safetensors file of these arrays and so many bytes of entries.

    A multiple of 8 bytes long, so that row numbers are where processors like them.
    """
    kinds = {"float32": "F32", "int64": "I64"}
    said, start = {}, 0
    shapes = {k: (kinds[str(a.dtype)], list(a.shape), a.nbytes) for k, a in arrays.items()}
    for name, (kind, shape, size) in {**shapes, "entries": ("U8", [entries], entries)}.items():
        said[name] = {"dtype": kind, "shape": shape, "data_offsets": [start, start + size]}
        start += size
    text = json.dumps(said).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _mapped(settings: IvfPq, items: Items) -> IvfPqIndex:
    """What `save` wrote, its lists on disk. Raises UserError if it cannot be of these items."""
    path = items.place.file(settings.ending)
    count, dimensions = items.vectors.shape
    try:
        with safe_open(path, framework="np") as file:
            centres, codebook, sizes = (
                file.get_tensor(name) for name in ("centres", "codebook", "sizes")
            )
            (length,) = file.get_slice("entries").get_shape()
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        raise UserError(f"{path}: {DAMAGED}") from error
    lists, code = len(centres), len(codebook)
    fits = (
        (centres.dtype, codebook.dtype, sizes.dtype) == (np.float32, np.float32, np.int64)
        and code > 0 < lists
        and dimensions % code == 0
        and centres.shape == (lists, dimensions)
        and codebook.shape == (code, WORDS, dimensions // code)
        and sizes.shape == (lists,)
        and ((sizes >= 0) & (sizes <= count)).all()
        and int(sizes.sum()) == count
        and length == count * (code + ROW)
    )
    if not fits:
        raise UserError(f"{path}: not of these {count:,} vectors, or {DAMAGED}")
    faiss = load_faiss()
    index = _new(replace(settings, lists=lists, code=code), dimensions)
    index.quantizer.add(centres)
    faiss.copy_array_to_vector(codebook.ravel(), index.pq.centroids)
    index.is_trained = True
    held = faiss.OnDiskInvertedLists()
    held.nlist, held.code_size, held.read_only = lists, code, True
    held.filename, held.totsize = str(path), path.stat().st_size
    ends = np.cumsum(sizes) * (code + ROW)
    starts = held.totsize - length + ends - sizes * (code + ROW)
    held.lists.resize(lists)
    told = np.ascontiguousarray(np.stack([sizes, sizes, starts], axis=1), dtype=np.uint64)
    faiss.memcpy(held.lists.data(), faiss.swig_ptr(told), told.nbytes)
    held.do_mmap()
    index.replace_invlists(held, False)
    index.ntotal = count
    return IvfPqIndex(index, settings, path, held)


def _array(vectors: Tensor) -> npt.NDArray[np.float32]:
    return np.ascontiguousarray(vectors.float().numpy())
