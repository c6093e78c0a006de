"""Embed any images by any model: `python -m drawsim.embed images=DIR out=FILE.safetensors`."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf

from drawsim.common.building import build
from drawsim.common.errors import UserError, nearest
from drawsim.common.launch import launch, to_plain

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from drawsim.models.embedding.engine import Outcome
    from drawsim.models.model import Model

log = logging.getLogger("drawsim.embed")

KINDS = ("drawings", "artworks")
CHOICES = {
    "kind": KINDS,
    "compile": ("auto", "true", "false"),
    "export": ("thesis", "parquet"),
    "data.on_missing": ("skip", "error"),
}
OF_A_RUN = ("backbone", "layout", "image_size", "reading")
"""Settings that a run brings with it."""


def embed(config: DictConfig) -> None:
    """List the images, embed those that never were, and write the file."""
    _check(config)
    from drawsim.common.machine import is_first_process, prepare, readers

    prepare()
    if config.import_npy:
        _import(Path(config.import_npy), Path(config.out), config.export)
        return
    images, refused = _images(config)
    from drawsim.common.files import disk_is_full
    from drawsim.models.embedding.engine import embed_images
    from drawsim.models.embedding.store import Store, default_store
    from drawsim.models.trainer import leave_process_group, settle_hardware

    if not is_first_process():
        log.parent.setLevel(logging.ERROR)  # type: ignore[union-attr]  # one voice is enough
    hardware = settle_hardware(OmegaConf.to_container(config.trainer))  # type: ignore[arg-type]
    model = _model(config)
    precision = hardware["precision"]
    root = Path(config.store) if config.store else default_store()
    store = Store(root, model.key(precision), model.dimensions)
    for path in store.damaged:
        log.warning("%s: damaged, removed; its images are embedded again", path)
    try:
        outcome = embed_images(
            model,
            images,
            store,
            hardware,
            batch_size=config.batch,
            workers=readers(config.workers),
            compile_mode=str(config.compile).lower(),  # type: ignore[arg-type]
        )
        if is_first_process():
            _write(config, model, precision, store, images, outcome, refused)
    except (KeyboardInterrupt, SystemExit) as error:
        log.warning("stopped; what was embedded is kept, the same command goes on from there")
        raise KeyboardInterrupt from error
    except Exception as error:
        if disk_is_full(error):
            raise UserError(
                f"the disk of {root} or {config.out} is full: free some space and start the same "
                "command again, it goes on from there"
            ) from error
        raise
    finally:
        leave_process_group()


def _check(config: DictConfig) -> None:
    """Raise UserError for settings that do not go together, before anything slow."""
    for key, choices in CHOICES.items():
        value = OmegaConf.select(config, key)
        if value is not None and (text := str(value).lower()) not in choices:
            raise UserError(f"{key}={value}: {nearest(text, choices)}")
    if Path(config.out).suffix != ".safetensors":
        raise UserError(f"out={config.out}: the name must end in .safetensors")
    if not 0 <= config.crops <= 5:
        raise UserError(f"crops={config.crops}: from 0 to 5")
    for key, least in (("batch", 1), ("image_size", 1), ("workers", 0)):
        if config[key] is not None and config[key] < least:
            raise UserError(f"{key}={config[key]}: at least {least}")
    if config.export == "parquet":
        from drawsim.retrieval.exports import check_parquet

        check_parquet()
    has_data = "demo" in config.data or not OmegaConf.is_missing(config.data, "root")
    sources = {"data.root": has_data, "images": config.images, "import_npy": config.import_npy}
    given = [key for key, value in sources.items() if value]
    if len(given) != 1:
        what = " and ".join(given) + ": leave all but one out" if given else "give the images:"
        raise UserError(f"{what} data.root=DIR kind=artworks, or images=DIR, or import_npy=FILE")
    if has_data and config.kind is None:
        raise UserError(f"kind must be given with data.root: kind={' or kind='.join(KINDS)}")
    _check_model(config)


def _check_model(config: DictConfig) -> None:
    from hydra.core.hydra_config import HydraConfig

    models = [key for key in ("run", "checkpoint") if config[key]]
    if len(models) > 1:
        raise UserError("run and checkpoint: leave one of them out")
    changed = {text.lstrip("+~").split("=")[0] for text in HydraConfig.get().overrides.task}
    names = {key.split(".")[0] for key in changed}
    if models and (both := [key for key in OF_A_RUN if key in names]):
        raise UserError(f"{both[0]}: leave it out, {models[0]} brings its own")


def _images(config: DictConfig) -> tuple[dict[str, Path], dict[str, str]]:
    """Files by id, and reasons by path for files that cannot be taken."""
    from drawsim.preparing.image_lists import images_of_folder, images_of_table
    from drawsim.retrieval.index.gallery import check_ids

    refused: dict[str, str] = {}
    if config.images:
        files, refused = images_of_folder(Path(config.images))
    else:
        root = build(config.data.demo) if "demo" in config.data else Path(config.data.root)
        files = images_of_table(root, config.kind)
    check_ids([name for name, _ in files])
    return dict(files), refused


def _model(config: DictConfig) -> Model:
    """What makes the embeddings: a named backbone, or a trained model as its run has set it."""
    from drawsim.models.loading import best_checkpoint, model_of_checkpoint
    from drawsim.models.model import Model
    from drawsim.pixels.reading import Reading
    from drawsim.workflows.parts import make_backbone

    if not (config.run or config.checkpoint):
        reading = Reading(config.image_size, config.reading, config.data.max_pixels, config.crops)
        settings = to_plain(config)
        backbone = make_backbone(settings["backbone"], settings["layout"], config.image_size)
        return Model(backbone, reading, flip=config.flip)
    checkpoint = best_checkpoint(Path(config.run)) if config.run else Path(config.checkpoint)
    model = model_of_checkpoint(checkpoint)
    if model.adaptation is not None and config.kind is None:
        raise UserError(
            "kind must be given, for this model embeds drawings and artworks in different ways: "
            f"kind={' or kind='.join(KINDS)}"
        )
    reading = replace(model.reading, crops=config.crops, max_pixels=config.data.max_pixels)
    return replace(model, flip=config.flip or model.flip, reading=reading)


def _write(
    config: DictConfig,
    model: Model,
    precision: str,
    store: Any,
    images: dict[str, Path],
    outcome: Outcome,
    refused: dict[str, str],
) -> None:
    """Assemble the file from the store, list what was left out, and say what was done."""
    import pandas as pd
    import torch

    from drawsim.collection.csv_files import write_csv
    from drawsim.collection.problems import Problem, raise_problems
    from drawsim.models.embedding.engine import assemble

    rows = [(name, str(images[name]), why) for name, why in outcome.skipped.items()]
    rows += [("", path, why) for path, why in refused.items()]
    out = Path(config.out)
    if config.data.on_missing == "error":
        cure = "mend or remove it, or leave such images out with data.on_missing=skip"
        bad = [Problem(path, None, why, cure) for _, path, why in rows]
        raise_problems("unusable images", bad)
    listed = out.with_suffix(".skipped.csv")
    listed.unlink(missing_ok=True)
    if rows:
        write_csv(pd.DataFrame(rows, columns=["id", "path", "reason"]), listed)
    if not outcome.digests:
        raise UserError(f"none of the {len(rows)} images can be used ({listed})")
    kind: Any = config.kind and config.kind.removesuffix("s")
    dtype = torch.float16 if config.float16 else torch.float32
    dimensions = assemble(out, model, store, outcome.digests, kind, dtype, precision)
    if outcome.computed:
        rate = outcome.computed / outcome.seconds
        print(f"{outcome.computed} images embedded, {rate:.1f} images/s")
    known = len(outcome.digests) - outcome.computed
    if known > 0:
        print(f"{known} were in the store")
    if rows:
        print(f"{len(rows)} left out, listed in {listed}")
    print(f"{out}: {len(outcome.digests)} embeddings of {dimensions} dimensions")
    _export(out, config.export)


def _import(source: Path, out: Path, export: str | None) -> None:
    from drawsim.preparing.thesis import read_embeddings

    embeddings = read_embeddings(source)
    embeddings.save(out, {"imported_from": source.name})
    print(f"{out}: {len(embeddings.ids)} embeddings of {embeddings.vectors.shape[1]} dimensions")
    _export(out, export)


def _export(out: Path, name: str | None) -> None:
    from drawsim.retrieval.exports import EXPORTS

    if name:
        print(EXPORTS[name](out))


if __name__ == "__main__":
    launch("embed", embed)
