"""Which page of the documentation explains an error: by the part of drawsim that raised it.

Pages are told as what can be opened: files, beside the package in a checkout, inside it in an
installed one.
"""

from __future__ import annotations

import contextlib
import traceback
from pathlib import Path

PAGES = {
    "collection.csv_files": "tables.md",
    "collection.ids": "tables.md",
    "collection.tables": "tables.md",
    "collection.paths": "collection.md#The collection",
    "collection.splits": "collection.md#The collection",
    "collection.folds": "collection.md#The collection",
    "common.copies": "beyond_one_machine.md#Embedding",
    "common.remote": "beyond_one_machine.md#Embedding",
    "common.servers": "beyond_one_machine.md#Embedding",
    "learning.losses": "recipes.md",
    "learning.miners": "recipes.md",
    "models.backbones": "howto/backbone.md",
    "models.backbones.replica": "recipes.md#Replica weights",
    "models.embedding.on_ray": "beyond_one_machine.md#Embedding",
    "models.embedding.ray_cluster": "beyond_one_machine.md#Embedding",
    "models.embedding.shards": "beyond_one_machine.md#Embedding",
    "models.initial": "recipes.md#To begin with what another run has learnt",
    "models.loading": "runs.md",
    "models.sources": "runs.md",
    "models.weights": "howto/backbone.md",
    "pixels": "images.md",
    "pixels.pipeline": "howto/augmentation.md",
    "pixels.transforms": "howto/augmentation.md",
    "preparing": "collection.md",
    "preparing.fetching": "museums.md#Manifests and collections (IIIF)",
    "preparing.iiif": "museums.md#Manifests and collections (IIIF)",
    "preparing.museum_tables": "tables.md#Tables of museums",
    "preparing.schemes": "howto/scheme.md",
    "reporting.comparison.wandb_group": "wandb.md",
    "reporting.comparison": "searching.md",
    "reporting.comparison.study_format": "papers.md#An archive for others",
    "reporting.comparison.study_reading": "papers.md#An archive for others",
    "reporting.comparison.study_writing": "papers.md#An archive for others",
    "retrieval.analysis": "metrics.md",
    "retrieval.analysis.inputs": "runs.md",
    "retrieval.embeddings": "reference/formats.md#Embeddings",
    "retrieval.index": "searching.md#Embedding and searching",
    "retrieval.index.databases": "beyond_one_machine.md#Index",
    "retrieval.index.ivfpq": "beyond_one_machine.md#A million artworks",
    "retrieval.index.milvus": "beyond_one_machine.md#Index",
    "retrieval.index.pgvector": "beyond_one_machine.md#Index",
    "retrieval.index.postgres": "beyond_one_machine.md#Index",
    "retrieval.motifs": "motifs.md",
    "runs": "runs.md",
    "runs.sweeps": "beyond_one_machine.md#Sweeps",
    "web": "annotation.md",
    "web.events.database": "beyond_one_machine.md#The app for many",
    "web.security": "beyond_one_machine.md#The app for many",
    "workflows.annotate": "annotation.md",
    "workflows.export": "museums.md#Out",
    "workflows.index": "searching.md#Embedding and searching",
    "workflows.motifs": "motifs.md",
    "workflows.search": "searching.md#Embedding and searching",
    "workflows.wandb_copies": "wandb.md",
}
"""A module or package below drawsim -> page below docs/, and maybe its section by the heading.

The longest name that fits counts.
"""


def docs_folder() -> Path:
    """The folder of the pages: inside an installed package, beside the package in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "docs"
    return inside if inside.is_dir() else package.parent / "docs"


def told(name: str) -> str | None:
    """A page as people can open it, from where they are, and its section; None if it is not there.

    name: below docs/, as in `PAGES`.
    """
    page, _, section = name.partition("#")
    path = docs_folder() / page
    if not path.is_file():
        return None
    with contextlib.suppress(ValueError, OSError):  # elsewhere: the whole path
        path = path.relative_to(Path.cwd())
    return f'{path}, "{section}"' if section else str(path)


def page_of(error: BaseException) -> str | None:
    """The page on what an error is about, as `told`; None where no page is.

    The innermost frame whose module has a page decides: what raises for everybody, such as a reader
    of files, leaves it to who called.
    """
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    for frame in reversed(frames):
        name = str(frame.f_globals.get("__name__", "")).removeprefix("drawsim.")
        while name and name not in PAGES:
            name = name.rpartition(".")[0]
        if name:
            return told(PAGES[name])
    return None


def with_page(error: BaseException) -> str:
    """What an error says, and behind it, or below several lines, where to read on."""
    said, page = str(error), page_of(error)
    if page is None:
        return said
    return f"{said}\nmore: {page}" if "\n" in said else f"{said} – more: {page}"
