"""The LightningModule: a backbone trained so that drawings lie next to their artworks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.distributed import all_reduce
from torch.distributed.nn.functional import all_gather
from torch.nn import Parameter
from torch.nn.functional import pad
from torch.optim import Optimizer

from drawsim.learning.backbones import Backbone
from drawsim.learning.data import NOTHING, Triplets
from drawsim.learning.losses import TripletCosineLoss

Schedule = Callable[[float, int], float]


class Matcher(pl.LightningModule):
    """Backbone, loss, optimiser and schedule; it knows nothing of files, sets or metrics."""

    def __init__(
        self,
        backbone: Backbone,
        loss: TripletCosineLoss,
        optimizer: Callable[[Iterable[Parameter]], Optimizer],
        schedule: Schedule,
        share: bool,
        seed: int,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.loss = loss
        self.make_optimizer = optimizer
        self.schedule = schedule
        self.share = share
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
        self._set_rate(self.current_epoch)

    def on_train_batch_start(self, batch: Triplets, batch_idx: int) -> None:
        """Set the learning rate of a step, from what has been done of all epochs."""
        self._set_rate(self.current_epoch + batch_idx / self.trainer.num_training_batches)
        self.log("lr", self.trainer.optimizers[0].param_groups[0]["lr"], on_epoch=True)

    def _set_rate(self, epochs_done: float) -> None:
        factor = self.schedule(epochs_done, max(1, self.trainer.max_epochs or 1))
        for optimizer in self.trainer.optimizers:
            for group in optimizer.param_groups:
                group.setdefault("initial_lr", group["lr"])
                group["lr"] = group["initial_lr"] * factor

    def training_step(self, batch: Triplets, batch_idx: int) -> Tensor:
        """The loss of a batch.

        All images of the batch go through the network at once, so that anchor and positive of a
        pair are shared by its negatives. With `share`, each drawing is told apart from every
        artwork of the batch that is not its own, over all processes; that costs no further image.
        """
        samples, roles = batch.images.shape[:2]
        vectors = self(batch.images.flatten(0, 1)).view(samples, roles, -1)
        negatives, rows = vectors[:, 2:], batch.artworks[:, 1:]
        if self.share:
            negatives, rows = self._all_artworks(vectors[:, 1:], batch.artworks)
        strange = (rows[:, :, None] != batch.own[:, None]).all(dim=2) & (rows != NOTHING)
        losses = self.loss(vectors[:, 0], vectors[:, 1], negatives) * strange
        weights = batch.weight.to(losses.dtype)

        def mean(values: Tensor, counted: Tensor) -> Tensor:
            return weights @ (values.sum(dim=1) / counted.sum(dim=1).clamp(min=1))

        pulling = losses > 0
        shown = {"train/loss": mean(losses, strange), "train/active": mean(pulling, strange)}
        # Averaged over processes, these are means over the whole batch, whose size is told: the
        # processes' own shares may differ, and Lightning would round their average.
        world = self.trainer.world_size
        whole = round(world / float(weights[0]))
        self.log_dict(shown, on_step=True, on_epoch=True, batch_size=whole, sync_dist=True)
        if self.loss.reduction == "mean":
            return shown["train/loss"]
        total = losses.sum() * world
        return total / self._active(pulling) if self.loss.reduction == "active" else total

    def _active(self, pulling: Tensor) -> Tensor:
        """How many triplets of the batch, over all processes, have a loss; at least 1."""
        count = pulling.sum()
        if self.trainer.world_size > 1:
            all_reduce(count)
        return count.clamp(min=1)

    def _all_artworks(self, vectors: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Artworks of the batch over all processes, the same for each of this one's drawings.

        vectors: (B, r, d), rows: (B, r). Returns (B, M, d) and (B, M), M = r times the samples of
        all processes; gradients flow back to where a vector was made.
        """
        samples = len(vectors)
        if self.trainer.world_size > 1:
            gather: Any = all_gather  # torch has no types for it
            counts = gather(torch.tensor([samples], device=vectors.device))
            short = int(torch.cat(counts).max()) - samples
            vectors = pad(vectors, (0, 0, 0, 0, 0, short))
            rows = pad(rows, (0, 0, 0, short), value=NOTHING)
            vectors = torch.cat(gather(vectors))
            rows = torch.cat(gather(rows))
        vectors, rows = vectors.flatten(0, 1), rows.flatten()
        return vectors.expand(samples, -1, -1), rows.expand(samples, -1)

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> dict[str, Tensor]:
        """batch: (B, 3, S, S) uint8 images and (B,) positions in the loader's data set."""
        images, rows = batch
        return {"rows": rows, "vectors": self(images)}

    test_step = validation_step

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Say which network the weights belong to."""
        checkpoint["backbone"] = self.backbone.name
