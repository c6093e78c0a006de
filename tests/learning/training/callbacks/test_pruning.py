"""A run that a search ends: after an epoch is whole, and before the next one begins."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from drawsim.common.errors import StoppedError
from drawsim.learning.training.callbacks.pruning import Pruning


def trainer(epoch: int, value: float, first: bool = True) -> Any:
    """What the callback asks of Lightning's; in the second process, the first one decides."""
    return SimpleNamespace(
        callback_metrics={"val/mrr": torch.tensor(value)},
        current_epoch=epoch,
        is_global_zero=first,
        strategy=SimpleNamespace(broadcast=lambda stops: stops if first else True),
    )


class Told:
    """A trial that had better stop after epoch 2."""

    def __init__(self) -> None:
        self.told: list[tuple[float, int]] = []
        self.stopped: list[int] = []

    def report(self, value: float, epoch: int) -> bool:
        self.told.append((value, epoch))
        return epoch == 2

    def stop(self, epoch: int) -> None:
        self.stopped.append(epoch)


def test_it_tells_each_epoch_and_stops_before_the_next() -> None:
    trial, module = Told(), None
    pruning = Pruning("val/mrr", trial)
    for epoch in range(2):
        pruning.on_train_epoch_start(trainer(epoch, 0.0), module)  # type: ignore[arg-type]
        pruning.on_train_epoch_end(trainer(epoch, epoch / 4), module)  # type: ignore[arg-type]
    assert trial.told == [(0.0, 1), (0.25, 2)]
    assert trial.stopped == [], "a run that ends by itself is none that was stopped"
    with pytest.raises(StoppedError, match="pruned by the search after epoch 2"):
        pruning.on_train_epoch_start(trainer(2, 0.0), module)  # type: ignore[arg-type]
    assert trial.stopped == [2]


def test_another_process_of_the_run_stops_with_the_first() -> None:
    trial, second = Told(), trainer(0, 0.0, first=False)
    pruning = Pruning("val/mrr", trial)
    pruning.on_train_epoch_end(second, None)  # type: ignore[arg-type]
    with pytest.raises(StoppedError):
        pruning.on_train_epoch_start(second, None)  # type: ignore[arg-type]
    assert (trial.told, trial.stopped) == ([], [])
