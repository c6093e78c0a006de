"""Decorrelation: channels of a feature map that say the same are told apart, without any pair."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from drawsim.common.typed import check_bounds
from drawsim.models.heads import Parts

FLOOR = 1e-3
"""The least variance that is divided by, as a share of the largest."""
ROWS = 1024
"""Rows whose covariance is taken at once."""


class Decorrelation(nn.Module):
    """The channels of each part are mixed by C^(-power/2), in all of its cells alike.

    C is the covariance of channels within the cells of artworks plus that within the cells of
    drawings: 1 is zero-phase whitening, 0.5 half of it (Kessy, Lewin and Strimmer, "Optimal
    whitening and decorrelation", 2018). Cells are many where pictures are few, so that some dozens
    of pictures tell C. Both kinds count, for a channel that varies little in one of them alone is
    not to be blown up. Parts are given one length in the mean of the artworks. A part without
    cells, such as a pooled embedding, stays as it is.

    parts: channels and cells of each part of an embedding (`drawsim.models.heads`). power: 0..1.
    """

    matrices: Tensor
    """(sum of c²,) the matrices of the parts that have cells, one after the other."""

    def __init__(self, parts: Parts, power: float) -> None:
        super().__init__()
        check_bounds("adapt.decorrelate", power, 0, 1)
        self.parts = [(int(channels), int(cells)) for channels, cells in parts]
        self.power = power
        numbers = sum(channels**2 for channels, cells in self.parts if cells > 1)
        self.register_buffer("matrices", torch.zeros(numbers))

    @torch.no_grad()
    def fit(self, drawings: Tensor, artworks: Tensor) -> None:
        """Learn the matrices from (D, d) and (N, d) rows, the mean of the kind subtracted."""
        found = [self.matrices.new_empty(0)]
        by_part = zip(self.parts, self._split(drawings), self._split(artworks), strict=True)
        for (channels, cells), drawn, painted in by_part:
            if cells == 1:
                continue
            of_artworks = covariance(painted, channels)
            values, axes = torch.linalg.eigh(covariance(drawn, channels) + of_artworks)
            values = values.clamp(min=max(float(values.max()) * FLOOR, 1e-30))
            mixing = axes * values ** (-self.power / 2) @ axes.T
            length = cells * (mixing @ of_artworks @ mixing).trace()
            found.append((mixing / length.clamp(min=1e-30).sqrt()).flatten().to(self.matrices))
        self.matrices.copy_(torch.cat(found))

    def forward(self, rows: Tensor) -> Tensor:
        """(B, d) rows, the mean of the kind subtracted, with mixed channels."""
        made, start = [], 0
        for (channels, cells), part in zip(self.parts, self._split(rows), strict=True):
            if cells == 1:
                made.append(part)
                continue
            mixing = self.matrices[start : start + channels**2].view(channels, channels)
            start += channels**2
            made.append((mixing.to(part) @ part.reshape(-1, channels, cells)).flatten(1))
        return torch.cat(made, dim=1)

    def describe(self) -> str:
        """What it does, for the metadata of embedding files."""
        return f"channels decorrelated by C^-{self.power / 2:g}"

    def _split(self, rows: Tensor) -> tuple[Tensor, ...]:
        return torch.split(rows, [channels * cells for channels, cells in self.parts], dim=1)


def covariance(rows: Tensor, channels: int) -> Tensor:
    """(c, c) float64: products of channels, in the mean over all cells of (B, c * cells) rows."""
    total = rows.new_zeros(channels, channels, dtype=torch.float64)
    for some in torch.split(rows, ROWS):
        cells = some.reshape(len(some), channels, -1).transpose(0, 1).flatten(1).double()
        total += cells @ cells.T
    return total * channels / max(1, rows.numel())
