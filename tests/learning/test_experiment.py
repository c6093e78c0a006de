"""The stages of a run from a configuration, on what other tests do not have: a gallery alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import hydra
import numpy as np
import pandas as pd
import pytest
from omegaconf import DictConfig, OmegaConf

from drawsim.errors import UserError
from drawsim.launch import config_folder
from drawsim.learning.experiment import Experiment
from drawsim.learning.samples import TripletSpec
from drawsim.learning.trainer import settle_hardware
from drawsim.reporting.run_page import write_report
from drawsim.runs import RunFolder
from drawsim.train import make_parts, read_data
from tests.learning.tiny import CPU

ARTWORKS = 40


@pytest.fixture
def gallery(tmp_path: Path) -> Path:
    """A folder with artworks and their table, no drawings, no pairs."""
    root = tmp_path / "gallery"
    root.mkdir()
    lines = ["id,path"]
    for number in range(ARTWORKS):
        coarse = np.random.default_rng(number).integers(0, 256, (4, 5, 3), np.uint8)
        cv2.imwrite(str(root / f"{number}.png"), cv2.resize(coarse, (40, 30)))
        lines.append(f"a{number},{number}.png")
    (root / "artworks.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


def configuration(root: Path, *overrides: str, view: str = "tests.learning.tiny.tinted") -> Any:
    """The settings of a run on a gallery with a trivial view and the tiny network."""
    settings = [
        *("data=folder", f"data.root={root}", "pairs=photographs", "pairs.views=12"),
        *("aug=none", "image_size=24", "workers=0", "batch.size=6", *overrides),
    ]
    with hydra.initialize_config_dir(str(config_folder()), version_base="1.3"):
        config = hydra.compose("train", settings)
    OmegaConf.set_struct(config, False)
    config.pairs.view = {"_target_": view, "_partial_": True}
    config.backbone = {"name": "tiny", "_target_": "tests.learning.tiny.tiny_backbone"}
    return config


def assemble(config: DictConfig, folder: Path) -> tuple[Experiment, pd.DataFrame, Any]:
    run = RunFolder(folder)
    collection, split, skipped = read_data(config, run.path, write=True)
    data, miner, module = make_parts(config, collection, split)
    run.describe(0, split, skipped)
    experiment = Experiment.assemble(
        module,
        data,
        miner,
        run,
        monitor=config.monitor,
        keep=config.keep,
        protocol=config.protocol,
        trainer=settle_hardware(CPU | {"max_epochs": 2}),
        callbacks=[],
        loggers=[],
    )
    return experiment, split, collection


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["batch.grouped=false", "batch.share=false", "val_loss=augmented", "protocol=thesis"],
        ["batch.memory=true", "batch.flip=true", "miner=none", "loss=infonce", "adapt=whiten",
         "adapt.keep=4", "val_loss=augmented"],
    ],
    ids=["plain", "thesis", "everything"],
)  # fmt: skip
def test_a_gallery_alone_is_enough(tmp_path: Path, gallery: Path, overrides: list[str]) -> None:
    config = configuration(gallery, *overrides)
    experiment, split, collection = assemble(config, tmp_path / "run")
    assert len(experiment.data.task.train_pairs) == 0
    assert split["set"].value_counts().to_dict() == {"val": 2, "test": 2}

    with experiment.run.recording({"study": "s", "name": "n", "monitor": "val/mrr"}, resume=False):
        baseline = experiment.baseline(resume=False)
        untrained = {k: v.clone() for k, v in experiment.module.state_dict().items()}
        experiment.fit(resume=False)
        experiment.final(baseline)
    trained = experiment.module.state_dict()
    assert experiment.trainer.global_step >= 2 * 12 / 6
    if experiment.checkpoints.best_epoch:
        changed = [k for k in untrained if not untrained[k].equal(trained[k])]
        assert "backbone.network.0.weight" in changed
    record = experiment.run.record
    assert record["gallery_size"] == ARTWORKS
    for model in ("baseline", "final"):
        for name in ("val", "test"):
            assert 0 < record[model][name]["mrr"] <= 1
        assert "mrr" not in record[model]["train"]  # there is nobody to ask about
    epochs = pd.read_csv(experiment.run.path / "metrics.csv")
    assert epochs["epoch"].tolist() == [0, 1, 2]
    assert epochs[["val/mrr", "val/loss"]].notna().all(axis=None)
    ranks = pd.read_csv(experiment.run.path / "ranks.csv")
    assert set(ranks["drawing_id"]) == set(split["drawing_id"])
    pictures = collection.drawing_paths(collection.drawings.index), collection.artwork_paths()
    page = write_report(experiment.run.path, *pictures)
    assert "(view)" in page.read_text(encoding="utf-8")


def test_queries_are_other_views_than_those_that_train(tmp_path: Path, gallery: Path) -> None:
    config = configuration(gallery, "pairs.views=40")
    experiment, split, collection = assemble(config, tmp_path / "run")
    row = int(collection.artworks.index.get_loc(split["artwork_id"][0]))
    asked = cv2.imread(str(collection.drawing_paths(split["drawing_id"][:1]).popitem()[1]))
    for pair in range(3):
        spec = TripletSpec(0, pair, -1, row, (), (row,), 1)
        shown = experiment.data.triplets[spec].images[0].permute(1, 2, 0).numpy()
        assert not np.array_equal(shown, cv2.cvtColor(asked, cv2.COLOR_BGR2RGB))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["protocol=thesys"], r"protocol=thesys: did you mean thesis"),
        (["val_loss=augmentd"], r"val_loss=augmentd: did you mean augmented"),
        (["pairs.queries=simulate"], r"pairs\.queries=simulate: did you mean simulated"),
        (["pairs.views=0"], r"pairs\.passes=0 and pairs\.views=0: there is nothing to train on"),
        (["batch.share=false", "batch.memory=true"], r"batch\.memory=true needs batch\.share"),
    ],
)
def test_choices_that_do_not_exist_or_fit(
    tmp_path: Path, gallery: Path, overrides: list[str], message: str
) -> None:
    right = configuration(gallery)
    collection, split, _ = read_data(right, tmp_path / "run", write=True)
    with pytest.raises(UserError, match=message):
        make_parts(configuration(gallery, *overrides), collection, split)


def test_views_need_something_that_simulates_them(tmp_path: Path, gallery: Path) -> None:
    config = configuration(gallery)
    collection, split, _ = read_data(config, tmp_path / "run", write=True)
    config.pairs.view = None
    with pytest.raises(UserError, match=r"pairs\.views needs pairs\.view"):
        make_parts(config, collection, split)
