"""One training run: read, train, measure, report."""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf

from drawsim.common.errors import UserError, nearest
from drawsim.common.launch import build, is_multirun, output_folder

if TYPE_CHECKING:
    import pandas as pd
    from omegaconf import DictConfig

    from drawsim.collection.tables import Collection
    from drawsim.learning.training.data import TripletData
    from drawsim.learning.training.module import Matcher
    from drawsim.models.backbones.backbone import Backbone
    from drawsim.runs.folder import RunFolder

log = logging.getLogger("drawsim.train")


def train(config: DictConfig) -> None:
    """One run, from a collection and a split to weights, metrics and pictures in its folder."""
    from drawsim.common.machine import is_first_process, prepare
    from drawsim.runs.folder import RunFolder

    prepare()
    run = RunFolder(output_folder(), writes=is_first_process())
    settings: Any = OmegaConf.to_container(config, resolve=True)
    if is_multirun() and run.finished_with(settings):
        log.info("%s: finished before, skipped", run.path)
        return
    with _queries_folder(config, run) as folder:
        collection, split, skipped = read_data(config, folder, write=run.writes)
    data, miner, module = make_parts(config, collection, split)
    if config.dry_run:
        from drawsim.learning.training.plan import describe_plan

        plan = describe_plan(
            module.backbone, data, miner.negatives, config.trainer.max_epochs, run.path
        )
        print("\n".join(plan))
        return

    from drawsim.learning.training.experiment import Experiment
    from drawsim.learning.training.loggers import make_loggers
    from drawsim.models.trainer import leave_process_group, settle_hardware
    from drawsim.reporting.kit.console import print_results

    hardware = settle_hardware(settings["trainer"])
    started = time.perf_counter()
    try:
        with run.recording(settings, resume=config.resume):
            run.describe(config.seed, split, skipped)
            experiment = Experiment.assemble(
                module,
                data,
                miner,
                run,
                monitor=config.monitor,
                keep=config.keep,
                protocol=config.protocol,
                trainer=hardware,
                callbacks=list(build(config.callbacks).values()),
                loggers=make_loggers(settings["logger"], run, settings),
            )
            baseline = experiment.baseline(resume=config.resume)
            experiment.fit(resume=config.resume)
            experiment.final(baseline)
            run.add_seconds(total=time.perf_counter() - started)
    except BaseException:
        with suppress(Exception):  # whatever stopped the run is what people need to hear of
            report(run, collection)
        raise
    finally:
        leave_process_group()
    report(run, collection)
    if run.writes:
        print_results(run.path)


@contextmanager
def _queries_folder(config: DictConfig, run: RunFolder) -> Iterator[Path]:
    """Where simulated queries go: into the run folder, which must be free before; else nowhere."""
    if config.dry_run:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)
        return
    if config.pairs.queries == "simulated" and run.writes and not config.resume:
        run.set_aside()
        shutil.rmtree(run.path / "queries", ignore_errors=True)  # of a start that failed
    yield run.path / "queries"


def read_data(
    config: DictConfig, folder: Path, *, write: bool
) -> tuple[Collection, pd.DataFrame, pd.DataFrame]:
    """The collection and the split, less images that cannot be used, and a table of those.

    folder: where simulated queries are kept, if the settings ask for such.
    """
    from drawsim.collection.splits import assert_filled, load_split
    from drawsim.collection.tables import read_collection, read_gallery
    from drawsim.common.machine import cores
    from drawsim.pixels.screening import screen

    root = build(config.data.demo) if "demo" in config.data else Path(config.data.root)
    simulated = config.pairs.queries == "simulated"
    collection = read_gallery(root) if simulated else read_collection(root)
    split = None
    if not simulated:
        split = load_split(collection, config.split.name, write=config.split.write and write)
    drawings: list[str] = []
    if split is not None:
        drawings = [*split["drawing_id"].unique(), *unlabelled_drawings(config, collection, split)]
    collection, skipped = screen(
        collection,
        drawings,
        on_missing=config.data.on_missing,
        max_pixels=config.data.max_pixels,
        workers=cores(),
    )
    unread = collection.drawings.index.difference(drawings).to_list()
    collection = collection.without(unread, [])
    if len(skipped):
        log.warning("%d images cannot be used and are left out (skipped.csv)", len(skipped))
    if split is None:
        from drawsim.pixels.simulated_queries import simulate_queries

        view = build(config.pairs.view)
        collection, split = simulate_queries(collection, view, folder, config.seed)
    elif len(skipped):
        known = split["drawing_id"].isin(collection.drawings.index)
        split = split[known & split["artwork_id"].isin(collection.artworks.index)]
        assert_filled(split, f"split {config.split.name} of {root}, less unusable images,")
    return collection, split, skipped


def unlabelled_drawings(
    config: DictConfig, collection: Collection, split: pd.DataFrame
) -> list[str]:
    """Drawings of which no pair is known, drawn from the seed: as many as the model adapts to."""
    import numpy as np

    known = {*split["drawing_id"], *collection.pairs["drawing_id"], *collection.pairs["parent"]}
    free = [name for name in collection.drawings.index if name not in known]
    chosen = np.random.default_rng(config.seed).permutation(len(free))
    return [free[row] for row in sorted(chosen[: config.adapt.get("unlabelled", 0)])]


def make_parts(
    config: DictConfig, collection: Collection, split: pd.DataFrame
) -> tuple[TripletData, Any, Matcher]:
    """Data module, miner and LightningModule of a configuration, from one seed."""
    import pytorch_lightning as pl

    from drawsim.common.machine import readers
    from drawsim.learning.training.data import TripletData
    from drawsim.retrieval.task import make_task

    _check_choices(config)
    pl.seed_everything(config.seed, verbose=False)
    if config.aug.get("exact"):  # the thesis's copies are made as they are needed
        split = split[split["drawing_id"] == split["parent"]]
    task = make_task(collection, split, unlabelled_drawings(config, collection, split))
    miner = build(config.miner)
    miner.check(len(task.artworks), task.positives)
    if not (miner.negatives or (config.batch.share and config.batch.grouped)):
        raise UserError(
            f"miner={config.miner.name} mines no negatives: it needs batch.share=true and "
            "batch.grouped=true, which tell the artworks of a batch apart"
        )
    data = TripletData(
        task,
        drawings=list(collection.drawing_paths(task.drawings).values()),
        artworks=list(collection.artwork_paths(task.artworks).values()),
        augmentation=build(config.aug),
        image_size=config.image_size,
        exact=bool(config.aug.get("exact")),
        batch_size=config.batch.size,
        grouped=config.batch.grouped,
        embed_batch_size=config.batch.embed,
        passes=config.pairs.passes,
        views=config.pairs.views,
        view=build(config.pairs.view) if config.pairs.view else None,
        augmented_val=config.val_loss == "augmented",
        frozen=config.freeze,
        workers=readers(config.workers),
        seed=config.seed,
        max_pixels=config.data.max_pixels,
        image_cache=Path(config.image_cache) if config.get("image_cache") else None,
    )
    return data, miner, make_module(config)


def make_module(config: DictConfig) -> Matcher:
    """The LightningModule of a configuration."""
    from drawsim.learning.training.module import Matcher

    backbone = make_backbone(config)
    if config.freeze:
        backbone.freeze()
    adapts = config.adapt.get("_target_") is not None
    adapt = OmegaConf.masked_copy(config.adapt, [k for k in config.adapt if k != "unlabelled"])
    return Matcher(
        backbone=backbone,
        loss=build(config.loss),
        optimizer=build(config.optim.optimizer),
        schedule=build(config.optim.schedule),
        share=config.batch.share,
        memory=config.batch.memory,
        flip=config.batch.flip,
        layer_decay=config.optim.layer_decay,
        adaptation=build(adapt, dimensions=backbone.dimensions) if adapts else None,
        seed=config.seed,
    )


def make_backbone(config: DictConfig) -> Backbone:
    """The network of a configuration, with its layout."""
    backbone: Backbone = build(config.backbone, name=config.backbone.name)
    if config.layout.parts:
        backbone.read_layout(config.layout.parts, config.image_size)
    return backbone


def _check_choices(config: DictConfig) -> None:
    choices = {
        "protocol": ("drawsim", "thesis"),
        "val_loss": ("plain", "augmented"),
        "pairs.queries": ("annotated", "simulated"),
    }
    for key, known in choices.items():
        value = str(OmegaConf.select(config, key))
        if value not in known:
            raise UserError(f"{key}={value}: {nearest(value, known)}")
    if config.pairs.views and config.pairs.view is None:
        raise UserError("pairs.views needs pairs.view: choose pairs=photographs or pairs=drawings")
    if not config.pairs.views and not config.pairs.passes:
        raise UserError("pairs.passes=0 and pairs.views=0: there is nothing to train on")


def report(run: RunFolder, collection: Collection) -> None:
    """The result page and, where W&B is used, the table of queries; then W&B is let go."""
    if not run.writes:
        return
    import wandb

    from drawsim.reporting.run.page import write_report
    from drawsim.reporting.run.wandb_results import log_results

    pictures = (
        collection.drawing_paths(collection.drawings.index),
        collection.artwork_paths(),
    )
    finished = run.record["status"] == "finished"
    page = write_report(run.path, *pictures)
    log.info("result page: %s", page)
    if wandb.run is not None:
        if finished:
            log_results(wandb.run, run.path, *pictures)
        wandb.finish(exit_code=0 if finished else 1)
