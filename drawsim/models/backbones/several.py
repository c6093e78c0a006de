"""Several networks side by side: what each makes of a picture is a part of one embedding."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from drawsim.common.building import FEWEST_NETWORKS, MOST_NETWORKS
from drawsim.common.errors import UserError
from drawsim.models.backbones.backbone import Backbone
from drawsim.models.weights import weights_hash


class Several(Backbone):
    """Networks side by side, each with its own size, levels and feature maps.

    networks: by name, in the order of the parts. shares: how much each counts; None: all the same.
    Each part has length 1 before it is multiplied by the root of its share, so that the cosine
    similarity of two pictures is the mean of the networks' own, weighted by their shares. Raises
    UserError for less than two networks, and for shares that are not one positive number for each.
    """

    def __init__(
        self,
        name: str,
        networks: Mapping[str, Backbone],
        shares: Sequence[float] | None = None,
    ) -> None:
        _check(networks, shares)
        models = "+".join(one.model or one.name for one in networks.values())
        super().__init__(
            name, nn.ModuleDict(networks), [0.0] * 3, [1.0] * 3, freeze_norm=False, model=models
        )
        given = [float(share) for share in shares or [1.0] * len(networks)]
        self.shares = [share / sum(given) for share in given]
        self.channels = self._of_members()

    @property
    def members(self) -> dict[str, Backbone]:
        """The networks by name."""
        return dict(cast(Any, self.network).items())

    @property
    def networks(self) -> list[nn.Module]:
        """The networks of timm in it."""
        return [network for one in self.members.values() for network in one.networks]

    def _measured(self, image_size: int | None) -> int:
        return sum(one.dimensions for one in self.members.values())

    def _of_members(self) -> list[tuple[int, int]]:
        return [part for one in self.members.values() for part in one.channels]

    def read_layout(self, parts: Sequence[Sequence[int]], image_size: int) -> None:
        """Embed what is where, each network by its own maps. See `Backbone.read_layout`."""
        for name, one in self.members.items():
            try:
                one.read_layout(parts, image_size)
            except UserError as error:
                raise UserError(f"{name}: {error}") from error
            self.parts = one.parts
        self.channels = self._of_members()
        self.width = self._measured(None)

    @property
    def plain_channels(self) -> list[tuple[int, int]]:
        """What `channels` is without a layout."""
        return [part for one in self.members.values() for part in one.plain_channels]

    def drop_layout(self) -> None:
        """Embed as without a layout from here on."""
        for one in self.members.values():
            one.drop_layout()
        super().drop_layout()

    def freeze(self) -> None:
        """Train nothing of the networks, and keep them in evaluation mode."""
        for one in self.members.values():
            one.freeze()
        super().freeze()

    def features(self, images: Tensor) -> Tensor:
        """images: (B, 3, S, S) uint8. Returns (B, d), the weighted parts, of length 1 together."""
        return self._joined_by(lambda one: one.features(images))

    def with_plain(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """What `forward` gives, and what it would give without the layout, in one pass."""
        both = {name: one.with_plain(images) for name, one in self.members.items()}
        own, plain = (self._weighted([each[i] for each in both.values()]) for i in (0, 1))
        return own, plain

    def cells(self, images: Tensor, stride: int) -> Tensor:
        """The cells of all networks that have any as fine as `stride`, joined; (B, c, h, w).

        They are as many as the first of these networks has. Raises UserError if none has.
        """
        maps: list[Tensor] = []
        shares: list[float] = []
        refusals: list[UserError] = []
        for one, share in zip(self.members.values(), self.shares, strict=True):
            try:
                own = functional.normalize(one.cells(images, stride), dim=1)
            except UserError as error:
                refusals.append(error)
                continue
            if maps and own.shape[2:] != maps[0].shape[2:]:
                own = functional.interpolate(own, maps[0].shape[2:], mode="bilinear")
            maps.append(own)
            shares.append(share)
        if not maps:
            raise refusals[0]
        return torch.cat([each * share**0.5 for each, share in zip(maps, shares, strict=True)], 1)

    def _joined_by(self, part: Callable[[Backbone], Tensor]) -> Tensor:
        return self._weighted([part(one) for one in self.members.values()])

    def _weighted(self, parts: Sequence[Tensor]) -> Tensor:
        return torch.cat(
            [
                functional.normalize(part, dim=1) * share**0.5
                for part, share in zip(parts, self.shares, strict=True)
            ],
            dim=1,
        )

    def identity(self) -> dict[str, Any]:
        """What a checkpoint says, so that the networks can be made again: plain values only.

        networks: the identity of each, by name.
        """
        own = {name: one.identity() for name, one in self.members.items()}
        levels = [each["levels"] for each in own.values()]
        return {"name": self.name, "model": self.model, "levels": levels, "networks": own}

    def structure(self) -> str:
        """What tells networks apart that have the same weights: poolings have none."""
        return "; ".join(f"{name}: {one.structure()}" for name, one in self.members.items())

    def describe(
        self, image_size: int, *, flip: bool = False, layout: bool = True
    ) -> dict[str, str]:
        """What made an embedding, for the metadata of embedding files. See `Backbone.describe`."""
        told = [
            f"{name} {share:.4g}: {one.describe(image_size, flip=flip, layout=layout)['transform']}"
            for (name, one), share in zip(self.members.items(), self.shares, strict=True)
        ]
        return {
            "model": self.name,
            "weights_sha256": weights_hash(self.network),
            **({"dimensions": str(self.dimensions)} if layout else {}),
            "transform": "; ".join(told),
        }


def _check(networks: Mapping[str, Any], shares: Sequence[float] | None) -> None:
    """Raise UserError for networks that cannot stand side by side, or shares that are none."""
    if not FEWEST_NETWORKS <= len(networks) <= MOST_NETWORKS:
        raise UserError(
            f"backbone=several: {len(networks)} networks; name {FEWEST_NETWORKS} to "
            f"{MOST_NETWORKS} of them, backbone=[lite,dinov3]"
        )
    for name, one in networks.items():
        if not isinstance(one, Backbone) or not name or "." in name:
            raise UserError(f"backbone.networks.{name}: is no option of backbone")
    if shares is not None and (
        len(shares) != len(networks)
        or not all(math.isfinite(share) and share > 0 for share in shares)
    ):
        raise UserError(
            f"backbone.shares={list(shares)}: give a number above 0 for each of "
            f"{', '.join(networks)}, or null"
        )
