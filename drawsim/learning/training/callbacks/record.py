"""Writes an epoch's numbers into the run folder, and knows when the first step is near."""

from __future__ import annotations

import logging

import pytorch_lightning as pl

from drawsim.runs.folder import RunFolder

log = logging.getLogger(__name__)


class EpochRecord(pl.Callback):
    """One row of `metrics.csv` per epoch: all that was logged, epoch 1 being the first trained."""

    def __init__(self, run: RunFolder) -> None:
        self.run = run

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Append the row."""
        metrics = trainer.callback_metrics.items()
        row = {name: float(value) for name, value in metrics if not name.endswith("_step")}
        row = {name.removesuffix("_epoch"): value for name, value in row.items()}
        self.run.write_epoch(trainer.current_epoch + 1, row)
        shown = ("train/loss", "val/loss", "train/mrr", "val/mrr", "val/recall@20")
        told = ", ".join(f"{name} {row[name]:.4f}" for name in shown if name in row)
        log.debug("epoch %d: %s", trainer.current_epoch + 1, told)


class Taken(pl.Callback):
    """Knows whether the trainer has taken up all that a checkpoint holds."""

    up = False

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """From here on steps are trained."""
        self.up = True
