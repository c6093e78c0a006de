"""Embedding files from Python: with the store, the readers and the hardware that there is."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from drawsim.collection.problems import Problem, raise_problems
from drawsim.common.machine import readers
from drawsim.models.embedding.engine import Outcome, embed_images
from drawsim.models.embedding.store import Store, default_store
from drawsim.models.model import BATCH, Model
from drawsim.models.trainer import settle_hardware
from drawsim.pixels.folders import images_below
from drawsim.pixels.screening import OnMissing
from drawsim.retrieval.embeddings import Embeddings

log = logging.getLogger(__name__)

TRAINER: dict[str, Any] = {
    "name": "auto",
    "accelerator": "auto",
    "devices": 1,
    "precision": "auto",
    "enable_checkpointing": False,
}
"""One device: a GPU where there is one, else the CPU."""
CURE = "mend or remove it, or leave such images out with on_missing=skip"


def embed_files(
    model: Model,
    images: Mapping[str, Path] | Sequence[Path | str] | Path | str,
    *,
    progress: bool,
    on_missing: OnMissing,
    store: Path | str | None,
    trainer: Mapping[str, Any] = TRAINER,
    workers: int | None = None,
) -> Embeddings:
    """Raw unit rows of files, before adaptation. See `Model.embed`; raises UserError likewise."""
    files = by_id(images)
    hardware = settle_hardware(trainer)
    kept = Store(Path(store or default_store()), model.key(hardware["precision"]), model.dimensions)
    outcome = embed_images(
        model,
        files,
        kept,
        hardware,
        batch_size=BATCH,
        workers=readers(workers),
        compile_mode="auto",
        progress=progress,
    )
    refuse_skipped(outcome, files, on_missing)
    rows = list(kept.blocks(list(outcome.digests.values())))
    vectors = torch.cat(rows) if rows else torch.empty(0, model.dimensions)
    return Embeddings(list(outcome.digests), vectors)


def refuse_skipped(outcome: Outcome, files: Mapping[str, Path], on_missing: OnMissing) -> None:
    """Raise UserError that lists the images that could not be used, unless they may be left out.

    How many were left out, and the first, is then said in the log.
    """
    bad = [Problem(str(files[name]), None, why, CURE) for name, why in outcome.skipped.items()]
    if on_missing == "error":
        raise_problems("unusable images", bad)
    if bad:
        first = f"{bad[0].file}: {bad[0].what}"
        log.warning("%d images cannot be used and are left out, e.g. %s", len(bad), first)


def by_id(images: Mapping[str, Path] | Sequence[Path | str] | Path | str) -> dict[str, Path]:
    """Files by id; of a list the id is the file as named, of a folder the path below it.

    Raises UserError for a folder without images.
    """
    if isinstance(images, Mapping):
        return {name: Path(path) for name, path in images.items()}
    if not isinstance(images, str | Path):
        return {str(path): Path(path) for path in images}
    folder = Path(images)
    found, met = images_below(folder)
    for note in met.notes(refused=False):
        log.warning("%s: %s", folder, note)
    unreachable = [path for path, _ in (*met.refused, *met.closed)]  # embedding says why
    return dict(found) | {path: Path(path) for path in unreachable}
