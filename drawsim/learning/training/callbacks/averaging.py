"""Weight averaging: what is measured and kept is a moving average of the weights of all steps."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from drawsim.common.errors import UserError


class AveragedWeights(pl.Callback):
    """Validation, checkpoints and the final model see averaged weights; training keeps its own.

    After optimiser step t, from 1, the average moves towards the weights by 1 - min(decay,
    (1 + t) / (10 + t)), so that the first steps are forgotten soon (Polyak and Juditsky,
    "Acceleration of stochastic approximation by averaging", 1992; the ramp is that of TensorFlow's
    `ExponentialMovingAverage`). Running statistics of batch norm that move are averaged alike.

    The average takes the place of the weights when validation begins and leaves it when the next
    epoch does: checkpoints that are written between hold it as their weights, and the weights of
    training in the callback's state.
    """

    def __init__(self, decay: float) -> None:
        if not 0 < decay < 1:
            raise UserError(f"optim.average={decay}: must be above 0 and below 1, or null")
        self.decay = decay
        self.step = 0
        self.average: dict[str, Tensor] = {}
        self.training: dict[str, Tensor] | None = None
        """The weights of training while the average is in their place."""

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin with the untrained weights; a resumed run has taken its own up by then."""
        if not self.average:
            self.average = _moving(pl_module)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Train on from the weights of training."""
        if self.training is not None:
            self.average = _put(pl_module, self.training)
            self.training = None

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any, **__: Any
    ) -> None:
        """Move the average after each step of the optimiser."""
        if trainer.global_step == self.step:
            return
        self.step = trainer.global_step
        share = 1 - min(self.decay, (1 + self.step) / (10 + self.step))
        for name, tensor in _moving(pl_module, copy=False).items():
            self.average[name] = self.average[name].to(tensor).lerp(tensor, share)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Measure the average."""
        if self.training is None:
            self.training = _put(pl_module, self.average)

    def state_dict(self) -> dict[str, Any]:
        """The weights of training; the average is in the checkpoint as the model's."""
        return {"training": self.training, "step": self.step}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take those up."""
        self.training, self.step = state_dict["training"], state_dict["step"]


def _moving(module: pl.LightningModule, *, copy: bool = True) -> dict[str, Tensor]:
    """Tensors of the module that training moves, by name."""
    model: Any = module
    moving = {name: p for name, p in module.named_parameters() if p.requires_grad}
    if not (model.backbone.frozen or model.backbone.freeze_norm):
        for name, buffer in model.backbone.network.named_buffers():
            if buffer.is_floating_point():
                moving[f"backbone.network.{name}"] = buffer
    return {name: t.detach().clone() if copy else t.detach() for name, t in moving.items()}


@torch.no_grad()
def _put(module: pl.LightningModule, values: dict[str, Tensor]) -> dict[str, Tensor]:
    """Put values in the place of what training moves, and return what was there."""
    before = _moving(module)
    for name, tensor in _moving(module, copy=False).items():
        tensor.copy_(values[name])
    return before
