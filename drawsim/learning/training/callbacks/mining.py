"""Chooses what each epoch trains on, and the negatives of each sample, from embeddings."""

from __future__ import annotations

import logging
import math
from typing import Any

import pandas as pd
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.distributed import all_reduce

from drawsim.common.errors import UserError
from drawsim.learning.losses.base import compare
from drawsim.learning.miners.base import NOTHING, Miner, Snapshot, listed
from drawsim.learning.miners.near_duplicates import near_duplicates
from drawsim.learning.miners.rejected import rejected_first
from drawsim.learning.training.callbacks.evaluation import LIVE_SETS, Evaluation
from drawsim.learning.training.data import TripletData
from drawsim.learning.training.module import Matcher
from drawsim.learning.training.samples import EpochChoice
from drawsim.retrieval.ranking import Relevance
from drawsim.retrieval.task import among, less, union
from drawsim.runs.folder import RunFolder

log = logging.getLogger(__name__)


class Mining(pl.Callback):
    """Mines before the first epoch and, by the miner's policy, after each.

    The validation loss (`val/loss`) is the mean loss of the val pairs with their negatives as last
    mined: measured on un-augmented images, or, where the data module has `augmented_val`, on
    triplets as in training (the thesis). `improved`: whether the last epoch has a lower one than
    any before, or a higher val recall@20 than the epoch before (thesis, "Mining"). Every table of
    triplets is kept in `triplets/`.
    """

    def __init__(
        self,
        miner: Miner,
        evaluation: Evaluation,
        data: TripletData,
        module: Matcher,
        run: RunFolder,
    ) -> None:
        self.miner = miner
        self.evaluation = evaluation
        self.data = data
        self.module = module
        self.run = run
        self.near_duplicate_similarity = miner.near_duplicate_similarity
        self.untrained = torch.empty(0, 0)
        self.best_loss = math.inf
        self.last_recall = -math.inf
        self.improved = False
        self._augmented = torch.zeros(2)

    def start(self, untrained: Tensor) -> None:
        """Take the artworks as the untrained model embeds them: they tell near-duplicates.

        Where they do not, for a network that finds all artworks alike, none is taken for another.
        """
        self.untrained = self.module.untrained = untrained
        try:
            self._near_duplicates(self.evaluation.task.positives)
        except UserError as error:
            log.warning("near-duplicates are not looked for: %s", error)
            self.near_duplicate_similarity = None

    def mine(self, epoch: int, *, pairs: bool = True) -> None:
        """Choose what an epoch trains on, and write the negatives of pairs down.

        epoch: the number of epochs the embeddings have been trained for. pairs: mine for drawings
        too; else theirs stay. Simulated views are chosen anew in any case.
        """
        choice = self._for_pairs(epoch) if pairs else self.data.choice
        views = self.data.choose_views(epoch)
        itself = Relevance(torch.arange(len(views)), views)
        same = self._near_duplicates(itself)
        artworks = self.evaluation.artworks
        self.data.choice = choice._replace(
            views=views,
            view_negatives=self.miner.mine(
                Snapshot(artworks[views], artworks, itself, same, epoch)
            ),
            view_own=listed(_own(itself, same), len(views)),
        )
        if self.module.cross_batch_memory is not None:
            self.module.cross_batch_memory = self.evaluation.gallery.clone()
        if pairs:
            self.run.write_table(f"triplets/epoch_{epoch:03d}.csv", self._table())

    def _for_pairs(self, epoch: int) -> EpochChoice:
        task = self.evaluation.task
        rows = task.rows(LIVE_SETS)
        drawings, artworks = self.evaluation.drawings[rows], self.evaluation.artworks
        same, ignored = self._near_duplicates(task.positives), task.undecided
        if same is not None:
            judged = union(task.rejected, task.undecided)
            same = less(same, judged, len(artworks))  # people know better than the network
            ignored = union(ignored, same)
        mined = self.miner.mine(
            Snapshot(drawings, artworks, task.relevant_to(rows), among(ignored, rows), epoch)
        )
        mined = rejected_first(mined, drawings, artworks, among(task.rejected, rows))
        negatives = torch.full((len(task.drawings), mined.shape[1]), NOTHING)
        negatives[rows] = mined
        return self.data.choice._replace(
            negatives=negatives,
            own=listed(_own(task.positives, same), len(task.drawings)),
            undecided=listed(task.undecided, len(task.drawings)),
        )

    def _near_duplicates(self, positives: Relevance) -> Relevance | None:
        if self.near_duplicate_similarity is None:
            return None
        return near_duplicates(self.untrained, positives, self.near_duplicate_similarity)

    def on_validation_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Forget the losses of the pass before."""
        self._augmented = torch.zeros(2, dtype=torch.float64, device=pl_module.device)

    def on_validation_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, *_: Any, **__: Any
    ) -> None:
        """Add up the losses of augmented triplets."""
        if "loss" in outputs:
            self._augmented += torch.stack([outputs["loss"], outputs["count"]]).double()

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Log the val loss; mine again if the policy says so."""
        loss = self._augmented_loss(trainer) if self.data.augmented_val else self.val_loss()
        recall = self.evaluation.live["val"]["recall@20"]
        pl_module.log("val/loss", loss, batch_size=1)
        self.improved = loss < self.best_loss or recall > self.last_recall
        self.best_loss, self.last_recall = min(loss, self.best_loss), recall
        self.data.epoch = trainer.current_epoch + 1
        again = self.miner.remine == "every_epoch" or self.improved
        self.mine(trainer.current_epoch + 1, pairs=again)

    def _augmented_loss(self, trainer: pl.Trainer) -> float:
        if trainer.world_size > 1:
            all_reduce(self._augmented)
        total, count = self._augmented.tolist()
        return total / max(1.0, count)

    @torch.no_grad()
    def val_loss(self) -> float:
        """Mean loss over the val pairs, each with its drawing's negatives.

        Where a memory of the gallery is trained against, it is measured against the gallery too.
        """
        pairs = self.evaluation.task.pairs_of("val")
        drawings, artworks = self.evaluation.drawings, self.evaluation.artworks
        own = self.data.choice.own[pairs[:, 0]]
        never = torch.cat([own, self.data.choice.undecided[pairs[:, 0]]], dim=1)
        if self.module.cross_batch_memory is None:
            rows = self.data.choice.negatives[pairs[:, 0]]
            candidates, valid = artworks[rows], rows != NOTHING
        else:
            candidates = artworks
            valid = torch.ones(len(pairs), len(artworks) + 1, dtype=torch.bool)
            valid = valid.scatter(1, never % (len(artworks) + 1), False)[:, :-1]
        terms = self.module.loss(
            compare(
                drawings[pairs[:, 0]],
                artworks[pairs[:, 1]],
                candidates,
                valid,
                swaps=self.module.loss.swaps,
                others=artworks[own],
                has_other=(own != NOTHING) & (own != pairs[:, 1:]),
            )
        )
        return float(terms.values.sum() / terms.counted.sum().clamp(min=1))

    def _table(self) -> pd.DataFrame:
        task, negatives = self.evaluation.task, self.data.choice.negatives
        rows = [
            (name, task.drawings[drawing], task.artworks[positive], task.artworks[negative])
            for name, pairs in (("train", task.train_pairs), ("val", task.pairs_of("val")))
            for drawing, positive in pairs.tolist()
            for negative in negatives[drawing].tolist()
            if negative != NOTHING
        ]
        return pd.DataFrame(rows, columns=["set", "drawing_id", "positive_id", "negative_id"])

    def state_dict(self) -> dict[str, Any]:
        """What the next epoch is compared with."""
        return {"best_loss": self.best_loss, "last_recall": self.last_recall}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take that up again."""
        self.best_loss = state_dict["best_loss"]
        self.last_recall = state_dict["last_recall"]


def _own(positives: Relevance, same: Relevance | None) -> Relevance:
    """A query's own artworks, then the near-duplicates of those."""
    if same is None:
        return positives
    query = torch.cat([positives.query, same.query])
    return Relevance(query, torch.cat([positives.gallery, same.gallery]))
