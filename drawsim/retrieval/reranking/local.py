"""Local features: the cells of a network's feature map, for looking at pictures part by part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

STRIDE = 16
"""Pixels from cell to cell: of `lite` at 224 px, stride 16 tells true artworks from others far
better than the last map's 32. Of a vision transformer it is the side of its patches, 14 or 16."""


class FeatureBackbone(Protocol):
    """A network that gives feature maps of uint8 images."""

    def cells(self, images: Tensor, stride: int) -> Tensor:
        """The deepest map that is no coarser than `stride` pixels, (B, c, h, w).

        Raises UserError for a network without such a map.
        """
        ...


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
    deepest = backbone.cells(images, stride)
    vectors = functional.normalize(deepest.float().flatten(2).transpose(1, 2), dim=2)
    return LocalFeatures(vectors.contiguous(), *deepest.shape[2:])


def both_ways(image: Tensor) -> Tensor:
    """A picture and its mirror image, (3, S, S) -> (2, 3, S, S): what a query is made of."""
    return torch.stack([image, image.flip(2)])
