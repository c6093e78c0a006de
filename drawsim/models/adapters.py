"""Adapters: few numbers beside the weights of a network, which alone are trained."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from drawsim.common.errors import UserError
from drawsim.common.typed import check_bounds
from drawsim.models.backbones.backbone import Backbone, blank
from drawsim.models.backbones.several import Several

log = logging.getLogger(__name__)

ATTENTION = tuple(f"attn.{name}" for name in ("qkv", "q_proj", "k_proj", "v_proj", "proj"))
"""What timm calls the layers of attention."""
BASE, DOWN, UP = ".base_layer", ".lora_A.default.weight", ".lora_B.default.weight"
"""What peft adds to the name of a layer: of its own tensors, and of the two that are trained."""
LARGEST_RANK = 1024


class Lora:
    """Low-rank adapters in the attention of vision transformers, by peft while they are trained.

    A layer of weights W becomes W + alpha / rank · B A, with B (out, rank), zeros at first, and A
    (rank, in), random; W stays (Hu et al., "LoRA: Low-rank adaptation of large language models",
    2022, section 4.1). dropout: share of what A is given that is left out of a training step.

    They are in a network only as long as it is trained. A checkpoint holds W, A and B as tensors;
    `folded` makes of them the weights of the network as it was, which then costs nothing more.
    Raises UserError for numbers that cannot be.
    """

    def __init__(self, rank: int, alpha: float, dropout: float) -> None:
        check_bounds("adapter.rank", rank, 1, LARGEST_RANK)
        check_bounds("adapter.alpha", alpha, 0)
        check_bounds("adapter.dropout", dropout, 0, 0.99)
        self.rank = rank
        self.alpha = float(alpha)
        self.dropout = float(dropout)

    def check(self, backbone: Backbone) -> None:
        """Raise UserError if peft is not installed, or a network has no attention to adapt."""
        if importlib.util.find_spec("peft") is None:
            raise UserError("adapter=lora needs peft: pip install 'drawsim[lora]'")
        for one in _single(backbone):
            if not targets(one):
                raise UserError(
                    f"adapter=lora: {one.model or one.name} has no attention to adapt; choose a "
                    "vision transformer, such as backbone=dinov2, or adapter=none"
                )

    def put_into(self, backbone: Backbone, seed: int) -> None:
        """Adapt a network, which embeds as before until it is trained; all else of it stays.

        seed: of the random matrices.
        """
        from peft import LoraConfig, inject_adapter_in_model

        adapted = 0
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            for one in _single(backbone):
                names = targets(one)
                settings = LoraConfig(
                    r=self.rank,
                    lora_alpha=self.alpha,  # type: ignore[arg-type]  # peft computes with any
                    lora_dropout=self.dropout,
                    target_modules=names,
                    bias="none",
                )
                inject_adapter_in_model(settings, one.network)
                adapted += len(names)
        for name, parameter in backbone.network.named_parameters():
            parameter.requires_grad_(f".{name}".endswith((DOWN, UP)))
        backbone.train(backbone.training)
        trained = sum(p.numel() for p in backbone.network.parameters() if p.requires_grad)
        log.info("adapter: %d numbers beside %d layers are trained", trained, adapted)

    def take_out(self, backbone: Backbone) -> None:
        """Leave the network without its adapters, if it has them, its own weights as they were."""
        for one in _single(backbone):
            for name, layer in list(one.network.named_modules()):
                if hasattr(layer, BASE[1:]):
                    _put(one.network, name, getattr(layer, BASE[1:]))
            vars(one.network).pop("peft_config", None)

    def folded(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The tensors of a network without adapters that gives what these give with them.

        Sums are made in float64, and so are the same on every machine. Tensors of no adapter stay.
        Raises ValueError where there is no adapter, where one lacks A, B or W, and where what they
        are does not fit: without them the network would be the untrained one.
        """
        found = {name: each for name, each in tensors.items() if not _of_adapted(name)}
        adapted = {_layer(name) for name in tensors if _of_adapted(name)}
        if not adapted:
            raise ValueError("no layer has an adapter")
        for layer in adapted:
            found[f"{layer}.weight"] = self._sum(
                layer, *(tensors.get(layer + part) for part in (f"{BASE}.weight", DOWN, UP))
            )
        for name, each in tensors.items():
            layer, _, rest = name.rpartition(f"{BASE}.")
            if layer and rest != "weight":
                found[f"{layer}.{rest}"] = each
        return found

    def _sum(
        self, layer: str, own: Tensor | None, down: Tensor | None, up: Tensor | None
    ) -> Tensor:
        if own is None or down is None or up is None:
            raise ValueError(f"{layer} has only part of an adapter")
        if not all(each.is_floating_point() for each in (own, down, up)):
            raise ValueError(f"{layer} has an adapter that is no floating-point numbers")
        fits = own.ndim == 2 and (up.shape, down.shape) == (
            (own.shape[0], self.rank),
            (self.rank, own.shape[1]),
        )
        if not fits:  # a product of other shapes could fill all memory
            raise ValueError(f"{layer} has an adapter of another shape than adapter.rank")
        change = up.double() @ down.double()
        return (own.double() + self.alpha / self.rank * change).to(own.dtype)


def targets(backbone: Backbone) -> list[str]:
    """Names of the layers of attention that a picture goes through in this network, in order.

    Those that are not called as layers, but whose weights are read, cannot be adapted.
    """
    called: list[str] = []
    layers = {
        name: layer
        for name, layer in backbone.network.named_modules()
        if isinstance(layer, nn.Linear) and name.endswith(ATTENTION)
    }
    hooks = [
        layer.register_forward_hook(lambda *_, name=name: called.append(name))
        for name, layer in layers.items()
    ]
    training = backbone.training
    backbone.eval()
    try:
        with torch.no_grad():
            if layers:
                backbone(blank(backbone.image_size or 224).to(backbone.mean.device))
    finally:
        for hook in hooks:
            hook.remove()
        backbone.train(training)
    return list(dict.fromkeys(called))


def _layer(name: str) -> str:
    """The adapted layer that a tensor belongs to."""
    if name.endswith((DOWN, UP)):
        return name.removesuffix(DOWN).removesuffix(UP)
    return name.rpartition(f"{BASE}.")[0]


def _of_adapted(name: str) -> bool:
    return f"{BASE}." in name or name.endswith((DOWN, UP))


def _single(backbone: Backbone) -> Iterator[Backbone]:
    """The backbones of one network each."""
    yield from backbone.members.values() if isinstance(backbone, Several) else (backbone,)


def _put(network: nn.Module, name: str, layer: nn.Module) -> None:
    above, _, own = name.rpartition(".")
    setattr(network.get_submodule(above), own, layer)
