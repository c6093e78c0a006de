"""From a feature map to one vector: the poolings that a network can end in."""

from __future__ import annotations

from typing import Any, Literal

import torch
from timm.layers import SelectAdaptivePool2d
from torch import Tensor, nn

from drawsim.common.errors import UserError

Pool = Literal["avg", "max", "gem", "own"]
"""Over positions, or `own`: what the model was published with (a class token, attention, ...)."""


class GeM(nn.Module):
    """Generalised-mean pooling with a learnt exponent over the two spatial axes of a feature map.

    y = (mean over positions of max(x, eps)^p)^(1/p), p = 3 at first (Radenović, Tolias and Chum,
    "Fine-tuning CNN image retrieval with no human annotation", 2019, eq. 3). The axes are kept with
    length 1 if `keepdim`.
    """

    def __init__(self, axes: tuple[int, int] = (2, 3), keepdim: bool = False) -> None:
        super().__init__()
        self.p = nn.Parameter(torch.tensor(3.0))
        self.eps = 1e-6
        self.axes = axes
        self.keepdim = keepdim

    def forward(self, x: Tensor) -> Tensor:
        powers = x.float().clamp(min=self.eps).pow(self.p)
        return powers.mean(dim=self.axes, keepdim=self.keepdim).pow(1 / self.p)


def exponents(network: nn.Module) -> dict[str, Tensor]:
    """The learnt exponents of a network by name; none without generalised-mean pooling."""
    return {f"{n}.p": module.p for n, module in network.named_modules() if isinstance(module, GeM)}


def pool_by_gem(network: nn.Module, model: str) -> None:
    """Put GeM in the place of a network's pooling. Raises UserError if it has none."""
    for name, module in network.named_modules():
        if isinstance(module, SelectAdaptivePool2d):
            parent = network.get_submodule(name.rpartition(".")[0])
            pooling: Any = module.pool  # for channels-last models it knows its own axes
            axes = getattr(pooling, "dim", (2, 3))
            flat = getattr(pooling, "flatten", not isinstance(module.flatten, nn.Identity))
            setattr(parent, name.rpartition(".")[2], GeM(axes, keepdim=not flat))
            return
    raise UserError(
        f"backbone.model={model} has no pooling over positions that gem could replace: "
        "use backbone.pool=avg."
    )
