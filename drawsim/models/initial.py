"""Where training begins: what another model has learnt, all of it or in part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from drawsim.common.errors import UserError
from drawsim.models.model import Model
from drawsim.models.sources import load_model
from drawsim.models.weights import check_finite, weights_hash


@dataclass(frozen=True)
class Initial:
    """What a model about to be trained takes from another one, of this or another collection.

    source: the other model as the user named it. network: its network is taken. adaptation: so are
    the weights that its adaptation has learnt from pairs; what an adaptation is fitted to without
    any, such as means, is of the collection, and is fitted anew. strength: 1 takes them as they
    are, 0 leaves the model's own; between the two, the network's weights are w = w0 + s (w1 - w0),
    w0 being its own (Wortsman et al., "Robust fine-tuning of zero-shot models", 2022), and the
    adaptation's are drawn towards those that change nothing.
    """

    source: str
    model: Model
    network: bool = True
    adaptation: bool = True
    strength: float = 1.0

    @classmethod
    def load(
        cls,
        source: str,
        *,
        network: bool,
        adaptation: bool,
        strength: float,
        trust: Sequence[str] = (),
    ) -> Initial:
        """Of a run folder, a checkpoint or an index, read as every model is (`Model.load`).

        trust: modules of the user's own that it may name. Raises UserError if it is none of these.
        """
        if not Path(source).exists():
            raise UserError(f"init={source}: no such run folder, checkpoint or index")
        try:
            model = load_model(source, trust)
            for part in filter(None, (model.backbone, model.adaptation)):
                check_finite(part, "its model")
        except UserError as error:
            raise UserError(f"init={source}: {error}") from error
        return cls(source, model, network, adaptation, strength)

    def check(self, model: Model) -> None:
        """Raise UserError that says what differs if the model cannot take what is to be given."""
        wrong = [*(self._in_network(model) if self.network else ())]
        if not (self.network or self._learnt):
            wrong.append(
                "its adaptation has learnt nothing from pairs, so that init.network=false leaves "
                "nothing to begin with; take its network, or give no init"
            )
        wrong += [*(self._in_adaptation(model) if self.adaptation else ())]
        if wrong:
            raise UserError(f"init={self.source}: {wrong[0]}")

    @torch.no_grad()
    def give(self, model: Model) -> None:
        """Bring the model to where it begins; its adaptation is to be fitted again.

        Raises UserError as `check` does.
        """
        self.check(model)
        if self.network:
            given = self.model.backbone.network.state_dict()
            for name, own in model.backbone.network.state_dict().items():
                own.copy_(between(own, given[name].to(own.device), self.strength))
        if model.adaptation is not None:
            if self.adaptation and self.model.adaptation is not None:
                model.adaptation.take_up(self.model.adaptation, self.strength)
            model.adaptation.fitted.fill_(False)

    def record(self) -> dict[str, Any]:
        """What a run and its checkpoints say of it: plain values."""
        kept: dict[str, Any] = {
            "model": self.source,
            "network": self.network,
            "adaptation": self._learnt,
            "strength": float(self.strength),
            "weights_sha256": weights_hash(self.model.backbone.network),
        }
        if self._learnt and self.model.adaptation is not None:
            kept["adaptation_sha256"] = weights_hash(self.model.adaptation)
        return kept

    def describe(self) -> str:
        """For people: what is taken, of which model, and how much of it."""
        parts = ["the network"] * self.network + ["the learnt adaptation"] * self._learnt
        what = " and ".join(parts) or "nothing"
        weights = weights_hash(self.model.backbone.network)[:12]
        much = "" if self.strength == 1 else f", strength {self.strength:g}"
        return f"{what} of {self.source} ({self.model.backbone.name}, weights {weights}){much}"

    @property
    def _learnt(self) -> bool:
        """Whether there is anything that an adaptation has learnt, and it is taken."""
        other = self.model.adaptation
        return self.adaptation and other is not None and other.learns

    def _in_network(self, model: Model) -> Iterator[str]:
        cure = "choose the backbone it was trained with, or init.network=false"
        own, other = model.backbone.identity(), self.model.backbone.identity()
        names = [str(each["model"] or each["name"]) for each in (other, own)]
        if own["model"] != other["model"]:
            yield f"its network is {names[0]}, that of this run {names[1]}; {cure}"
        if own["levels"] != other["levels"]:
            yield f"its network takes pixels as {other['levels']}, not {own['levels']}; {cure}"
        before = _shapes(model.backbone.network.state_dict())
        given = _shapes(self.model.backbone.network.state_dict())
        for name in sorted(before.keys() | given.keys()):
            if before.get(name) != given.get(name):
                yield (
                    f"its network has {given.get(name, 'no tensor')} for {name}, that of this run "
                    f"{before.get(name, 'none')}; {cure}"
                )

    def _in_adaptation(self, model: Model) -> Iterator[str]:
        if not self._learnt:
            return
        cure = "or init.adaptation=false, which takes the network alone"
        own, other = model.backbone.parts, self.model.backbone.parts
        if own != other:
            yield (
                f"its layout has the parts {_parts(other)}, that of this run {_parts(own)}; choose "
                f"the same, {cure}"
            )
        assert self.model.adaptation is not None
        if model.adaptation is None:
            yield f"its adaptation has learnt from pairs, this run has none; choose adapt=…, {cure}"
        elif differs := self.model.adaptation.unlike(model.adaptation):
            yield f"its adaptation is another: {differs}; choose the same, {cure}"


def between(own: Tensor, given: Tensor, strength: float) -> Tensor:
    """own + strength (given - own), exactly either at the ends; whole numbers are one or other."""
    if strength in (0, 1) or not own.is_floating_point():
        return given if strength else own
    return torch.lerp(own, given.to(own.dtype), strength)


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    return {name: "×".join(map(str, each.shape)) or "a number" for name, each in tensors.items()}


def _parts(parts: Sequence[tuple[int, int]]) -> str:
    return str([list(part) for part in parts]) if parts else "none"
