"""Label-free adaptation: embeddings of two kinds of pictures brought together without any pair."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from drawsim.errors import UserError


class Adaptation(nn.Module):
    """Subtracts from each embedding the mean of its kind, then turns and scales the axes.

    Drawings as a whole lie beside artworks as a whole; the difference of their means says nothing
    about any one of them. Then the principal axes of the gallery are taken, the first `keep` of
    them (null: all), each divided by standard deviation ** `power`: 0 leaves lengths as they are,
    1 is PCA whitening (Jégou and Chum, "Negative evidences and co-occurrences in image retrieval:
    the benefit of PCA and whitening", 2012), 0.5 half of it. The result is normalised.

    It is fitted on embeddings alone, without knowing which drawing belongs to which artwork, and is
    part of the model: its numbers are in every checkpoint. dimensions: length d of an embedding.
    """

    means: Tensor
    projection: Tensor | None
    fitted: Tensor

    def __init__(self, dimensions: int, keep: int | None, power: float) -> None:
        super().__init__()
        if keep is not None and keep < 1:
            raise UserError(f"adapt.keep={keep}: at least one dimension is needed, or null for all")
        if not 0 <= power <= 1:
            raise UserError(f"adapt.power={power}: must be a number in 0..1")
        self.keep = keep
        self.power = power
        turns = keep is not None or power > 0
        kept = min(keep or dimensions, dimensions)
        self.register_buffer("means", torch.zeros(2, dimensions))
        self.register_buffer("projection", torch.zeros(dimensions, kept) if turns else None)
        self.register_buffer("fitted", torch.tensor(False))

    @torch.no_grad()
    def fit(self, drawings: Tensor, artworks: Tensor) -> None:
        """Learn means and axes from (D, d) and (N, d) unit rows, of no known relation."""
        self.means.copy_(torch.stack([drawings.mean(dim=0), artworks.mean(dim=0)]))
        self.fitted.fill_(True)
        if self.projection is None:
            return
        centred = (artworks - artworks.mean(dim=0)).double()
        variance, axes = torch.linalg.eigh(centred.T @ centred / len(centred))
        kept = self.projection.shape[1]
        variance, axes = variance.flip(0)[:kept], axes.flip(1)[:, :kept]
        # Axes along which nothing varies hold rounding errors alone: they must not be blown up.
        real = variance > variance[0] * 1e-10
        scale = torch.where(real, variance.clamp(min=1e-300) ** (-self.power / 2), 0.0)
        self.projection.copy_(axes * scale)

    def forward(self, drawings: Tensor, artworks: Tensor) -> tuple[Tensor, Tensor]:
        """(D, d) and (N, d) unit rows to (D, k) and (N, k) unit rows."""
        return self._adapted(drawings, 0), self._adapted(artworks, 1)

    def _adapted(self, vectors: Tensor, kind: int) -> Tensor:
        centred = vectors - self.means[kind].to(vectors.device)
        if self.projection is not None:
            centred = centred @ self.projection.to(vectors.device)
        return functional.normalize(centred, dim=1)

    def describe(self) -> str:
        """What it does, for the metadata of embedding files."""
        if self.projection is None:
            return "mean of the kind subtracted"
        kept = self.projection.shape[1]
        return f"mean of the kind subtracted, {kept} principal axes, scaled by sd^-{self.power}"
