"""Backbones: each network ends in unit vectors, with weights from wherever they lie."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import huggingface_hub as hub
import numpy as np
import pytest
import timm
import torch
from omegaconf import OmegaConf
from safetensors.torch import save_file
from torch import Tensor, nn

from drawsim.common.building import build, config_folder
from drawsim.common.configuration import compose
from drawsim.common.errors import UserError
from drawsim.models.backbones import hub as own_hub
from drawsim.models.backbones.backbone import Backbone
from drawsim.models.backbones.lite import lite
from drawsim.models.backbones.pooling import Pool
from drawsim.models.backbones.timm_models import from_timm
from drawsim.models.weights import weights_hash
from tests.models.backbones.networks import pictures, random_model


def running_statistics(backbone: Backbone) -> dict[str, Tensor]:
    named = backbone.network.named_buffers()
    return {name: value.clone() for name, value in named if "running" in name or "num_b" in name}


def train_steps(backbone: Backbone, images: Tensor, steps: int = 2) -> None:
    holder = nn.Sequential(backbone).train()  # modes reach a backbone through its owner
    optimizer = torch.optim.SGD(holder.parameters(), lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        vectors = holder(images)
        (vectors[0] @ vectors[1]).backward()
        optimizer.step()


@pytest.mark.parametrize(
    ("model", "size", "pool"),
    [
        ("resnet18", 64, "max"),
        ("vit_tiny_patch16_224", 96, "avg"),
        ("convnext_atto", 64, "gem"),
        ("swin_tiny_patch4_window7_224", 112, "gem"),
    ],
)
def test_any_timm_model_ends_in_unit_vectors(model: str, size: int, pool: Pool) -> None:
    backbone = random_model(model, size, pool).eval()
    with torch.inference_mode():
        vectors = backbone(pictures(3, size))
    assert vectors.shape == (3, backbone.dimensions)
    assert vectors.dtype == torch.float32
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(3))
    assert (vectors[0] - vectors[1]).abs().max() > 1e-4
    levels = timm.get_pretrained_cfg(model)
    assert levels is not None
    expected = torch.tensor(levels.mean) * 255, torch.tensor(levels.std) * 255
    torch.testing.assert_close((backbone.mean.flatten(), backbone.std.flatten()), expected)


@pytest.mark.parametrize("make", ["lite", "resnet18"])
def test_frozen_running_statistics_do_not_move_in_training(make: str) -> None:
    images = pictures(4, 64)

    def fresh(freeze: bool) -> Backbone:
        if make == "lite":
            return lite("lite", "avg", freeze_norm=freeze)
        return random_model(make, 64, freeze_norm=freeze)

    frozen = fresh(True)
    before = running_statistics(frozen)
    frozen(images)  # a new network is in training mode before anyone says so
    now = running_statistics(frozen)
    assert all(torch.equal(before[name], now[name]) for name in before)
    scales = {n: p.detach().clone() for n, p in frozen.named_parameters()}
    torch.testing.assert_close(frozen.train()(images), frozen.eval()(images))
    train_steps(frozen, images)
    after = running_statistics(frozen)
    assert len(before) >= 60
    assert all(torch.equal(before[name], after[name]) for name in before)
    moved = [n for n, p in frozen.named_parameters() if not torch.equal(p, scales[n])]
    assert len(moved) > 0.9 * len(scales)  # scale and shift of the norms train all the same

    free = fresh(False)
    before = running_statistics(free)
    train_steps(free, images)
    after = running_statistics(free)
    assert all(not torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("kind", ["weights.safetensors", "bare.pth", "nested.pth", "best.ckpt"])
@pytest.mark.parametrize("pool", ["avg", "gem"])
def test_weights_come_from_files_of_every_kind(tmp_path: Path, kind: str, pool: Pool) -> None:
    torch.manual_seed(1)
    source = lite("lite", pool, freeze_norm=True)
    with torch.no_grad():
        for parameter in source.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.01)
    state = source.network.state_dict()
    path = tmp_path / kind
    if kind.endswith(".safetensors"):
        save_file({k: v.contiguous() for k, v in state.items()}, path)
    elif kind == "best.ckpt":
        inside = {f"backbone.network.{name}": tensor for name, tensor in state.items()}
        torch.save({"state_dict": inside, "epoch": 2}, path)
    else:
        torch.save({"state_dict": state} if kind.startswith("nested") else state, path)
    wanted = weights_hash(source.network)
    assert weights_hash(lite("lite", pool, True, str(path)).network) == wanted
    # the file wins over the hub, which is not asked
    named = from_timm("x", "tf_efficientnet_lite0", pool, True, 96, True, str(path))
    assert weights_hash(named.network) == wanted


def test_weights_of_another_architecture_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "resnet.pth"
    torch.save(random_model("resnet18", 64).network.state_dict(), path)
    with pytest.raises(UserError) as caught:
        lite("lite", "avg", True, str(path))
    text = str(caught.value)
    assert text.startswith(f"{path}: weights of another architecture")
    assert "conv_stem.weight: none in the file, 32×3×3×3 in the network" in text
    with pytest.raises(UserError, match=r"conv1\.weight: 64×64×3×3 in the file, 64×64×1×1"):
        random_model("resnet50", 64, weights=str(path))


def test_a_classifier_in_the_file_does_not_matter(tmp_path: Path) -> None:
    torch.manual_seed(3)
    whole = timm.create_model("resnet18", pretrained=False, num_classes=7)
    torch.save(whole.state_dict(), tmp_path / "whole.pth")
    backbone = random_model("resnet18", 64, weights=str(tmp_path / "whole.pth"))
    assert torch.equal(backbone.network.get_parameter("conv1.weight"), whole.conv1.weight)


def test_without_a_network_one_clear_error_says_both_cures(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(own_hub, "hub_answers", lambda: False)
    monkeypatch.setattr(hub.constants, "HF_HUB_CACHE", str(tmp_path))
    before = hub.constants.HF_HUB_OFFLINE
    with pytest.raises(UserError) as caught:
        random_model("resnet18.tv_in1k", 64, pretrained=True)
    text = str(caught.value)
    assert "\n" not in text
    assert "resnet18.tv_in1k: its weights could not be fetched from the hub (huggingface.co" in text
    assert "Connect" in text
    assert "backbone.weights=FILE" in text
    assert before == hub.constants.HF_HUB_OFFLINE


def test_a_hub_that_fails_says_how(monkeypatch: pytest.MonkeyPatch) -> None:
    real = timm.create_model

    def failing(*arguments: Any, pretrained: bool, **settings: Any) -> Any:
        if pretrained:
            raise ConnectionResetError("by peer\nand more")
        return real(*arguments, pretrained=False, **settings)

    monkeypatch.setattr(own_hub, "hub_answers", lambda: True)
    monkeypatch.setattr(timm, "create_model", failing)
    with pytest.raises(UserError, match=r"\(ConnectionResetError: by peer\)\. Connect"):
        random_model("resnet18", 64, pretrained=True)


def test_the_hub_is_asked_before_it_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any, **__: Any) -> Any:
        raise OSError("no route to host")

    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(socket, "create_connection", refused)
    assert not own_hub.hub_answers()
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    assert own_hub.hub_answers()


@pytest.mark.parametrize(
    ("model", "pool", "said"),
    [
        ("resnet81", "avg", r"backbone\.model=resnet81: timm knows no such model, did you mean"),
        ("resnet18.never_in1k", "avg", r"resnet18\.never_in1k .*cannot be built"),
        ("resnet18", "mean", r"backbone\.pool=mean: did you mean"),
        ("vit_tiny_patch16_224", "gem", r"no pooling over positions .* use backbone\.pool=avg"),
    ],
)
def test_a_wrong_choice_is_named(model: str, pool: Any, said: str) -> None:
    with pytest.raises(UserError, match=said):
        random_model(model, 64, pool)


def test_what_made_an_embedding_is_told(untouched: Backbone) -> None:
    told = untouched.describe(160)
    assert told["model"] == "lite"
    assert told["dimensions"] == "1280"
    assert told["weights_sha256"] == weights_hash(untouched.network)
    levels = "(x - [127.0, 127.0, 127.0]) / [128.0, 128.0, 128.0]"
    assert told["transform"] == f"squash to 160x160, {levels}"


def test_an_identity_is_plain_and_makes_the_network_again(untouched: Backbone) -> None:
    assert untouched.identity() == {
        "name": "lite",
        "model": "tf_efficientnet_lite0",
        "levels": [[127.0] * 3, [128.0] * 3],
    }
    named = random_model("resnet18.tv_in1k", 64).identity()
    assert (named["name"], named["model"]) == ("resnet18.tv_in1k", "resnet18")
    expected = [[255 * v for v in row] for row in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))]
    assert np.allclose(named["levels"], expected)
    assert type(named["levels"][0][0]) is float


def test_unit_rows_are_normalised_features(untouched: Backbone) -> None:
    images = pictures(3, 64)
    with torch.inference_mode():
        features, rows = untouched.features(images), untouched(images)
    assert features.dtype == torch.float32
    assert (features.norm(dim=1) - 1).abs().min() > 0.1
    torch.testing.assert_close(rows, features / features.norm(dim=1, keepdim=True))


def configured(option: str, **settings: Any) -> Backbone:
    """What `backbone=<option>` makes."""
    given = [f"{key}={value}" for key, value in settings.items()]
    config = compose("train", [f"backbone={option}", *given])
    backbone = build(config.backbone, name=config.backbone.name)
    assert isinstance(backbone, Backbone)
    return backbone


@pytest.mark.parametrize(
    ("option", "size", "dimensions"),
    [
        ("convnext", 32, 768),
        ("convnextv2", 32, 1024),
        ("dinov2", 28, 384),
        ("dinov3", 32, 384),
        ("eva02", 32, 768),
        ("siglip", 32, 768),
        ("siglip_so400m", 28, 1152),
    ],
)
def test_modern_backbones_end_in_unit_vectors(
    option: str, size: int, dimensions: int, depth_of_two: None
) -> None:
    torch.manual_seed(0)
    settings = {"backbone.pretrained": "false", "image_size": size}
    backbone = configured(option, **settings).eval()
    model = OmegaConf.select(OmegaConf.load(config_folder() / f"backbone/{option}.yaml"), "model")
    assert model in timm.list_pretrained()
    assert backbone.identity()["model"] == model.split(".")[0]
    with torch.inference_mode():
        vectors = backbone(pictures(2, size))
    assert vectors.shape == (2, dimensions)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(2))
    assert not torch.equal(vectors[0], vectors[1])


@pytest.mark.parametrize(
    ("model", "size", "pool"),
    [
        ("vit_tiny_patch16_224", 32, "own"),
        ("vit_tiny_patch16_224", 32, "avg"),
        ("vit_tiny_patch16_224", 32, "max"),
        ("vit_small_patch14_dinov2", 28, "avg"),
    ],
)
def test_published_weights_fit_whatever_the_pooling(
    monkeypatch: pytest.MonkeyPatch, model: str, size: int, pool: Pool
) -> None:
    """A transformer's last norm stays where its weights were trained: before the pooling."""
    create = timm.create_model
    published: Any = create(model, num_classes=0)
    torch.nn.init.normal_(published.norm.weight)

    def from_hub(*arguments: Any, **settings: Any) -> Any:
        overlay = {"state_dict": dict(published.state_dict()), "num_classes": 0}
        return create(*arguments, **settings, pretrained_cfg_overlay=overlay)

    monkeypatch.setattr(own_hub, "hub_answers", lambda: True)
    monkeypatch.setattr(timm, "create_model", from_hub)
    network: Any = random_model(model, size, pool, pretrained=True).network.eval()
    own, given = network.state_dict(), published.state_dict()
    assert own.keys() == given.keys()
    assert all(torch.equal(own[k], given[k]) for k in own if k != "pos_embed")
    x = torch.rand(1, 3, size, size)
    with torch.inference_mode():
        tokens = network.forward_features(x)[0]
        pooled = {"own": tokens[0], "avg": tokens[1:].mean(0), "max": tokens[1:].amax(0)}[pool]
        torch.testing.assert_close(network(x)[0], pooled)


@pytest.mark.parametrize(
    ("model", "size", "cure"),
    [
        ("vit_small_patch14_dinov2", 57, "56 or 70"),
        ("vit_tiny_patch16_224", 41, "32 or 48"),
        ("vit_tiny_patch16_224", 10, "16"),
        ("convnext_atto", 31, "32"),
        ("maxvit_rmlp_pico_rw_256", 100, "96 or 128"),
    ],
)
def test_a_size_that_a_model_cannot_take_is_answered_with_those_it_can(
    model: str, size: int, cure: str
) -> None:
    with pytest.raises(UserError) as caught:
        random_model(model, size)
    text = str(caught.value)
    assert text.startswith(f"backbone.model={model} with backbone.pool=avg at image_size={size}")
    assert text.endswith(f"(it takes image_size={cure})")
    assert "\n" not in text


def test_a_size_is_tried_without_a_trace() -> None:
    backbone = random_model("resnet18", 64, freeze_norm=False)
    assert all(module.training for module in backbone.modules())
    assert backbone.network.get_buffer("bn1.num_batches_tracked") == 0
