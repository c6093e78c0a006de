"""The progress bar, in drawsim's words."""

from __future__ import annotations

import pytorch_lightning as pl
from pytorch_lightning.callbacks import RichProgressBar


class Progress(RichProgressBar):
    """Epochs counted from 1; passes that embed the collection are called so."""

    @property
    def test_description(self) -> str:
        """Label of the passes before and after training."""
        return "Embedding"

    @property
    def validation_description(self) -> str:
        """Label of the pass after an epoch."""
        return "Embedding"

    def _get_train_description(self, current_epoch: int) -> str:
        return f"Epoch {current_epoch + 1}/{self.trainer.max_epochs}"

    def get_metrics(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule
    ) -> dict[str, int | str | float | dict[str, float]]:
        """What stands beside the bar, without the logger's version number."""
        shown = super().get_metrics(trainer, pl_module)
        shown.pop("v_num", None)
        return shown
