"""The model behind an index, made again from its checkpoint."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from torch.nn.functional import normalize

from drawsim.common.configuration import option
from drawsim.common.errors import UserError
from drawsim.models.adaptation import Adaptation
from drawsim.models.backbones.lite import lite
from drawsim.models.loading import make_reranker, rerank_settings
from drawsim.models.model import Model
from drawsim.models.sources import SOURCE, model_of_source
from drawsim.models.weights import weights_hash

SIZE = 64
PARTS = [[-1, 1]]
ADAPT: dict[str, Any] = {
    "axes": "own",
    "keep": None,
    "power": 0.5,
    "neighbours": 2,
    "learn": "none",
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with weights of its own, a layout, a mirrored mean and an adaptation."""
    folder = tmp_path_factory.mktemp("run")
    settings: Any = option("backbone", "lite", image_size=SIZE)
    adapt = {"name": "hubs", "_target_": "drawsim.models.adaptation.Adaptation", **ADAPT}
    config = {
        "image_size": SIZE,
        "backbone": settings,
        "layout": {"parts": PARTS},
        "adapt": {**adapt, "unlabelled": 9},
        "batch": {"flip": True},
        "aug": {},
        "data": {"max_pixels": 10**6},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    backbone, adaptation = parts()
    torch.save(
        {
            "state_dict": {
                **{f"backbone.{k}": v for k, v in backbone.state_dict().items()},
                **{f"adaptation.{k}": v for k, v in adaptation.state_dict().items()},
            }
        },
        _file(folder),
    )
    return folder


def _file(run: Path) -> Path:
    (run / "checkpoints").mkdir(exist_ok=True)
    return run / "checkpoints" / "best.ckpt"


def parts() -> tuple[Any, Adaptation]:
    """The network, a little moved, and an adaptation that is fitted; the same at every call."""
    backbone = lite("lite", "avg", freeze_norm=True)
    backbone.read_layout(PARTS, SIZE)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in backbone.parameters():
            parameter.mul_(1 + 0.05 * torch.rand(parameter.shape, generator=generator))
    adaptation = Adaptation(backbone.dimensions, **ADAPT)
    some = normalize(torch.rand(2, 12, backbone.dimensions, generator=generator), dim=2)
    adaptation.fit(some[0], some[1])
    return backbone.eval(), adaptation


def test_it_embeds_as_the_run_did(run: Path) -> None:
    model = Model.load(run)
    backbone, adaptation = parts()
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    pictures = [pixels, pixels[::-1]]
    images = torch.cat([model.look(each) for each in pictures])
    assert images.shape == (2, 3, SIZE, SIZE)
    with torch.no_grad():
        mean = normalize(backbone(images) + backbone(images.flip(3)), dim=1)
        drawings, artworks = adaptation(mean, mean)
    assert torch.allclose(model.vectors(pictures, "drawing"), drawings, atol=1e-5)
    assert torch.allclose(model.vectors(pictures, "artwork"), artworks, atol=1e-5)
    assert not torch.allclose(drawings, artworks, atol=1e-2)
    made_by = model.made_by(drawings.shape[1])
    assert made_by.weights_sha256 == backbone.describe(SIZE)["weights_sha256"]
    assert "mirrored" in made_by.transform
    assert made_by.adaptation == weights_hash(adaptation)
    assert made_by.reading == "areas averaged"


def test_a_run_that_has_moved_and_one_of_another_network(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"best\.ckpt: no checkpoint of a run\. Give one that lies"):
        model_of_source({"checkpoint": str(tmp_path / "checkpoints/best.ckpt")}, tmp_path / SOURCE)
    text = (run / "config.yaml").read_text()
    (tmp_path / "config.yaml").write_text(text)
    torch.save({"state_dict": {"backbone.network.x": torch.zeros(1)}}, _file(tmp_path))
    with pytest.raises(UserError, match="not of the network that its run's"):
        Model.load(tmp_path)


@pytest.mark.parametrize(
    ("group", "value"),
    [
        *(("data", {"max_pixels": value}) for value in (float("inf"), float("nan"), -1, 0, "x")),
        *(("layout", value) for value in (5, {"parts": 5}, {"parts": "x"})),
        ("rerank", 5),
    ],
)
def test_settings_that_cannot_be_are_a_line(
    run: Path, tmp_path: Path, group: str, value: object
) -> None:
    shutil.copytree(run, tmp_path / "run")
    file = tmp_path / "run" / "config.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | {group: value}))
    with pytest.raises(UserError, match=rf"config\.yaml: ({group}|data)") as error:
        Model.load(tmp_path / "run")
    assert "\n" not in str(error.value)


def test_what_a_run_left_out_is_left_out_of_its_model(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    settings = yaml.safe_load((run / "config.yaml").read_text())
    settings["rerank"] = rerank_settings(["spatial", "k_reciprocal"])
    (tmp_path / "run" / "config.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    whole = Model.load(tmp_path / "run")
    assert whole.adaptation is not None
    assert whole.rerank is not None
    assert whole.rerank.name == "spatial, k_reciprocal"
    file = _file(tmp_path / "run")
    content = torch.load(file, weights_only=True)
    kept = {k: v for k, v in content["state_dict"].items() if k.startswith("backbone.")}
    torch.save({"state_dict": kept, "left_out": ["adapted", "spatial"]}, file)
    model = Model.load(tmp_path / "run")
    assert model.adaptation is None
    assert model.rerank is not None
    assert model.rerank.name == "k_reciprocal"
    torch.save({**content, "left_out": "spatial"}, file)
    with pytest.raises(UserError, match="left_out must be names of stages"):
        Model.load(tmp_path / "run")


def test_a_run_of_before_names_its_way_of_re_ranking_beside_its_settings(
    run: Path, tmp_path: Path
) -> None:
    shutil.copytree(run, tmp_path / "run")
    settings = yaml.safe_load((run / "config.yaml").read_text())
    settings["rerank"] = {"name": "spatial", **rerank_settings("spatial")["spatial"], "depth": 7}
    (tmp_path / "run" / "config.yaml").write_text(yaml.safe_dump(settings))
    model = Model.load(tmp_path / "run")
    assert model.rerank is not None
    assert (model.rerank.name, model.rerank.depth) == ("spatial", 7)


def test_a_file_names_each_way_of_reranking_once(tmp_path: Path) -> None:
    own = rerank_settings("expansion")["expansion"]
    package, _, name = own["_target_"].rpartition(".")
    of_before = {**own, "_target_": f"drawsim.retrieval.{name}"}
    assert package != "drawsim.retrieval"
    for other in (own, of_before):
        with pytest.raises(UserError, match=r"rerank\.b comes twice"):
            make_reranker({"a": own, "b": other}, tmp_path / "model.json", ())
