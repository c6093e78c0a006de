"""Embeddings of what is where, and networks of which nothing trains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from drawsim.common.errors import UserError
from drawsim.models.backbones.backbone import Backbone
from drawsim.models.backbones.timm_models import from_timm
from tests.learning.steps import PAIRS, epoch, step
from tests.learning.tiny import (
    axis_weights,
    tiny_adaptation,
    tiny_backbone,
    tiny_matcher,
    tiny_model,
)

SIZE = 64
SIDES = (32, 16, 8, 4, 2)
"""Positions a side of the feature maps of the small network."""


def convnet(freeze_norm: bool = True) -> Backbone:
    torch.manual_seed(0)
    return from_timm("small", "test_efficientnet", "avg", freeze_norm, SIZE, pretrained=False)


def pictures(count: int) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (count, 3, SIZE, SIZE), generator=generator, dtype=torch.uint8)


def averaged(feature_map: Tensor, cells: int) -> Tensor:
    """(B, c, s, s) to (B, c · n²): cell i covers floor(i s / n) to ceil((i + 1) s / n)."""
    side = feature_map.shape[-1]
    bounds = [(i * side // cells, -(-(i + 1) * side // cells)) for i in range(cells)]
    means = [
        feature_map[:, :, top:bottom, left:right].mean(dim=(2, 3))
        for top, bottom in bounds
        for left, right in bounds
    ]
    return torch.stack(means, dim=2).flatten(1)


@pytest.mark.parametrize(
    "parts", [[[-1, 1]], [[-2, 4], [-1, 2]], [[-3, 3], [-1, 1], [-3, 1]]], ids=str
)
def test_parts_are_feature_maps_averaged_over_cells(parts: list[list[int]]) -> None:
    backbone = convnet()
    plain = backbone.dimensions
    backbone.read_layout(parts, SIZE)
    backbone.eval()
    images = pictures(3)
    network: Any = backbone.network
    with torch.no_grad():
        features, rows = backbone.features(images), backbone(images)
        pixels = (images.float() - backbone.mean) / backbone.std
        _, maps = network.forward_intermediates(pixels)
        assert [m.shape[-1] for m in maps] == list(SIDES)
        expected = [averaged(maps[level], cells) for level, cells in parts]
    assert features.shape == (3, backbone.dimensions)
    assert backbone.dimensions == sum(part.shape[1] for part in expected)
    assert backbone.dimensions != plain
    found = torch.split(features, [part.shape[1] for part in expected], dim=1)
    for part, wanted in zip(found, expected, strict=True):
        torch.testing.assert_close(part, normalize(wanted, dim=1), atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(part.norm(dim=1), torch.ones(3))
    torch.testing.assert_close(rows, features / len(parts) ** 0.5)
    assert str([tuple(part) for part in parts]) in backbone.describe(SIZE)["transform"]


@pytest.mark.parametrize("flip", [False, True])
def test_the_plain_network_is_told_in_the_same_pass(flip: bool) -> None:
    images = pictures(3)
    before = tiny_model(convnet(), flip).encode(images).detach()
    model = tiny_model(convnet(), flip)
    model.backbone.read_layout([[-2, 4], [-1, 2]], SIZE)
    model.backbone.eval()
    vectors, plain = model.encode_with_plain(images)
    assert torch.equal(vectors, model.encode(images))
    torch.testing.assert_close(plain, before)
    assert "maps and cells" not in model.describe(layout=False)["transform"]


@pytest.mark.parametrize("part", [[-6, 1], [0, 1], [1, 1], [-1, 0], [-1, 3], [-2, 5]], ids=str)
def test_a_part_that_is_not_there_is_answered_with_those_that_are(part: list[int]) -> None:
    backbone = convnet()
    with pytest.raises(UserError) as caught:
        backbone.read_layout([[-1, 2], part], SIZE)
    text = str(caught.value)
    assert text.startswith(f"layout.parts={part}: at image_size=64 the maps are ")
    assert "-5 of 32, -4 of 16, -3 of 8, -2 of 4, -1 of 2 positions a side" in text
    assert "\n" not in text


def test_a_network_without_feature_maps_has_no_layout() -> None:
    with pytest.raises(UserError, match=r"no feature maps; use layout=none"):
        tiny_backbone().read_layout([[-1, 1]], SIZE)


def test_a_layout_is_read_without_a_trace() -> None:
    backbone = convnet(freeze_norm=False)
    before = {name: value.clone() for name, value in backbone.network.named_buffers()}
    backbone.read_layout([[-2, 4]], SIZE)
    assert all(torch.equal(before[name], v) for name, v in backbone.network.named_buffers())
    assert all(module.training for module in backbone.modules())


def test_what_is_not_frozen_trains_through_its_layout() -> None:
    backbone = convnet()
    backbone.read_layout([[-2, 2]], SIZE)
    backbone(pictures(2))[:, 0].sum().backward()
    trained = [p.grad is not None and bool(p.grad.any()) for p in backbone.parameters()]
    assert sum(trained) > 10


@pytest.mark.parametrize("parts", [[], [[-2, 4], [-1, 2]]], ids=str)
@pytest.mark.parametrize("freeze_norm", [True, False])
def test_a_frozen_network_knows_no_gradient_and_no_training_mode(
    parts: list[list[int]], freeze_norm: bool
) -> None:
    backbone = convnet(freeze_norm)
    if parts:
        backbone.read_layout(parts, SIZE)
    backbone.freeze()
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    for module in (backbone, backbone.train(), torch.nn.Sequential(backbone).train()[0]):
        assert isinstance(module, Backbone)
        assert not any(part.training for part in module.network.modules())
        rows = module(pictures(2))
        assert not rows.requires_grad
        assert not any(p.requires_grad for p in module.parameters())
    torch.testing.assert_close(rows, backbone.eval()(pictures(2)))
    assert all(torch.equal(before[name], v) for name, v in backbone.state_dict().items())


def test_a_step_changes_only_the_weights_of_the_axes(tmp_path: Path) -> None:
    (batch,) = epoch(tmp_path, PAIRS, grouped=True)
    adaptation = tiny_adaptation(learn="axes")
    rows = normalize(torch.randn(20, 6, generator=torch.Generator().manual_seed(0)), dim=1)
    adaptation.fit(rows[:8], rows[8:])
    matcher = tiny_matcher(freeze_norm=False, in_batch_negatives=True, adaptation=adaptation)
    matcher.backbone.freeze()
    optimizer = matcher.configure_optimizers()
    (group,) = optimizer.param_groups
    assert [id(p) for p in group["params"]] == [id(axis_weights(adaptation))]
    step(batch, matcher).backward()  # makes it float64
    before = {name: value.clone() for name, value in matcher.state_dict().items()}
    optimizer.step()
    changed = [n for n, v in matcher.state_dict().items() if not torch.equal(before[n], v)]
    assert changed == ["adaptation.head.weights"]


@pytest.mark.parametrize("adapts", [False, True])
def test_what_trains_nothing_is_said_to(adapts: bool) -> None:
    matcher = tiny_matcher(adaptation=tiny_adaptation() if adapts else None)
    matcher.backbone.freeze()
    with pytest.raises(UserError) as caught:
        matcher.configure_optimizers()
    text = str(caught.value)
    assert text.startswith("freeze=true leaves nothing to train: set adapt.learn=channels")
    assert "trainer.max_epochs=0" in text
    assert "\n" not in text
