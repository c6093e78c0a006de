"""Networks that several files of this folder look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from torch import Tensor, nn

from drawsim.models.backbones import replica as module
from drawsim.models.backbones.backbone import Backbone
from drawsim.models.backbones.lite import lite
from tests.models.backbones.replicas import SIZE, Original, State


@pytest.fixture(scope="module")
def original() -> Original:
    """A small stand-in of the same layout."""
    return Original("resnet18")


@pytest.fixture
def state(original: Original) -> State:
    """Its state dict, both copies of their own."""
    found = original.state_dict().items()
    return {k: v.clone(memory_format=torch.contiguous_format) for k, v in found}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty working folder, in which Replica networks are ResNet-18."""
    monkeypatch.setattr(module, "MODEL", "resnet18")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def images() -> Tensor:
    soft = torch.rand(2, 3, 5, 5, generator=torch.Generator().manual_seed(1)) * 255
    return nn.functional.interpolate(soft, size=SIZE, mode="bilinear").to(torch.uint8)


@pytest.fixture(scope="package")
def untouched() -> Backbone:
    """Lite with its packaged weights, which no test changes."""
    return lite("lite", "avg", freeze_norm=True).eval()


@pytest.fixture
def depth_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Transformers that timm makes have two blocks, ConvNeXts four: of the real widths, tokens."""
    create = timm.create_model

    def shallow(model: str, *arguments: Any, **settings: Any) -> Any:
        return create(model, *arguments, **settings, **shallow_settings(model))

    monkeypatch.setattr(timm, "create_model", shallow)


def shallow_settings(model: str) -> dict[str, Any]:
    """What makes a network of timm shallow."""
    if "convnext" in model:
        return {"depths": (1, 1, 1, 1)}
    return {"depth": 2} if "vit" in model or "eva02" in model else {}
