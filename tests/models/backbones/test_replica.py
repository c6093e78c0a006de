"""Replica networks: every layout of their files loads, and broken ones are refused in one line."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from drawsim.common.building import build
from drawsim.common.configuration import compose
from drawsim.common.errors import UserError
from drawsim.models.backbones import replica as module
from drawsim.models.backbones.lite import lite
from drawsim.models.backbones.pooling import Pool
from drawsim.models.backbones.timm_models import from_timm
from drawsim.models.weights import read_weights, weights_hash
from tests.models.backbones.replicas import (
    SIZE,
    Original,
    State,
    checkpoint,
    difference,
    load,
    only_model,
)


def test_the_networks_of_the_original_size_load_and_convert_without_a_difference(
    tmp_path: Path, images: Tensor, converter: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    original = Original("resnext101_32x8d")
    state = original.state_dict()
    assert len(state) == 2 * 624
    source, target = tmp_path / "replica.pth", tmp_path / "out" / "replica.safetensors"
    torch.save(state, source)
    loaded = load(source)
    assert difference(loaded, original, images) == 0
    assert loaded.identity()["model"] == "resnext101_32x8d"

    converter.convert(source, target)
    printed = capsys.readouterr().out
    assert "replica.pth: 1,248 tensors, model.* and non_pooled.*, equal" in printed
    assert "replica.safetensors: 624 tensors of resnext101_32x8d, " in printed
    converted = read_weights(target)
    own = loaded.network.state_dict()
    assert converted.keys() == own.keys()
    assert all(torch.equal(converted[name], own[name]) for name in own)


LAYOUTS: dict[str, Callable[[State], Any]] = {
    "both copies": lambda state: state,
    "one copy": only_model,
    "within a dictionary": lambda state: {"epoch": 4, "state_dict": state},
    "of another name": lambda state: {"net": state, "optimizer": {"lr": 1e-6}},
    "two dictionaries down": lambda state: {"run": {"model": state, "loss": 0.1}},
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_loads_without_a_difference(
    small: Path, original: Original, state: State, images: Tensor, layout: str
) -> None:
    torch.save(LAYOUTS[layout](state), small / "replica.pth")
    assert difference(load("replica.pth"), original, images) == 0


def test_half_precision_becomes_single(small: Path, state: State) -> None:
    half = {k: v.half() if v.is_floating_point() else v for k, v in state.items()}
    torch.save(half, "half.pth")
    found = load("half.pth").network.state_dict()
    assert found["conv1.weight"].dtype == torch.float32
    assert torch.equal(found["conv1.weight"], half["model.conv1.weight"].float())


def test_gem_starts_from_published_weights(small: Path, state: State, images: Tensor) -> None:
    torch.save(state, "replica.pth")
    gem, average = load("replica.pth", "gem"), load("replica.pth")
    assert gem.network.get_parameter("global_pool.p") == 3
    assert torch.equal(
        gem.network.get_parameter("conv1.weight"), average.network.get_parameter("conv1.weight")
    )


def change(name: str, to: Callable[[Tensor], Tensor]) -> Callable[[State], Any]:
    return lambda state: state | {name: to(state[name].clone())}


def without(*names: str) -> Callable[[State], Any]:
    return lambda state: {k: v for k, v in state.items() if k not in names}


NORM = "layer2.0.bn1.weight"
BROKEN: list[tuple[str, Callable[[State], Any], str]] = [
    (
        "copies differ",
        change("non_pooled.5.0.bn1.weight", lambda t: t.sub_(torch.arange(128) / 508)),
        f"its two copies of the network differ: 1 of 120 tensors, first {NORM}, by up to 0.25. "
        "Take the file from its source again.",
    ),
    (
        "copies of other shapes",
        change(f"model.{NORM}", lambda t: t[1:]),
        f"its two copies of the network differ: {NORM} is 127 float32 in model.*, "
        "128 float32 in non_pooled.*. Take the file from its source again.",
    ),
    (
        "missing in one copy",
        without("non_pooled.5.0.bn1.weight"),
        f"its two copies of the network do not have the same tensors: {NORM} in model.* alone "
        "(1 in all). Take the file from its source again.",
    ),
    (
        "missing in both copies",
        without("non_pooled.5.0.bn1.weight", f"model.{NORM}"),
        f"weights of another architecture, 1 tensor does not fit: {NORM}: none in the file, "
        "128 in the network. Choose the backbone (or backbone.model) they were trained with.",
    ),
    (
        "wrong shape",
        lambda state: {k: v[:5] if "conv1." in k else v for k, v in only_model(state).items()},
        "weights of another architecture, 9 tensors do not fit: conv1.weight: 5×3×7×7 in the file, "
        "64×3×7×7 in the network; layer1.0.conv1.weight: 5×64×3×3 in the file, 64×64×3×3 in the "
        "network; layer1.1.conv1.weight: 5×64×3×3 in the file, 64×64×3×3 in the network. Choose "
        "the backbone (or backbone.model) they were trained with.",
    ),
    (
        "unexpected",
        lambda state: state | {"non_pooled.8.scale": torch.ones(2, 3)},
        "weights of another architecture, 1 tensor does not fit: non_pooled.8.scale: 2×3 in the "
        "file, none in the network. Choose the backbone (or backbone.model) they were trained "
        "with.",
    ),
    (
        "Python objects",
        lambda state: {"state_dict": state, "settings": SimpleNamespace(margin=0.01)},
        "cannot be read as weights. It is damaged, of another kind, or holds Python objects, which "
        "are not loaded since they could run code. Save its state dict alone, with torch.save or "
        "as .safetensors.",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("break_", "said"), [b[1:] for b in BROKEN], ids=[b[0] for b in BROKEN])
def test_a_broken_file_is_refused_in_one_line(
    small: Path, state: State, break_: Callable[[State], Any], said: str
) -> None:
    state[f"model.{NORM}"].fill_(1)
    state["non_pooled.5.0.bn1.weight"].fill_(1)
    torch.save(break_(state), "replica.pth")
    with pytest.raises(UserError) as caught:
        load("replica.pth")
    assert str(caught.value) == f"replica.pth: {said}"


def test_a_file_cut_short_is_refused_in_one_line(small: Path, state: State) -> None:
    torch.save(state, "whole.pth")
    (small / "replica.pth").write_bytes((small / "whole.pth").read_bytes()[:-1000])
    with pytest.raises(UserError, match=r"^replica\.pth: cannot be read .* damaged, [^\n]*$"):
        load("replica.pth")


def test_another_architecture_is_refused_in_one_line(
    tmp_path: Path, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MODEL", "resnet26")
    torch.save(state, tmp_path / "small.pth")
    with pytest.raises(UserError) as caught:
        load(tmp_path / "small.pth")
    assert "small.pth: weights of another architecture, " in str(caught.value)
    assert "layer1.0.conv1.weight: 64×64×3×3 in the file, 64×64×1×1 in the" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_are_looked_for_in_order(small: Path, state: State) -> None:
    with pytest.raises(UserError) as caught:
        load()
    assert str(caught.value) == (
        "backbone=replica_mini: no weights. Put the published file at weights/replica_mini.pth "
        "(or, converted, at weights/replica_mini.safetensors), or make a substitute "
        "(substitute.ckpt): python -m drawsim.train +experiment=replica_mini "
        "(with data=folder data.root=GALLERY for a gallery of your own)"
    )
    with pytest.raises(UserError, match=r"^nowhere\.pth: no such weights file"):
        load("nowhere.pth")

    def marked(value: float) -> State:
        plain = {k.removeprefix("model."): v for k, v in only_model(state).items()}
        return plain | {"bn1.bias": torch.full((64,), value)}

    (small / "weights").mkdir()
    inside = {f"backbone.network.{name}": tensor for name, tensor in marked(1).items()}
    identity = from_timm("x", "resnet18", "avg", True, SIZE, False).identity()
    torch.save({"state_dict": inside, "backbone": identity}, "substitute.ckpt")
    assert load().network.get_parameter("bn1.bias")[0] == 1
    torch.save(marked(2), "weights/replica_mini.pth")
    assert load().network.get_parameter("bn1.bias")[0] == 2
    save_file(marked(3), "weights/replica_mini.safetensors")
    assert load().network.get_parameter("bn1.bias")[0] == 3
    torch.save(marked(4), "given.pth")
    assert load("given.pth").network.get_parameter("bn1.bias")[0] == 4


@pytest.mark.parametrize("pool", ["avg", "gem"])
def test_a_substitute_is_rebuilt_as_it_was_trained(
    small: Path, images: Tensor, pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    trained = lite("lite", pool, freeze_norm=True).eval()
    with torch.no_grad():
        for parameter in trained.parameters():
            parameter.mul_(1.01)
    checkpoint(trained, small / "substitute.ckpt")
    with caplog.at_level(logging.INFO, "drawsim"):
        found = load(pool=pool)
    said = "substitute made by drawsim (tf_efficientnet_lite0), not the published weights"
    assert caplog.messages == [f"replica_mini: {said}"]
    assert found.identity() == trained.identity() | {"name": "replica_mini"}
    with torch.inference_mode():
        assert torch.equal(found(images), trained(images))

    checkpoint(found, small / "again.ckpt")  # fine-tuned, it is the start of another
    assert weights_hash(load("again.ckpt", pool).network) == weights_hash(trained.network)


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("lite", r"does not say its architecture.*: backbone=lite backbone\.weights=old\.ckpt$"),
        (None, r"does not say its architecture.*: backbone=NAME backbone\.weights=old\.ckpt$"),
        ({"model": "resnet18"}, r"does not say its architecture"),
        ({"model": "resnet18", "levels": [[1.0]]}, r"does not say its architecture"),
        ({"model": "mine", "levels": [[0.0] * 3, [1.0] * 3]}, r"a checkpoint of mine that timm"),
        ({"model": "", "levels": [[0.0] * 3, [1.0] * 3]}, r"a checkpoint of a network that timm"),
    ],
)
def test_a_checkpoint_that_does_not_say_what_it_is(small: Path, said: Any, wanted: str) -> None:
    trained = from_timm("x", "resnet18", "avg", True, SIZE, False)
    checkpoint(trained, small / "old.ckpt", backbone=said)
    with pytest.raises(UserError, match=rf"^old\.ckpt: .*{wanted}"):
        load("old.ckpt")


@pytest.mark.parametrize("option", ["replica_mini", "replica_clus"])
def test_the_options_load_their_own_files(small: Path, state: State, option: str) -> None:
    def configured(*settings: str) -> Any:
        config = compose("train", [f"backbone={option}", f"image_size={SIZE}", *settings])
        return build(config.backbone, name=config.backbone.name)

    with pytest.raises(UserError, match=rf"^backbone={option}: .*\+experiment={option} "):
        configured()
    made = Path("runs") / option / "substitute" / "checkpoints"
    made.mkdir(parents=True)
    checkpoint(lite("lite", "avg", freeze_norm=True), made / "best.ckpt")
    assert configured().identity()["model"] == "tf_efficientnet_lite0"
    Path("weights").mkdir()
    torch.save(state, f"weights/{option}.pth")
    found = configured("backbone.freeze_norm=false")
    assert found.identity()["model"] == "resnet18"
    assert found.name == option
    assert not found.freeze_norm


def test_other_backbones_read_the_layout_too(small: Path, original: Original, state: State) -> None:
    torch.save(state, "replica.pth")
    found = from_timm("x", "resnet18", "avg", True, SIZE, True, "replica.pth").network
    assert torch.equal(found.get_parameter("conv1.weight"), original.model.conv1.weight)
