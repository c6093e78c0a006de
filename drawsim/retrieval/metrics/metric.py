"""What is to be known of a metric."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from drawsim.retrieval.metrics.query_ranks import Floats

Unit = Literal["share", "rank", "position", "percent", "number"]
"""share: 0..1. rank: 1..N, the size of the gallery. position: a rank counted from 0. percent:
0..100. number: anything else."""

FAMILIES = {
    "list": "The whole ranked list",
    "recall": "Recall",
    "precision": "Precision",
    "hit_rate": "Hit rate",
    "map": "Mean average precision of the first k",
    "ndcg": "Normalised discounted cumulative gain",
    "training": "Training",
    "thesis": "The protocol of the thesis",
    "thesis_padded": "The protocol of the thesis, with its padding",
    "other": "Other",
}
"""What belongs together in a table or a chart, in the order in which it is shown."""


@dataclass(frozen=True)
class Metric:
    """A metric, for all its cut-offs.

    name: without cut-off; `name@k` (or `name_k`, by `joint`) for each of `cutoffs`. label: for
    people. family: of FAMILIES. higher_is_better: None if nobody knows. description: a sentence or
    more, after the label. formula: per query, in the terms of docs/metrics.md. source: whose
    formula it is. headline: the names that stand first wherever not all fit. tested: those in which
    models are compared by statistical tests. broken_down: those that are told for each value of
    what is known of the queries. short: the label where room is scarce. compute:
    (QueryRanks) or (QueryRanks, k) -> (Q,) values; None for what others compute. over_queries: how
    the values of all queries become one.
    """

    name: str
    label: str
    family: str
    higher_is_better: bool | None
    unit: Unit
    description: str = ""
    formula: str = ""
    source: str = ""
    cutoffs: tuple[int, ...] = ()
    joint: str = "@"
    headline: tuple[str, ...] = ()
    tested: tuple[str, ...] = ()
    broken_down: tuple[str, ...] = ()
    short: str = ""
    compute: Callable[..., Floats] | None = None
    over_queries: Literal["mean", "median"] = "mean"

    @property
    def names(self) -> dict[str, int | None]:
        """Full name -> its cut-off, None for a metric without any."""
        return {f"{self.name}{self.joint}{k}": k for k in self.cutoffs} or {self.name: None}

    @property
    def centre(self) -> Callable[..., Any]:
        """The mean or the median, as `over_queries` says."""
        return np.median if self.over_queries == "median" else np.mean
