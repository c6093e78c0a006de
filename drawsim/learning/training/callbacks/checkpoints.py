"""Keeps the selected weights, never by a look at the test set, and the state to resume from."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import pytorch_lightning as pl
import torch

from drawsim.common.errors import UserError, nearest
from drawsim.common.files import atomic
from drawsim.common.machine import is_first_process
from drawsim.common.opening import open_regular
from drawsim.common.words import counted
from drawsim.learning.training.callbacks.evaluation import MONITORS
from drawsim.models.loading import LEFT_OUT
from drawsim.models.trainer import wait_for_others
from drawsim.retrieval.metrics import registry

Keep = Literal["auto", "best", "last", "on_improvement"]
Kept = Literal["best", "last", "on_improvement"]
UNTRAINED = "untrained.ckpt"
"""The weights before training, where what was learnt may be left out in the end."""
SELECTED = "selected.ckpt"
"""The weights that were selected, where it was: a run that is resumed goes on with them."""
FEWEST = 30
"""Validation drawings from which one epoch can be told from another."""


def settled(keep: Keep, val_drawings: int) -> tuple[Kept, str]:
    """What `auto` means for so many validation drawings, and why; others mean themselves.

    With few, the best of several epochs is the luckiest one: then all epochs are trained and the
    last is kept, whatever it scores. Raises UserError for another word.
    """
    if keep not in get_args(Keep):
        raise UserError(f"keep={keep}: {nearest(keep, get_args(Keep))}")
    if keep != "auto":
        return keep, ""
    if val_drawings >= FEWEST:
        return "best", ""
    return "last", (
        f"{counted(val_drawings, 'validation drawing')}, fewer than {FEWEST}, cannot tell which "
        "epoch is better"
    )


class BestAndLast(pl.callbacks.Checkpoint):
    """`best.ckpt`: weights of the selected epoch; `last.ckpt`: everything of the latest.

    keep says which epoch is selected: `best`, that with the best `monitor`, where the untrained
    model is epoch 0 and a candidate like the others (`start`); `last`, whatever the validation set
    says; `on_improvement`, the last one that `improved` (thesis, "Mining"). Files change from one
    whole version to the next: if a write fails, as on a full disk, the old ones stay. judged: what
    was learnt may be left out in the end, for which the untrained weights are kept, unless they are
    a candidate all along.
    """

    def __init__(
        self,
        folder: Path,
        monitor: str,
        keep: Kept,
        improved: Callable[[], bool],
        *,
        judged: bool = False,
    ) -> None:
        if monitor not in MONITORS:
            raise UserError(f"monitor={monitor}: {nearest(monitor, MONITORS)}")
        self.folder = folder
        self.monitor = monitor
        self.keep = keep
        self.improved = improved
        self.judged = judged and (keep, monitor) != ("best", "val/mrr")
        self.best_score: float | None = None
        self.best_epoch = 0

    @property
    def best(self) -> Path:
        """Weights of the selected epoch."""
        return self.folder / "best.ckpt"

    @property
    def last(self) -> Path:
        """State after the latest epoch."""
        return self.folder / "last.ckpt"

    def to_go_on_from(self) -> Path | None:
        """The state that a resumed run continues from; None: the run had kept none yet.

        Raises UserError if what lies in its place is no regular file.
        """
        if not os.path.lexists(self.last):
            return None
        open_regular(self.last).close()
        return self.last

    def start(self, trainer: pl.Trainer, score: float) -> None:
        """Keep the untrained model as the best so far."""
        # Logged scores are float32: rounded alike, an equal one is no improvement.
        self.best_score, self.best_epoch = float(torch.tensor(score)), 0
        self._save(trainer, self.best, weights_only=True)
        if self.judged:
            self._save(trainer, self.folder / UNTRAINED, weights_only=True)

    def take_untrained(self) -> None:
        """Let the untrained weights be the selected ones; those that were are kept beside them."""
        if is_first_process():
            self.best.replace(self.folder / SELECTED)
            with atomic(self.best) as temporary:
                shutil.copyfile(self.folder / UNTRAINED, temporary)
        self.best_epoch = 0
        wait_for_others()  # they are all going to read what the first process changed

    def note(self, left_out: Sequence[str]) -> None:
        """Write into the selected weights which stages the run decided to rank without."""
        if is_first_process():
            content = torch.load(self.best, map_location="cpu", weights_only=True)
            if content.get(LEFT_OUT, []) != list(left_out):
                with atomic(self.best) as temporary:
                    torch.save({**content, LEFT_OUT: list(left_out)}, temporary)
        wait_for_others()  # they are all going to read what the first process changed

    def keep_now(self, trainer: pl.Trainer) -> None:
        """Keep the weights as they are now as the selected ones, with the epoch they are of."""
        self._save(trainer, self.best, weights_only=True)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Save the best first: if only that succeeds, resuming repeats the epoch and agrees."""
        score = float(trainer.callback_metrics[self.monitor])
        if self._selected(score):
            self.best_score, self.best_epoch = score, trainer.current_epoch + 1
            self._save(trainer, self.best, weights_only=True)
        self._save(trainer, self.last, weights_only=False)

    def _selected(self, score: float) -> bool:
        if self.keep == "on_improvement":
            return self.improved()
        if self.keep == "last" or self.best_score is None:
            return True
        return registry.gain(self.monitor, self.best_score, score) > 0

    def _save(self, trainer: pl.Trainer, path: Path, weights_only: bool) -> None:
        replacing = atomic(path) if trainer.is_global_zero else contextlib.nullcontext(path)
        with replacing as temporary:
            trainer.save_checkpoint(temporary, weights_only=weights_only)

    def state_dict(self) -> dict[str, Any]:
        """The best so far."""
        return {"best_score": self.best_score, "best_epoch": self.best_epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the best so far."""
        if is_first_process() and (self.folder / SELECTED).is_file():
            (self.folder / SELECTED).replace(self.best)
        self.best_score = state_dict["best_score"]
        self.best_epoch = state_dict["best_epoch"]
