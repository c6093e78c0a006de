"""Several networks side by side: parts of one embedding, wherever one is made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from torch import Tensor
from torch.nn.functional import interpolate, normalize

from drawsim import index, search
from drawsim.common import building
from drawsim.common.arguments import as_texts
from drawsim.common.building import build, build_stored
from drawsim.common.configuration import backbone_option, compose, side_by_side
from drawsim.common.errors import UserError
from drawsim.models.backbones.backbone import Backbone
from drawsim.models.backbones.replica import replica
from drawsim.models.backbones.several import Several
from drawsim.models.loading import _with_weights, load_checkpoint, make_backbone
from drawsim.models.sources import load_model, model_of_index, save_source
from drawsim.models.weights import weights_hash
from drawsim.retrieval.reranking.local import local_features
from drawsim.workflows.index import ModelChoice
from tests.learning.tiny import tiny_backbone
from tests.models.backbones.networks import pictures, random_model

SIZE = 64
LAYOUT = [[-2, 2], [-1, 1]]


def members() -> dict[str, Backbone]:
    return {
        "conv": random_model("test_efficientnet", SIZE),
        "vit": random_model("test_vit", 48, "own"),
    }


def side(shares: list[float] | None = None) -> Several:
    return Several("conv+vit", members(), shares)


def cosines(rows: Tensor) -> Tensor:
    return rows @ rows.T


@pytest.mark.parametrize("layout", [None, LAYOUT], ids=["plain", "layout"])
@pytest.mark.parametrize("shares", [None, [3.0, 1.0]], ids=["alike", "weighted"])
@torch.inference_mode()
def test_the_cosine_is_the_mean_of_the_networks_own(
    layout: list[list[int]] | None, shares: list[float] | None
) -> None:
    images = pictures(3, SIZE)
    both, alone = side(shares), members()
    for each in (both, *alone.values()):
        if layout:
            each.read_layout(layout, SIZE)
        each.eval()
    rows = both(images)
    expected = sum(
        share * cosines(one(images))
        for share, one in zip(shares or [1.0, 1.0], alone.values(), strict=True)
    ) / sum(shares or [1.0, 1.0])
    torch.testing.assert_close(cosines(rows), expected)
    assert rows.shape[1] == both.dimensions == sum(one.dimensions for one in alone.values())
    assert sum(channels * cells for channels, cells in both.channels) == both.dimensions
    if layout:
        own, plain = both.with_plain(images)
        torch.testing.assert_close(own, rows)
        torch.testing.assert_close(plain, side(shares).eval()(images))


@torch.inference_mode()
def test_cells_are_joined_on_the_grid_of_the_first() -> None:
    images = pictures(2, SIZE)
    one, other = (local_features(each.eval(), images) for each in members().values())
    assert (one.height, other.height) == (4, 3)  # the transformer sees 48 px
    fitted = interpolate(
        other.vectors.transpose(1, 2).reshape(2, -1, 3, 3), (4, 4), mode="bilinear"
    )
    expected = torch.cat([one.vectors, fitted.flatten(2).transpose(1, 2)], dim=2)
    found = local_features(side().eval(), images)
    assert (found.height, found.width) == (4, 4)
    torch.testing.assert_close(found.vectors, normalize(expected, dim=2))


def test_a_network_without_fine_maps_is_left_out_of_the_cells() -> None:
    one = random_model("test_efficientnet", SIZE).eval()
    both = Several("a+b", {"tiny": tiny_backbone(), "conv": one}).eval()
    images = pictures(1, SIZE)
    torch.testing.assert_close(
        local_features(both, images).vectors, local_features(one, images).vectors
    )
    with pytest.raises(UserError, match="gives no feature maps"):
        local_features(Several("a+b", {"a": tiny_backbone(), "b": tiny_backbone()}), images)
    with pytest.raises(UserError, match=r"^tiny: layout: .* use layout=none"):
        both.read_layout(LAYOUT, SIZE)


def test_it_trains_and_freezes_as_one() -> None:
    both = side()
    both(pictures(2, SIZE))[:, 0].sum().backward()
    assert any(p.grad is not None and p.grad.any() for p in both.members["conv"].parameters())
    both.freeze()
    assert not both.train()(pictures(2, SIZE)).requires_grad
    assert not any(module.training for module in both.network.modules())
    assert len(both.networks) == 2


@pytest.mark.parametrize("shares", [[1.0], [1.0, 0.0], [1.0, float("nan")]])
def test_shares_that_cannot_be_are_refused(shares: list[float]) -> None:
    with pytest.raises(UserError, match=r"^backbone\.shares=.*for each of conv, vit"):
        side(shares)
    with pytest.raises(UserError, match="1 networks; name 2 to 8"):
        Several("conv", {"conv": tiny_backbone()})


def test_what_made_it_tells_each_network() -> None:
    both = side([3.0, 1.0])
    told = both.describe(SIZE)
    assert told["model"] == "conv+vit"
    assert told["weights_sha256"] == weights_hash(both.network)
    assert told["transform"].startswith("conv 0.75: squash to 64x64, (x - ")
    assert "; vit 0.25: squash to 64x64, then to 48x48, (x - " in told["transform"]
    assert side().describe(SIZE)["transform"] != told["transform"]
    own = members()
    assert both.identity()["networks"] == {name: one.identity() for name, one in own.items()}
    assert own["vit"].structure() in both.structure()


def test_a_list_of_options_is_one_option() -> None:
    arguments = ["image_size=96", "backbone=[lite,timm]", "backbone.networks.timm.model=resnet18"]
    arguments += ["backbone.networks.timm.pretrained=false", "backbone.shares=[2,1]"]
    for command in ("train", "embed"):
        settings = compose(command, arguments).backbone
        assert settings.name == "lite+timm"
        assert settings.networks.timm.name == "resnet18"
        assert settings.networks.lite.image_size == 96
    made = build(settings, name=settings.name)
    assert isinstance(made, Several)
    assert made.shares == [2 / 3, 1 / 3]
    assert made.model == "tf_efficientnet_lite0+resnet18"
    assert side_by_side("train", ["backbone=[lite]"]) == ["backbone=lite"]
    assert side_by_side("index", ["backbone=[lite,dinov2]"]) == ["backbone=[lite,dinov2]"]
    for wrong in ("backbone=[lite,lite]", "backbone=[lite,timm],lite"):
        with pytest.raises(UserError, match="a list names each network once"):
            side_by_side("train", [wrong])
    for wrong in ("backbone=[lite,]", "backbone=[../x,lite]", "backbone=[a b,lite]"):
        with pytest.raises(UserError, match=r"is no name of a network; .*\[lite,dinov2\]$"):
            side_by_side("train", [wrong])


def test_a_file_names_networks_but_no_several_in_several(tmp_path: Path) -> None:
    settings = backbone_option(["lite", "dinov2"], SIZE)
    inner = {**settings, "networks": {"a": settings, "b": settings["networks"]["lite"]}}
    with pytest.raises(UserError, match=r"backbone\.networks\.a asks for .*Several"):
        build_stored(inner, "backbone", tmp_path / "config.yaml", name="x")
    forged = {**settings["networks"]["lite"], "_target_": "os.system"}
    with pytest.raises(UserError, match=r"asks for 'os\.system'"):
        build_stored(
            {**settings, "networks": {"a": forged, "b": forged}},
            "backbone",
            tmp_path / "c.yaml",
            name="x",
        )


LITE = backbone_option("lite", SIZE)
HIDDEN = {**backbone_option("dinov2", SIZE), "weights": "/of/others.pth"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"networks": [LITE, HIDDEN]}, "networks must be settings of networks by their names"),
        ({"networks": {"a": LITE, "b": {"c": HIDDEN}}}, "must be settings of networks by"),
        ({"networks": {str(i): LITE for i in range(60)}}, "has 60 networks; 2 to 8"),
        ({"networks": {"a": LITE}}, "has 1 networks"),
        ({"shares": [HIDDEN, HIDDEN]}, r"shares\[0\] asks for .*from_timm"),
        ({"shares": {"networks": {"a": HIDDEN, "b": HIDDEN}}}, "shares.networks.a asks for"),
        ({"networks": {"a": LITE, "b": {**LITE, "pool": HIDDEN}}}, "b.pool asks for"),
    ],
    ids=["list", "deeper", "sixty", "one", "shares", "networks in shares", "in a member"],
)
def test_what_a_file_hides_in_several_is_refused_before_anything_is_built(
    changes: dict[str, Any], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "build", lambda *_, **__: pytest.fail("something was built"))
    settings = {**backbone_option(["lite", "dinov2"], SIZE), **changes}
    for name in ("config.yaml", "model.json"):
        checked = _with_weights(settings, tmp_path / "best.ckpt") if "yaml" in name else settings
        with pytest.raises(UserError, match=said):
            make_backbone(checked, SIZE, None, tmp_path / name, ())


def test_networks_of_a_file_without_what_holds_them_are_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="backbone names no factory"):
        make_backbone({"a": LITE, "b": HIDDEN}, SIZE, None, tmp_path / "config.yaml", ())


def test_a_checkpoint_is_of_these_networks_alone(tmp_path: Path) -> None:
    both = side()
    content = {"state_dict": {f"backbone.{k}": v for k, v in both.state_dict().items()}}
    file = tmp_path / "best.ckpt"
    torch.save({**content, "backbone": both.identity()}, file)
    other = side()
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
    load_checkpoint(torch.nn.ModuleDict({"backbone": other}), file)
    assert weights_hash(other) == weights_hash(both)
    turned = Several("vit+conv", dict(reversed(members().items())))
    with pytest.raises(UserError, match="not of the network that its run"):
        load_checkpoint(torch.nn.ModuleDict({"backbone": turned}), file)


def test_a_replica_network_finds_its_part_of_a_checkpoint(tmp_path: Path) -> None:
    own = random_model("resnet18", SIZE)
    both = Several("conv+replica_mini", {"conv": members()["conv"], "replica_mini": own})
    content = {"state_dict": {f"backbone.{k}": v for k, v in both.state_dict().items()}}
    file = tmp_path / "best.ckpt"
    torch.save({**content, "backbone": both.identity()}, file)
    found = replica("replica_mini", "avg", True, SIZE, "nowhere", str(file))
    assert found.model == "resnet18"
    assert weights_hash(found.network) == weights_hash(own.network)


def test_a_run_opens_its_checkpoint_and_fetches_nothing(tmp_path: Path) -> None:
    settings = backbone_option(["lite", "dinov2", "replica_mini"], SIZE)
    settings["networks"]["lite"]["weights"] = "/of/another.pth"
    found = _with_weights(settings, tmp_path / "best.ckpt")["networks"]
    assert found["lite"]["weights"] is None
    assert found["dinov2"]["weights"] is None
    assert found["dinov2"]["pretrained"] is False
    assert found["replica_mini"]["weights"] == str(tmp_path / "best.ckpt")


def test_index_and_search_take_a_list() -> None:
    for command, module in (("index", index), ("search", search)):
        arguments = ["backbone=[lite,dinov2]", "image_size=98", "out=x", "index=x"]
        given = as_texts(
            [a for a in arguments if command == "search" or a != "index=x"],
            module.TEXTS,
            module.LISTS,
        )
        values: Any = OmegaConf.to_container(compose(command, given))
        source = ModelChoice.of(values).source()
        assert source is not None
        assert source["backbone"] == backbone_option(["lite", "dinov2"], 98)


def test_an_index_makes_them_again(tmp_path: Path) -> None:
    source: dict[str, Any] = {
        "backbone": backbone_option(["lite", "dinov2"], SIZE),
        "image_size": SIZE,
        "reading": "areas",
        "flip": False,
        "crops": 0,
        "parts": LAYOUT,
    }
    vit = {"model": "test_vit", "pretrained": False}
    source["backbone"]["networks"]["dinov2"] |= vit
    save_source(tmp_path, source)
    model = model_of_index(tmp_path)
    coarse = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "0.png"), cv2.resize(coarse, (120, 90)))
    rows = model.vectors([tmp_path / "0.png"], "drawing")
    assert rows.shape == (1, model.dimensions)
    made = make_backbone(source["backbone"], SIZE, LAYOUT, tmp_path / "model.json", ())
    assert made.describe(SIZE)["transform"] == model.backbone.describe(SIZE)["transform"]
    source["backbone"]["networks"]["dinov2"]["weights"] = str(tmp_path / "x.pth")
    save_source(tmp_path, source)
    with pytest.raises(UserError, match=r"names a file of weights, .*x\.pth"):
        model_of_index(tmp_path)


def test_names_side_by_side_are_a_model() -> None:
    with pytest.raises(UserError, match="backbone=lote: did you mean lite"):
        load_model(["lite", "lote"])
