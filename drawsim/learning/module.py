"""The LightningModule: a backbone trained so that drawings lie next to their artworks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim import Optimizer

from drawsim.learning.backbones import Backbone
from drawsim.learning.losses import TripletCosineLoss

Schedule = Callable[[int, int], float]


class Matcher(pl.LightningModule):
    """Backbone, loss, optimiser and schedule; it knows nothing of files, sets or metrics."""

    def __init__(
        self,
        backbone: Backbone,
        loss: TripletCosineLoss,
        optimizer: Callable[[Iterable[Parameter]], Optimizer],
        schedule: Schedule,
        seed: int,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.loss = loss
        self.make_optimizer = optimizer
        self.schedule = schedule
        self.seed = seed

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) uint8 images to (B, d) unit rows."""
        embeddings: Tensor = self.backbone(images)
        return embeddings

    def configure_optimizers(self) -> Optimizer:
        """The optimiser of the configuration over everything that trains."""
        return self.make_optimizer(p for p in self.parameters() if p.requires_grad)

    def on_train_epoch_start(self) -> None:
        """Set what an epoch depends on from its number alone, so that a resumed one is the same."""
        torch.manual_seed(hash((self.seed, self.current_epoch, self.global_rank)) % 2**63)
        epochs = self.trainer.max_epochs or 1
        factor = self.schedule(self.current_epoch, max(1, epochs))
        for optimizer in self.trainer.optimizers:
            for group in optimizer.param_groups:
                group.setdefault("initial_lr", group["lr"])
                group["lr"] = group["initial_lr"] * factor
        self.log("lr", self.trainer.optimizers[0].param_groups[0]["lr"], on_epoch=True)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """batch: (B, 2 + n, 3, S, S) uint8 images and (B,) weights of the samples.

        All images of the batch go through the network at once, so that anchor and positive of a
        pair are shared by its negatives.
        """
        images, weights = batch
        samples, roles = images.shape[:2]
        vectors = self(images.flatten(0, 1)).view(samples, roles, -1)
        losses = self.loss(vectors[:, 0], vectors[:, 1], vectors[:, 2:])
        weights = weights.to(losses.dtype)
        mean: Tensor = weights @ losses.mean(dim=1)
        shown = {"train/loss": mean, "train/active": weights @ (losses > 0).float().mean(dim=1)}
        # Averaged over processes, these are means over the whole batch, whose size is told: the
        # processes' own shares may differ, and Lightning would round their average.
        world = self.trainer.world_size
        whole = round(world / float(weights[0]))
        self.log_dict(shown, on_step=True, on_epoch=True, batch_size=whole, sync_dist=True)
        if self.loss.reduction == "sum":
            total: Tensor = losses.sum() * world
            return total
        return mean

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> dict[str, Tensor]:
        """batch: (B, 3, S, S) uint8 images and (B,) positions in the loader's data set."""
        images, rows = batch
        return {"rows": rows, "vectors": self(images)}

    test_step = validation_step

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Say which network the weights belong to."""
        checkpoint["backbone"] = self.backbone.name
