"""Label-free adaptation: embeddings of two kinds of pictures brought together without any pair."""

from __future__ import annotations

from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from drawsim.common.errors import UserError, nearest
from drawsim.common.typed import check_bounds
from drawsim.models.decorrelation import Decorrelation
from drawsim.models.heads import Head, Learn, Parts, make_head
from drawsim.retrieval.ranking import top_k

Axes = Literal["own", "principal"]


class Adaptation(nn.Module):
    """Subtracts from each embedding the mean of its kind, scales axes, holds hubs back.

    Drawings as a whole lie beside artworks as a whole; the difference of their means says nothing
    about any one of them. Then each axis is divided by its standard deviation over the gallery to
    the power of `power`, 0 for not at all. The axes are the embedding's `own`, or the gallery's
    `principal` ones, of which the first `keep` are kept (None: all): with power 1 that is PCA
    whitening (Jégou and Chum, "Negative evidences and co-occurrences in image retrieval: the
    benefit of PCA and whitening", 2012), with 0.5 half of it.

    With `neighbours`, an artwork near to drawings in general is held back: from its cosine c with a
    drawing, half its mean cosine r to the `neighbours` nearest drawings of those fitted to is
    taken, which ranks as 2 c - r does (cross-domain similarity local scaling, Conneau et al., "Word
    translation without parallel data", 2018). Two more dimensions turn that into a cosine of unit
    rows: (q, 1, 0) · (g, -r/2, sqrt(1 - r²)/2), each divided by its constant length.

    Before that, with `decorrelate` above 0, the channels of each part that has cells are made less
    alike, in all of its cells in the same way (`drawsim.models.decorrelation`).

    It is fitted on embeddings alone, without knowing which drawing belongs to which artwork, and is
    part of the model: its numbers are in every checkpoint. Only its head, of which `learn` is the
    name, looks at pairs: training finds a weight for each of the `axes`, for each of the `channels`
    of a part, or a `matrix` of `rank` over them, which all cells share (`drawsim.models.heads`). It
    is held near the identity by `shrink` times its distance from it, which is added to the loss.
    dimensions: length d of an embedding. parts: channels and cells of its parts; None: one part
    without cells. Raises UserError for settings that cannot be.
    """

    means: Tensor
    deviations: Tensor
    turn: Tensor | None
    references: Tensor
    fitted: Tensor

    def __init__(
        self,
        dimensions: int,
        *,
        axes: Axes,
        keep: int | None,
        power: float,
        neighbours: int | None,
        learn: Learn,
        decorrelate: float = 0.0,
        rank: int = 16,
        shrink: float = 0.0,
        parts: Parts | None = None,
    ) -> None:
        super().__init__()
        if axes not in get_args(Axes):
            raise UserError(f"adapt.axes={axes}: {nearest(axes, get_args(Axes))}")
        if keep is not None and (keep < 1 or axes == "own"):
            raise UserError(f"adapt.keep={keep}: at least 1 principal axis (adapt.axes), or null")
        if not 0 <= power <= 1:
            raise UserError(f"adapt.power={power}: must be a number in 0..1")
        if decorrelate and axes != "own":
            raise UserError(
                f"adapt.decorrelate={decorrelate}: principal axes have no channels; set "
                "adapt.axes=own, or adapt.decorrelate=0"
            )
        if neighbours is not None and neighbours < 1:
            raise UserError(f"adapt.neighbours={neighbours}: at least one, or null for no hubs")
        if learn not in get_args(Learn):
            raise UserError(f"adapt.learn={learn}: {nearest(str(learn), get_args(Learn))}")
        if learn in ("channels", "matrix") and axes != "own":
            raise UserError(
                f"adapt.learn={learn}: principal axes have no channels; set adapt.axes=own, or "
                "adapt.learn=axes"
            )
        if rank < 1:
            raise UserError(f"adapt.rank={rank}: must be at least 1")
        check_bounds("adapt.shrink", shrink, 0)
        self.settings: dict[str, Any] = {
            **{"axes": axes, "keep": keep, "power": power, "neighbours": neighbours},
            **{"learn": learn, "decorrelate": decorrelate, "rank": rank, "shrink": shrink},
        }
        self.power = power
        parts = parts or [(dimensions, 1)]
        self.decorrelation = Decorrelation(parts, decorrelate) if decorrelate else None
        self.neighbours = neighbours
        self.shrink = shrink
        kept = min(keep or dimensions, dimensions)
        self.register_buffer("means", torch.zeros(2, dimensions))
        self.register_buffer("deviations", torch.ones(kept))
        turn = torch.zeros(dimensions, kept) if axes == "principal" else None
        self.register_buffer("turn", turn)
        self.register_buffer("references", torch.zeros(0, kept))
        self.register_buffer("fitted", torch.tensor(False))
        self.head: Head | None = make_head(learn, kept, parts, rank)

    def for_parts(self, dimensions: int, parts: Parts) -> Adaptation:
        """A new one of the same settings, not fitted, for embeddings of another shape."""
        return Adaptation(dimensions, **self.settings, parts=parts).to(self.means.device)

    @torch.no_grad()
    def fit(self, drawings: Tensor, artworks: Tensor) -> None:
        """Learn means, axes and hubs from (D, d) and (N, d) unit rows, of no known relation.

        Of no drawing at all, the mean of artworks is the best guess, and no hub is known.
        """
        known = drawings
        if not len(drawings):
            drawings = artworks
        self.means.copy_(torch.stack([drawings.mean(dim=0), artworks.mean(dim=0)]))
        centred = artworks - self.means[1].to(artworks)
        if self.decorrelation is not None:
            self.decorrelation.fit(drawings - self.means[0].to(drawings), centred)
            centred = self.decorrelation(centred)
        centred = centred.double()
        if self.turn is None:
            variance = centred.square().mean(dim=0)
        else:
            variance, axes = torch.linalg.eigh(centred.T @ centred / len(centred))
            kept = len(self.deviations)
            variance = variance.flip(0)[:kept].clamp(min=0)
            self.turn.copy_(axes.flip(1)[:, :kept])
        # An axis along which the gallery does not vary tells no artwork from another. Scaled, its
        # rounding errors and what drawings have along it would drown the rest: it becomes zero.
        flat = variance <= variance.max() * 1e-8
        self.deviations.copy_(variance.sqrt().masked_fill(flat, torch.inf))
        self.fitted.fill_(True)
        if self.neighbours is not None:
            self.references = self.transform(known, 0).to(self.means.device)

    @torch.no_grad()
    def forward(self, drawings: Tensor, artworks: Tensor) -> tuple[Tensor, Tensor]:
        """What is ranked: (D, d) and (N, d) unit rows to (D, k) and (N, k) unit rows.

        Gradients go through `transform` alone: training compares embeddings without hubs.
        """
        drawings, artworks = self.transform(drawings, 0), self.transform(artworks, 1)
        if self.neighbours is None or not len(self.references):
            return drawings, artworks
        references = self.references.to(artworks.device)
        best, _ = top_k(artworks, references, min(self.neighbours, len(references)))
        r = best.mean(dim=1, keepdim=True).to(artworks)
        one, zero = drawings.new_ones(len(drawings), 1), drawings.new_zeros(len(drawings), 1)
        rest = (1 - r.square()).clamp(min=0).sqrt()
        return (
            torch.cat([drawings, one, zero], dim=1) / 2**0.5,
            torch.cat([artworks, -r / 2, rest / 2], dim=1) / 1.25**0.5,
        )

    def transform(self, vectors: Tensor, kind: int, *, learnt: bool = True) -> Tensor:
        """(B, d) unit rows of drawings (kind 0) or artworks (1) among each other, hubs aside.

        learnt: with what training has found, if it has.
        """
        device = vectors.device
        centred = vectors - self.means[kind].to(device)
        # Of a collapsed model rounding errors are left: they must not be blown up to differences.
        real = centred.detach().norm(dim=1, keepdim=True) > 1e-5
        centred = centred * real
        if self.decorrelation is not None:
            centred = self.decorrelation(centred)
        if self.turn is not None:
            centred = centred @ self.turn.to(device)
        if self.power:
            centred = centred / self.deviations.to(device) ** self.power
        if self.head is not None and learnt:
            centred = self.head(centred)
        return functional.normalize(centred, dim=1)

    def penalty(self) -> Tensor:
        """What is added to the loss for a head that is not the identity."""
        return self.means.new_zeros(()) if self.head is None else self.shrink * self.head.distance()

    @property
    def learns(self) -> bool:
        """Whether training finds something of it from pairs."""
        return self.head is not None

    def take_up(self, other: Adaptation, strength: float) -> None:
        """Take what another has learnt from pairs, drawn towards what changes nothing.

        strength: 1 takes it as it is, 0 is the identity. What is fitted stays.
        """
        if self.head is not None and other.head is not None:
            self.head.load_state_dict(other.head.state_dict())
            self.head.scale(strength)

    def unlike(self, other: Adaptation) -> str:
        """Why the other cannot take up what this one has learnt; empty if it can."""
        if self.turn is not None or other.turn is not None:
            return "what was learnt of principal axes is of the collection that they are fitted to"
        if self.power != other.power:
            return f"axes are scaled by a power of {self.power} there, {other.power} here"
        own, others = (
            {name: each.shape for name, each in adaptation.named_parameters()}
            for adaptation in (self, other)
        )
        if own != others:
            return f"it has learnt {_named(own)}, and this run learns {_named(others)}"
        return ""

    def describe(self) -> str:
        """What it does, for the metadata of embedding files."""
        what = ["mean of the kind subtracted"]
        if self.decorrelation is not None and len(self.decorrelation.matrices):
            what.append(self.decorrelation.describe())  # without a layout there is nothing to mix
        axes = "axes" if self.turn is None else f"{len(self.deviations)} principal axes"
        if self.power or self.turn is not None:
            what.append(f"{axes} scaled by sd^-{self.power}")
        if self.head is not None:
            what.append(self.head.about)
        if self.neighbours is not None:
            what.append(f"hubs held back by {self.neighbours} neighbours")
        return ", ".join(what)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *rest: Any) -> None:
        """Take up as many reference drawings as were fitted to.

        Checkpoints of before have the weights of axes under another name.
        """
        of_axes = state_dict.pop(f"{prefix}weights", None)
        if of_axes is not None:
            state_dict[f"{prefix}head.weights"] = of_axes
        stored = state_dict.get(f"{prefix}references")
        if stored is not None:
            self.references = torch.empty_like(stored)
        super()._load_from_state_dict(state_dict, prefix, *rest)


def _named(shapes: dict[str, torch.Size]) -> str:
    """Learnt parts with their sizes."""
    return ", ".join(f"{name} of {'×'.join(map(str, size))}" for name, size in shapes.items()) or (
        "nothing"
    )
