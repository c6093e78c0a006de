"""Heads: what training finds for an adaptation from pairs, in few numbers that cells share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

Learn = Literal["none", "axes", "channels", "matrix"]
Parts = Sequence[tuple[int, int]]
"""Channels and cells of each part of an embedding. The axes of a part go channel by channel, those
of a channel cell by cell."""


class Head(nn.Module, ABC):
    """A map of (B, k) rows to (B, k) rows, the identity before anything is learnt.

    about: what it does, for the metadata of embedding files.
    """

    about: ClassVar[str]

    @abstractmethod
    def forward(self, rows: Tensor) -> Tensor:
        """The rows as weighted, of any length."""

    @abstractmethod
    def distance(self) -> Tensor:
        """How far it is from the identity: a sum of squares, 0 for the identity."""

    @abstractmethod
    def scale(self, strength: float) -> None:
        """Go back towards the identity: 0 is the identity, 1 what was learnt."""

    def forget(self) -> None:
        """Be as before anything was learnt."""
        self.scale(0.0)


class AxisWeights(Head):
    """A weight for each of k axes, exp(w), w = 0 at first."""

    about = "axes weighted by training"

    def __init__(self, axes: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(axes))

    def forward(self, rows: Tensor) -> Tensor:
        return rows * self._of_axes().exp().to(rows)

    def distance(self) -> Tensor:
        return self.weights.square().sum()

    @torch.no_grad()
    def scale(self, strength: float) -> None:
        self.weights.mul_(strength)

    def _of_axes(self) -> Tensor:
        """(k,) the logarithm of each axis's weight."""
        return self.weights


class ChannelWeights(AxisWeights):
    """A weight for each channel of a part, the same in all of its cells."""

    about = "channels weighted by training"
    cells: Tensor
    """How many axes each channel has."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(sum(channels for channels, _ in parts))
        repeats = [cells for channels, cells in parts for _ in range(channels)]
        self.register_buffer("cells", torch.tensor(repeats), persistent=False)

    def _of_axes(self) -> Tensor:
        return self.weights.repeat_interleave(self.cells)


class ChannelMatrix(Head):
    """A matrix for each part over its channels, the same in all of its cells.

    It is I + U V, U (c, r) zeros and V (r, c) random at first: r = `rank`, or c where that is less
    (Hu et al., "LoRA: Low-rank adaptation of large language models", 2022, section 4.1).
    """

    about = "channels mixed by training"

    def __init__(self, parts: Parts, rank: int) -> None:
        super().__init__()
        self.parts = [(int(channels), int(cells)) for channels, cells in parts]
        ranks = [min(rank, channels) for channels, _ in parts]
        sizes = [channels for channels, _ in parts]
        self.up = nn.ParameterList(torch.zeros(c, r) for c, r in zip(sizes, ranks, strict=True))
        self.down = nn.ParameterList(
            torch.randn(r, c) / c**0.5 for c, r in zip(sizes, ranks, strict=True)
        )

    def forward(self, rows: Tensor) -> Tensor:
        made, start = [], 0
        for change, (_, cells) in zip(self._changes(), self.parts, strict=True):
            part = rows[:, start : start + len(change) * cells]
            start += part.shape[1]
            channels = part.view(len(part), len(change), -1)
            made.append((channels + change.to(part) @ channels).flatten(1))
        return torch.cat(made, dim=1)

    def distance(self) -> Tensor:
        return torch.stack([change.square().sum() for change in self._changes()]).sum()

    @torch.no_grad()
    def scale(self, strength: float) -> None:
        for up in self.up:
            up.mul_(strength)

    @torch.no_grad()
    def forget(self) -> None:
        super().forget()
        for down in self.down:
            down.copy_(torch.randn(down.shape) / down.shape[1] ** 0.5)

    def _changes(self) -> list[Tensor]:
        """(c, c) of each part, what its matrix has beside the identity."""
        return [up @ down for up, down in zip(self.up, self.down, strict=True)]


def make_head(learn: Learn, axes: int, parts: Parts, rank: int) -> Head | None:
    """The head of a name, for rows of `axes` numbers; None for `none`."""
    if learn == "channels":
        return ChannelWeights(parts)
    if learn == "matrix":
        return ChannelMatrix(parts, rank)
    return AxisWeights(axes) if learn == "axes" else None
