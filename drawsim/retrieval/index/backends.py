"""The ways of approximate search by name. A new one is a file beside this, and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from torch import Tensor

from drawsim.common.errors import UserError, nearest
from drawsim.retrieval.index.base import (
    MEASURED_K,
    Approximate,
    Measured,
    Settings,
    check_numbers,
    measured_recall,
)
from drawsim.retrieval.index.faiss import Hnsw, Ivf

BACKENDS: dict[str, type[Settings]] = {"hnsw": Hnsw, "ivf": Ivf}


def ann_settings(kind: str, parameters: Mapping[str, Any]) -> Settings:
    """Settings by name: `hnsw` or `ivf`, and whatever differs from the defaults.

    Raises UserError, with the nearest names, for a kind or a parameter that there is not, and for
    values that are not whole numbers from 1 on.
    """
    if kind not in BACKENDS:
        raise UserError(f"ann={kind}: {nearest(kind, BACKENDS)}")
    known = [field.name for field in fields(BACKENDS[kind])]
    for name in parameters:
        if name not in known:
            raise UserError(f"ann.{name}: {kind} has no such parameter, {nearest(name, known)}")
    check_numbers(BACKENDS[kind], parameters.items())
    return BACKENDS[kind](**parameters)


def measured(searcher: Approximate, vectors: Tensor) -> Measured:
    """How well it does on its own vectors, (N, d) float32."""
    kind = next(name for name, made in BACKENDS.items() if type(searcher.settings) is made)
    return Measured(kind, searcher.settings, *measured_recall(searcher, vectors))


def recorded(record: Mapping[str, Any]) -> Measured:
    """What `Measured.record` gave. Raises UserError for settings that cannot be."""
    settings = ann_settings(record["type"], record["parameters"])
    recall, sample = record[f"recall@{MEASURED_K}"], record["sample"]
    return Measured(record["type"], settings, float(recall), int(sample))
