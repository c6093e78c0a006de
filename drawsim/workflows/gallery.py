"""From a collection to something to search in: its images embedded and indexed, in one go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from drawsim.collection.kinds import KINDS, Kind
from drawsim.common.configuration import option
from drawsim.common.errors import UserError
from drawsim.models.sources import Untrained, model_of_source
from drawsim.workflows.embed import EmbedSettings, Images, embed
from drawsim.workflows.index import ModelChoice, Sources, build, collection_of, said_of


def index_collection(
    folder: Path,
    sources: Sources,
    model: ModelChoice,
    ann: str | Mapping[str, Any] | None = None,
    database: str | None = None,
) -> list[str]:
    """Embed the images of a collection, index them in `folder`, and say what was done.

    sources: with a collection and without embeddings. model: what embeds them. The embeddings stay
    beside the index, `FOLDER.artworks.safetensors`; what was embedded before is not embedded again.
    Raises UserError without a collection or a model, or where the collection has no images.
    """
    root, source = collection_of(sources, model.trust), model.source()
    if root is None or source is None:
        raise UserError(
            "collection: without embeddings (drawings, artworks or run) say what embeds it: "
            "collection=DIR backbone=lite, or checkpoint=FILE"
        )
    lines: list[str] = []
    files: dict[Kind, Path] = {}
    made_by = model_of_source(source, folder, model.trust)
    for kind in KINDS:
        if (root / f"{kind}s.csv").is_file() and (images := Images.of_collection(root, kind)).files:
            files[kind] = folder.with_name(f"{folder.name}.{kind}s.safetensors")
            settings = EmbedSettings(files[kind])
            lines += embed(made_by, images, kind, option("trainer", "auto"), settings)
    if not files:
        raise UserError(f"{root}: has no drawings and no artworks to index")
    made, notes = build(folder, replace(sources, files=files), model, ann, database)
    return [*lines, *notes, *said_of(made)]


def gallery(collection: Path, folder: Path) -> list[str]:
    """Make a collection searchable by the backbone that needs no download; what was done."""
    choice = ModelChoice(backbone=Untrained("lite"))
    lines = index_collection(folder, Sources(collection=collection), choice)
    return [*lines, f"look in it: python -m drawsim.search index={folder} image=PICTURE"]
