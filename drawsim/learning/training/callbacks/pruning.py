"""Tells a search for settings how a run is doing, and stops the run where the search says so."""

from __future__ import annotations

from typing import Protocol

import pytorch_lightning as pl

from drawsim.common.errors import StoppedError


class Trial(Protocol):
    """A trial of a search."""

    def report(self, value: float, epoch: int) -> bool:
        """Tell the monitored value after an epoch, from 1; whether the run had better stop."""

    def stop(self, epoch: int) -> None:
        """The run has stopped after an epoch for that reason."""


class Pruning(pl.Callback):
    """Reports the monitored value after each epoch; a hopeless run ends before the next begins.

    Of several processes the first one tells, and all do as it is told.
    """

    def __init__(self, monitor: str, trial: Trial) -> None:
        self.monitor = monitor
        self.trial = trial
        self.stops = False

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """An epoch is whole; its checkpoint is written after this."""
        value, epoch = float(trainer.callback_metrics[self.monitor]), trainer.current_epoch + 1
        stops = self.trial.report(value, epoch) if trainer.is_global_zero else False
        self.stops = bool(trainer.strategy.broadcast(stops))

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """The next one begins, or not. Raises StoppedError."""
        if not self.stops:
            return
        if trainer.is_global_zero:
            self.trial.stop(trainer.current_epoch)
        raise StoppedError(f"pruned by the search after epoch {trainer.current_epoch}")
