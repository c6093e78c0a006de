"""Backbones: networks that turn uint8 images into unit vectors, each with its own preprocessing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.functional import adaptive_avg_pool2d
from torch.nn.modules.batchnorm import _BatchNorm

from drawsim.common.errors import UserError
from drawsim.models.weights import weights_hash


class Backbone(nn.Module):
    """A network, its preprocessing and L2 normalisation: (B, 3, S, S) uint8 -> (B, d) unit rows.

    name: what people call it. model: timm's name of the architecture, empty where it has none.
    image_size: pixels of a side that the network sees: images of another size are fitted to it. It
    is tried with that, for what it says of its width is not always that of its output. None: it
    sees images as they are, and says in `num_features` how wide its output is.
    mean, std: per channel, in levels of 0..255. Nothing else normalises pixels. With `freeze_norm`
    the running statistics of batch norm stay as loaded, whatever mode the module is put into; its
    scale and shift are trained all the same. See `read_layout` and `freeze` for what else it can be
    asked for.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        name: str,
        network: nn.Module,
        mean: Sequence[float],
        std: Sequence[float],
        freeze_norm: bool,
        model: str = "",
        image_size: int | None = None,
    ) -> None:
        super().__init__()
        self.name = name
        self.model = model
        self.network = network.to(memory_format=torch.channels_last)
        self.freeze_norm = freeze_norm
        self.image_size = image_size
        self.frozen = False
        self.parts: list[tuple[int, int]] = []
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1), persistent=False)
        self.width = self.plain_width = self._measured(image_size)
        """`plain_width`: of what it gives without a layout."""
        self.channels: list[tuple[int, int]] = [(self.width, 1)]
        """Channels and cells of each part of an embedding, as `drawsim.models.heads` has them."""
        self.train()  # a new network is in training mode: its norms are frozen from here on

    def _measured(self, image_size: int | None) -> int:
        """Width of the network's output, for an image of zeros of this size if one is given."""
        if image_size is None:
            return int(self._any_network.num_features)
        self.eval()  # so that the blank image leaves no trace in batch norm
        with torch.no_grad():
            return self.features(blank(image_size)).shape[1]

    @property
    def dimensions(self) -> int:
        """Length d of an embedding."""
        return self.width

    @property
    def networks(self) -> list[nn.Module]:
        """The networks of timm in it."""
        return [self.network]

    @property
    def _any_network(self) -> Any:
        return self.network

    def read_layout(self, parts: Sequence[Sequence[int]], image_size: int) -> None:
        """Embed what is where, instead of what is anywhere in the picture.

        parts: pairs of a feature map, counted from the last one, -1, and the cells along each side
        of the grid that it is averaged over. Each part is normalised, then all are joined. Raises
        UserError for a map or a grid that the network does not have at this image size.
        """
        self.parts = [(int(level), int(cells)) for level, cells in parts]
        if not self._gives_maps:
            raise UserError(f"layout: {self.model} gives no feature maps; use layout=none")
        self.eval()  # so that the blank image leaves no trace in batch norm
        with torch.no_grad():
            maps = self._maps(self._pixels(blank(image_size)))
        self.train()
        own = self.image_size or image_size
        for level, cells in self.parts:
            sides = [m.shape[-1] for m in maps]
            if not -len(maps) <= level <= -1 or not 1 <= cells <= sides[level]:
                known = ", ".join(f"{i - len(maps)} of {side}" for i, side in enumerate(sides))
                raise UserError(
                    f"layout.parts=[{level}, {cells}]: at image_size={own} the maps are "
                    f"{known} positions a side; take a larger image_size, fewer cells or "
                    "layout=none"
                )
        self.channels = [(maps[level].shape[1], cells**2) for level, cells in self.parts]
        self.width = sum(channels * cells for channels, cells in self.channels)

    @property
    def plain_channels(self) -> list[tuple[int, int]]:
        """What `channels` is without a layout."""
        return [(self.plain_width, 1)]

    def drop_layout(self) -> None:
        """Embed as without a layout from here on."""
        self.parts = []
        self.channels = self.plain_channels
        self.width = self.plain_width

    def freeze(self) -> None:
        """Train nothing of the network, and keep it in evaluation mode."""
        self.frozen = True
        self.network.requires_grad_(False)
        self.train()

    def features(self, images: Tensor) -> Tensor:
        """images: (B, 3, S, S) uint8. Returns (B, d) as `full_precision`, not normalised."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            if not self.parts:
                features: Tensor = self.network(self._pixels(images))
                return full_precision(features)
            return self._joined(self._maps(self._pixels(images), self._levels))

    def with_plain(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """What `forward` gives, and what it would give without the layout, in one pass.

        images: (B, 3, S, S) uint8. Without gradient; for a network that reads a layout.
        """
        with torch.no_grad():
            last, maps = self._any_network.forward_intermediates(
                self._pixels(images), indices=self._levels, norm=self._one_resolution
            )
            plain = full_precision(self._any_network.forward_head(last))
            own = self._joined(maps)
        return functional.normalize(own, dim=1), functional.normalize(plain, dim=1)

    def cells(self, images: Tensor, stride: int) -> Tensor:
        """The deepest feature map that is no coarser than `stride` pixels, (B, c, h, w).

        images: (B, 3, S, S) uint8. Raises UserError for a network without such a map.
        """
        if not self._gives_maps:
            raise UserError(
                f"rerank=spatial: {self.model or self.name} gives no feature maps; take a "
                "backbone that does, such as lite, or search without it."
            )
        info = self._any_network.feature_info
        fine = [i for i, each in enumerate(info) if each["reduction"] <= stride]
        if not fine:
            raise UserError(
                f"rerank=spatial: {self.model or self.name} has no map as fine as {stride} px; "
                "take a backbone that does, such as lite, or search without it."
            )
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            return full_precision(self._maps(self._pixels(images), [fine[-1]])[0])

    def _joined(self, maps: list[Tensor]) -> Tensor:
        """The parts of the layout, each of length 1, as one vector, (B, d).

        maps: those of `_levels`.
        """
        own = dict(zip(self._levels, maps, strict=True))
        pooled = [adaptive_avg_pool2d(own[level], cells) for level, cells in self.parts]
        flat = [functional.normalize(full_precision(part).flatten(1), dim=1) for part in pooled]
        return torch.cat(flat, dim=1)

    def _pixels(self, images: Tensor) -> Tensor:
        """Images as the network takes them: at its size, normalised, channels last in memory."""
        x = images.to(self.mean.dtype)
        size = self.image_size
        if size is not None and x.shape[-1] != size:
            x = functional.interpolate(x, (size, size), mode="bilinear", antialias=True)
        return ((x - self.mean) / self.std).contiguous(memory_format=torch.channels_last)

    def _maps(self, pixels: Tensor, levels: Sequence[int] | None = None) -> list[Tensor]:
        """Feature maps (B, c, h, w) of every block, or of some in the order of depth.

        Tokens of a transformer that stand for no patch (class, registers) are in none.
        """
        maps: list[Tensor] = self._any_network.forward_intermediates(
            pixels,
            indices=None if levels is None else list(levels),
            norm=self._one_resolution,
            stop_early=True,
            intermediates_only=True,
        )
        return maps

    @property
    def _levels(self) -> list[int]:
        """The feature maps that the layout looks at, counted from the last one, first to last."""
        return sorted({level for level, _ in self.parts})

    @property
    def _gives_maps(self) -> bool:
        return hasattr(self.network, "forward_intermediates")

    @property
    def _one_resolution(self) -> bool:
        """Whether all maps have one size, as in a plain vision transformer.

        Its blocks add to one stream, in which a few channels are far larger than the others: the
        network's last norm is applied to each map, or else these alone would count in a cosine.
        """
        info = getattr(self.network, "feature_info", None) or []
        return len(info) > 1 and len({each["reduction"] for each in info}) == 1

    def forward(self, images: Tensor) -> Tensor:
        """images: (B, 3, S, S) uint8. Returns (B, d) rows of length 1, as `full_precision`."""
        return functional.normalize(self.features(images), dim=1)

    def train(self, mode: bool = True) -> Backbone:
        """Set the mode; frozen batch norms stay in evaluation mode, so that they do not move."""
        super().train(mode)
        if self.frozen:
            self.network.eval()
        if self.freeze_norm:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self

    def identity(self) -> dict[str, Any]:
        """What a checkpoint says, so that the network can be made again: plain values only.

        name, model, and levels: [mean of three channels, std of three channels] in 0..255.
        """
        levels = [tensor.flatten().tolist() for tensor in (self.mean, self.std)]
        return {"name": self.name, "model": self.model, "levels": levels}

    def structure(self) -> str:
        """What tells networks apart that have the same weights: poolings have none."""
        return f"{self.network} {getattr(self.network, 'global_pool', '')}"

    def describe(
        self, image_size: int, *, flip: bool = False, layout: bool = True
    ) -> dict[str, str]:
        """What made an embedding, for the metadata of embedding files.

        flip: the mean of each image and its mirror image was taken. layout: false says what it is
        without one, all but the dimensions, which the file itself has.
        """
        levels = [[round(float(v), 4) for v in t.flatten()] for t in (self.mean, self.std)]
        own = self.image_size or image_size
        fitted = "" if own == image_size else f", then to {own}x{own}"
        return {
            "model": self.name,
            "weights_sha256": weights_hash(self.network),
            **({"dimensions": str(self.dimensions)} if layout else {}),
            "transform": f"squash to {image_size}x{image_size}{fitted}, "
            f"(x - {levels[0]}) / {levels[1]}"
            + (self._described_layout() if self.parts and layout else "")
            + (", mean with the mirrored image" if flip else ""),
        }

    def _described_layout(self) -> str:
        return f", maps{' normed' * self._one_resolution} and cells {self.parts}"


def blank(image_size: int) -> Tensor:
    """An image of zeros to try a network with, (1, 3, S, S) uint8."""
    return torch.zeros(1, 3, image_size, image_size, dtype=torch.uint8)


def full_precision(values: Tensor) -> Tensor:
    """As float32, which mixed precision leaves; float64 stays what it is."""
    return values if values.dtype == torch.float64 else values.float()
