"""Keeps the best weights, by validation alone, and the state to resume from."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from drawsim.files import atomic


class BestAndLast(pl.callbacks.Checkpoint):
    """`best.ckpt`: weights of the epoch with the highest `monitor`; `last.ckpt`: everything.

    The untrained model is epoch 0 and a candidate like the others (`start`). Files change from one
    whole version to the next: if a write fails, as on a full disk, the old ones stay.
    """

    def __init__(self, folder: Path, monitor: str) -> None:
        self.folder = folder
        self.monitor = monitor
        self.best_score = float("-inf")
        self.best_epoch = 0

    @property
    def best(self) -> Path:
        """Weights of the best epoch."""
        return self.folder / "best.ckpt"

    @property
    def last(self) -> Path:
        """State after the latest epoch."""
        return self.folder / "last.ckpt"

    def start(self, trainer: pl.Trainer, score: float) -> None:
        """Keep the untrained model as the best so far."""
        # Logged scores are float32: rounded alike, an equal one is no improvement.
        self.best_score, self.best_epoch = float(torch.tensor(score)), 0
        self._save(trainer, self.best, weights_only=True)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Save the best first: if only that succeeds, resuming repeats the epoch and agrees."""
        score = float(trainer.callback_metrics[self.monitor])
        if score > self.best_score:
            self.best_score, self.best_epoch = score, trainer.current_epoch + 1
            self._save(trainer, self.best, weights_only=True)
        self._save(trainer, self.last, weights_only=False)

    def _save(self, trainer: pl.Trainer, path: Path, weights_only: bool) -> None:
        replacing = atomic(path) if trainer.is_global_zero else contextlib.nullcontext(path)
        with replacing as temporary:
            trainer.save_checkpoint(temporary, weights_only=weights_only)

    def state_dict(self) -> dict[str, Any]:
        """The best so far."""
        return {"best_score": self.best_score, "best_epoch": self.best_epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the best so far."""
        self.best_score = state_dict["best_score"]
        self.best_epoch = state_dict["best_epoch"]
