"""Every number that a ranking is judged by, each with all that anybody needs to know of it.

Whoever computes, prints, draws, compares or logs a metric asks here for its name, label, family,
direction and unit; docs/metrics.md is made from here. A new metric is a function below and an entry
in METRICS.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from drawsim.retrieval.metrics.query_ranks import Floats, QueryRanks

KS = (1, 5, 10, 20, 50, 100, 200, 400)
"""Cut-offs of every metric of the protocol `drawsim` that is named `…@k`."""
THESIS_KS = (400, 200, 100, 50, 20)

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
    models are compared by statistical tests. short: the label where room is scarce. compute:
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
    short: str = ""
    compute: Callable[..., Floats] | None = None
    over_queries: Literal["mean", "median"] = "mean"

    @property
    def names(self) -> dict[str, int | None]:
        """Full name -> its cut-off, None for a metric without any."""
        return {f"{self.name}{self.joint}{k}": k for k in self.cutoffs} or {self.name: None}

    @property
    def centre(self) -> Callable[[Floats], np.floating]:
        """The mean or the median, as `over_queries` says."""
        return np.median if self.over_queries == "median" else np.mean


# The metrics: (Q,) values from the ranks r_1 <= … <= r_m of each query's m relevant items.


def _reciprocal_rank(q: QueryRanks) -> Floats:
    return 1 / q.first


def _average_precision(q: QueryRanks) -> Floats:
    return q.total(q.place / q.rank) / q.relevant


def _first_rank(q: QueryRanks) -> Floats:
    return q.first


def _mean_rank(q: QueryRanks) -> Floats:
    return q.total(q.rank) / q.relevant


def _normalised_rank(q: QueryRanks) -> Floats:
    spare = q.total(q.rank) - q.relevant * (q.relevant + 1) / 2
    return spare / (q.gallery_size * q.relevant)


def _recall(q: QueryRanks, k: int) -> Floats:
    return q.total(q.rank <= k) / q.relevant


def _precision(q: QueryRanks, k: int) -> Floats:
    return q.total(q.rank <= k) / k


def _hit_rate(q: QueryRanks, k: int) -> Floats:
    return (q.first <= k).astype(np.float64)


def _average_precision_at(q: QueryRanks, k: int) -> Floats:
    return q.total((q.rank <= k) * q.place / q.rank) / np.minimum(q.relevant, k)


def _ndcg(q: QueryRanks, k: int) -> Floats:
    best = np.cumsum(1 / np.log2(2 + np.arange(k)))
    most: NDArray[np.int64] = np.minimum(q.relevant, k)
    return q.total((q.rank <= k) / np.log2(1 + q.rank)) / best[most - 1]


METRICS: tuple[Metric, ...] = (
    Metric(
        name="mrr",
        label="MRR",
        family="list",
        higher_is_better=True,
        unit="share",
        description="Mean reciprocal rank: how near the top the first true one stands.",
        formula="1 / r₁",
        source="Voorhees, The TREC-8 question answering track report, 1999",
        headline=("mrr",),
        tested=("mrr",),
        compute=_reciprocal_rank,
    ),
    Metric(
        name="map",
        label="MAP",
        family="list",
        higher_is_better=True,
        unit="share",
        description="Mean average precision: how near the top all true ones stand. The denominator "
        "is m, all relevant items. In a gallery where each query has one, it equals MRR.",
        formula="1/m · Σ_j j / r_j",
        source="Manning, Raghavan and Schütze, Introduction to Information Retrieval, 2008, ch. 8",
        headline=("map",),
        tested=("map",),
        compute=_average_precision,
    ),
    Metric(
        name="first_rank",
        label="First rank",
        family="list",
        higher_is_better=False,
        unit="rank",
        description="The rank of the first true one, averaged. One very bad query moves it much.",
        formula="r₁",
        compute=_first_rank,
    ),
    Metric(
        name="median_rank",
        label="Median rank",
        family="list",
        higher_is_better=False,
        unit="rank",
        description="Half of the queries find a true one at this rank or nearer: what a typical "
        "query sees. The median over queries, the mean of the two middle ones for an even number.",
        formula="r₁",
        headline=("median_rank",),
        compute=_first_rank,
        over_queries="median",
    ),
    Metric(
        name="mean_rank",
        label="Mean rank",
        family="list",
        higher_is_better=False,
        unit="rank",
        description="The mean rank of a query's true ones, averaged over queries.",
        formula="1/m · Σ_j r_j",
        tested=("mean_rank",),
        compute=_mean_rank,
    ),
    Metric(
        name="normalised_rank",
        label="Normalised rank",
        family="list",
        higher_is_better=False,
        unit="share",
        description="0 for a perfect ranking, near 0.5 by chance, whatever the size of the "
        "gallery.",
        formula="(Σ_j r_j − m (m + 1) / 2) / (N m)",
        source="Müller et al., Performance evaluation in content-based image retrieval, 2001",
        compute=_normalised_rank,
    ),
    Metric(
        name="recall",
        label="Recall",
        short="R",
        family="recall",
        higher_is_better=True,
        unit="share",
        description="The share of the true ones that stand among the first k. The denominator is "
        "m, even where m > k; it grows with k.",
        formula="h_k / m",
        source="Manning, Raghavan and Schütze, Introduction to Information Retrieval, 2008, ch. 8",
        cutoffs=KS,
        headline=("recall@1", "recall@10", "recall@20"),
        tested=("recall@1", "recall@10", "recall@20", "recall@100"),
        compute=_recall,
    ),
    Metric(
        name="precision",
        label="Precision",
        short="P",
        family="precision",
        higher_is_better=True,
        unit="share",
        description="The share of the first k that are true. The denominator is k, even where a "
        "query has fewer relevant items: with one it cannot exceed 1/k.",
        formula="h_k / k",
        source="Manning, Raghavan and Schütze, Introduction to Information Retrieval, 2008, ch. 8",
        cutoffs=KS,
        compute=_precision,
    ),
    Metric(
        name="hit_rate",
        label="Hit rate",
        short="Hit",
        family="hit_rate",
        higher_is_better=True,
        unit="share",
        description="Whether somebody who looks at the first k finds a true one. Equals recall "
        "where each query has one relevant item.",
        formula="1 if h_k > 0, else 0",
        cutoffs=KS,
        compute=_hit_rate,
    ),
    Metric(
        name="map",
        label="MAP",
        family="map",
        higher_is_better=True,
        unit="share",
        description="Average precision of the first k places, 1 if they are as good as they can "
        "be.",
        formula="1 / min(m, k) · Σ_{j ≤ h_k} j / r_j",
        cutoffs=KS,
        compute=_average_precision_at,
    ),
    Metric(
        name="ndcg",
        label="nDCG",
        family="ndcg",
        higher_is_better=True,
        unit="share",
        description="The first k places, a true one counting less the further down it stands.",
        formula="Σ_{j ≤ h_k} 1 / log₂(1 + r_j), over the same sum for ranks 1 … min(m, k)",
        source="Järvelin and Kekäläinen, Cumulated gain-based evaluation of IR techniques, 2002, "
        "with binary relevance",
        cutoffs=KS,
        compute=_ndcg,
    ),
    Metric(
        name="loss",
        label="Loss",
        family="training",
        higher_is_better=False,
        unit="number",
        description="What training minimises, by the loss that was chosen: comparable between runs "
        "of one loss alone.",
    ),
    Metric(
        name="recall",
        label="Recall",
        short="R",
        family="thesis",
        higher_is_better=True,
        unit="share",
        description="Over the relevant items that the gallery holds.",
        cutoffs=THESIS_KS,
        joint="_",
    ),
    Metric(
        name="mean_min_position",
        label="Mean minimum position",
        short="MMP",
        family="thesis",
        higher_is_better=False,
        unit="position",
        description="The position of the first hit, mean over pairs.",
    ),
    Metric(
        name="MAP",
        label="MAP",
        family="thesis",
        higher_is_better=True,
        unit="percent",
        description="`map` of this protocol, as its tables print it.",
        tested=("MAP",),
    ),
    Metric(
        name="R",
        label="R",
        family="thesis",
        higher_is_better=True,
        unit="percent",
        description="`recall_k` of this protocol, as its tables print it.",
        cutoffs=THESIS_KS,
        tested=tuple(f"R@{k}" for k in THESIS_KS),
    ),
    Metric(
        name="MMP",
        label="MMP",
        family="thesis",
        higher_is_better=False,
        unit="position",
        description="`mean_min_position`, as its tables print it.",
        tested=("MMP",),
    ),
    Metric(
        name="MP",
        label="MP",
        family="thesis_padded",
        higher_is_better=False,
        unit="position",
        description="`mean_position`, as its tables print it.",
    ),
    Metric(
        name="mean_position",
        label="Mean position",
        short="MP",
        family="thesis_padded",
        higher_is_better=False,
        unit="position",
        description="Over all relevant items of all pairs, each that is not found at position 400. "
        "Every drawing's own id is one that is not found, so that it says little.",
    ),
    Metric(
        name="mean_median_position",
        label="Mean median position",
        short="median pos.",
        family="thesis_padded",
        higher_is_better=False,
        unit="position",
        description="The median of a pair's positions, that 400 included, mean over pairs.",
    ),
)


# Looking up


def all_metrics() -> tuple[Metric, ...]:
    """Every entry, in the order in which metrics are shown."""
    return METRICS


def computed() -> dict[str, tuple[Metric, int | None]]:
    """Full name -> metric and cut-off, of all that is computed from ranks."""
    return {
        name: (metric, k)
        for metric in METRICS
        if metric.compute is not None
        for name, k in metric.names.items()
    }


def find(name: str) -> Metric:
    """The metric of a full name, a set in front of it or not: `recall@10`, `val/mrr`.

    One that is not registered, from a run of another version, is its own label and has no
    direction.

    >>> find("val/recall@10").label, find("median_rank").higher_is_better, find("x").family
    ('Recall', False, 'other')
    """
    own = name.rpartition("/")[2]
    known = (metric for metric in METRICS if own in metric.names)
    unknown = Metric(own, own, "other", None, "number")
    return next(known, unknown)


def label(name: str) -> str:
    """What people call a metric.

    >>> label("mrr"), label("recall@10"), label("ndcg@5"), label("recall_400")
    ('MRR', 'Recall@10', 'nDCG@5', 'Recall@400')
    """
    metric = find(name)
    k = metric.names.get(name.rpartition("/")[2])
    return metric.label if k is None else f"{metric.label}@{k}"


def short_label(name: str) -> str:
    """The label where room is scarce.

    >>> short_label("recall@10"), short_label("mrr")
    ('R@10', 'MRR')
    """
    metric = find(name)
    k = metric.names.get(name.rpartition("/")[2])
    own = metric.short or metric.label
    return own if k is None else f"{own}@{k}"


def in_a_sentence(name: str) -> str:
    """The first sentence of a metric's description, with its cut-off in it.

    >>> in_a_sentence("recall@10")
    'The share of the true ones that stand among the first 10.'
    """
    metric = find(name)
    sentence = metric.description.partition(". ")[0].rstrip(".")
    k = metric.names.get(name.rpartition("/")[2])
    return (sentence if k is None else re.sub(r"\bk\b", str(k), sentence)) + "."


def headline(known: Iterable[str]) -> list[str]:
    """Those of the known metrics that stand first; all of them if none does.

    >>> headline(["median_rank", "precision@1", "mrr"]), headline(["mean_position"])
    (['mrr', 'median_rank'], ['mean_position'])
    """
    names = list(known)
    first = [name for metric in METRICS for name in metric.headline if name in names]
    return first or names


def tested(known: Iterable[str]) -> list[str]:
    """Those of the known metrics in which models are compared by tests, in the registry's order."""
    names = set(known)
    return [name for metric in METRICS for name in metric.tested if name in names]


def by_family(known: Iterable[str]) -> list[list[str]]:
    """The known metrics kin by kin, in the order of the registry; what it lacks comes last.

    >>> by_family(["recall@10", "mean_rank", "recall@1", "mrr"])
    [['mrr', 'mean_rank'], ['recall@1', 'recall@10']]
    """
    names = list(dict.fromkeys(known))
    order = {name: place for place, name in enumerate(n for m in METRICS for n in m.names)}
    names.sort(key=lambda name: order.get(name, len(order)))
    kin = {family: [n for n in names if find(n).family == family] for family in FAMILIES}
    return [own for own in kin.values() if own]


def gain(name: str, before: float, after: float) -> float:
    """How much better `after` is than `before`: negative if worse, 0 if nobody knows.

    >>> gain("mrr", 0.25, 0.5), gain("median_rank", 8, 3), gain("x", 1, 2)
    (0.25, 5, 0.0)
    """
    higher = find(name).higher_is_better
    return 0.0 if higher is None else after - before if higher else before - after


def best(name: str, values: Iterable[float]) -> float | None:
    """The best of some values; None if nobody knows which that is, or there is none."""
    higher = find(name).higher_is_better
    if higher is None:
        return None
    return max(values, default=None) if higher else min(values, default=None)


DECIMALS: Mapping[Unit, str] = {
    "share": ".3f",
    "rank": ",.1f",
    "position": ".2f",
    "percent": ".2f",
    "number": ".4g",
}


def written(value: float | None, name: str) -> str:
    """A value with as many decimals as its unit can bear.

    >>> written(0.41251, "mrr"), written(150.25, "mean_rank"), written(37.416, "MAP")
    ('0.413', '150.2', '37.42')
    >>> written(None, "mrr"), written(0.25, "normalised_rank")
    ('–', '0.250')
    """
    return "–" if value is None else f"{value:{DECIMALS[find(name).unit]}}"
