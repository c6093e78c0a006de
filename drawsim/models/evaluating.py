"""A model measured on a collection, each stage of its ranking beside the one before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pandas as pd
import torch

from drawsim.collection.splits import SETS, load_split
from drawsim.collection.tables import Collection
from drawsim.models.local_features import KeptPictures
from drawsim.models.model import Model
from drawsim.retrieval.analysis.inputs import Embedded
from drawsim.retrieval.embeddings import Embeddings
from drawsim.retrieval.metrics.functions import query_metrics, summarise
from drawsim.retrieval.reranking.base import Pictures
from drawsim.retrieval.reranking.chain import Chain
from drawsim.retrieval.task import make_task
from drawsim.runs.stages import ADAPTED

EMBEDDING = "embedding"
"""The first stage of a checkpoint's model that adapts; adaptation follows, and each way of
re-ranking by its own name."""


def stages(
    model: Model,
    name: str,
    drawings: Embeddings,
    artworks: Embeddings,
    collection: Collection,
    *,
    made_by: dict[str, str],
) -> tuple[Embedded, ...]:
    """The model's stages as an evaluation compares them; of one alone, under `name`.

    drawings, artworks: raw unit rows. collection: where the pictures are.
    """
    now = Embedded(name if model.adaptation is None else EMBEDDING, drawings, artworks, made_by)
    if model.adaptation is None:
        return looked_again(now, model, collection)
    adapted = replace(
        now,
        name=ADAPTED,
        drawings=Embeddings(drawings.ids, model.adapt(drawings.vectors, "drawing")),
        artworks=Embeddings(artworks.ids, model.adapt(artworks.vectors, "artwork")),
    )
    return (now, *looked_again(adapted, model, collection))


def looked_again(last: Embedded, model: Model, collection: Collection) -> tuple[Embedded, ...]:
    """The last stage of a model's embeddings, and one for each way in which it re-ranks them."""
    if model.rerank is None:
        return (last,)
    pictures = pictures_of(model, collection) if model.rerank.looks else None
    return (last, *linked(last, model.rerank, pictures))


def linked(
    last: Embedded,
    chain: Chain,
    pictures: Callable[[Sequence[str], Sequence[str]], Pictures] | None = None,
) -> tuple[Embedded, ...]:
    """A stage for each link of a chain that follows another stage, by the link's name.

    pictures: finds those of drawings and artworks by id, for links that look at them.
    """
    parts = [Chain(chain.links[:number]) for number in range(1, len(chain.links) + 1)]
    return tuple(
        replace(
            last,
            name=part.links[-1].name,
            reranker=part,
            pictures=pictures if part.looks else None,
        )
        for part in parts
    )


def pictures_of(
    model: Model, collection: Collection
) -> Callable[[Sequence[str], Sequence[str]], Pictures]:
    """Finds the pictures of drawings and artworks by id, for re-ranking that looks at them."""

    def find(drawings: Sequence[str], artworks: Sequence[str]) -> Pictures:
        queries = collection.paths("drawing", drawings)
        gallery = collection.paths("artwork", artworks)
        return KeptPictures(
            model,
            [queries.get(name) for name in drawings],
            [gallery.get(name) for name in artworks],
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
