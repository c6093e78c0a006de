"""The progress bar, in drawsim's words: what is done now, and how long the whole run takes yet."""

from __future__ import annotations

import time
from datetime import timedelta

import pytorch_lightning as pl
from pytorch_lightning.callbacks import RichProgressBar
from rich.progress import ProgressColumn, Task
from rich.text import Text


class Rate(ProgressColumn):
    """Batches a second; nothing before there is a rate, and none of a bar that is full."""

    def render(self, task: Task) -> Text:
        """The words beside the bar."""
        return Text(f"{task.speed:.2f} batches/s" if task.speed and not task.finished else "")


class Progress(RichProgressBar):
    """Epochs counted from 1, with the time left for all of them and the pass that follows.

    The time is that of the epochs so far, the embedding and mining after each included; nothing is
    said before the first is whole.
    """

    _began: float | None = None  # seconds of the clock when the first epoch began
    _done = 0  # whole epochs since then …
    _spent = 0.0  # … and the seconds that they took
    _pass: float = 0.0  # seconds of a pass that embeds everything
    _trained = False

    @property
    def test_description(self) -> str:
        """Label of the passes before and after training."""
        return "Embedding, at the end" if self._trained else "Embedding, before training"

    @property
    def validation_description(self) -> str:
        """Label of the pass after an epoch."""
        return f"Embedding, {self._whole(self.trainer.current_epoch)}"

    def on_test_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """A pass that embeds begins."""
        self._pass = -time.monotonic()
        super().on_test_start(trainer, pl_module)

    def on_test_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """It took so long."""
        self._pass += time.monotonic()
        super().on_test_end(trainer, pl_module)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """An epoch begins; the first starts the clock."""
        if self._began is None:
            self._began = time.monotonic()
        super().on_train_epoch_start(trainer, pl_module)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """An epoch is whole, with what follows it."""
        self._done += 1
        self._spent = time.monotonic() - (self._began or 0.0)
        self._trained = True
        super().on_train_epoch_end(trainer, pl_module)

    def _get_train_description(self, current_epoch: int) -> str:
        return self._whole(current_epoch).capitalize()

    def _whole(self, epoch: int) -> str:
        """The epoch of how many, and the time that is left for the run."""
        of = f"epoch {epoch + 1}/{self.trainer.max_epochs}"
        left = self.left(epoch)
        return of if left is None else f"{of}, run {timedelta(seconds=round(left))} left"

    def left(self, epoch: int) -> float | None:
        """Seconds from the start of an epoch to the end of the run; None where nobody knows."""
        most = self.trainer.max_epochs
        if not self._done or most is None or most < 0:
            return None
        return self._spent / self._done * max(0, most - epoch) + max(0.0, self._pass)

    def configure_columns(self, trainer: pl.Trainer) -> list[ProgressColumn]:
        """Lightning's, with the rate last."""
        *columns, _ = super().configure_columns(trainer)
        return [*columns, Rate()]

    def get_metrics(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule
    ) -> dict[str, int | str | float | dict[str, float]]:
        """What stands beside the bar, without the logger's version number."""
        shown = super().get_metrics(trainer, pl_module)
        shown.pop("v_num", None)
        return shown
