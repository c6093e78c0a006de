"""Embed any images by any model into a file: each image once, whatever ends the work early."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from drawsim.collection.csv_files import write_csv
from drawsim.collection.ids import check_ids
from drawsim.collection.kinds import Kind
from drawsim.collection.problems import Problem, raise_problems
from drawsim.common.errors import UserError
from drawsim.common.files import disk_is_full, read_table
from drawsim.common.machine import is_first_process, readers
from drawsim.common.refusals import why_full
from drawsim.common.remote import named
from drawsim.common.words import counted
from drawsim.models.embedding.compiling import Mode
from drawsim.models.embedding.engine import Outcome, assemble, embed_images
from drawsim.models.embedding.shard import Shard
from drawsim.models.embedding.shards import Part, Shards
from drawsim.models.embedding.store import Store, default_store
from drawsim.models.loading import best_checkpoint, model_of_checkpoint
from drawsim.models.model import Model
from drawsim.models.precision import chosen_precision
from drawsim.models.trainer import leave_process_group, settle_hardware
from drawsim.pixels.screening import OnMissing
from drawsim.preparing.image_lists import (
    Files,
    images_of_address,
    images_of_folder,
    images_of_table,
)
from drawsim.retrieval.exports import EXPORTS, check_parquet

if TYPE_CHECKING:
    from drawsim.models.embedding.ray_cluster import Cluster

log = logging.getLogger("drawsim.embed")

SKIPPED = ".skipped.csv"
"""In the place of a file's ending: the table of what was left out."""
COLUMNS = ["id", "path", "reason"]
PLACE = "place"


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
        return cls._of(*images_of_folder(folder))

    @classmethod
    def of_address(cls, folder: str) -> Images:
        """All images below a folder of S3. Raises UserError likewise, and if it cannot be read."""
        return cls._of(*images_of_address(folder))

    @classmethod
    def _of(cls, files: Files, refused: Mapping[str, str], notes: Sequence[str]) -> Images:
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
    workers: processes that read; None: one a core. export: `thesis` or `parquet`, besides. shard:
    which part of the images; None: all. ray: the address of a Ray cluster; None: this machine.
    """

    out: Path
    store: Path | None = None
    batch: int = 32
    workers: int | None = None
    compile: Mode = "auto"
    float16: bool = False
    export: str | None = None
    on_missing: OnMissing = "skip"
    shard: Shard | None = None
    ray: str | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> EmbedSettings:
        """From the settings of the command, which are checked already."""
        return cls(
            out=Path(values["out"]),
            store=Path(values["store"]) if values["store"] else None,
            batch=values["batch"],
            workers=values["workers"],
            compile=str(values["compile"]).lower(),  # type: ignore[arg-type]
            float16=values["float16"],
            export=values["export"],
            on_missing=values["data"]["on_missing"],
            shard=None if values["shard"] is None else Shard.read(str(values["shard"])),
            ray=str(values["address"]) if values["engine"] == "ray" else None,
        )

    @property
    def file(self) -> Path:
        """The file that is written: `out`, or that of the shard."""
        return self.out if self.shard is None else self.shard.file(self.out)


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
    if settings.ray is None:
        return _embed(model, images, kind, settle_hardware(trainer), settings)
    from drawsim.models.embedding.ray_cluster import joined, settle_on

    with joined(settings.ray) as cluster:
        return _embed(model, images, kind, settle_on(cluster, trainer), settings, cluster)


def _embed(
    model: Model,
    images: Images,
    kind: Kind | None,
    hardware: Mapping[str, Any],
    settings: EmbedSettings,
    cluster: Cluster | None = None,
) -> list[str]:
    part = None
    if settings.shard is not None:
        part = Part(settings.shard, list(images.files))
        first = settings.shard.number == 1
        images = Images(
            settings.shard.part(images.files),
            images.refused if first else {},
            images.notes if first else (),
        )
    root = settings.store or default_store()
    store = Store(root, model.key(hardware["precision"]), model.dimensions)
    for path in store.damaged:
        log.warning("%s: damaged, removed; its images are embedded again", path)
    try:
        outcome = _computed(model, images.files, store, hardware, settings, cluster)
        if not is_first_process():
            return []
        left_out = _left_out(outcome, images, settings, part)
        dtype = torch.float16 if settings.float16 else torch.float32
        dimensions = assemble(
            settings.file, model, store, outcome.digests, kind, dtype, hardware["precision"], part
        )
    except (KeyboardInterrupt, SystemExit) as error:
        log.warning("stopped; what was embedded is kept, the same command goes on from there")
        raise KeyboardInterrupt from error
    except Exception as error:
        if disk_is_full(error):
            raise UserError(
                f"{root} or {settings.file}: cannot be written, {why_full(error)}; then start the "
                "same command again, it goes on from there"
            ) from error
        raise
    finally:
        leave_process_group()
    made = counted(len(outcome.digests), "embedding")
    done = f"{settings.file}: {made} of {dimensions} dimensions"
    return [*images.notes, *_work(outcome), *left_out, done, *_exported(settings)]


def import_npy(source: Path, settings: EmbedSettings) -> list[str]:
    """Ids and vectors of the thesis's `.npy` as an embedding file; lines of what was done."""
    from drawsim.preparing.thesis import read_embeddings

    embeddings = read_embeddings(source)
    embeddings.save(settings.out, {"imported_from": source.name})
    count, dimensions = len(embeddings.ids), embeddings.vectors.shape[1]
    done = f"{settings.out}: {counted(count, 'embedding')} of {dimensions} dimensions"
    return [done, *_exported(settings)]


def _computed(
    model: Model,
    files: Mapping[str, Path],
    store: Store,
    hardware: Mapping[str, Any],
    settings: EmbedSettings,
    cluster: Cluster | None,
) -> Outcome:
    """Embeddings in the store, computed here or on a cluster."""
    alike = settings.compile == "auto" and settings.shard is not None
    how: dict[str, Any] = {
        "batch_size": settings.batch,
        "workers": readers(settings.workers),
        "compile_mode": "false" if alike else settings.compile,  # so that all shards are alike
    }
    if cluster is None:
        return embed_images(model, files, store, hardware, **how)
    from drawsim.models.embedding.on_ray import embed_on_ray

    return embed_on_ray(model, files, store, cluster, hardware, **how)


def merge_shards(names: Sequence[str], settings: EmbedSettings) -> list[str]:
    """Put files of shards together, and the tables of what they left out; lines of what was done.

    names: files, or patterns as a shell has them. Raises UserError where there is no such file, and
    as opening `Shards` does.
    """
    files: list[Path] = []
    for name in names:
        found = sorted(map(Path, glob(name)))  # noqa: PTH207
        if not found:
            raise UserError(
                f"merge={name}: no file is called so, or fits this pattern; embed with shard=K/N, "
                "or name the files that it wrote, such as merge='F.*-of-16.safetensors'"
            )
        files += [path for path in found if path not in files]
    shards = Shards.open(files)
    tables = [_left_out_of(file, places) for file, places in shards.left_out]
    shards.merged(settings.out)
    table = pd.concat(tables).sort_values(PLACE, kind="stable").drop(columns=PLACE)
    left_out = _list_left_out(table, settings.out)
    made = counted(len(shards), "embedding")
    done = f"{settings.out}: {made} of {shards.dimensions} dimensions, of {len(files)} shards"
    return [*left_out, done, *_exported(settings)]


def _left_out_of(file: Path, places: npt.NDArray[np.int64]) -> pd.DataFrame:
    """What a shard left out, with places in the whole list; of folders not read, none."""
    listed = file.with_suffix(SKIPPED)
    if not len(places) and not listed.is_file():
        return pd.DataFrame(columns=[*COLUMNS, PLACE])
    table = read_table(listed, COLUMNS)
    images = table["id"] != ""
    if int(images.sum()) != len(places):
        raise UserError(f"{listed}: not of {file}, which left out {counted(len(places), 'image')}")
    table[PLACE] = np.iinfo(np.int64).max
    table.loc[images, PLACE] = places
    return table


def _left_out(
    outcome: Outcome, images: Images, settings: EmbedSettings, part: Part | None
) -> list[str]:
    """List what was left out in a table; a line that says so.

    Raises UserError where nothing may be left out, and where nothing is left, of a whole list.
    """
    rows = [(name, named(images.files[name]), why) for name, why in outcome.skipped.items()]
    rows += [("", path, why) for path, why in images.refused.items()]
    if settings.on_missing == "error":
        cure = "mend or remove it, or leave such images out with data.on_missing=skip"
        bad = [Problem(path, None, why, cure) for _, path, why in rows]
        raise_problems("unusable images", bad)
    lines = _list_left_out(pd.DataFrame(rows, columns=COLUMNS), settings.file)
    if not outcome.digests and part is None:
        listed = settings.file.with_suffix(SKIPPED)
        _, path, why = rows[0]
        raise UserError(
            f"none of the {counted(len(rows), 'image')} can be used ({listed}), e.g. {path}: {why}"
        )
    return lines


def _list_left_out(table: pd.DataFrame, out: Path) -> list[str]:
    """Write the table of what was left out of a file, if anything was; a line that says so."""
    listed = out.with_suffix(SKIPPED)
    listed.unlink(missing_ok=True)
    if table.empty:
        return []
    write_csv(table, listed)
    return [f"{len(table)} left out, listed in {listed}"]


def _work(outcome: Outcome) -> list[str]:
    lines = []
    if outcome.computed:
        rate = outcome.computed / outcome.seconds
        lines.append(f"{counted(outcome.computed, 'image')} embedded, {rate:.1f} images/s")
    known = len(outcome.digests) - outcome.computed
    return [*lines, f"{known} were in the store"] if known > 0 else lines


def _exported(settings: EmbedSettings) -> list[str]:
    return [str(EXPORTS[settings.export](settings.file))] if settings.export else []
