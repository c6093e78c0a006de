"""The script that converts published weights: what it writes, says and refuses."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from safetensors import safe_open
from torch import Tensor

import drawsim
from drawsim.models.backbones.timm_models import from_timm
from tests.models.backbones.replicas import (
    SIZE,
    Original,
    State,
    checkpoint,
    difference,
    load,
    only_model,
)


@pytest.fixture
def converter() -> ModuleType:
    script = Path(drawsim.__file__).parents[1] / "scripts" / "convert_replica.py"
    spec = importlib.util.spec_from_file_location("convert_replica", script)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def convert(converter: ModuleType, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["convert_replica.py", *arguments])
    monkeypatch.setattr(converter, "MODEL", "resnet18")
    converter.main()


def test_the_converter_says_what_it_wrote(
    small: Path,
    state: State,
    images: Tensor,
    original: Original,
    converter: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source, target = small / "replica.pth", Path("weights/replica_mini.safetensors")
    torch.save({"net": only_model(state)}, source)
    convert(converter, monkeypatch, "replica.pth", str(target))
    assert capsys.readouterr().out.splitlines() == [
        "replica.pth: 120 tensors, model.*",
        f"{target}: 120 tensors of resnet18, {target.stat().st_size / 2**20:.1f} MiB",
    ]
    with safe_open(target, "pt") as file:
        assert file.metadata() == {
            "model": "resnet18",
            "source": "replica.pth",
            "source_layout": "model.*",
            "source_sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
        }
        assert {file.get_tensor(k).dtype for k in file.keys()} == {torch.float32, torch.int64}  # noqa: SIM118
    assert difference(load(), original, images) == 0

    kept = target.read_bytes()
    torch.save(state | {"model.conv1.weight": torch.zeros(64, 3, 7, 7)}, source)
    with pytest.raises(SystemExit, match=r"safetensors: is there already; --force replaces it$"):
        convert(converter, monkeypatch, "replica.pth", str(target))
    with pytest.raises(SystemExit, match=r"^convert_replica: replica\.pth: its two copies "):
        convert(converter, monkeypatch, "replica.pth", str(target), "--force")
    assert target.read_bytes() == kept
    torch.save(state, source)
    convert(converter, monkeypatch, "replica.pth", str(target), "--force")
    assert "240 tensors, model.* and non_pooled.*, equal" in capsys.readouterr().out
    assert difference(load(), original, images) == 0


@pytest.mark.parametrize(
    ("source", "target", "said"),
    [
        ("nowhere.pth", "a.safetensors", r"nowhere\.pth: no such weights file"),
        ("own.ckpt", "a.safetensors", r"own\.ckpt: a checkpoint of drawsim's own, which needs no"),
        ("own.ckpt", "a.pth", r"a\.pth: the name must end in \.safetensors"),
    ],
)
def test_the_converter_refuses(
    small: Path,
    converter: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    target: str,
    said: str,
) -> None:
    checkpoint(from_timm("x", "resnet18", "avg", True, SIZE, False), small / "own.ckpt")
    with pytest.raises(SystemExit, match=f"^convert_replica: {said}"):
        convert(converter, monkeypatch, source, target)
    assert not Path(target).exists()
