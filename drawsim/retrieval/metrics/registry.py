"""Every number that a ranking is judged by, with all that anybody needs to know of it.

Whoever computes, prints, draws, compares or logs a metric asks here for its name, label, family,
direction and unit; docs/metrics.md is made from here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from drawsim.retrieval.metrics.definitions import METRICS
from drawsim.retrieval.metrics.metric import FAMILIES, Metric, Unit


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
    'The share of the true ones that stand at rank 10 or nearer.'
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


def broken_down() -> list[str]:
    """The metrics that are told for each value of what is known of the queries."""
    return [name for metric in METRICS for name in metric.broken_down]


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
