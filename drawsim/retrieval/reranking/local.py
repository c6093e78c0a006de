"""Local features: the cells of a network's feature map, for looking at pictures part by part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from drawsim.common.errors import UserError

STRIDE = 16
"""Pixels from cell to cell: of `lite` at 224 px, stride 16 tells true artworks from others far
better than the last map's 32."""


class FeatureBackbone(Protocol):
    """A timm network with the mean and scale, per channel, of its uint8 pixels."""

    network: nn.Module
    mean: Tensor
    std: Tensor


@dataclass(frozen=True)
class LocalFeatures:
    """Cells of B pictures, row by row: vectors (B, height * width, d) float32, unit or zero rows.

    Indexing picks pictures.
    """

    vectors: Tensor
    height: int
    width: int

    def __getitem__(self, rows: Tensor | list[int] | slice) -> LocalFeatures:
        return LocalFeatures(self.vectors[rows], self.height, self.width)

    @property
    def positions(self) -> Tensor:
        """Centres of the cells, (height * width, 2) float32, x before y."""
        y, x = torch.meshgrid(
            (torch.arange(self.height) + 0.5) / self.height,
            (torch.arange(self.width) + 0.5) / self.width,
            indexing="ij",
        )
        return torch.stack([x.flatten(), y.flatten()], dim=1)


@torch.inference_mode()
def local_features(
    backbone: FeatureBackbone, images: Tensor, stride: int = STRIDE
) -> LocalFeatures:
    """Cells of the deepest feature map that is no coarser than `stride` pixels.

    images: (B, 3, S, S) uint8. The backbone should be in evaluation mode. Raises UserError for a
    network that gives no feature maps.
    """
    network: Any = backbone.network
    if not hasattr(network, "forward_intermediates"):
        raise UserError(
            f"spatial verification: {type(network).__name__} gives no feature maps; take a "
            "backbone that does, such as lite, or search without it."
        )
    maps = [i for i, info in enumerate(network.feature_info) if info["reduction"] <= stride]
    if not maps:
        raise UserError(f"spatial verification: the backbone has no map as fine as {stride} px.")
    x = (images.to(backbone.mean.dtype) - backbone.mean) / backbone.std
    x = x.contiguous(memory_format=torch.channels_last)
    deepest = network.forward_intermediates(
        x, indices=[maps[-1]], stop_early=True, intermediates_only=True
    )[0]
    vectors = functional.normalize(deepest.float().flatten(2).transpose(1, 2), dim=2)
    return LocalFeatures(vectors.contiguous(), *deepest.shape[2:])


def both_ways(image: Tensor) -> Tensor:
    """A picture and its mirror image, (3, S, S) -> (2, 3, S, S): what a query is made of."""
    return torch.stack([image, image.flip(2)])
