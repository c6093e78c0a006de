"""What a run folder holds, read: its record, its epochs, how each drawing ranked the gallery."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drawsim.common.errors import UserError
from drawsim.common.files import read_text
from drawsim.runs.folder import read_record

SETS = ("test", "val", "train")
MOST_BYTES = 1 << 30
"""Of a file that is read; `ranks.csv` of 100,000 drawings takes half of it."""


@dataclass(frozen=True)
class Ranking:
    """How one model ranked the gallery for one drawing; ranks are 1-based, ties fractional."""

    ranks: dict[str, float]
    top_ids: list[str]
    top_scores: list[float]

    @property
    def first(self) -> float:
        """The rank of the nearest true artwork."""
        return min(self.ranks.values())


@dataclass(frozen=True)
class Query:
    """A drawing of one set, ranked before and after training where available.

    stages: rankings by stages that are neither the model before training nor the final one.
    """

    drawing_id: str
    set: str
    baseline: Ranking | None
    final: Ranking | None
    stages: Mapping[str, Ranking] = field(default_factory=dict)

    def at(self, stage: str, stages: Sequence[str]) -> Ranking | None:
        """The ranking by one of the run's stages: its own, else the final or the first one."""
        if stage in self.stages:
            return self.stages[stage]
        if stage == stages[-1] and stage != "baseline":
            return self.final
        return self.baseline

    @property
    def untrained(self) -> Ranking | None:
        """The ranking by the plain network."""
        return self.stages.get("untrained", self.baseline)

    @property
    def shown(self) -> Ranking:
        """The ranking that is pictured: the final model's, else that before training."""
        ranking = self.final or self.baseline
        assert ranking is not None
        return ranking


# Reading the run folder


def read_metrics(path: Path) -> dict[str, Any]:
    """A run's `metrics.json`, with `baseline`, `final` and `counts` empty where it has none.

    Raises UserError if there is no such table.
    """
    metrics = read_record(path.parent)
    if not metrics:
        raise UserError(f"{path}: no metrics; is {path.parent} the folder of a run?")
    # A broken-off run may have left these out or empty.
    return metrics | {key: metrics.get(key) or {} for key in ("baseline", "final", "counts")}


def read_optional(path: Path) -> str:
    """The text of a file; empty if there is none. Raises UserError if it cannot be read."""
    return read_text(path, MOST_BYTES) if path.is_file() else ""


def read_lines(path: Path) -> list[str]:
    """The lines of a file that are not blank; none if there is no file."""
    return [line for line in read_optional(path).splitlines() if line.strip()]


def read_epochs(path: Path) -> list[dict[str, float]]:
    """The rows of `metrics.csv`; cells that are blank or not finite numbers are left out."""
    epochs: list[dict[str, float]] = []
    for row in csv.DictReader(read_optional(path).splitlines()):
        epochs.append({})
        for column, text in row.items():
            with suppress(TypeError, ValueError):
                if math.isfinite(number := float(text)):
                    epochs[-1][column] = number
    return [row for row in epochs if "epoch" in row]


def read_queries(path: Path) -> dict[str, list[Query]]:
    """The queries of each set, in the order of the file; empty if there is no `ranks.csv`."""
    found: dict[tuple[str, str], dict[str, Ranking]] = {}
    rows = csv.DictReader(io.StringIO(read_optional(path)))
    try:
        for row in rows:
            if row["set"] not in SETS:
                raise ValueError(f"unknown set {row['set']!r}")
            ids, ranks = json.loads(row["relevant_ids"]), json.loads(row["relevant_ranks"])
            found.setdefault((row["set"], row["drawing_id"]), {})[row["model"]] = Ranking(
                dict(zip(ids, ranks, strict=True)),
                json.loads(row["top_ids"]),
                json.loads(row["top_scores"]),
            )
    except (KeyError, TypeError, ValueError, RecursionError, csv.Error) as error:
        raise UserError(
            f"{path}, line {rows.line_num}: cannot be read ({error!r}); evaluate the run again."
        ) from error
    queries: dict[str, list[Query]] = {name: [] for name in SETS}
    for (name, drawing_id), models in found.items():
        both = models.pop("baseline", None), models.pop("final", None)
        query = Query(drawing_id, name, *both, models)
        queries[name].append(query)
    return queries
