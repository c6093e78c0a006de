"""Metrics of a run, of a checkpoint, or of any embeddings, with tables and a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from drawsim.collection.splits import load_split, read_split
from drawsim.collection.tables import Collection
from drawsim.common.building import build, config_folder
from drawsim.common.errors import UserError
from drawsim.common.files import write_json
from drawsim.common.renamed import ways
from drawsim.models.embedding.files import TRAINER, embed_files
from drawsim.models.evaluating import linked, looked_again, stages
from drawsim.models.loading import (
    Rerank,
    best_checkpoint,
    make_reranker,
    model_of_checkpoint,
    rerank_settings,
    run_of,
    with_rerank,
)
from drawsim.models.trainer import settle_hardware
from drawsim.pixels.simulated_queries import simulate_queries
from drawsim.reporting.evaluation.page import write_evaluation
from drawsim.retrieval.analysis import evaluation, inputs
from drawsim.retrieval.analysis.evaluation import Direction
from drawsim.retrieval.analysis.inputs import Inputs
from drawsim.retrieval.analysis.known_answers import calibrate
from drawsim.retrieval.embeddings import Embeddings
from drawsim.runs.settings import data_root, read_settings

Metrics = dict[str, dict[str, dict[str, float]]]


@dataclass(frozen=True)
class EvaluateSettings:
    """out: the folder of the results. See `retrieval.analysis.evaluation.evaluate` for the rest."""

    out: Path
    protocol: str = "drawsim"
    direction: Direction = "drawing_to_artwork"
    by: Sequence[str] | None = None
    csls: int | None = None
    calibrate: bool = False


def evaluate(found: Inputs, settings: EvaluateSettings) -> tuple[Metrics, list[str]]:
    """Measure, write metrics.json, tables and a page; the metrics, and what else is to be said."""
    if settings.protocol == "thesis":
        plain = tuple(one for one in found.models if one.reranker is None)
        metrics = evaluation.thesis_metrics(replace(found, models=plain))
        write_json(settings.out / "metrics.json", {"protocol": "thesis", **metrics})
        return metrics, []
    result = evaluation.evaluate(
        found,
        direction=settings.direction,
        columns=settings.by,
        csls_neighbours=settings.csls,
    )
    calibrated = calibrate(found) if settings.calibrate else None
    write_evaluation(result, found, settings.out, calibrated)
    return result.metrics, [] if calibrated is None else [calibrated.note]


def of_run(
    run: Path, root: Path | None, rerank: Rerank | None = None, trust: Sequence[str] = ()
) -> Inputs:
    """The stages of a run's model, as train has them.

    rerank: how lists are looked at again; None: as the run's model does.
    """
    found = inputs.from_run(run, root)
    if not (_stored_rerank(run, trust) if rerank is None else rerank_settings(rerank)):
        return found
    model = with_rerank(model_of_checkpoint(best_checkpoint(run), trust), rerank)
    *before, last = found.models
    return replace(found, models=(*before, *looked_again(last, model, found.collection)))


def of_checkpoint(
    checkpoint: Path,
    root: Path | None,
    rerank: Rerank | None = None,
    trust: Sequence[str] = (),
    split_file: Path | None = None,
    queries: Path | None = None,
) -> Inputs:
    """What a checkpoint's run used, or the collection at `root`, embedded by its model.

    split_file: another split than that of the run. queries: the folder of simulated queries, of a
    run that has such; they are made there anew. Every original is embedded. Raises UserError if the
    collection is gone, or the checkpoint is not in a run folder.
    """
    run = run_of(checkpoint)
    settings = read_settings(run, trust)
    model = with_rerank(model_of_checkpoint(checkpoint, trust), rerank)
    collection, split = _data(run, settings, root, split_file, queries)
    originals = collection.originals
    skip = settings["data"].get("on_missing", "error")
    drawings, artworks = (
        embed_files(model, files, progress=True, on_missing=skip, store=None)
        for files in (
            collection.paths("drawing", originals.index),
            collection.paths("artwork"),
        )
    )
    precision = settle_hardware(TRAINER)["precision"]
    models = stages(
        model, checkpoint.stem, drawings, artworks, collection, made_by=model.describe(precision)
    )
    used = replace(
        collection,
        drawings=collection.drawings.loc[list(drawings.ids)],
        artworks=collection.artworks.loc[list(artworks.ids)],
        pairs=_among(collection.pairs, drawings, artworks),
    )
    absent = pd.DataFrame(columns=["drawing_id", "artwork_id"])
    return Inputs(
        models,
        used,
        _among(split, drawings, artworks),
        absent,
        source=f"{inputs.run_name(run)}, {checkpoint.name}",
        split_name=split_file.stem if split_file else inputs.run_split(run),
    )


def of_files(
    queries: Path,
    gallery: Path,
    pairs: Path | None,
    split: Path,
    root: Path | None,
    rerank: Rerank | None = None,
) -> Inputs:
    """Any embeddings. rerank: ways that need no pictures; raises UserError for others."""
    found = inputs.from_files(queries, gallery, pairs, split, root)
    chain = make_reranker(rerank_settings(rerank or "none"), config_folder(), ())
    if chain is None:
        return found
    for link in chain.links:
        if link.looks:
            raise UserError(f"rerank={link.name}: looks at pictures by a model; give run=DIR")
    last = found.models[-1]
    return replace(found, models=(last, *linked(last, chain)))


def _stored_rerank(run: Path, trust: Sequence[str]) -> Mapping[str, Any]:
    """How the run's model looks at lists again; nothing where its settings do not say."""
    if not (run / "config.yaml").is_file():
        return {}
    found = read_settings(run, trust).get("rerank")
    return ways(found) if isinstance(found, Mapping) else {}


def _data(
    run: Path,
    settings: Mapping[str, Any],
    root: Path | None,
    split: Path | None,
    queries: Path | None,
) -> tuple[Collection, pd.DataFrame]:
    """The collection and the split of a run, or those of another collection, by the run's rule."""
    folder = data_root(settings) if root is None else root
    if folder is None:
        raise UserError(f"{run}: the collection of this run is not there; give collection=DIR")
    if settings["pairs"]["queries"] == "simulated":
        if queries is None:
            raise UserError(f"{run}: its queries are simulated; say in which folder: out=DIR")
        view = build(settings["pairs"]["view"])
        gallery = Collection.open(folder, tables=("artworks",))
        return simulate_queries(gallery, view, queries, settings["seed"])
    collection = Collection.open(folder)
    if split is None and root is None and (run / "split.csv").is_file():
        split = run / "split.csv"
    if split is not None:
        return collection, read_split(split, collection)
    return collection, load_split(collection, settings["split"]["name"], needs=())


def _among(pairs: pd.DataFrame, drawings: Embeddings, artworks: Embeddings) -> pd.DataFrame:
    """The rows of a table of pairs whose images are embedded."""
    known = pairs["drawing_id"].isin(drawings.ids) & pairs["artwork_id"].isin(artworks.ids)
    return pairs[known].reset_index(drop=True)
