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

from drawsim.collection.csv_files import read_csv, write_csv
from drawsim.collection.problems import Problems, raise_problems
from drawsim.common.errors import UserError
from drawsim.common.files import atomic

DTYPES = (torch.float16, torch.float32, torch.float64)
UNIT = 2.0**-8
"""How far from 1 the length of a unit row may be. Rounding its numbers to p binary digits changes
it by up to 2^-p: of bfloat16, 8, in which some networks compute; of float16, 11. What float32 adds
is far less."""
_BLOCK = 4096


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

    Raises UserError if either file is missing or damaged, if they do not belong together, and if a
    row is not of length 1: nan, infinity and zeros are none.
    """
    if not path.is_file() or not ids_path(path).is_file():
        raise UserError(f"{path}: the embedding file or its {ids_path(path).name} is missing.")
    try:
        with safe_open(path, framework="pt") as file:
            vectors = file.get_tensor("vectors")
        if vectors.ndim != 2 or vectors.dtype not in DTYPES:
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
    row = no_unit_row(vectors)
    if row is not None:
        raise UserError(
            f"{path}: its vectors are not unit rows (row {row + 1}); delete it and embed again."
        )
    return Embeddings(table["id"].tolist(), vectors)


def no_unit_row(vectors: Tensor) -> int | None:
    """The first row of (N, d) floats whose length is not 1, as far as rounding goes; None: no row.

    Block by block, so that of vectors on disk no more is in memory.
    """
    for start in range(0, len(vectors), _BLOCK):
        some = vectors[start : start + _BLOCK]
        lengths = torch.linalg.vector_norm(
            some, dim=1, dtype=torch.promote_types(some.dtype, torch.float32)
        )
        wrong = ~((lengths - 1).abs() <= UNIT)  # comparisons with nan are false
        if wrong.any():
            return start + int(wrong.nonzero()[0])
    return None
