"""The metrics that stand first, before and after training, and how certain they are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drawsim.reporting.kit.stages import stages
from drawsim.reporting.run.reading import Query, Ranking
from drawsim.retrieval.analysis.intervals import bootstrap, percentile_interval
from drawsim.retrieval.metrics import registry
from drawsim.retrieval.metrics.functions import metric_values
from drawsim.retrieval.metrics.query_ranks import QueryRanks

FEWEST_QUERIES = 5  # below that, resampling says nothing


@dataclass(frozen=True)
class Figure:
    """A metric at one stage, None where it was not measured, with its 95 % interval if known."""

    value: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class HeadlineRow:
    """A headline metric, stage by stage, the plain network first and the final model last.

    `change` is the factor of improvement from first to last: after / before where higher is better,
    else before / after; None if there is one stage only.
    """

    metric: str
    figures: list[Figure]
    change: float | None
    change_interval: tuple[float, float] | None


def headline(record: Mapping[str, Any], queries: Sequence[Query]) -> list[HeadlineRow]:
    """The test set's headline metrics, with percentile bootstrap intervals over its queries.

    The figures are those of `metrics.json`. An interval is given only where `ranks.csv`
    reproduces the figure, so that it can never belong to another definition of the metric.
    """
    measured = {stage.name: stage.scores.get("test", {}) for stage in stages(record)}
    names = registry.headline(dict.fromkeys(name for own in measured.values() for name in own))
    size = int(record.get("gallery_size") or 0)
    samples = {
        stage: _samples(names, own, [query.at(stage, list(measured)) for query in queries], size)
        for stage, own in measured.items()
    }
    return [_row(name, measured, samples) for name in names]


Sample = NDArray[np.float64]


def _row(
    name: str,
    measured: Mapping[str, Mapping[str, float]],
    samples: Mapping[str, Mapping[str, Sample]],
) -> HeadlineRow:
    figures = []
    for stage, own in measured.items():
        sample = samples[stage].get(name)
        interval = None if sample is None else percentile_interval(sample)
        figures.append(Figure(own.get(name), interval))
    change = change_interval = None
    higher = registry.find(name).higher_is_better
    if len(figures) > 1 and higher is not None:
        ends = list(measured)[:: len(measured) - 1]  # the first stage and the last
        below, above = ends if higher else ends[::-1]
        divided, by = measured[above].get(name), measured[below].get(name)
        change = divided / by if divided is not None and by else None
        over, under = samples[above].get(name), samples[below].get(name)
        if over is not None and under is not None and under.all():
            change_interval = percentile_interval(over / under)
    return HeadlineRow(name, figures, change, change_interval)


def _samples(
    names: Sequence[str],
    figures: Mapping[str, float],
    found: Sequence[Ranking | None],
    gallery_size: int,
) -> dict[str, Sample]:
    """The bootstrap sample of each metric whose figure the rankings of a stage carry."""
    rankings = [ranking for ranking in found if ranking is not None]
    if len(rankings) < max(FEWEST_QUERIES, len(found)):
        return {}
    ranks = [list(ranking.ranks.values()) for ranking in rankings]
    gallery_size = gallery_size or int(max(max(own) for own in ranks))
    values = metric_values(QueryRanks.of_lists(ranks, gallery_size))
    drawn = {}
    for name in (name for name in names if name in values and name in figures):
        centre = registry.find(name).centre
        if math.isclose(centre(values[name]), figures[name], rel_tol=1e-3, abs_tol=1e-4):
            drawn[name] = bootstrap(values[name], centre)
    return drawn
