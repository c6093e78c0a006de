"""Which page of the documentation explains an error: by the part of drawsim that raised it."""

from __future__ import annotations

import traceback

PAGES = {
    "collection.csv_files": "tables.md",
    "collection.ids": "tables.md",
    "collection.tables": "tables.md",
    "collection.paths": "collection.md#the-collection",
    "collection.splits": "collection.md#the-collection",
    "collection.folds": "collection.md#the-collection",
    "common.copies": "beyond_one_machine.md#embedding",
    "common.remote": "beyond_one_machine.md#embedding",
    "common.servers": "beyond_one_machine.md#embedding",
    "learning.losses": "recipes.md",
    "learning.miners": "recipes.md",
    "models.backbones": "howto/backbone.md",
    "models.backbones.replica": "recipes.md#replica-weights",
    "models.embedding.on_ray": "beyond_one_machine.md#embedding",
    "models.embedding.ray_cluster": "beyond_one_machine.md#embedding",
    "models.embedding.shards": "beyond_one_machine.md#embedding",
    "models.initial": "recipes.md#to-begin-with-what-another-run-has-learnt",
    "models.loading": "runs.md",
    "models.sources": "runs.md",
    "models.weights": "howto/backbone.md",
    "pixels": "images.md",
    "pixels.pipeline": "howto/augmentation.md",
    "pixels.transforms": "howto/augmentation.md",
    "preparing": "collection.md",
    "preparing.fetching": "museums.md#manifests-and-collections-iiif",
    "preparing.iiif": "museums.md#manifests-and-collections-iiif",
    "preparing.museum_tables": "tables.md#tables-of-museums",
    "preparing.schemes": "howto/scheme.md",
    "reporting.comparison.wandb_group": "wandb.md",
    "reporting.comparison": "searching.md",
    "reporting.comparison.study_format": "papers.md#an-archive-for-others",
    "reporting.comparison.study_reading": "papers.md#an-archive-for-others",
    "reporting.comparison.study_writing": "papers.md#an-archive-for-others",
    "retrieval.analysis": "metrics.md",
    "retrieval.analysis.inputs": "runs.md",
    "retrieval.embeddings": "reference/formats.md#embeddings",
    "retrieval.index": "searching.md#embedding-and-searching",
    "retrieval.index.databases": "beyond_one_machine.md#index",
    "retrieval.index.ivfpq": "beyond_one_machine.md#a-million-artworks",
    "retrieval.index.milvus": "beyond_one_machine.md#index",
    "retrieval.index.pgvector": "beyond_one_machine.md#index",
    "retrieval.index.postgres": "beyond_one_machine.md#index",
    "retrieval.motifs": "motifs.md",
    "runs": "runs.md",
    "runs.sweeps": "beyond_one_machine.md#sweeps",
    "web": "annotation.md",
    "web.events.database": "beyond_one_machine.md#the-app-for-many",
    "web.security": "beyond_one_machine.md#the-app-for-many",
    "workflows.annotate": "annotation.md",
    "workflows.export": "museums.md#out",
    "workflows.index": "searching.md#embedding-and-searching",
    "workflows.motifs": "motifs.md",
    "workflows.search": "searching.md#embedding-and-searching",
    "workflows.wandb_copies": "wandb.md",
}
"""A module or package below drawsim -> page below docs/; the longest name that fits counts."""


def page_of(error: BaseException) -> str | None:
    """The page on what an error is about, `docs/…`; None where no page is.

    The innermost frame whose module has a page decides: what raises for everybody, such as a reader
    of files, leaves it to who called.
    """
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    for frame in reversed(frames):
        name = str(frame.f_globals.get("__name__", "")).removeprefix("drawsim.")
        while name and name not in PAGES:
            name = name.rpartition(".")[0]
        if name:
            return f"docs/{PAGES[name]}"
    return None


def with_page(error: BaseException) -> str:
    """What an error says, and behind it, or below several lines, where to read on."""
    said, page = str(error), page_of(error)
    if page is None:
        return said
    return f"{said}\nmore: {page}" if "\n" in said else f"{said} – more: {page}"
