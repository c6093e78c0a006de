"""Any network of timm, as it was published or with weights from a file."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast, get_args

import timm
import torch
from timm.layers import PatchEmbed, resample_abs_pos_embed
from torch import Tensor, nn

from drawsim.common.errors import UserError, nearest
from drawsim.models.backbones.backbone import Backbone
from drawsim.models.backbones.hub import fetch
from drawsim.models.backbones.pooling import Pool, exponents, pool_by_gem
from drawsim.models.weights import fit_weights, read_weights

REFUSALS = (AssertionError, AttributeError, KeyError, RuntimeError, TypeError, ValueError)
"""What timm's models raise when they are asked for what they cannot do."""
SIZE_STEPS = (14, 16, 32)
"""Sides of patches, and of what convolutional networks reduce to one position."""
POSITIONS = "pos_embed"
"""What the positions of a transformer's patches are called."""


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
    return Backbone(name, network, mean, std, freeze_norm, architecture(model), image_size)


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

    Weights that know no learnt pooling leave the exponent of GeM as it is; positions of a
    transformer are stretched to its image size. Raises UserError for tensors that do not fit, and
    for a learnt exponent where the network has none.
    """
    learnt = exponents(network)
    if not learnt and any(name.endswith("global_pool.p") for name in tensors):
        raise UserError(f"{source}: was trained with generalised-mean pooling: backbone.pool=gem")
    fit_weights(network, {**learnt, **tensors, **_stretched(network, tensors)}, source)


def _stretched(network: nn.Module, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The positions of a transformer's patches for the grid of this network, if they are others."""
    own, given = network.state_dict().get(POSITIONS), tensors.get(POSITIONS)
    if own is None or given is None or own.ndim != 3 or given.ndim != 3 or own.shape == given.shape:
        return {}
    of_patches = getattr(network, "no_embed_class", False)
    others = 0 if of_patches else int(getattr(network, "num_prefix_tokens", 0))
    patches: Any = getattr(network, "patch_embed", None)
    side = math.isqrt(max(0, given.shape[1] - others))
    if not isinstance(patches, PatchEmbed) or side**2 + others != given.shape[1]:
        return {}
    grid = list(patches.grid_size)
    return {POSITIONS: resample_abs_pos_embed(given, grid, num_prefix_tokens=others)}


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
        network = _pooled(fetch(_maker(model, image_size), model), pool)
    if pool == "gem":
        pool_by_gem(network, model)
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
