"""Tells a search for settings how a run is doing, and stops the run where the search says so."""

from __future__ import annotations

from collections.abc import Callable

import pytorch_lightning as pl

from drawsim.common.errors import StoppedError


class Pruning(pl.Callback):
    """Reports the monitored value after each epoch; a hopeless run ends before the next begins.

    report: is told value and epoch, from 1, by the first process; says whether to stop.
    """

    def __init__(self, monitor: str, report: Callable[[float, int], bool]) -> None:
        self.monitor = monitor
        self.report = report
        self.stops = False

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """An epoch is whole; its checkpoint is written after this."""
        value, epoch = float(trainer.callback_metrics[self.monitor]), trainer.current_epoch + 1
        stops = self.report(value, epoch) if trainer.is_global_zero else False
        self.stops = bool(trainer.strategy.broadcast(stops))

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """The next one begins, or not. Raises StoppedError."""
        if self.stops:
            raise StoppedError(f"pruned by the search after epoch {trainer.current_epoch}")
