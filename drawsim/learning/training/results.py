"""What a run says of its models once it is over: metrics, diagnostics and ranks of all sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor

from drawsim.collection.splits import SETS, Set
from drawsim.retrieval.analysis.diagnostics import hubness, memorisation
from drawsim.retrieval.metrics.functions import query_metrics, summarise
from drawsim.retrieval.metrics.thesis_protocol import ThesisRanking
from drawsim.retrieval.ranking import Ranking
from drawsim.retrieval.reranking.base import Pictures
from drawsim.retrieval.reranking.chain import Chain
from drawsim.retrieval.task import RetrievalTask, ranks_table
from drawsim.runs.folder import Protocol

Vectors = tuple[Tensor, Tensor]
"""Unit rows of all drawings and all artworks of a task, as a model ranks them."""
BySet = dict[Set, dict[str, float]]


@dataclass(frozen=True)
class Results:
    """What was found.

    metrics, diagnostics: of each model, set by set. ranks: the table `ranks.csv`. tie_rates: of
    each model and set, how often artworks have the same score.
    """

    metrics: dict[str, BySet]
    diagnostics: dict[str, BySet]
    ranks: pd.DataFrame
    tie_rates: dict[tuple[str, Set], float]


@dataclass(frozen=True)
class SecondLook:
    """How the lists of a model are looked at again, and the pictures for it, if it needs them."""

    reranker: Chain | None = None
    pictures: Pictures | None = None


def measure(
    task: RetrievalTask,
    models: Mapping[str, Vectors],
    protocol: Protocol,
    again: Mapping[str, SecondLook] | None = None,
) -> Results:
    """Rank the gallery for every set by each model.

    protocol: `thesis` adds its own scores, under `thesis/<name>`, of vectors as they are. again: of
    models whose lists are looked at again.
    """
    metrics: dict[str, BySet] = {model: {} for model in models}
    diagnostics: dict[str, BySet] = {model: {} for model in models}
    tables, tie_rates = [], {}
    for model, vectors in models.items():
        for name in SETS:
            look = (again or {}).get(model, SecondLook())
            ranking = task.rank(task.queries[name], *vectors, look.reranker, look.pictures)
            metrics[model][name] = summarise(query_metrics(ranking))
            if protocol == "thesis":
                metrics[model][name] |= thesis_scores(task, name, vectors)
            diagnostics[model][name] = diagnose(task, ranking)
            tie_rates[model, name] = ranking.tie_rate
            tables.append(ranks_table(task, name, ranking).assign(model=model))
    return Results(metrics, diagnostics, pd.concat(tables, ignore_index=True), tie_rates)


def measure_stages(
    task: RetrievalTask, stages: Mapping[str, tuple[Vectors, SecondLook]]
) -> tuple[dict[str, BySet], list[pd.DataFrame]]:
    """The metrics of every set by each stage of ranking, and their parts of `ranks.csv`."""
    metrics: dict[str, BySet] = {stage: {} for stage in stages}
    tables = []
    for stage, (vectors, look) in stages.items():
        for name in SETS:
            ranking = task.rank(task.queries[name], *vectors, look.reranker, look.pictures)
            metrics[stage][name] = summarise(query_metrics(ranking))
            tables.append(ranks_table(task, name, ranking).assign(model=stage))
    return metrics, tables


def diagnose(task: RetrievalTask, ranking: Ranking) -> dict[str, float]:
    """How far training artworks and hubs crowd the top 10 (`retrieval.analysis`)."""
    if not len(ranking.top_index):
        return {}
    trained = torch.unique(task.train_pairs[:, 1])
    by_heart = memorisation(ranking.top_index, trained, ranking.gallery_size)
    hubs = hubness(ranking.top_index, ranking.gallery_size)
    return {"memorisation": by_heart.factor, "hubness_skew": hubs.skew}


def thesis_scores(task: RetrievalTask, name: Set, vectors: Vectors) -> dict[str, float]:
    """The scores of a set by the thesis's rules, under `thesis/<name>`; none if it is empty."""
    drawings = task.pairs_of(name)[:, 0]
    if not len(drawings):
        return {}
    relevant = torch.bincount(task.positives.query, minlength=len(task.drawings))
    scores = ThesisRanking.of(*vectors, task.positives, relevant).scores(drawings)
    return {f"thesis/{key}": value for key, value in scores.items()}
