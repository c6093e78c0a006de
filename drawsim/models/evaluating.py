"""A model measured on a collection, each stage of its ranking beside the one before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import torch

from drawsim.collection.splits import SETS, load_split
from drawsim.collection.tables import Collection
from drawsim.models.local_features import KeptPictures
from drawsim.models.model import ADAPTED, Model
from drawsim.retrieval.analysis.inputs import Embedded
from drawsim.retrieval.embeddings import Embeddings
from drawsim.retrieval.metrics.functions import query_metrics, summarise
from drawsim.retrieval.reranking.base import Pictures
from drawsim.retrieval.reranking.chain import Chain
from drawsim.retrieval.task import make_task

EMBEDDING = "embedding"
"""The first stage of ranking; adaptation follows, and each way of re-ranking by its own name."""
UNTRAINED, TRANSFERRED, LEARNT = "untrained", "transferred", "learnt"
"""What stands before them and between them in a run: the plain backbone, before its layout; and,
after adaptation, what another run had learnt and what training changed."""


def stages(
    model: Model,
    name: str,
    drawings: Embeddings,
    artworks: Embeddings,
    collection: Collection,
    *,
    made_by: dict[str, str],
    adapted: bool = False,
    store: Path | None = None,
) -> tuple[Embedded, ...]:
    """The model's stages as an evaluation compares them, the last under `name`.

    drawings, artworks: raw unit rows, or, if `adapted`, as the model has adapted them. collection:
    where the pictures are. store: where local features are kept; None: the user's cache.
    """
    now = Embedded(name, drawings, artworks, made_by, stage=EMBEDDING)
    found: list[Embedded] = []
    if model.adaptation is not None and not adapted:
        found.append(replace(now, name=EMBEDDING))
        now = replace(
            now,
            drawings=Embeddings(drawings.ids, model.adapt(drawings.vectors, "drawing")),
            artworks=Embeddings(artworks.ids, model.adapt(artworks.vectors, "artwork")),
            stage=ADAPTED,
        )
    elif adapted:
        now = replace(now, stage=ADAPTED)
    if model.rerank is None:
        return (*found, now)
    pictures = pictures_of(model, collection, store) if model.rerank.looks else None
    return (*found, *looked_again(now, model.rerank, pictures))


def looked_again(
    last: Embedded,
    chain: Chain,
    pictures: Callable[[Sequence[str], Sequence[str]], Pictures] | None = None,
) -> tuple[Embedded, ...]:
    """A stage, and one for each link of a chain that follows it, the last under the stage's name.

    pictures: finds those of drawings and artworks by id, for links that look at them.
    """
    every = [replace(last, name=str(last.stage))]
    for number, link in enumerate(chain.links, 1):
        part = Chain(chain.links[:number])
        every.append(
            replace(
                last,
                name=link.name,
                reranker=part,
                pictures=pictures if part.looks else None,
                stage=link.name,
            )
        )
    return (*every[:-1], replace(every[-1], name=last.name))


def pictures_of(
    model: Model, collection: Collection, store: Path | None = None
) -> Callable[[Sequence[str], Sequence[str]], Pictures]:
    """Finds the pictures of drawings and artworks by id, for re-ranking that looks at them."""

    def find(drawings: Sequence[str], artworks: Sequence[str]) -> Pictures:
        queries = collection.paths("drawing", drawings)
        gallery = collection.paths("artwork", artworks)
        return KeptPictures(
            model,
            [queries.get(name) for name in drawings],
            [gallery.get(name) for name in artworks],
            store,
        )

    return find


def evaluate_collection(
    model: Model, collection: Collection, split: str, *, progress: bool
) -> pd.DataFrame:
    """Metrics of a model's last stage: a row for each set that has queries."""
    task = make_task(collection, load_split(collection, split, needs=()))
    drawings = model.embed(
        collection.paths("drawing", task.drawings), "drawing", progress=progress
    ).of(task.drawings)
    artworks = model.embed(
        collection.paths("artwork", task.artworks), "artwork", progress=progress
    ).of(task.artworks)
    pictures = None
    if model.rerank is not None and model.rerank.looks:
        pictures = pictures_of(model, collection)(task.drawings, task.artworks)
    rows = {}
    for name in SETS:
        queries = task.queries[name]
        if not len(queries):
            continue
        with torch.no_grad():
            ranking = task.rank(queries, drawings.vectors, artworks.vectors, model.rerank, pictures)
        rows[name] = {"queries": len(queries), **summarise(query_metrics(ranking))}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("set")
