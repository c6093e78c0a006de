"""Evaluation and mining during a run, against embedding and sorting everything by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.nn.functional import normalize

from drawsim.collection.splits import Set
from drawsim.learning.miners.base import Remine
from drawsim.learning.training.experiment import Experiment
from drawsim.learning.training.module import Matcher
from drawsim.pixels.dataset import to_tensor
from drawsim.pixels.decode import read_image
from drawsim.pixels.transforms import resize
from drawsim.retrieval.embeddings import load_embeddings
from tests.learning.tiny import (
    ROUNDING,
    SIZE,
    tiny_adaptation,
    tiny_experiment,
    tiny_matcher,
    tiny_task,
    write_images,
)

OWN: dict[int, list[int]] = {}
for _query, _gallery in zip(
    tiny_task().positives.query.tolist(), tiny_task().positives.gallery.tolist(), strict=True
):
    OWN.setdefault(_query, []).append(_gallery)


def embed(matcher: Matcher, paths: list[Path]) -> np.ndarray:
    """Each image alone through the network."""
    matcher.eval()
    with torch.inference_mode():
        rows = [matcher(to_tensor(resize(read_image(p), SIZE))[None])[0] for p in paths]
    return torch.stack(rows).numpy()


def by_hand(drawings: np.ndarray, artworks: np.ndarray, queries: list[int]) -> dict[str, float]:
    """Some metrics of the run contract, by sorting the gallery for each query."""
    kept: dict[str, list[float]] = {"mrr": [], "map": [], "recall@5": [], "first_rank": []}
    for query in queries:
        order = np.argsort(-(artworks @ drawings[query])).tolist()
        ranks = sorted(order.index(artwork) + 1 for artwork in OWN[query])
        kept["mrr"].append(1 / ranks[0])
        kept["map"].append(float(np.mean([(j + 1) / r for j, r in enumerate(ranks)])))
        kept["recall@5"].append(sum(r <= 5 for r in ranks) / len(ranks))
        kept["first_rank"].append(ranks[0])
    return {name: float(np.mean(values)) for name, values in kept.items()}


def loss_by_hand(drawings: np.ndarray, artworks: np.ndarray, negatives: Tensor) -> float:
    losses = [
        max(0.0, float(drawings[q] @ artworks[n]) - float(drawings[q] @ artworks[p]) + 0.5)
        for q in (7, 8)
        for p in OWN[q]
        for n in negatives[q].tolist()
    ]
    return float(np.mean(losses))


class Look(pl.Callback):
    """Notes, after each epoch, what the others made of it and what the weights give by hand."""

    def __init__(self) -> None:
        self.experiment: Experiment | None = None
        self.epochs: list[dict[str, Any]] = []

    def on_validation_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert self.experiment is not None
        self.mined_before = self.experiment.data.choice.negatives.clone()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert self.experiment is not None
        evaluation = self.experiment.evaluation
        drawings, artworks = write_images(self.experiment.run.path.parent / "images")
        self.epochs.append(
            {
                "drawings": embed(self.experiment.module, drawings),
                "artworks": embed(self.experiment.module, artworks),
                "held": (evaluation.drawings.clone(), evaluation.artworks.clone()),
                "mined_before": self.mined_before,
                "mined": self.experiment.data.choice.negatives.clone(),
                "logged": {k: float(v) for k, v in trainer.callback_metrics.items()},
            }
        )
        pl_module.train()


def fitted(folder: Path, epochs: int = 3, remine: Remine = "every_epoch") -> tuple[Any, Look]:
    look = Look()
    experiment = tiny_experiment(
        folder, tiny_matcher(lr=0.3), max_epochs=epochs, remine=remine, callbacks=[look]
    )
    look.experiment = experiment
    experiment.baseline(resume=False)
    experiment.fit(resume=False)
    return experiment, look


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Experiment, Look]:
    return fitted(tmp_path_factory.mktemp("run"))


def test_the_baseline_is_the_untrained_model(tmp_path: Path) -> None:
    drawing_paths, artwork_paths = write_images(tmp_path / "images")
    untrained = tiny_matcher()
    drawings, artworks = embed(untrained, drawing_paths), embed(untrained, artwork_paths)
    experiment = tiny_experiment(tmp_path, tiny_matcher())
    found = experiment.baseline(resume=False)
    for rows, expected, kind in zip(
        found, (drawings, artworks), ("drawings", "artworks"), strict=True
    ):
        np.testing.assert_allclose(rows, expected, atol=ROUNDING)
        kept = load_embeddings(tmp_path / f"run/embeddings/baseline.{kind}.safetensors")
        assert torch.equal(kept.vectors, rows)
        assert kept.ids == getattr(tiny_task(), kind)
    record = experiment.run.record["baseline"]
    sets: dict[Set, list[int]] = {"train": list(range(7)), "val": [7, 8]}
    assert set(record) == set(sets)  # test waits for the end
    for name, queries in sets.items():
        expected_scores = by_hand(drawings, artworks, queries)
        shown = {k: record[name][k] for k in expected_scores}
        assert shown == pytest.approx(expected_scores, abs=1e-6)


def test_each_epoch_is_measured_with_its_weights(run: tuple[Experiment, Look]) -> None:
    experiment, look = run
    assert len(look.epochs) == 3
    table = pd.read_csv(experiment.run.path / "metrics.csv").set_index("epoch")
    for number, epoch in enumerate(look.epochs, start=1):
        drawings, artworks = epoch["held"]
        np.testing.assert_allclose(artworks, epoch["artworks"], atol=ROUNDING)
        seen = [*range(9), 11]
        np.testing.assert_allclose(drawings[seen], epoch["drawings"][seen], atol=ROUNDING)
        assert not drawings[[9, 10]].any()  # test drawings stay unseen while the model can change
        for name, queries in (("train", list(range(7))), ("val", [7, 8])):
            expected = by_hand(epoch["drawings"], epoch["artworks"], queries)
            logged = {key: epoch["logged"][f"{name}/{key}"] for key in expected}
            assert logged == pytest.approx(expected, abs=1e-6)
            written = {key: table.at[number, f"{name}/{key}"] for key in expected}
            assert written == pytest.approx(expected, abs=1e-6)
    assert not [column for column in table if str(column).startswith("test/")]
    assert len(set(table["val/map"])) > 1  # training changed something


def test_the_hardest_are_mined_anew_after_each_epoch(run: tuple[Experiment, Look]) -> None:
    _, look = run
    for epoch in look.epochs:
        scores = epoch["drawings"] @ epoch["artworks"].T
        for query in (*range(9), 11):
            allowed = [g for g in np.argsort(-scores[query]).tolist() if g not in OWN[query]]
            assert epoch["mined"][query].tolist() == allowed[:3]
        assert (epoch["mined"][[9, 10]] == -1).all()


def test_the_val_loss_is_that_of_the_negatives_trained_against(
    run: tuple[Experiment, Look],
) -> None:
    _, look = run
    for epoch in look.epochs:
        expected = loss_by_hand(epoch["drawings"], epoch["artworks"], epoch["mined_before"])
        assert epoch["logged"]["val/loss"] == pytest.approx(expected, abs=1e-5)


def test_tables_of_triplets_name_no_positive_as_negative(run: tuple[Experiment, Look]) -> None:
    experiment, look = run
    folder = experiment.run.path / "triplets"
    names = [f"epoch_{number:03d}.csv" for number in range(4)]
    assert sorted(path.name for path in folder.iterdir()) == names
    for number, name in enumerate(names):
        table = pd.read_csv(folder / name)
        # 9 train pairs (a style copy among them) and 3 val pairs, 3 negatives each
        assert table["set"].value_counts().to_dict() == {"train": 27, "val": 9}
        for row in table.to_dict("records"):
            drawing = int(row["drawing_id"][1:])
            assert int(row["positive_id"][1:]) in OWN[drawing]
            assert int(row["negative_id"][1:]) not in OWN[drawing]
            if number:
                mined = look.epochs[number - 1]["mined"][drawing].tolist()
                assert int(row["negative_id"][1:]) in mined


def test_mining_on_improvement_follows_the_thesis(tmp_path: Path) -> None:
    experiment, look = fitted(tmp_path, epochs=8, remine="on_improvement")
    best_loss, last_recall, kept = float("inf"), float("-inf"), 0
    for number, epoch in enumerate(look.epochs, start=1):
        loss = epoch["logged"]["val/loss"]
        recall = epoch["logged"]["val/recall@20"]
        improved = loss < best_loss or recall > last_recall
        best_loss, last_recall = min(loss, best_loss), recall
        assert (experiment.run.path / f"triplets/epoch_{number:03d}.csv").exists() == improved
        if not improved:
            kept += 1
            assert torch.equal(epoch["mined"], epoch["mined_before"])
    assert 0 < kept < 8  # both cases came up


@pytest.fixture(scope="module")
def adapted(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    """A run whose model adapts its embeddings, all stages."""
    return adapting(tmp_path_factory.mktemp("adapted"))


def adapting(folder: Path) -> Experiment:
    matcher = tiny_matcher(lr=0.3, adaptation=tiny_adaptation())
    experiment = tiny_experiment(folder, matcher, max_epochs=2, keep="last")
    baseline = experiment.baseline(resume=False)
    experiment.fit(resume=False)
    experiment.final(baseline)
    return experiment


SEEN = [*range(9), 11]
"""Drawings of train and val, a style copy among them."""


def by_hand_adapted(matcher: Matcher, folder: Path) -> Tensor:
    """(drawings, artworks) scores: images embedded one by one, adapted to train and val."""
    paths = write_images(folder)
    drawings, artworks = (torch.from_numpy(embed(matcher, of)).double() for of in paths)
    mean = artworks.mean(dim=0)
    _, spread, axes = torch.linalg.svd(artworks - mean, full_matrices=False)
    projection = axes.T[:, :4] / (spread[:4] / len(artworks) ** 0.5) ** 0.5
    centred = drawings - drawings[SEEN].mean(dim=0), artworks - mean
    queries, gallery = (normalize(rows @ projection, dim=1) for rows in centred)
    cosines = queries @ gallery.T
    hubs = cosines[SEEN].topk(2, dim=0).values.mean(dim=0)
    return (cosines - hubs / 2) / 2.5**0.5


def test_what_a_run_ranks_and_keeps_is_adapted(adapted: Experiment, tmp_path: Path) -> None:
    folder = adapted.run.path
    # the last epoch is kept, so that the network as it stands made the final embeddings
    for stage, matcher in (("baseline", tiny_matcher()), ("final", adapted.module)):
        kept = [
            load_embeddings(folder / f"embeddings/{stage}.{kind}s.safetensors").vectors
            for kind in ("drawing", "artwork")
        ]
        expected = by_hand_adapted(matcher, tmp_path)
        torch.testing.assert_close((kept[0] @ kept[1].T).double(), expected, atol=1e-4, rtol=0)
        scores = by_hand(kept[0].numpy(), kept[1].numpy(), [9, 10])
        shown = {k: adapted.run.record[stage]["test"][k] for k in scores}
        assert shown == pytest.approx(scores, abs=1e-6)
    made_by = adapted.module.model.describe()
    assert "4 principal axes" in made_by["adaptation"]


def test_the_checkpoint_holds_what_was_fitted(adapted: Experiment) -> None:
    kept = torch.load(adapted.checkpoints.best, weights_only=True)["state_dict"]
    assert bool(kept["adaptation.fitted"])
    fresh = tiny_matcher(adaptation=tiny_adaptation())
    fresh.load_state_dict(kept)
    rows = normalize(torch.randn(5, 6), dim=1)
    for one, other in zip(fresh.adapt(rows, rows), adapted.module.adapt(rows, rows), strict=True):
        assert torch.equal(one, other)


def test_test_drawings_take_no_part_in_the_fit(
    adapted: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changed(folder: Path) -> tuple[list[Path], list[Path]]:
        drawings, artworks = write_images(folder)
        for row in (9, 10):
            picture: Any = cv2.imread(str(drawings[row]))
            cv2.imwrite(str(drawings[row]), 255 - picture)
        return drawings, artworks

    monkeypatch.setattr("tests.learning.tiny.write_images", changed)
    other = adapting(tmp_path)
    one: Any = torch.load(adapted.checkpoints.best, weights_only=True)["state_dict"]
    two: Any = torch.load(other.checkpoints.best, weights_only=True)["state_dict"]
    assert all(torch.equal(one[name], two[name]) for name in one)
    stems = [e.run.path / "embeddings/baseline.drawings.safetensors" for e in (adapted, other)]
    rows = [load_embeddings(stem).vectors for stem in stems]
    same = [torch.equal(a, b) for a, b in zip(*rows, strict=True)]
    assert same == [row not in (9, 10) for row in range(12)]


def test_negatives_are_mined_among_adapted_rows(adapted: Experiment, tmp_path: Path) -> None:
    order = by_hand_adapted(adapted.module, tmp_path).argsort(dim=1, descending=True)
    for query in SEEN:
        allowed = [g for g in order[query].tolist() if g not in OWN[query]]
        assert adapted.data.choice.negatives[query].tolist() == allowed[:3]
