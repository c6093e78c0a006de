"""What an index says of its model: kept beside it, read as data, nothing opened elsewhere."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import timm
import torch

from drawsim.common.configuration import option
from drawsim.common.errors import UserError
from drawsim.models.model import Model
from drawsim.models.sources import (
    SOURCE,
    Untrained,
    checkpoint_source,
    load_source,
    model_of_index,
    model_of_source,
    save_source,
)
from drawsim.workflows.index import ModelChoice


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A folder that looks like a run; nothing in it can be built."""
    folder = tmp_path / "run"
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "config.yaml").write_text("image_size: 64\n")
    torch.save({}, folder / "checkpoints" / "best.ckpt")
    return folder


def index(folder: Path, source: dict[str, Any]) -> Path:
    """An index, as far as its model goes."""
    folder.mkdir(exist_ok=True)
    (folder / SOURCE).write_text(json.dumps(source))
    return folder


def test_a_checkpoint_comes_along(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "INDEX"
    source = checkpoint_source(run, None)
    assert source == checkpoint_source(None, run / "checkpoints/best.ckpt")
    save_source(folder, source)
    shutil.rmtree(run)
    moved = folder.rename(tmp_path / "moved")
    kept = Path(load_source(moved)["checkpoint"])
    assert kept == moved / "model/checkpoints/best.ckpt"
    assert kept.is_file()
    assert (moved / "model/config.yaml").read_text() == "image_size: 64\n"
    save_source(moved, None)
    assert list(moved.iterdir()) == []
    with pytest.raises(UserError, match="does not say how its model is made"):
        load_source(moved)


def test_another_disk(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr("os.link", refuse)
    save_source(tmp_path / "INDEX", checkpoint_source(run, None))
    assert Path(load_source(tmp_path / "INDEX")["checkpoint"]).is_file()


@pytest.mark.parametrize("place", ["{run}/checkpoints/best.ckpt", "../run/checkpoints/best.ckpt"])
def test_a_checkpoint_elsewhere_is_not_opened(run: Path, tmp_path: Path, place: str) -> None:
    folder = index(tmp_path / "INDEX", {"checkpoint": place.format(run=run)})
    with pytest.raises(UserError, match="names a checkpoint outside of the index"):
        Model.load(folder)


def test_a_link_to_elsewhere_is_not_followed(run: Path, tmp_path: Path) -> None:
    folder = index(tmp_path / "INDEX", {"checkpoint": "model/checkpoints/best.ckpt"})
    (folder / "model").symlink_to(run)
    with pytest.raises(UserError, match="names a checkpoint outside of the index"):
        Model.load(folder)
    other = tmp_path / "other"
    (other / "checkpoints").mkdir(parents=True)
    (other / "checkpoints" / "best.ckpt").symlink_to(run / "checkpoints" / "best.ckpt")
    with pytest.raises(UserError, match="is a link to elsewhere"):
        Model.load(other)


@pytest.mark.parametrize(
    "changes",
    [
        {"weights": "/etc/passwd"},
        {"name": "replica_mini", "substitute": "/etc/passwd"},
        {"name": "../../etc/passwd", "substitute": "x"},
    ],
)
def test_files_of_weights_are_not_opened(changes: dict[str, str], tmp_path: Path) -> None:
    settings = option("backbone", "lite", image_size=64) | changes
    folder = index(tmp_path / "INDEX", {"backbone": settings, "image_size": 64, "reading": "areas"})
    with pytest.raises(UserError, match=r"which is not opened|did you mean|choose from"):
        model_of_index(folder)


def test_nothing_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    monkeypatch.setattr("drawsim.models.backbones.hub.hub_answers", lambda: asked.append(True))
    settings = {
        "_target_": "drawsim.models.backbones.timm_models.from_timm",
        "name": "x",
        "model": "mobilenetv3_small_050",
        "pool": "avg",
        "freeze_norm": True,
        "image_size": 64,
        "pretrained": True,
        "weights": None,
    }
    known = timm.get_pretrained_cfg("mobilenetv3_small_050")
    monkeypatch.setattr(known, "hf_hub_id", None)  # as of a model that another server has
    monkeypatch.setattr(timm, "get_pretrained_cfg", lambda *_, **__: known)
    folder = index(tmp_path / "INDEX", {"backbone": settings, "image_size": 64, "reading": "areas"})
    with pytest.raises(UserError, match="none are fetched because a file says so"):
        model_of_index(folder)
    assert asked == []


def test_an_untrained_backbone_is_told_as_it_embeds(tmp_path: Path) -> None:
    chosen = Untrained("lite", 64, "thesis", flip=True, crops=2, layout="grids")
    save_source(tmp_path, chosen.source())
    model = model_of_index(tmp_path)
    assert model.flip
    assert model.reading.crops == 2
    assert model.reading.method == "thesis"
    assert model.backbone.parts == [(-2, 4), (-1, 2)]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"image_size": 0}, "image_size=0: from 1 to"),
        ({"crops": 6}, "crops=6: from 0 to 5"),
        ({"crops": -1}, "crops=-1: from 0 to 5"),
        ({"reading": "area"}, "reading=area: did you mean areas"),
        ({"layout": "grid"}, "layout=grid: did you mean grids"),
        ({"name": "light"}, "backbone=light: did you mean lite"),
        ({"name": "timm"}, r"backbone=timm: leaves backbone\.model open"),
    ],
)
def test_what_a_backbone_cannot_be(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        Untrained(**{"name": "lite", **given}).source()


def test_one_model_is_chosen(run: Path) -> None:
    assert ModelChoice().source() is None
    with pytest.raises(UserError, match="run and backbone: give one of them"):
        ModelChoice(run=run, backbone=Untrained("lite")).source()
    with pytest.raises(UserError, match=r"no checkpoints/best\.ckpt in it"):
        ModelChoice(run=run / "checkpoints").source()
    with pytest.raises(UserError, match="no checkpoint of a run"):
        ModelChoice(checkpoint=run / "best.ckpt").source()
    values = {"run": str(run), "checkpoint": None, "backbone": None, "rerank": None, "trust": None}
    own = {
        **{"image_size": 224, "reading": "areas", "frames": "none"},
        **{"flip": True, "crops": 0, "layout": "none"},
    }
    with pytest.raises(UserError, match="flip: goes with backbone=NAME; leave it out"):
        ModelChoice.of({**values, **own})


@pytest.mark.parametrize("place", ["a\0b", "\ud800", "a" * 5000, "", None, 5])
def test_a_checkpoint_that_names_no_file_is_a_line(tmp_path: Path, place: object) -> None:
    with pytest.raises(UserError, match=rf"{SOURCE}: (checkpoint is a path that|damaged)"):
        Model.load(index(tmp_path / "INDEX", {"checkpoint": place}))


@pytest.mark.parametrize("values", [{"rerank": 5}, {"rerank": ["x"]}, {"parts": 5}, {"parts": {}}])
def test_settings_of_a_wrong_kind_are_a_line(tmp_path: Path, values: dict[str, Any]) -> None:
    source = Untrained("lite", 64).source() | values
    with pytest.raises(UserError, match=rf"{SOURCE}: (rerank must be|layout\.parts=)"):
        Model.load(index(tmp_path / "INDEX", source))


def test_what_is_none_of_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="says 'other', which is not read"):
        model_of_source({"other": 1}, tmp_path / SOURCE)
