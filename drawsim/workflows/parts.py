"""Data module, miner and LightningModule of a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from drawsim.common.arguments import listed
from drawsim.common.building import TARGET, build, check_types
from drawsim.common.errors import UserError
from drawsim.workflows.data import confirmed_pairs, unlabelled_drawings

if TYPE_CHECKING:
    import pandas as pd

    from drawsim.collection.tables import Collection
    from drawsim.learning.training.data import TripletData
    from drawsim.learning.training.module import Matcher
    from drawsim.models.adapters import Lora
    from drawsim.models.initial import Initial
    from drawsim.models.model import Model
    from drawsim.runs.sweeps.search import Trial
    from drawsim.workflows.settings import InitSettings, TrainSettings


def make_parts(
    settings: TrainSettings, collection: Collection, split: pd.DataFrame
) -> tuple[TripletData, Any, Matcher]:
    """Data module, miner and LightningModule of a configuration, from one seed."""
    import pytorch_lightning as pl

    from drawsim.common.machine import readers
    from drawsim.learning.training.data import TripletData
    from drawsim.retrieval.task import make_task

    pl.seed_everything(settings.seed, verbose=False)
    if settings.aug.get("exact"):  # the thesis's copies are made as they are needed
        split = split[split["drawing_id"] == split["parent"]]
    unlabelled = unlabelled_drawings(settings, collection, split)
    looked_at = {*split["drawing_id"], *unlabelled}
    unpaired = [name for name in collection.originals.index if name not in looked_at]
    task = make_task(collection, split, unlabelled, unpaired)
    miner = build(settings.miner)
    miner.check(len(task.artworks), task.positives)
    if not (miner.negatives or (settings.batch.in_batch_negatives and settings.batch.grouped)):
        raise UserError(
            f"miner={settings.miner['name']} mines no negatives: it needs "
            "batch.in_batch_negatives=true and batch.grouped=true, which tell the artworks of a "
            "batch apart"
        )
    module = make_module(settings, confirmed_pairs(split))
    data = TripletData(
        task,
        drawings=list(collection.paths("drawing", task.drawings).values()),
        artworks=list(collection.paths("artwork", task.artworks).values()),
        augmentation=build(settings.aug),
        reading=module.model.reading,
        batch_size=settings.batch.size,
        grouped=settings.batch.grouped,
        embed_batch_size=settings.batch.embed,
        passes=settings.pairs.passes,
        views=settings.pairs.views,
        view=build(settings.pairs.view) if settings.pairs.view else None,
        share=settings.pairs.share,
        first=settings.pairs.first,
        augmented_val=settings.val_loss == "augmented",
        frozen=module.backbone.frozen,
        workers=readers(settings.workers),
        seed=settings.seed,
        image_cache=settings.image_cache,
    )
    return data, miner, module


def make_module(settings: TrainSettings, confirmed: int) -> Matcher:
    """The LightningModule of a configuration, with the network as it was published.

    confirmed: pairs of train that people have confirmed.
    """
    from drawsim.learning.training.module import Matcher

    check_types(Matcher, {"head_lr": settings.optim.get("head_lr")}, "optim.")
    check_types(Matcher, {"distill": settings.loss.get("distill", 0.0)}, "loss.")
    few = settings.too_few(confirmed)
    model = make_model(settings, freeze=few or settings.freeze is True)
    initial = make_initial(settings.init)
    if initial is not None:
        initial.check(model)
    return Matcher(
        model=model,
        initial=initial,
        loss=build({key: value for key, value in settings.loss.items() if key != "distill"}),
        optimizer=built_optimizer(settings.optim["optimizer"]),
        schedule=build(settings.optim["schedule"]),
        in_batch_negatives=settings.batch.in_batch_negatives,
        cross_batch_memory=settings.batch.cross_batch_memory,
        layer_decay=settings.optim["layer_decay"],
        head_lr=settings.optim.get("head_lr"),
        distill=settings.loss.get("distill", 0.0),
        seed=settings.seed,
        too_few=settings.learns_from(confirmed) if few else None,
        adapter=make_adapter(settings, model),
    )


def make_adapter(settings: TrainSettings, model: Model) -> Lora | None:
    """What is trained beside the network's weights; None: they are, or nothing of it is.

    Raises UserError where the network cannot be adapted.
    """
    if settings.adapter.get(TARGET) is None:
        return None
    if settings.freeze is True:
        raise UserError(
            f"adapter={settings.adapter['name']} with freeze=true leaves nothing to train in it; "
            "leave out the one or the other"
        )
    adapter: Lora = build(settings.adapter)
    adapter.check(model.backbone)
    return None if model.backbone.frozen else adapter


def make_initial(settings: InitSettings) -> Initial | None:
    """What training begins with of another model; None if it names none."""
    if settings.model is None:
        return None
    from drawsim.models.initial import Initial

    return Initial.load(
        settings.model,
        network=settings.network,
        adaptation=settings.adaptation,
        strength=settings.strength,
        trust=listed(settings.trust),
    )


def make_callbacks(settings: TrainSettings, trial: Trial | None = None) -> list[Any]:
    """The callbacks of a configuration, beside those that every run has."""
    from drawsim.learning.training.callbacks.averaging import AveragedWeights
    from drawsim.learning.training.callbacks.pruning import Pruning

    chosen = [build(each) for each in settings.callbacks.values()]
    chosen += [Pruning(settings.monitor, trial)] if trial is not None else []
    average = settings.optim.get("average")
    return chosen if average is None else [AveragedWeights(average), *chosen]


def built_optimizer(settings: Mapping[str, Any]) -> Any:
    """The optimiser, still without parameters. Raises UserError for values that it refuses."""
    import torch

    made = build(settings)
    try:
        made([torch.nn.Parameter(torch.zeros(1))])
    except (ValueError, TypeError, RuntimeError) as error:
        raise UserError(f"optim.optimizer: {' '.join(str(error).split())}") from error
    return made


def make_model(settings: TrainSettings, *, freeze: bool) -> Model:
    """The model of a configuration, untrained; freeze: nothing of its network is to be."""
    from drawsim.models.chosen import chosen_model
    from drawsim.pixels.reading import Reading

    return chosen_model(
        settings.backbone,
        settings.layout,
        Reading(
            settings.image_size,
            settings.reading,
            settings.data.max_pixels,
            frames=settings.frames,
        ),
        flip=settings.batch.flip,
        freeze=freeze,
        adapt=settings.adapt,
        rerank=settings.rerank,
        precision=settings.precision,
    )
