"""Embed any images by any model into a file: each image once, whatever ends the work early."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from drawsim.collection.csv_files import write_csv
from drawsim.collection.ids import check_ids
from drawsim.collection.kinds import Kind
from drawsim.collection.problems import Problem, raise_problems
from drawsim.common.errors import UserError
from drawsim.common.files import disk_is_full
from drawsim.common.machine import is_first_process, readers
from drawsim.common.refusals import why_full
from drawsim.common.words import counted
from drawsim.models.embedding.compiling import Mode
from drawsim.models.embedding.engine import Outcome, assemble, embed_images
from drawsim.models.embedding.store import Store, default_store
from drawsim.models.loading import best_checkpoint, model_of_checkpoint
from drawsim.models.model import Model
from drawsim.models.precision import chosen_precision
from drawsim.models.trainer import leave_process_group, settle_hardware
from drawsim.pixels.screening import OnMissing
from drawsim.preparing.image_lists import images_of_folder, images_of_table
from drawsim.retrieval.exports import EXPORTS, check_parquet

log = logging.getLogger("drawsim.embed")


@dataclass(frozen=True)
class Images:
    """What is to be embedded: files by id; refused: reasons by path for files that cannot be.

    notes: lines on what else was met.
    """

    files: Mapping[str, Path]
    refused: Mapping[str, str]
    notes: Sequence[str] = ()

    @classmethod
    def of_folder(cls, folder: Path) -> Images:
        """All images below a folder. Raises UserError if there are none, or two of one id."""
        files, refused, notes = images_of_folder(folder)
        check_ids([name for name, _ in files])
        return cls(dict(files), refused, notes)

    @classmethod
    def of_collection(cls, root: Path, kind: Kind) -> Images:
        """The drawings or the artworks of a collection. Raises UserError as reading it does."""
        files = images_of_table(root, f"{kind}s")
        check_ids([name for name, _ in files])
        return cls(dict(files), {})


@dataclass(frozen=True)
class EmbedSettings:
    """Where embeddings go, and how they are made.

    store: where they are kept by content; None: the user's cache folder. batch: images a step.
    workers: processes that read; None: one a core. export: `thesis` or `parquet`, besides.
    """

    out: Path
    store: Path | None = None
    batch: int = 32
    workers: int | None = None
    compile: Mode = "auto"
    float16: bool = False
    export: str | None = None
    on_missing: OnMissing = "skip"


def trained_model(
    run: Path | None,
    checkpoint: Path | None,
    *,
    trust: Sequence[str],
    flip: bool,
    crops: int,
    max_pixels: int,
    precision: str | None = None,
) -> Model:
    """The model of a run or a checkpoint, with views added to its own.

    precision: see `drawsim.models.precision`; None: as the run has it.
    """
    file = best_checkpoint(run) if run is not None else checkpoint
    assert file is not None
    chosen = chosen_precision(precision)
    model = model_of_checkpoint(file, trust)
    reading = replace(model.reading, crops=crops, max_pixels=max_pixels)
    own = chosen or model.precision
    return replace(model, flip=flip or model.flip, reading=reading, precision=own)


def embed(
    model: Model,
    images: Images,
    kind: Kind | None,
    trainer: Mapping[str, Any],
    settings: EmbedSettings,
) -> list[str]:
    """Embed what never was, write the file, and list what was left out; lines of what was done.

    kind: what the images are, needed by a model that adapts. trainer: settings of `conf/trainer`.
    In every process but the first there are no lines, and nothing is written. Raises UserError for
    what cannot be, KeyboardInterrupt if it is stopped.
    """
    if settings.export == "parquet":
        check_parquet()
    if model.adaptation is not None and kind is None:
        raise UserError(
            "kind must be given, for this model embeds drawings and artworks in different ways: "
            "kind=drawings or kind=artworks"
        )
    if not is_first_process():
        log.parent.setLevel(logging.ERROR)  # type: ignore[union-attr]  # one voice is enough
    hardware = settle_hardware(trainer)
    root = settings.store or default_store()
    store = Store(root, model.key(hardware["precision"]), model.dimensions)
    for path in store.damaged:
        log.warning("%s: damaged, removed; its images are embedded again", path)
    try:
        outcome = embed_images(
            model,
            images.files,
            store,
            hardware,
            batch_size=settings.batch,
            workers=readers(settings.workers),
            compile_mode=settings.compile,
        )
        if not is_first_process():
            return []
        left_out = _left_out(outcome, images, settings)
        dtype = torch.float16 if settings.float16 else torch.float32
        dimensions = assemble(
            settings.out, model, store, outcome.digests, kind, dtype, hardware["precision"]
        )
    except (KeyboardInterrupt, SystemExit) as error:
        log.warning("stopped; what was embedded is kept, the same command goes on from there")
        raise KeyboardInterrupt from error
    except Exception as error:
        if disk_is_full(error):
            raise UserError(
                f"{root} or {settings.out}: cannot be written, {why_full(error)}; then start the "
                "same command again, it goes on from there"
            ) from error
        raise
    finally:
        leave_process_group()
    made = counted(len(outcome.digests), "embedding")
    done = f"{settings.out}: {made} of {dimensions} dimensions"
    return [*images.notes, *_work(outcome), *left_out, done, *_exported(settings)]


def import_npy(source: Path, settings: EmbedSettings) -> list[str]:
    """Ids and vectors of the thesis's `.npy` as an embedding file; lines of what was done."""
    from drawsim.preparing.thesis import read_embeddings

    embeddings = read_embeddings(source)
    embeddings.save(settings.out, {"imported_from": source.name})
    count, dimensions = len(embeddings.ids), embeddings.vectors.shape[1]
    done = f"{settings.out}: {count} embeddings of {dimensions} dimensions"
    return [done, *_exported(settings)]


def _left_out(outcome: Outcome, images: Images, settings: EmbedSettings) -> list[str]:
    """List what was left out in a table; a line that says so.

    Raises UserError where nothing may be left out, and where nothing is left.
    """
    rows = [(name, str(images.files[name]), why) for name, why in outcome.skipped.items()]
    rows += [("", path, why) for path, why in images.refused.items()]
    if settings.on_missing == "error":
        cure = "mend or remove it, or leave such images out with data.on_missing=skip"
        bad = [Problem(path, None, why, cure) for _, path, why in rows]
        raise_problems("unusable images", bad)
    listed = settings.out.with_suffix(".skipped.csv")
    listed.unlink(missing_ok=True)
    if rows:
        write_csv(pd.DataFrame(rows, columns=["id", "path", "reason"]), listed)
    if not outcome.digests:
        raise UserError(f"none of the {counted(len(rows), 'image')} can be used ({listed})")
    return [f"{len(rows)} left out, listed in {listed}"] if rows else []


def _work(outcome: Outcome) -> list[str]:
    lines = []
    if outcome.computed:
        rate = outcome.computed / outcome.seconds
        lines.append(f"{counted(outcome.computed, 'image')} embedded, {rate:.1f} images/s")
    known = len(outcome.digests) - outcome.computed
    return [*lines, f"{known} were in the store"] if known > 0 else lines


def _exported(settings: EmbedSettings) -> list[str]:
    return [str(EXPORTS[settings.export](settings.out))] if settings.export else []
