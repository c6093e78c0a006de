"""A collection of sixteen artworks and twelve drawings, and a network of three layers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from drawsim.learning.losses.base import Loss, Reduction
from drawsim.learning.losses.triplet import TripletCosineLoss
from drawsim.learning.miners.base import Miner, Remine, listed
from drawsim.learning.miners.hardest import HardestNegatives
from drawsim.learning.training.callbacks.checkpoints import Keep
from drawsim.learning.training.data import TripletData
from drawsim.learning.training.decisions import Decide
from drawsim.learning.training.experiment import Experiment
from drawsim.learning.training.module import Matcher
from drawsim.learning.training.samples import EpochChoice, TripletBatches
from drawsim.learning.training.schedules import Constant, Schedule
from drawsim.models.adaptation import Adaptation
from drawsim.models.backbones.backbone import Backbone
from drawsim.models.heads import AxisWeights
from drawsim.models.model import Model
from drawsim.models.trainer import settle_hardware
from drawsim.pixels.reading import Reading
from drawsim.pixels.transforms import Augmentation, resize
from drawsim.retrieval.ranking import Relevance
from drawsim.retrieval.task import RetrievalTask
from drawsim.runs.folder import RunFolder

SIZE = 24
MAX_PIXELS = 10**6
DRAWINGS, ARTWORKS = 12, 16

NO_AUGMENTATION: dict[str, Any] = {
    "size": SIZE,
    "crop_scale": (1, 1),
    "crop_ratio": (1, 1),
    "oversize": 1,
    "jitter": 0,
    "flip": 0,
    "rotate": 0,
    "gray": 0,
    "styles": (),
    "style_p": 0,
}
BASIC = NO_AUGMENTATION | {"crop_scale": (0.2, 1), "jitter": 0.1, "flip": 0.5, "rotate": 5}


def tiny_task() -> RetrievalTask:
    """Drawing i echoes artwork i; drawing 11 is a style copy of drawing 0.

    Drawings 3 (train) and 8 (val) have two artworks. Sets: train 0-6, val 7-8, test 9-10.
    """
    pairs = [*((i, i) for i in range(11)), (3, 12), (8, 13), (11, 0)]
    train = [pair for pair in pairs if pair[0] < 7 or pair[0] == 11]
    columns = torch.tensor(pairs)
    return RetrievalTask(
        drawings=[f"d{i}" for i in range(DRAWINGS)],
        artworks=[f"a{i}" for i in range(ARTWORKS)],
        queries={
            "train": torch.arange(7),
            "val": torch.tensor([7, 8]),
            "test": torch.tensor([9, 10]),
        },
        train_pairs=torch.tensor(train),
        positives=Relevance(columns[:, 0].clone(), columns[:, 1].clone()),
    )


def write_images(folder: Path) -> tuple[list[Path], list[Path]]:
    """Files of all drawings and of all artworks: soft random colours, 30 × 40 pixels."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(DRAWINGS + ARTWORKS):
        coarse = np.random.default_rng(number).integers(0, 256, (4, 5, 3), np.uint8)
        paths.append(folder / f"{number}.png")
        cv2.imwrite(str(paths[-1]), cv2.resize(coarse, (40, 30)))
    return paths[:DRAWINGS], paths[DRAWINGS:]


def tinted(image: np.ndarray, seed: int) -> np.ndarray:
    """A simulated view: the picture with some bits of its levels turned over."""
    changed: np.ndarray = resize(image, SIZE) ^ np.uint8(seed % 63 + 1)
    return changed


def tiny_data(folder: Path, **changes: Any) -> TripletData:
    """The data module of the tiny task, its images written to `folder`."""
    drawings, artworks = write_images(folder)
    settings: dict[str, Any] = {
        "augmentation": Augmentation(**BASIC),
        "reading": Reading(SIZE, max_pixels=MAX_PIXELS),
        "batch_size": 4,
        "grouped": True,
        "embed_batch_size": 10,
        "passes": 1,
        "views": 0,
        "view": tinted,
        "augmented_val": False,
        "frozen": False,
        "workers": 0,
        "seed": 5,
    }
    return TripletData(tiny_task(), drawings, artworks, **(settings | changes))


def as_process(data: TripletData, rank: int, world: int, epoch: int = 0) -> None:
    """Let a data module believe it serves one of several processes."""
    trainer: Any = SimpleNamespace(global_rank=rank, world_size=world)
    data.trainer = trainer
    data.epoch = epoch


def some_negatives(n: int = 3) -> Tensor:
    """(drawings, n) artwork rows, none of which is the drawing's own."""
    return (torch.arange(DRAWINGS)[:, None] + 4 + torch.arange(n)) % 12


def some_choice(negatives: Tensor | None = None, views: Sequence[int] = ()) -> EpochChoice:
    """The negatives (default: some) of drawings, and views with as many, the artworks after."""
    negatives = some_negatives() if negatives is None else negatives
    positives = tiny_task().positives
    own = listed(positives, DRAWINGS)
    rows = torch.tensor(views, dtype=torch.int64)
    following = (rows[:, None] + 1 + torch.arange(negatives.shape[1])) % ARTWORKS
    return EpochChoice(negatives, own, rows, following, rows[:, None])


def choice_of(negatives: Tensor) -> EpochChoice:
    """These negatives for pairs of row i and anything, no view, artwork 0 as everyone's own."""
    own = torch.zeros(len(negatives), 1, dtype=torch.int64)
    none = torch.empty(0, dtype=torch.int64)
    return EpochChoice(negatives, own, none, negatives[:0], none[:, None])


def batches(pairs: Tensor, choice: EpochChoice, epoch: int = 0, **changes: Any) -> TripletBatches:
    """Batches of an epoch for one process."""
    settings: dict[str, Any] = {
        "grouped": True,
        "passes": 1,
        "copies": (),
        "seed": 1,
        "rank": 0,
        "world": 1,
    }
    return TripletBatches(pairs, lambda: choice, lambda: epoch, **(settings | changes))


ROUNDING = 1e-5
"""How far apart an embedding of `TinyNet` may be when made in batches of another size: its longest
sum has 72 float32 terms, which in another order come out up to 72 * 2^-24 = 4e-6 of their size
apart, and two layers follow each other."""


class TinyNet(nn.Sequential):
    """Convolution, batch norm, pooling, linear layer: 6 dimensions."""

    num_features = 6

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(3, 8, 3, stride=2),
            nn.BatchNorm2d(8),
            nn.Tanh(),
            nn.AdaptiveAvgPool2d(3),
            nn.Flatten(),
            nn.Linear(72, 6),
        )


def tiny_backbone(name: str = "tiny", freeze_norm: bool = True) -> Backbone:
    """The tiny network with its preprocessing."""
    return Backbone(name, TinyNet(), [127.0] * 3, [64.0] * 3, freeze_norm)


def tiny_model(
    backbone: Backbone | None = None, flip: bool = False, adaptation: Adaptation | None = None
) -> Model:
    """A model of 24 pixels, of the tiny network if of no other."""
    reading = Reading(SIZE, max_pixels=MAX_PIXELS)
    return Model(backbone or tiny_backbone(), reading, flip, adaptation)


def tiny_matcher(
    reduction: Reduction = "mean",
    margin: float = 0.5,
    schedule: Schedule | None = None,
    lr: float = 0.05,
    freeze_norm: bool = True,
    in_batch_negatives: bool = False,
    cross_batch_memory: bool = False,
    flip: bool = False,
    adaptation: Adaptation | None = None,
    loss: Loss | None = None,
    distill: float = 0.0,
) -> Matcher:
    """A module with a random tiny network, the same at every call; loss wins over its settings."""
    torch.manual_seed(0)
    return Matcher(
        model=tiny_model(tiny_backbone(freeze_norm=freeze_norm), flip, adaptation),
        loss=loss or TripletCosineLoss(margin, reduction),
        optimizer=lambda parameters: torch.optim.SGD(parameters, lr=lr),
        schedule=schedule or Constant(),
        in_batch_negatives=in_batch_negatives,
        cross_batch_memory=cross_batch_memory,
        layer_decay=1,
        seed=0,
        distill=distill,
    )


def tiny_adaptation(**changes: Any) -> Adaptation:
    """Four principal axes half whitened, hubs held back, nothing learnt; but for the changes."""
    settings: dict[str, Any] = {
        **{"axes": "principal", "keep": 4, "power": 0.5, "neighbours": 2, "learn": "none"}
    }
    return Adaptation(TinyNet.num_features, **(settings | changes))


def axis_weights(adaptation: Adaptation | None) -> nn.Parameter:
    """The weights of an adaptation whose head has one for each axis."""
    assert adaptation is not None
    assert isinstance(adaptation.head, AxisWeights)
    return adaptation.head.weights


CPU: dict[str, Any] = {
    "name": "cpu",
    "accelerator": "cpu",
    "devices": 1,
    "precision": "auto",
    "enable_progress_bar": False,
}


def tiny_experiment(
    folder: Path,
    matcher: Matcher,
    *,
    max_epochs: int = 2,
    remine: Remine = "every_epoch",
    miner: Miner | None = None,
    keep: Keep = "best",
    decide: Decide = "none",
    callbacks: Sequence[pl.Callback] = (),
    **data: Any,
) -> Experiment:
    """An experiment on the tiny task, its run folder in `folder`; nothing is run yet."""
    return Experiment.assemble(
        matcher,
        tiny_data(folder / "images", **data),
        miner or HardestNegatives(negatives=3, remine=remine),
        RunFolder(folder / "run"),
        monitor="val/mrr",
        keep=keep,
        protocol="drawsim",
        decide=decide,
        trainer=settle_hardware(CPU | {"max_epochs": max_epochs}),
        callbacks=callbacks,
        loggers=[],
    )
