"""One evaluation: metrics of every set, ranks of every query, breakdowns and diagnostics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from drawsim.collection.splits import SETS, Set
from drawsim.collection.tables import Collection
from drawsim.common.errors import UserError, nearest
from drawsim.retrieval.analysis.diagnostics import csls, hubness, memorisation
from drawsim.retrieval.analysis.inputs import Embedded, Inputs
from drawsim.retrieval.analysis.intervals import bootstrap, percentile_interval
from drawsim.retrieval.metrics.functions import query_metrics, summarise
from drawsim.retrieval.metrics.registry import broken_down
from drawsim.retrieval.metrics.thesis_protocol import ThesisRanking, thesis_summary
from drawsim.retrieval.reranking.base import Pictures
from drawsim.retrieval.reranking.chain import Chain
from drawsim.retrieval.task import RetrievalTask, make_task, ranks_table

Direction = Literal["drawing_to_artwork", "artwork_to_drawing"]
GROUPS: dict[str, tuple[Set, ...]] = {
    **{name: (name,) for name in SETS},
    "val+test": ("val", "test"),
}
"""What is evaluated, and of which sets of the split it consists."""
HUBS = 10


@dataclass(frozen=True)
class Evaluation:
    """metrics: model -> set -> metric -> value. counts: set -> queries and pairs.

    ranks: as `ranks.csv` of a run. breakdowns: model, set, column, value, queries, metric, mean,
    low, high. memorisation: model, set, places, gallery, factor. hubs: model, item, occurrences,
    expected, trained_on. skew: model -> skew of the occurrences in the top 10. The stages of one
    model are models here, in their order.
    """

    protocol: str
    direction: str
    gallery_size: int
    metrics: dict[str, dict[str, dict[str, float]]]
    counts: dict[str, dict[str, int]]
    tie_rate: dict[str, float]
    ranks: pd.DataFrame
    breakdowns: pd.DataFrame
    memorisation: pd.DataFrame
    hubs: pd.DataFrame
    skew: dict[str, float]


def evaluate(
    inputs: Inputs,
    *,
    direction: Direction,
    columns: Sequence[str] | None,
    csls_neighbours: int | None,
) -> Evaluation:
    """Evaluate by drawsim's own protocol.

    columns: what to break down by; None: all that describe more than one group of queries. With
    csls_neighbours every model is evaluated a second time, as `<name>+csls`.
    """
    if direction == "artwork_to_drawing":
        inputs = _reversed(inputs)
    task = make_task(inputs.collection, inputs.split)
    drawings, gallery = inputs.collection.drawings, inputs.collection.artworks
    by = _columns(inputs.collection, columns)
    trained = torch.unique(task.train_pairs[:, 1])
    found: dict[str, Any] = {"ranks": [], "breakdowns": [], "memorisation": [], "hubs": []}
    metrics: dict[str, dict[str, dict[str, float]]] = {}
    tie_rate, skew = {}, {}
    for name, queries, artworks, model in _vectors(inputs.models, task, csls_neighbours):
        metrics[name] = {}
        lists = []
        second_look = _second_look(model, task)
        for group, sets in GROUPS.items():
            rows = torch.cat([task.queries[one] for one in sets])
            ranking = task.rank(rows, queries, artworks, *second_look)
            per_query = query_metrics(ranking)
            metrics[name][group] = summarise(per_query)
            told = {"model": name, "set": group}
            at = memorisation(ranking.top_index, trained, len(gallery))
            found["memorisation"].append(
                {**told, "places": at.places, "gallery": at.gallery, "factor": at.factor}
            )
            about = _about(task, rows[per_query["query"]], drawings, gallery)
            found["breakdowns"] += [{**told, **row} for row in breakdown(about, by, per_query)]
            if len(sets) == 1:
                lists.append(ranking.top_index)
                table = ranks_table(task, sets[0], ranking)
                found["ranks"].append(table.assign(model=name))
            if group == "val+test":
                tie_rate[name] = ranking.tie_rate
        hubs = hubness(torch.cat(lists), len(gallery))
        skew[name] = hubs.skew
        expected = float(hubs.occurrences.double().mean())
        found["hubs"] += [
            {
                "model": name,
                "item": task.artworks[row],
                "occurrences": int(hubs.occurrences[row]),
                "expected": expected,
                "trained_on": bool(torch.isin(torch.tensor(row), trained)),
            }
            for row in hubs.worst(HUBS).tolist()
        ]
    return Evaluation(
        protocol="drawsim",
        direction=direction,
        gallery_size=len(gallery),
        metrics=metrics,
        counts=_counts(task, inputs.split),
        tie_rate=tie_rate,
        ranks=pd.concat(found["ranks"], ignore_index=True),
        breakdowns=pd.DataFrame(found["breakdowns"]),
        memorisation=pd.DataFrame(found["memorisation"]),
        hubs=pd.DataFrame(found["hubs"]),
        skew=skew,
    )


def thesis_metrics(inputs: Inputs) -> dict[str, dict[str, dict[str, float]]]:
    """Model -> set -> metric by the thesis's protocol, vectors as they are, original drawings."""
    task = make_task(inputs.collection, inputs.split)
    relevant = torch.bincount(task.positives.query, minlength=len(task.drawings))
    row = {name: i for i, name in enumerate(task.drawings)}
    for drawing in inputs.absent["drawing_id"]:
        if drawing in row:
            relevant[row[drawing]] += 1
    originals = inputs.split[inputs.split["drawing_id"] == inputs.split["parent"]]
    sets: dict[str, Tensor] = {
        name: torch.tensor([row[i] for i in originals.loc[originals["set"] == name, "drawing_id"]])
        for name in SETS
    }
    return {
        model.name: thesis_summary(
            ThesisRanking.of(
                model.drawings.of(task.drawings).vectors,
                model.artworks.of(task.artworks).vectors,
                task.positives,
                relevant,
            ),
            sets,
        )
        for model in inputs.models
    }


def breakdown(
    about: pd.DataFrame, columns: Sequence[str], per_query: dict[str, Tensor]
) -> list[dict[str, Any]]:
    """Means of some metrics for each value of each column, with 95 % bootstrap intervals.

    about: one row per query, in the order of per_query. A single query has no interval.
    """
    rows = []
    for column in columns:
        for value, places in about.reset_index(drop=True).groupby(column).indices.items():
            for metric in broken_down():
                values = per_query[metric][torch.from_numpy(places)].numpy()
                low, high = (np.nan, np.nan)
                if len(values) > 1:
                    low, high = percentile_interval(bootstrap(values, np.mean))
                rows.append(
                    {
                        "column": column,
                        "value": value or "(unknown)",
                        "queries": len(values),
                        "metric": metric,
                        "mean": float(values.mean()),
                        "low": low,
                        "high": high,
                    }
                )
    return rows


def _vectors(
    models: Sequence[Embedded], task: RetrievalTask, csls_neighbours: int | None
) -> list[tuple[str, Tensor, Tensor, Embedded]]:
    """Name, queries and gallery of each model, unit rows in the order of the task's ids."""
    vectors = []
    for model in models:
        queries = unit_rows(model.drawings.of(task.drawings).vectors, model.name)
        gallery = unit_rows(model.artworks.of(task.artworks).vectors, model.name)
        vectors.append((model.name, queries, gallery, model))
        if csls_neighbours:
            held_back = csls(queries, gallery, csls_neighbours)
            vectors.append((f"{model.name}+csls", *held_back, replace(model, reranker=None)))
    return vectors


def _second_look(model: Embedded, task: RetrievalTask) -> tuple[Chain | None, Pictures | None]:
    """How lists are looked at again, and the pictures for it, if it needs them."""
    if model.reranker is None or not model.reranker.looks or model.pictures is None:
        return model.reranker, None
    return model.reranker, model.pictures(task.drawings, task.artworks)


def unit_rows(vectors: Tensor, name: str) -> Tensor:
    """The rows of (N, d) at length 1. Raises UserError, with the model's name, if one is zero."""
    length = vectors.norm(dim=1, keepdim=True)
    if bool((length == 0).any()):
        raise UserError(f"{name}: {int((length == 0).sum())} vectors are zero; embed again.")
    return vectors / length


def _reversed(inputs: Inputs) -> Inputs:
    """The same with drawings as the gallery: originals only, since copies would answer for them."""
    swap = {"drawing_id": "artwork_id", "artwork_id": "drawing_id"}

    def swapped(table: pd.DataFrame) -> pd.DataFrame:
        originals = table[table["parent"] == table["drawing_id"]].rename(columns=swap)
        return originals.assign(parent=originals["drawing_id"])

    pairs, collection = inputs.collection.pairs, inputs.collection
    copies = set(pairs.loc[pairs["parent"] != pairs["drawing_id"], "drawing_id"])
    gallery = collection.drawings[~collection.drawings.index.isin(copies)]
    return Inputs(
        tuple(
            replace(model, drawings=model.artworks, artworks=model.drawings.of(list(gallery.index)))
            for model in inputs.models
        ),
        Collection(collection.root, collection.artworks, gallery, swapped(pairs)),
        swapped(inputs.split),
        inputs.absent.rename(columns=swap),
    )


def _columns(collection: Collection, wanted: Sequence[str] | None) -> list[str]:
    """The columns to break down by: those asked for, or age group, country, year and artist."""
    known = [c for c in (*collection.drawings.columns, *collection.artworks.columns) if c != "path"]
    if wanted is None:
        return [c for c in ("age_group", "country", "year", "artist") if c in known]
    for column in wanted:
        if column not in known:
            what = nearest(column, known) if known else "nothing is known: give collection=DIR"
            raise UserError(f"by={column}: no such column, {what}")
    return list(wanted)


def _about(
    task: RetrievalTask, rows: Tensor, drawings: pd.DataFrame, gallery: pd.DataFrame
) -> pd.DataFrame:
    """What is known of each query, and of the first of its relevant items."""
    first: dict[int, int] = {}
    for query, item in zip(
        task.positives.query.tolist(), task.positives.gallery.tolist(), strict=True
    ):
        first.setdefault(query, item)
    own = drawings.loc[[task.drawings[row] for row in rows.tolist()]].reset_index(drop=True)
    theirs = gallery.loc[[task.artworks[first[row]] for row in rows.tolist()]]
    new = [column for column in theirs.columns if column not in own.columns]
    return pd.concat([own, theirs[new].reset_index(drop=True)], axis=1)


def _counts(task: RetrievalTask, split: pd.DataFrame) -> dict[str, dict[str, int]]:
    originals = split[split["drawing_id"] == split["parent"]]
    return {
        group: {
            "queries": sum(len(task.queries[one]) for one in sets),
            "pairs": int(originals["set"].isin(sets).sum()),
        }
        for group, sets in GROUPS.items()
    }
