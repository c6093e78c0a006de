"""Embeddings: unit vectors with the ids they belong to, in memory and on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from drawsim.collection.csv_files import read_csv, write_csv
from drawsim.collection.problems import Problems, raise_problems
from drawsim.common.errors import UserError
from drawsim.common.files import atomic


@dataclass(frozen=True)
class Embeddings:
    """ids: N distinct texts; vectors: (N, d) float32 or float16, unit rows, on the CPU."""

    ids: Sequence[str]
    vectors: Tensor

    def __post_init__(self) -> None:
        if len(self.ids) != len(self.vectors):
            raise ValueError(f"{len(self.ids)} ids for {len(self.vectors)} vectors")

    @cached_property
    def rows(self) -> dict[str, int]:
        """The row of each id."""
        return {name: row for row, name in enumerate(self.ids)}

    def of(self, ids: Sequence[str]) -> Embeddings:
        """The embeddings of these ids, in this order."""
        return Embeddings(list(ids), self.vectors[[self.rows[name] for name in ids]])

    def save(self, path: Path, metadata: Mapping[str, str]) -> None:
        """Write `<name>.safetensors` and `<name>.ids.csv`, each atomically, vectors last.

        metadata: model, weights hash, transform, versions: whatever says what made the vectors.
        """
        write_csv(pd.DataFrame({"id": list(self.ids)}), ids_path(path))
        with atomic(path) as temporary:
            save_file({"vectors": self.vectors.contiguous()}, temporary, dict(metadata))


def kind_path(prefix: Path, kind: str) -> Path:
    """The embedding file of drawings or of artworks (kind: drawing, artwork) of one model.

    >>> kind_path(Path("embeddings/final"), "drawing").as_posix()
    'embeddings/final.drawings.safetensors'
    """
    return prefix.with_name(f"{prefix.name}.{kind}s.safetensors")


def ids_path(path: Path) -> Path:
    """The table of ids that belongs to an embedding file."""
    return path.with_suffix(".ids.csv")


def load_embeddings(path: Path) -> Embeddings:
    """Read what `Embeddings.save` wrote; the vectors are memory-mapped.

    Raises UserError if either file is missing or damaged, or if they do not belong together.
    """
    if not path.is_file() or not ids_path(path).is_file():
        raise UserError(f"{path}: the embedding file or its {ids_path(path).name} is missing.")
    try:
        with safe_open(path, framework="pt") as file:
            vectors = file.get_tensor("vectors")
        if vectors.ndim != 2 or not vectors.is_floating_point():
            raise SafetensorError("its vectors are no matrix of floating-point numbers")
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path}: damaged ({error}); delete it and embed again.") from error
    problems = Problems()
    table = read_csv(ids_path(path), ("id",), problems, empty_rows=True)
    raise_problems(f"{path} cannot be used", problems)
    if len(table) != len(vectors):
        raise UserError(
            f"{path}: {len(vectors)} vectors but {len(table)} ids; delete both and embed again."
        )
    return Embeddings(table["id"].tolist(), vectors)


class EmbeddingTable(Metric):
    """Gathers embeddings by row number, over batches and over processes.

    Samplers pad the last round of a multi-process pass with repeated images; whatever comes twice
    is kept once, so that several processes give what one gives.
    """

    full_state_update = False
    index: list[Tensor]
    vectors: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.add_state("index", default=[], dist_reduce_fx="cat")
        self.add_state("vectors", default=[], dist_reduce_fx="cat")

    def update(self, index: Tensor, vectors: Tensor) -> None:
        """index: (B,) int64 row numbers; vectors: (B, d)."""
        self.index.append(index)
        self.vectors.append(vectors.float())

    def compute(self) -> tuple[Tensor, Tensor]:
        """Distinct row numbers in ascending order, (N,), and their vectors, (N, d)."""
        # Gathered over processes, a state is one tensor already.
        index, vectors = dim_zero_cat(self.index), dim_zero_cat(self.vectors)
        rows, inverse = torch.unique(index, return_inverse=True)
        # Copies of a row are equal, so it does not matter which of them is written last.
        source = torch.empty(len(rows), dtype=torch.int64, device=index.device)
        source[inverse] = torch.arange(len(index), device=index.device)
        return rows, vectors[source]
