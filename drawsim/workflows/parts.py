"""Data module, miner and LightningModule of a configuration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf

from drawsim.common.building import build
from drawsim.common.errors import UserError, nearest
from drawsim.workflows.data import unlabelled_drawings

if TYPE_CHECKING:
    import pandas as pd
    from omegaconf import DictConfig

    from drawsim.collection.tables import Collection
    from drawsim.learning.training.data import TripletData
    from drawsim.learning.training.module import Matcher
    from drawsim.models.model import Model


def make_parts(
    config: DictConfig, collection: Collection, split: pd.DataFrame
) -> tuple[TripletData, Any, Matcher]:
    """Data module, miner and LightningModule of a configuration, from one seed."""
    import pytorch_lightning as pl

    from drawsim.common.machine import readers
    from drawsim.learning.training.data import TripletData
    from drawsim.retrieval.task import make_task

    check_choices(config)
    pl.seed_everything(config.seed, verbose=False)
    if config.aug.get("exact"):  # the thesis's copies are made as they are needed
        split = split[split["drawing_id"] == split["parent"]]
    unlabelled = unlabelled_drawings(config, collection, split)
    looked_at = {*split["drawing_id"], *unlabelled}
    unpaired = [name for name in collection.originals.index if name not in looked_at]
    task = make_task(collection, split, unlabelled, unpaired)
    miner = build(config.miner)
    miner.check(len(task.artworks), task.positives)
    if not (miner.negatives or (config.batch.in_batch_negatives and config.batch.grouped)):
        raise UserError(
            f"miner={config.miner.name} mines no negatives: it needs "
            "batch.in_batch_negatives=true and batch.grouped=true, which tell the artworks of a "
            "batch apart"
        )
    module = make_module(config)
    data = TripletData(
        task,
        drawings=list(collection.paths("drawing", task.drawings).values()),
        artworks=list(collection.paths("artwork", task.artworks).values()),
        augmentation=build(config.aug),
        reading=module.model.reading,
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
        image_cache=Path(config.image_cache) if config.get("image_cache") else None,
    )
    return data, miner, module


def make_module(config: DictConfig) -> Matcher:
    """The LightningModule of a configuration."""
    from drawsim.learning.training.module import Matcher

    return Matcher(
        model=make_model(config),
        loss=build(config.loss),
        optimizer=build(config.optim.optimizer),
        schedule=build(config.optim.schedule),
        in_batch_negatives=config.batch.in_batch_negatives,
        cross_batch_memory=config.batch.cross_batch_memory,
        layer_decay=config.optim.layer_decay,
        seed=config.seed,
    )


def make_model(config: DictConfig) -> Model:
    """The model of a configuration, untrained."""
    from drawsim.models.chosen import chosen_model
    from drawsim.pixels.reading import Reading

    settings: Any = OmegaConf.to_container(config, resolve=True)
    return chosen_model(
        settings["backbone"],
        settings["layout"],
        Reading(config.image_size, config.reading, config.data.max_pixels),
        flip=config.batch.flip,
        freeze=config.freeze,
        adapt=settings["adapt"],
        rerank=settings["rerank"],
    )


def check_choices(config: DictConfig) -> None:
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
