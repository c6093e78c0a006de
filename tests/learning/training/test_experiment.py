"""The stages of a run: from a configuration, and where the network is frozen or adapted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor

from drawsim.common.configuration import compose
from drawsim.common.errors import UserError
from drawsim.common.launch import to_plain
from drawsim.learning.losses.infonce import InfoNCELoss
from drawsim.learning.training.callbacks.checkpoints import Keep
from drawsim.learning.training.experiment import Experiment
from drawsim.learning.training.module import Matcher
from drawsim.learning.training.samples import TripletSpec
from drawsim.models.trainer import settle_hardware
from drawsim.pixels.transforms import Augmentation, resize
from drawsim.reporting.run.page import write_report
from drawsim.retrieval.embeddings import load_embeddings
from drawsim.runs.folder import RunFolder
from drawsim.workflows.data import read_data
from drawsim.workflows.parts import make_parts
from drawsim.workflows.settings import TrainSettings
from tests.learning import tiny
from tests.learning.tiny import (
    CPU,
    NO_AUGMENTATION,
    ROUNDING,
    tiny_adaptation,
    tiny_experiment,
    tiny_matcher,
    write_images,
)

ARTWORKS = 40


@pytest.fixture
def gallery(tmp_path: Path) -> Path:
    """A folder with artworks and their table, no drawings, no pairs."""
    root = tmp_path / "gallery"
    root.mkdir()
    write_table(root, "artworks", [f"a{number}" for number in range(ARTWORKS)])
    return root


def write_table(root: Path, kind: str, names: list[str]) -> None:
    """A table and its images: soft random colours."""
    lines = ["id,path"]
    for seed, name in enumerate(names, 100 * len(kind)):
        coarse = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), np.uint8)
        cv2.imwrite(str(root / f"{name}.png"), cv2.resize(coarse, (40, 30)))
        lines.append(f"{name},{name}.png")
    (root / f"{kind}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


PAIRED, FREE = 12, 5


@pytest.fixture
def with_drawings(gallery: Path) -> Path:
    """The gallery, drawings of its first artworks, and some drawings of nobody knows what."""
    names = [f"d{number}" for number in range(PAIRED)]
    write_table(gallery, "drawings", [*names, *(f"free{number}" for number in range(FREE))])
    lines = ["drawing_id,artwork_id,pair", *(f"d{i},a{i},True" for i in range(PAIRED))]
    (gallery / "pairs.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return gallery


def configuration(
    root: Path, *overrides: str, view: str | None = "tests.learning.tiny.tinted"
) -> TrainSettings:
    """The settings of a run on a gallery with a trivial view and the tiny network.

    It is trained and no more, as far as nothing else is asked for.
    """
    chosen = {one.split("=")[0] for one in overrides}
    plainly = ("layout=none", "adapt=none", "rerank=none", "freeze=false")
    settings = [
        *(one for one in plainly if one.split("=")[0] not in chosen),
        *("data=folder", f"data.root={root}"),
        *([] if "pairs=annotated" in overrides else ["pairs=photographs", "pairs.views=12"]),
        *("aug=none", "image_size=24", "workers=0", "batch.size=6", "decide=none", *overrides),
    ]
    values = to_plain(compose("train", settings))
    if values["pairs"]["view"]:
        values["pairs"]["view"] = {"_target_": view, "_partial_": True} if view else None
    values["backbone"] = {"name": "tiny", "_target_": "tests.learning.tiny.tiny_backbone"}
    return TrainSettings.of({**values, "name": "tiny"})


def assemble(config: TrainSettings, folder: Path) -> tuple[Experiment, pd.DataFrame, Any]:
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
        decide=config.decide,
        trainer=settle_hardware(CPU | {"max_epochs": 2}),
        callbacks=[],
        loggers=[],
    )
    return experiment, split, collection


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["batch.grouped=false", "batch.in_batch_negatives=false", "val_loss=augmented",
         "protocol=thesis"],
        ["batch.cross_batch_memory=true", "batch.flip=true", "miner=none", "loss=infonce",
         "adapt=whiten", "adapt.keep=4", "val_loss=augmented"],
    ],
    ids=["plain", "thesis", "everything"],
)  # fmt: skip
def test_a_gallery_alone_is_enough(tmp_path: Path, gallery: Path, overrides: list[str]) -> None:
    config = configuration(gallery, *overrides)
    experiment, split, collection = assemble(config, tmp_path / "run")
    assert len(experiment.data.task.train_pairs) == 0
    assert split["set"].value_counts().to_dict() == {"val": 2, "test": 2}

    with experiment.run.recording({"study": "s", "name": "n", "monitor": "val/mrr"}, "new"):
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
    pictures = collection.paths("drawing", collection.drawings.index), collection.paths("artwork")
    page = write_report(experiment.run.path, *pictures)
    assert "(view)" in page.read_text(encoding="utf-8")


def test_queries_are_other_views_than_those_that_train(tmp_path: Path, gallery: Path) -> None:
    config = configuration(gallery, "pairs.views=40")
    experiment, split, collection = assemble(config, tmp_path / "run")
    row = int(collection.artworks.index.get_loc(split["artwork_id"][0]))
    asked = cv2.imread(str(collection.paths("drawing", split["drawing_id"][:1]).popitem()[1]))
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
        (
            ["batch.in_batch_negatives=false", "batch.cross_batch_memory=true"],
            r"batch\.cross_batch_memory=true needs batch\.in_batch_negatives",
        ),
    ],
)
def test_choices_that_do_not_exist_or_fit(
    tmp_path: Path, gallery: Path, overrides: list[str], message: str
) -> None:
    right = configuration(gallery)
    collection, split, _ = read_data(right, tmp_path / "run", write=True)
    with pytest.raises(UserError, match=message):
        make_parts(configuration(gallery, *overrides), collection, split)


def test_views_need_something_that_simulates_them(gallery: Path) -> None:
    with pytest.raises(UserError, match=r"pairs\.views needs pairs\.view"):
        configuration(gallery, view=None)


def test_drawings_without_pairs_are_fitted_to_and_nothing_else(
    tmp_path: Path, with_drawings: Path
) -> None:
    config = configuration(with_drawings, "pairs=annotated", "adapt=centre", "adapt.unlabelled=3")
    experiment, split, collection = assemble(config, tmp_path / "run")
    task = experiment.data.task
    free, unpaired = task.drawings[-5:-2], task.drawings[-2:]
    assert (task.unlabelled, task.unpaired) == (3, 2)
    assert sorted([*free, *unpaired]) == [f"free{number}" for number in range(5)]
    assert set(collection.drawings.index) == {*split["drawing_id"], *free, *unpaired}

    baseline = experiment.baseline(resume=False)
    experiment.fit(resume=False)
    experiment.final(baseline)
    asked = set(pd.read_csv(experiment.run.path / "ranks.csv")["drawing_id"])
    assert asked == {f"d{number}" for number in range(PAIRED)}
    for table in (experiment.run.path / "triplets").iterdir():
        assert not set(pd.read_csv(table)["drawing_id"]) & set(free)

    seen = [*split[split["set"] != "test"]["drawing_id"], *free]
    assert len(seen) == PAIRED - len(split[split["set"] == "test"]) + 3
    paths = collection.paths("drawing", seen)
    images = torch.stack([picture(paths[name]) for name in seen])
    experiment.module.eval()
    last = torch.load(experiment.checkpoints.last, weights_only=True)["state_dict"]
    experiment.module.load_state_dict(last)
    with torch.no_grad():
        rows = experiment.module(images)
    torch.testing.assert_close(last["adaptation.means"][0], rows.mean(dim=0))
    without = rows[:-3].mean(dim=0)
    assert not torch.allclose(last["adaptation.means"][0], without, atol=1e-4)


def picture(path: Path) -> Tensor:
    """As a network sees an image that is not augmented."""
    decoded: Any = cv2.imread(str(path))
    shown = resize(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), 24)
    return torch.from_numpy(shown).permute(2, 0, 1)


class Watch(pl.Callback):
    """Counts the images of each pass, and looks at the memory after each step."""

    def __init__(self) -> None:
        self.passes: list[int] = []
        self.memories: list[Tensor] = []

    def on_test_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.passes.append(0)

    def on_test_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, *_: Any
    ) -> None:
        self.passes[-1] += len(outputs["rows"])

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any
    ) -> None:
        memory: Any = pl_module.cross_batch_memory
        if memory is not None:
            self.memories.append(memory.clone())


def stages(folder: Path, matcher: Matcher, **settings: Any) -> tuple[Experiment, Watch]:
    watch = Watch()
    experiment = tiny_experiment(folder, matcher, callbacks=[watch], **settings)
    baseline = experiment.baseline(resume=False)
    experiment.fit(resume=False)
    experiment.final(baseline)
    return experiment, watch


def everything(matcher: Matcher, folder: Path) -> tuple[Tensor, Tensor]:
    """All drawings and all artworks, embedded in one go as the network stands."""
    matcher.eval()
    with torch.no_grad():
        drawings, artworks = (
            matcher(torch.stack([picture(path) for path in paths]))
            for paths in write_images(folder)
        )
    return drawings, artworks


ALL = tiny.DRAWINGS + tiny.ARTWORKS


@pytest.fixture(autouse=True)
def store_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test embeds, no other test has embedded."""
    monkeypatch.setattr("drawsim.models.embedding.store.user_cache", lambda: tmp_path / "cache")


@pytest.mark.parametrize("adapts", [False, True])
@pytest.mark.parametrize("keep", ["last", "best"])
def test_images_are_embedded_again_only_where_the_weights_are_others(
    tmp_path: Path, keep: Keep, adapts: bool
) -> None:
    adaptation = tiny_adaptation(learn="axes") if adapts else None
    matcher = tiny_matcher(lr=0.3 if keep == "last" else 0.0, adaptation=adaptation)
    experiment, watch = stages(tmp_path, matcher, keep=keep)
    # where nothing is learnt, the untrained model stays the best
    assert experiment.checkpoints.best_epoch == (2 if keep == "last" else 0)
    # all but the test drawings were embedded when the last epoch closed, or are in the store
    rest = len(experiment.data.task.queries["test"]) if keep == "last" else 1  # a pass has one
    assert watch.passes == [ALL, rest]

    made = matcher.adapt(*everything(matcher, tmp_path / "again"))
    for kind, rows in zip(("drawing", "artwork"), made, strict=True):
        path = experiment.run.path / f"embeddings/final.{kind}s.safetensors"
        torch.testing.assert_close(load_embeddings(path).vectors, rows, atol=ROUNDING, rtol=0)


def test_a_memory_of_a_frozen_network_never_goes_stale(tmp_path: Path) -> None:
    matcher = tiny_matcher(
        lr=0.5,
        in_batch_negatives=True,
        cross_batch_memory=True,
        adaptation=tiny_adaptation(learn="axes"),
        loss=InfoNCELoss(0.1),
    )
    matcher.backbone.freeze()
    plain = Augmentation(**NO_AUGMENTATION)
    experiment, watch = stages(tmp_path, matcher, keep="last", augmentation=plain)
    _, artworks = everything(matcher, tmp_path / "again")
    assert len(watch.memories) == 2 * 3
    for memory in watch.memories:
        torch.testing.assert_close(memory, artworks, atol=ROUNDING, rtol=0)
    last = torch.load(experiment.checkpoints.last, weights_only=True)["state_dict"]
    assert last["adaptation.head.weights"].any()
    for name, value in tiny_matcher().backbone.state_dict().items():
        assert torch.equal(last[f"backbone.{name}"], value), name


def test_no_epochs_measure_the_model_as_it_is(tmp_path: Path) -> None:
    matcher = tiny_matcher(adaptation=tiny_adaptation())
    matcher.backbone.freeze()  # nothing would train
    experiment, _ = stages(tmp_path, matcher, max_epochs=0)
    record = experiment.run.record
    assert (record["epochs"], record["best_epoch"]) == (0, 0)
    assert record["final"] == record["baseline"]
    assert "fit" not in record["seconds"]
    assert pd.read_csv(experiment.run.path / "metrics.csv")["epoch"].tolist() == [0]


def test_a_resumed_run_knows_the_gallery_before_adaptation(tmp_path: Path) -> None:
    """Which artworks are the same picture is asked of the network, whatever follows it."""
    first, _ = stages(tmp_path, tiny_matcher(lr=0.3, adaptation=tiny_adaptation()), max_epochs=1)
    _, untrained = everything(tiny_matcher(), tmp_path / "again")
    torch.testing.assert_close(first.mining.untrained, untrained, atol=ROUNDING, rtol=0)

    second = tiny_experiment(tmp_path, tiny_matcher(adaptation=tiny_adaptation()))
    vectors = second.baseline(resume=True)
    assert torch.equal(second.mining.untrained, first.mining.untrained)
    # while what it ranks is adapted
    kept = load_embeddings(first.run.path / "embeddings/baseline.artworks.safetensors").vectors
    assert torch.equal(vectors[1], kept)
    assert not torch.allclose(vectors[1], untrained, atol=0.1)
    plain = tiny_experiment(tmp_path / "plain", tiny_matcher())
    plain.baseline(resume=False)
    names = {path.name for path in (plain.run.path / "embeddings").iterdir()}
    assert not any("unadapted" in name for name in names)


def test_every_result_tells_how_far_hubs_and_known_artworks_crowd_it(tmp_path: Path) -> None:
    experiment, _ = stages(tmp_path, tiny_matcher(), max_epochs=1)
    record = json.loads((experiment.run.path / "metrics.json").read_text(encoding="utf-8"))
    ranks = pd.read_csv(experiment.run.path / "ranks.csv")
    trained = {f"a{row}" for row in [*range(7), 12]}
    for model in ("baseline", "final"):
        for name in ("train", "val", "test"):
            mine = ranks[(ranks["model"] == model) & (ranks["set"] == name)]
            tops = [json.loads(text)[:10] for text in mine["top_ids"]]
            share = np.mean([[artwork in trained for artwork in top] for top in tops])
            counts = [sum(f"a{i}" in top for top in tops) for i in range(tiny.ARTWORKS)]
            centred = np.array(counts) - np.mean(counts)
            expected = {
                "memorisation": share / (len(trained) / tiny.ARTWORKS),
                "hubness_skew": np.mean(centred**3) / np.mean(centred**2) ** 1.5,
            }
            assert record["diagnostics"][model][name] == pytest.approx(expected)
