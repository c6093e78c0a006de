"""The LightningModule: a backbone trained so that drawings lie next to their artworks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytorch_lightning as pl
import torch
from timm.optim import param_groups_layer_decay
from torch import Tensor
from torch.distributed import all_reduce
from torch.distributed.nn.functional import all_gather
from torch.nn.functional import pad
from torch.optim import Optimizer

from drawsim.common.errors import UserError
from drawsim.common.typed import check_bounds
from drawsim.common.words import counted
from drawsim.learning.losses.base import Loss, Terms, compare
from drawsim.learning.losses.distillation import neighbours_lost
from drawsim.learning.miners.base import NOTHING
from drawsim.learning.training.samples import Triplets
from drawsim.learning.training.schedules import Schedule
from drawsim.models.adapters import Lora
from drawsim.models.initial import Initial
from drawsim.models.loading import LEFT_OUT
from drawsim.models.model import Model
from drawsim.runs.stages import LAYOUT

log = logging.getLogger(__name__)

TRAINING = "training"
"""Key of the module's own state in a checkpoint."""
INITIAL = "init"
"""Key, in a checkpoint, of what the model began with."""


class Matcher(pl.LightningModule):
    """Model, loss, optimiser and schedule; it knows nothing of files, sets or metrics.

    in_batch_negatives: tell each drawing apart from every artwork of the batch. cross_batch_memory:
    and from the whole gallery as last embedded (Wang et al., "Cross-batch memory for embedding
    learning", 2020). layer_decay: factor of the learning rate from each block of layers to the one
    before it; 1 for none. head_lr: the learning rate of what the adaptation learns; None: as of the
    network. distill: how much it counts in the loss that artworks lose the neighbours that the
    untrained network gave them (`drawsim.learning.losses.distillation`). The model's adaptation is
    applied to embeddings before they are compared, in training too, but there without its hubs.
    initial: what the model is given before it is trained, if it does not begin as its backbone was
    published; checkpoints name it. too_few: the number of pairs, where so few were a reason to
    freeze the network.
    """

    def __init__(
        self,
        model: Model,
        loss: Loss,
        optimizer: Callable[[Iterable[Any]], Optimizer],
        schedule: Schedule,
        *,
        in_batch_negatives: bool,
        cross_batch_memory: bool,
        layer_decay: float,
        seed: int,
        head_lr: float | None = None,
        distill: float = 0.0,
        initial: Initial | None = None,
        too_few: int | None = None,
        adapter: Lora | None = None,
    ) -> None:
        super().__init__()
        if not 0 < layer_decay <= 1:
            raise UserError(f"optim.layer_decay={layer_decay}: must be above 0 and at most 1")
        if cross_batch_memory and not in_batch_negatives:
            raise UserError("batch.cross_batch_memory=true needs batch.in_batch_negatives=true")
        check_bounds("loss.distill", distill, 0)
        self.model = model
        self.backbone = model.backbone  # a checkpoint names the two parts that have weights
        self.adaptation = model.adaptation
        self.loss = loss
        self.make_optimizer = optimizer
        self.schedule = schedule
        self.in_batch_negatives = in_batch_negatives
        self.cross_batch_memory = torch.empty(0, model.dimensions) if cross_batch_memory else None
        """(N, d) unit rows of the gallery, without gradient; the mining callback renews them."""
        self.layer_decay = layer_decay
        self.head_lr = head_lr
        self.distill = distill
        self.untrained = torch.empty(0, model.dimensions)
        """(N, d) unit rows of the gallery as the untrained network embeds it, for `distill`."""
        self._kept = torch.empty(0, model.dimensions)
        """The same as the loss compares them in this epoch."""
        self.seed = seed
        self.initial = initial
        self.too_few = too_few
        self.adapter = adapter
        self.left_out: list[str] = []
        """Stages that the run decided to rank without."""
        self.plain_too = False
        """Whether a pass also embeds as the network does without its layout."""

    @property
    def pairs_in_words(self) -> str:
        """The number of pairs that were too few."""
        return counted(self.too_few or 0, "training pair")

    @property
    def learns_nothing(self) -> bool:
        """Whether nothing of it is trained, for want of pairs or because a stage is left out."""
        left = any(parameter.requires_grad for parameter in self.parameters())
        return not left and (bool(self.left_out) or self.too_few is not None)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) images to (B, d) unit rows."""
        embeddings: Tensor = self.backbone(images)
        return embeddings

    def configure_optimizers(self) -> Optimizer:
        """The optimiser of the configuration over everything that trains.

        Raises UserError if nothing does.
        """
        training = [p for p in self.parameters() if p.requires_grad]
        if not training:
            raise UserError(
                "freeze=true leaves nothing to train: set adapt.learn=channels, or measure the "
                "model as it is with trainer.max_epochs=0"
            )
        head = [] if self.adaptation is None else [*self.adaptation.parameters()]
        groups = self._of_network()
        if not groups and self.head_lr is None:
            return self.make_optimizer(training)
        own = {id(parameter) for parameter in head}
        rest = [parameter for parameter in training if id(parameter) not in own]
        groups = groups or ([{"params": rest}] if rest else [])
        if head:
            groups.append({"params": head, "own_lr": self.head_lr})
        optimizer = self.make_optimizer(groups)
        for group in optimizer.param_groups:
            group["lr"] *= group.pop("lr_scale", 1.0)
            if (rate := group.pop("own_lr", None)) is not None:
                group["lr"] = rate
        return optimizer

    def _of_network(self) -> list[dict[str, Any]]:
        """The network's parameters with the scales of their rates; none where all have the same."""
        if self.layer_decay == 1 or self.backbone.frozen:
            return []
        settings: Any = getattr(self.make_optimizer, "keywords", {})
        return [
            group
            for network in self.backbone.networks
            for group in param_groups_layer_decay(
                network,
                weight_decay=settings.get("weight_decay", 0.0),
                layer_decay=self.layer_decay,
            )
        ]

    def on_train_epoch_start(self) -> None:
        """Set what an epoch depends on from its number alone, so that a resumed one is the same."""
        torch.manual_seed(hash((self.seed, self.current_epoch, self.global_rank)) % 2**63)
        if self.cross_batch_memory is not None:
            self.cross_batch_memory = self.cross_batch_memory.to(self.device)
        self.look_at_untrained()

    @torch.no_grad()
    def look_at_untrained(self) -> None:
        """Take the untrained gallery as the loss compares it now, without what is learnt."""
        if self.distill:
            self._kept = self.untrained.to(self.device)
            if self.adaptation is not None:
                self._kept = self.adaptation.transform(self._kept, 1, learnt=False)

    def on_train_batch_start(self, batch: Triplets, batch_idx: int) -> None:
        """Set the learning rate of a step, from what has been done of all epochs."""
        steps = self.trainer.num_training_batches
        done = self.current_epoch + batch_idx / steps
        factor = self.schedule(done, 1 / steps, max(1, self.trainer.max_epochs or 1))
        groups = self.trainer.optimizers[0].param_groups
        for group in groups:
            group.setdefault("initial_lr", group["lr"])
            group["lr"] = group["initial_lr"] * factor
        self.log("lr", max(group["lr"] for group in groups), on_epoch=True)

    def training_step(self, batch: Triplets, batch_idx: int) -> Tensor:
        """The loss of a batch.

        All images of the batch go through the network at once, so that anchor and positive of a
        pair are shared by its negatives. With `in_batch_negatives`, each drawing is told apart from
        every artwork of the batch that is not its own, over all processes; that costs no further
        image.
        """
        vectors = self._vectors(batch)
        terms = self.terms(vectors, batch)
        weights = batch.weight.to(terms.values.dtype)
        shown = {
            "train/loss": _mean(terms.values, terms.counted, weights),
            "train/active": _mean(terms.values > 0, terms.counted, weights),
        }
        # Averaged over processes, these are means over the whole batch, whose size is told: the
        # processes' own shares may differ, and Lightning would round their average.
        whole = round(self.trainer.world_size / float(weights[0]))
        self.log_dict(shown, on_step=True, on_epoch=True, batch_size=whole, sync_dist=True)
        return self.objective(terms, vectors, batch)

    def objective(self, terms: Terms, vectors: Tensor, batch: Triplets) -> Tensor:
        """What a step goes down: the loss of a batch, and the penalty of what is learnt.

        vectors: (B, 1 + r, d) rows, of which the terms are made.
        """
        weights = batch.weight
        penalty = self.adaptation.penalty() if self.adaptation is not None else 0.0
        if self.distill:
            penalty = penalty + self.distill * self._lost(vectors, batch)
        if self.loss.reduction == "mean":
            weights = weights.to(terms.values.dtype)
            return _mean(terms.values, terms.counted, weights) + penalty
        total = terms.values.sum() * self.trainer.world_size
        if self.loss.reduction == "active":
            total = total / self._active(terms.values > 0)
        return total + penalty

    def _lost(self, vectors: Tensor, batch: Triplets) -> Tensor:
        """How far the artworks of a batch have lost the neighbours of the untrained network."""
        there = batch.artworks != NOTHING
        shown = self._transformed(vectors[:, 1:][there], 1)
        return neighbours_lost(shown, batch.artworks[there], self._kept)

    def _terms(self, batch: Triplets) -> Terms:
        return self.terms(self._vectors(batch), batch)

    def _vectors(self, batch: Triplets) -> Tensor:
        """The images of a batch embedded, (B, 1 + r, d)."""
        samples, roles = batch.images.shape[:2]
        embedded: Tensor = self(batch.images.flatten(0, 1))
        return embedded.view(samples, roles, -1)

    def terms(self, vectors: Tensor, batch: Triplets) -> Terms:
        """The loss's terms for a batch whose images are embedded, (B, 1 + r, d) rows."""
        samples = len(vectors)
        drawings, shown = self._transformed(vectors[:, 0], 0), self._transformed(vectors[:, 1:], 1)
        candidates, rows = shown[:, 1:], batch.artworks[:, 1:]
        others = has_other = None
        if self.in_batch_negatives:
            candidates, rows = self._all_artworks(shown, batch.artworks)
        if self.cross_batch_memory is not None:
            remembered, elsewhere = self._remembered(vectors, batch)
            candidates = torch.cat([candidates, remembered])
            rows = torch.cat([rows, elsewhere.expand(samples, -1)], dim=1)
            others = remembered[batch.own]
            has_other = (batch.own != NOTHING) & (batch.own != batch.artworks[:, :1])
        never = torch.cat([batch.own, batch.undecided], dim=1)
        is_negative = (rows[:, :, None] != never[:, None]).all(dim=2) & (rows != NOTHING)
        cosines = compare(
            drawings,
            shown[:, 0],
            candidates,
            is_negative,
            swaps=self.loss.swaps,
            others=others,
            has_other=has_other,
        )
        terms: Terms = self.loss(cosines)
        return terms

    def _remembered(self, vectors: Tensor, batch: Triplets) -> tuple[Tensor, Tensor]:
        """The cross-batch memory with the batch's artworks renewed, and the row of each entry.

        (N, k) as the loss compares them, without a way back to the network, and (N,) rows: NOTHING
        for artworks of the batch, which are there already, with their gradient.
        """
        assert self.cross_batch_memory is not None, "there is no memory"
        fresh, fresh_rows = self._all_artworks(vectors.detach()[:, 1:], batch.artworks)
        fresh_rows = fresh_rows[0]
        known = fresh_rows != NOTHING
        self.cross_batch_memory[fresh_rows[known]] = fresh[known].to(self.cross_batch_memory.dtype)
        elsewhere = torch.arange(len(self.cross_batch_memory), device=fresh_rows.device)
        elsewhere[fresh_rows[known]] = NOTHING
        return self._transformed(self.cross_batch_memory.to(vectors.dtype), 1), elsewhere

    def _transformed(self, vectors: Tensor, kind: int) -> Tensor:
        """Embeddings (..., d) of drawings (kind 0) or artworks (1) as the loss compares them."""
        if self.adaptation is None:
            return vectors
        transformed = self.adaptation.transform(vectors.flatten(0, -2), kind)
        return transformed.view(*vectors.shape[:-1], -1)

    def _active(self, pulling: Tensor) -> Tensor:
        """How many triplets of the batch, over all processes, have a loss; at least 1."""
        count = pulling.sum()
        if self.trainer.world_size > 1:
            all_reduce(count)
        return count.clamp(min=1)

    def _all_artworks(self, vectors: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Artworks of the batch over all processes, the same for each of this one's drawings.

        vectors: (B, r, d), rows: (B, r). Returns (M, d) and (B, M), M = r times the samples of all
        processes; gradients flow back to where a vector was made.
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
        return vectors, rows.expand(samples, -1)

    def validation_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> Any:
        """Embeddings of (B, 3, S, S) images that come with (B,) positions in the loader's data set.

        Of triplets instead, the sum of their losses and how many they are.
        """
        if isinstance(batch, Triplets):
            terms = self._terms(batch)
            return {"loss": terms.values.sum(), "count": terms.counted.sum()}
        images, rows = batch
        if self.plain_too:
            vectors, plain = self.model.encode_with_plain(images)
            return {"rows": rows, "vectors": vectors, "plain": plain}
        return {"rows": rows, "vectors": self.model.encode(images)}

    test_step = validation_step

    def adapt(self, drawings: Tensor, artworks: Tensor) -> tuple[Tensor, Tensor]:
        """What is ranked: (D, d) and (N, d) unit rows as embedded, adapted if the model does."""
        return self.model.adapt(drawings, "drawing"), self.model.adapt(artworks, "artwork")

    def leave_out(self, stages: Sequence[str]) -> None:
        """Rank without these stages from now on, and say so in checkpoints.

        Without the layout, what comes after it is anew: the adaptation is to be fitted.
        """
        if LAYOUT in stages:
            self.model = self.model.without_layout()
        self.model = self.model.without(stages)
        self.adaptation = self.model.adaptation
        self.left_out = [*self.left_out, *stages]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Say which network the weights belong to; beside the optimiser's state, keep the own one.

        All are plain values and tensors.
        """
        checkpoint["backbone"] = self.backbone.identity()
        checkpoint[LEFT_OUT] = list(self.left_out)
        if self.initial is not None:
            checkpoint[INITIAL] = self.initial.record()
        if "optimizer_states" in checkpoint:  # not of weights alone
            checkpoint[TRAINING] = {
                "cross_batch_memory": self.cross_batch_memory,
                "max_epochs": self.trainer.max_epochs,
            }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take up the own state, for training to go on.

        Raises UserError for a checkpoint that an earlier version wrote: it has none.
        """
        if TRAINING not in checkpoint:
            raise UserError(
                "the last checkpoint of this run was written by an earlier version of drawsim and "
                "cannot be trained on: leave resume=true out, and the run starts anew"
            )
        self.cross_batch_memory = checkpoint[TRAINING]["cross_batch_memory"]
        before, now = checkpoint[TRAINING]["max_epochs"], self.trainer.max_epochs
        if before != now and self.global_rank == 0:
            log.info(
                "trained on: %s epochs instead of %s; the learning rate goes on as the schedule of "
                "%s epochs has it after epoch %s",
                *(now, before, now, checkpoint["epoch"] + 1),
            )


def _mean(values: Tensor, counted: Tensor, weights: Tensor) -> Tensor:
    """The mean over the counted terms of each sample, weighted by what the samples count for."""
    each = values.sum(dim=1) / counted.sum(dim=1).clamp(min=1)
    return weights @ each.to(weights.dtype)
