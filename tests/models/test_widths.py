"""Any network of timm embeds: its width is that of its output, whatever it says of itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from drawsim.models.backbones.timm_models import from_timm
from drawsim.models.model import Model
from drawsim.pixels.reading import Reading

SIZE = 64
FAMILIES = (
    ("efficientnet_b0", 1280),
    ("mobilenetv3_small_050", 1024),  # says 288
    ("ghostnet_100", 1280),  # says 960
    ("mobilenetv4_conv_small", 1280),  # says 960
    ("levit_128s", 384),
    ("vit_tiny_patch16_224", 192),
    ("swin_tiny_patch4_window7_224", 768),
    ("convnext_atto", 320),
    ("resnet18", 512),
    ("mobilevit_xxs", 320),
    ("hrnet_w18_small", 2048),
    ("vgg11", 4096),  # says 512
)


@pytest.mark.parametrize(("name", "width"), FAMILIES)
def test_a_network_of_each_family_embeds(name: str, width: int) -> None:
    torch.manual_seed(0)
    backbone = from_timm(name, name, "avg", True, SIZE, pretrained=False).eval()
    model = Model(backbone, Reading(SIZE), flip=True)
    assert model.dimensions == width
    assert model.describe()["dimensions"] == str(width)
    pictures = [np.random.default_rng(i).integers(0, 256, (50, 70, 3), np.uint8) for i in (0, 1)]
    vectors = model.vectors(pictures, "drawing")
    assert vectors.shape == (2, width)
    assert torch.allclose(vectors.norm(dim=1), torch.ones(2), atol=1e-5)
