"""Small networks of these tests, and pictures for them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from drawsim.models.backbones.backbone import Backbone
from drawsim.models.backbones.pooling import Pool
from drawsim.models.backbones.timm_models import from_timm


def pictures(count: int, size: int, seed: int = 0) -> Tensor:
    """Soft random colours, (count, 3, size, size) uint8."""
    soft = torch.rand(count, 3, 5, 5, generator=torch.Generator().manual_seed(seed)) * 255
    return functional.interpolate(soft, size=size, mode="bilinear").to(torch.uint8)


def random_model(model: str, size: int, pool: Pool = "avg", **settings: Any) -> Backbone:
    torch.manual_seed(0)
    values = {"freeze_norm": True, "image_size": size, "pretrained": False} | settings
    return from_timm(model, model, pool, **values)
