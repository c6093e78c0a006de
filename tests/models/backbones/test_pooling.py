"""Pooling: what GeM computes, over which axes, and which weights ask for it."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
import torch

from drawsim.common.errors import UserError
from drawsim.models.backbones.pooling import GeM
from tests.models.backbones.networks import pictures, random_model


def test_gem_lies_between_the_mean_and_the_maximum() -> None:
    x = torch.rand(3, 4, 5, 6, generator=torch.Generator().manual_seed(0)) * 1.2 - 0.2
    pool = GeM()
    kept = x.clamp(min=1e-6)
    with torch.no_grad():
        pool.p.fill_(1.0)
        torch.testing.assert_close(pool(x), kept.mean((2, 3)))
        means = []
        for p in (1.0, 2.0, 8.0, 64.0, 256.0):
            pool.p.fill_(p)
            means.append(pool(x))
            # the power mean of n numbers is at least max · n^(-1/p)
            assert (means[-1] >= kept.amax((2, 3)) * 30 ** (-1 / p) * (1 - 1e-4)).all()
        assert all((a < b).all() for a, b in itertools.pairwise(means))
        assert (means[-1] <= kept.amax((2, 3))).all()


def test_gem_is_learnt_and_knows_its_axes() -> None:
    x = torch.rand(2, 3, 4, 5)
    assert torch.equal(GeM((2, 3))(x), GeM((1, 2))(x.permute(0, 2, 3, 1)))
    assert GeM(keepdim=True)(x).shape == (2, 3, 1, 1)
    backbone = random_model("resnet18", 64, "gem")
    backbone(pictures(2, 64))[:, 0].sum().backward()
    gradients = {name: p.grad for name, p in backbone.named_parameters() if name.endswith("ool.p")}
    assert len(gradients) == 1
    assert all(grad is not None and grad.abs() > 0 for grad in gradients.values())


def test_swin_gem_pools_over_positions_not_channels() -> None:
    backbone = random_model("swin_tiny_patch4_window7_224", 112, "gem").eval()
    network: Any = backbone.network
    x = torch.rand(2, 3, 112, 112)
    with torch.inference_mode():
        positions = network.forward_features(x)  # (B, H, W, C)
        expected = (positions.clamp(min=1e-6) ** 3).mean((1, 2)) ** (1 / 3)
        torch.testing.assert_close(network(x), expected)


def test_weights_learnt_with_gem_ask_for_it(tmp_path: Path) -> None:
    path = tmp_path / "gem.pth"
    torch.save(random_model("resnet18", 64, "gem").network.state_dict(), path)
    with pytest.raises(UserError, match=r"gem\.pth: was trained .*: backbone\.pool=gem"):
        random_model("resnet18", 64, "avg", weights=str(path))
    torch.save(random_model("resnet18", 64, "avg").network.state_dict(), path)
    initial = random_model("resnet18", 64, "gem", weights=str(path))
    assert initial.network.get_parameter("global_pool.p") == 3
