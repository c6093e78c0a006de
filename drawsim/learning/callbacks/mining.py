"""Chooses the negatives of each drawing from the latest embeddings."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytorch_lightning as pl
import torch
from torch import Tensor

from drawsim.learning.callbacks.evaluation import LIVE_SETS, Evaluation
from drawsim.learning.data import TripletData
from drawsim.learning.losses import TripletCosineLoss
from drawsim.learning.mining import HardestNegatives
from drawsim.runs import RunFolder


class Mining(pl.Callback):
    """Mines before the first epoch and, by the miner's policy, after each.

    The validation loss (`val/loss`) is the mean loss of the val pairs with their negatives as last
    mined, measured on un-augmented images. Every table of triplets is kept in `triplets/`.
    """

    def __init__(
        self,
        miner: HardestNegatives,
        evaluation: Evaluation,
        data: TripletData,
        loss: TripletCosineLoss,
        run: RunFolder,
    ) -> None:
        self.miner = miner
        self.evaluation = evaluation
        self.data = data
        self.loss = loss
        self.run = run
        self.best_loss = math.inf
        self.last_recall = -math.inf

    def mine(self, epoch: int) -> None:
        """Choose negatives for all train and val drawings and write them down.

        epoch: the number of epochs the embeddings have been trained for.
        """
        task = self.evaluation.task
        rows = task.rows(LIVE_SETS)
        positives = task.relevant_to(rows)
        mined = self.miner.mine(self.evaluation.drawings[rows], self.evaluation.artworks, positives)
        self.data.negatives = torch.full((len(task.drawings), mined.shape[1]), -1)
        self.data.negatives[rows] = mined
        self.run.write_table(f"triplets/epoch_{epoch:03d}.csv", self._table())

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Log the val loss; mine again if the policy says so."""
        loss = self.val_loss()
        recall = self.evaluation.live["val"]["recall@20"]
        pl_module.log("val/loss", loss, batch_size=1)
        improved = loss < self.best_loss or recall > self.last_recall
        self.best_loss, self.last_recall = min(loss, self.best_loss), recall
        self.data.epoch = trainer.current_epoch + 1
        if self.miner.remine == "every_epoch" or improved:
            self.mine(trainer.current_epoch + 1)

    @torch.no_grad()
    def val_loss(self) -> float:
        """Mean loss over the val pairs and their negatives."""
        pairs = self._val_pairs()
        drawings, artworks = self.evaluation.drawings, self.evaluation.artworks
        negatives = artworks[self.data.negatives[pairs[:, 0]]]
        return float(self.loss(drawings[pairs[:, 0]], artworks[pairs[:, 1]], negatives).mean())

    def _val_pairs(self) -> Tensor:
        task = self.evaluation.task
        of_val = torch.isin(task.positives.query, task.queries["val"])
        return torch.stack([task.positives.query[of_val], task.positives.gallery[of_val]], dim=1)

    def _table(self) -> pd.DataFrame:
        task, negatives = self.evaluation.task, self.data.negatives
        rows = [
            (name, task.drawings[drawing], task.artworks[positive], task.artworks[negative])
            for name, pairs in (("train", task.train_pairs), ("val", self._val_pairs()))
            for drawing, positive in pairs.tolist()
            for negative in negatives[drawing].tolist()
        ]
        return pd.DataFrame(rows, columns=["set", "drawing_id", "positive_id", "negative_id"])

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs to go on with the same triplets."""
        return {
            "epoch": self.data.epoch,
            "negatives": self.data.negatives,
            "best_loss": self.best_loss,
            "last_recall": self.last_recall,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the triplets of a checkpoint."""
        self.data.epoch = state_dict["epoch"]
        self.data.negatives = state_dict["negatives"]
        self.best_loss = state_dict["best_loss"]
        self.last_recall = state_dict["last_recall"]
