"""Whether reading images keeps up with the model: training from files against from memory.

    python scripts/bench/epoch.py [--repeats 5] [--plain] [settings of drawsim.train]

Both train the default model on the demo collection at its default settings: once from its JPEG
files through the data module and its workers, once from the same batches, made beforehand and held
in memory. The target is a ratio of at least 85 %. Run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from drawsim.common.machine import cores, prepare

prepare()  # before torch is imported, as the commands do
# ruff: noqa: E402

import pytorch_lightning as pl
import torch
from torch.nn.functional import normalize
from torch.utils.data import DataLoader

from drawsim.common.configuration import compose
from drawsim.common.launch import to_plain
from drawsim.learning.miners.base import listed
from drawsim.learning.training.data import TripletData
from drawsim.learning.training.module import Matcher
from drawsim.learning.training.samples import EpochChoice
from drawsim.models.trainer import make_trainer, settle_hardware
from drawsim.workflows.data import read_data
from drawsim.workflows.parts import make_parts
from drawsim.workflows.settings import TrainSettings

TARGET = 0.85


class Stopwatch(pl.Callback):
    """Seconds of each epoch but the first, which starts the workers and warms the caches."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.started = time.perf_counter()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.current_epoch > 0:
            self.seconds.append(time.perf_counter() - self.started)


class FromFiles(pl.LightningDataModule):
    """The training batches of a data module and nothing else."""

    name = "files"

    def __init__(self, data: TripletData) -> None:
        super().__init__()
        self.data = data

    def train_dataloader(self) -> Iterable[Any]:
        self.data.trainer = self.trainer
        return self.data.train_dataloader()


class FromMemory(FromFiles):
    """The same batches, made beforehand."""

    name = "memory"

    def train_dataloader(self) -> Iterable[Any]:
        made: Any = list(super().train_dataloader())
        return DataLoader(made, batch_size=None)


def configuration(overrides: list[str]) -> TrainSettings:
    """The settings of training, as `python -m drawsim.train` has them."""
    return TrainSettings.of({**to_plain(compose("train", overrides)), "name": "bench"})


def parts(settings: TrainSettings, folder: Path) -> tuple[TripletData, Matcher]:
    """Data and model; negatives and memory are any artworks, views those of the first epoch."""
    collection, split, _ = read_data(settings, folder, write=False)
    data, miner, module = make_parts(settings, collection, split)
    task, views = data.task, data.choose_views(0)
    data.choice = EpochChoice(
        negatives=torch.randint(task.gallery, (len(task.drawings), miner.negatives)),
        own=listed(task.positives, len(task.drawings)),
        views=views,
        view_negatives=torch.randint(task.gallery, (len(views), miner.negatives)),
        view_own=views[:, None],
    )
    if module.cross_batch_memory is not None:
        module.cross_batch_memory = normalize(
            torch.randn(task.gallery, module.backbone.dimensions), dim=1
        )
    return data, module


def epoch_seconds(
    settings: Mapping[str, Any], module: Matcher, source: FromFiles, repeats: int
) -> float:
    """Median seconds of an epoch."""
    watch = Stopwatch()
    changed = {
        "max_epochs": repeats + 1,
        "limit_val_batches": 0,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
    }
    hardware = settle_hardware({**settings, **changed})
    trainer = make_trainer(hardware, Path(tempfile.gettempdir()), [watch], [])
    trainer.fit(module, datamodule=source)
    return statistics.median(watch.seconds)


def measure(settings: TrainSettings, repeats: int, folder: Path) -> None:
    """Print a line for each source of one kind of batches."""
    data, module = parts(settings, folder)
    name = f"{'grouped' if data.grouped else 'plain'}, {settings.image_size} px"
    pairs = len(data.task.train_pairs) * data.passes * (1 + len(data.copies)) + data.views
    triplets = pairs * data.choice.negatives.shape[1]
    images = 2 * pairs + triplets if data.grouped else 3 * triplets
    at_best = 0.0
    for source in (FromMemory, FromFiles):
        seconds = epoch_seconds(settings.trainer, module, source(data), repeats)
        at_best = at_best or seconds
        print(
            f"{name:<16}{source.name:<8}{seconds:>7.2f} s"
            f"{images / seconds:>10.1f}{triplets / seconds:>12.1f}{at_best / seconds:>8.1%}"
        )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--repeats", type=int, default=5, help="epochs timed of each kind")
    parser.add_argument("--plain", action="store_true", help="measure single triplets as well")
    parser.add_argument("settings", nargs="*", help="of drawsim.train, such as batch.size=8")
    arguments = parser.parse_args()

    print(f"{cores()} cores, {torch.get_num_threads()} torch threads")
    print(f"{'batches':<16}{'from':<8}{'epoch':>9}{'images/s':>10}{'triplets/s':>12}{'ratio':>8}")
    for grouped in (True, False) if arguments.plain else (True,):
        settings = configuration([*arguments.settings, f"batch.grouped={grouped}"])
        with tempfile.TemporaryDirectory() as folder:
            measure(settings, arguments.repeats, Path(folder))
    print(f"target: at least {TARGET:.0%} from files")


if __name__ == "__main__":
    main()
