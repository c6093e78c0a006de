"""The mining callback: its policy, the val loss, same pictures, simulated views, the memory."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.nn.functional import normalize

from drawsim.learning.losses.contrastive import ContrastiveLoss
from drawsim.learning.losses.triplet import TripletCosineLoss
from drawsim.learning.miners.base import NOTHING, Miner
from drawsim.learning.miners.hardest import HardestNegatives
from drawsim.learning.miners.mixed import MixedNegatives
from drawsim.learning.miners.none import NoNegatives
from drawsim.learning.miners.random import RandomNegatives
from drawsim.learning.miners.semi_hard import SemiHardNegatives
from drawsim.learning.miners.thesis import ThesisNegatives
from drawsim.learning.training.callbacks.mining import Mining
from drawsim.learning.training.experiment import Experiment
from drawsim.learning.training.samples import EpochChoice, TripletSpec
from tests.learning import tiny
from tests.learning.tiny import (
    ARTWORKS,
    DRAWINGS,
    tiny_adaptation,
    tiny_experiment,
    tiny_matcher,
    tiny_task,
    write_images,
)

PAIRS = list(
    zip(tiny_task().positives.query.tolist(), tiny_task().positives.gallery.tolist(), strict=True)
)
OWN = {query: [a for q, a in PAIRS if q == query] for query in range(DRAWINGS)}
SAME = {2: 14, 5: 15}
"""Artworks that are given the picture of another one."""


@pytest.fixture
def twins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some artworks of the tiny collection are the same picture."""

    def write(folder: Path) -> tuple[list[Path], list[Path]]:
        drawings, artworks = write_images(folder)
        for one, other in SAME.items():
            shutil.copy(artworks[one], artworks[other])
        return drawings, artworks

    monkeypatch.setattr(tiny, "write_images", write)


def mined(folder: Path, **settings: Any) -> Experiment:
    """An experiment after its baseline."""
    matcher = settings.pop("matcher", None) or tiny_matcher()
    experiment = tiny_experiment(folder, matcher, **settings)
    experiment.baseline(resume=False)
    return experiment


@pytest.mark.parametrize("remine", ["every_epoch", "on_improvement"])
def test_what_counts_as_an_improvement(tmp_path: Path, remine: Any) -> None:
    mining = tiny_experiment(tmp_path, tiny_matcher(), remine=remine).mining
    told: dict[str, float] = {}
    module: Any = SimpleNamespace(log=lambda name, value, batch_size: told.update({name: value}))
    calls: list[tuple[int, bool]] = []
    script = SimpleNamespace(loss=0.0)
    mining.val_loss = lambda: script.loss  # type: ignore[method-assign]
    mining.mine = lambda epoch, *, pairs=True: calls.append((epoch, pairs))  # type: ignore[method-assign]

    epochs = [  # val loss, recall, whether that is an improvement
        (0.9, 0.5, True),  # the first there is
        (0.8, 0.4, True),  # a lower loss than ever
        (0.8, 0.4, False),  # the same again
        (0.85, 0.45, True),  # a higher recall than the epoch before, if not than ever
        (0.82, 0.45, False),  # a lower loss than before, but not than the lowest
        (0.9, 0.1, False),
        (0.9, 0.2, True),
        (0.7, 0.1, True),
    ]
    for number, (loss, recall, better) in enumerate(epochs):
        script.loss = loss
        mining.evaluation.live = {"val": {"recall@20": recall}}
        trainer: Any = SimpleNamespace(current_epoch=number, world_size=1)
        mining.on_validation_epoch_end(trainer, module)
        assert mining.improved == better, number
        assert told["val/loss"] == loss
        assert calls[-1] == (number + 1, better or remine == "every_epoch")
        assert mining.data.epoch == number + 1


class Beside(pl.Callback):
    """Notes the weights and the choice that each validation pass was made with."""

    def __init__(self) -> None:
        self.experiment: Experiment | None = None
        self.passes: list[dict[str, Any]] = []

    def on_validation_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert self.experiment is not None
        self.passes.append(
            {
                "choice": self.experiment.data.choice,
                "weights": {k: v.clone() for k, v in pl_module.state_dict().items()},
                "epoch": trainer.current_epoch,
            }
        )

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.passes[-1]["logged"] = float(trainer.callback_metrics["val/loss"])


@pytest.mark.parametrize("grouped", [True, False])
def test_the_augmented_val_loss_is_that_of_triplets_as_in_training(
    tmp_path: Path, grouped: bool
) -> None:
    look = Beside()
    experiment = mined(
        tmp_path, callbacks=[look], augmented_val=True, grouped=grouped, views=3, batch_size=2
    )
    look.experiment = experiment
    experiment.fit(resume=False)
    assert len(look.passes) == 2
    for made in look.passes:
        matcher = tiny_matcher().eval()
        matcher.load_state_dict(made["weights"])
        losses = []
        for number, (drawing, positive) in enumerate((q, a) for q, a in PAIRS if q in (7, 8)):
            negatives = made["choice"].negatives[drawing].tolist()
            spec = TripletSpec(made["epoch"], number, drawing, positive, tuple(negatives), (), 1)
            with torch.no_grad():
                anchor, own, *others = matcher(experiment.data.triplets[spec].images)
            losses += [max(0.0, float(anchor @ other - anchor @ own) + 0.5) for other in others]
        assert len(losses) == 9
        assert made["logged"] == pytest.approx(np.mean(losses), abs=1e-5)
    plain = experiment.mining.val_loss()
    assert abs(plain - look.passes[-1]["logged"]) > 1e-4  # it is another number


@pytest.mark.usefixtures("twins")
def test_the_same_picture_is_never_a_negative(tmp_path: Path) -> None:
    pairs: dict[int, list[int]] = {q: list(own) for q, own in OWN.items()}
    for own in pairs.values():
        own += [b for a, b in SAME.items() if a in own]
    everything: Any = {
        "views": 16,
        "miner": HardestNegatives(negatives=11, near_duplicate_similarity=0.999999),
    }
    choice = mined(tmp_path / "checked", **everything).data.choice
    for drawing, own in pairs.items():
        assert [row for row in choice.own[drawing].tolist() if row != NOTHING] == own
        assert not set(choice.negatives[drawing].tolist()) & set(own)
    twin = {**SAME, **{b: a for a, b in SAME.items()}}
    assert sorted(choice.views.tolist()) == list(range(ARTWORKS))
    for place, view in enumerate(choice.views.tolist()):
        own = [view, twin[view]] if view in twin else [view]
        assert [row for row in choice.view_own[place].tolist() if row != NOTHING] == own
        assert not set(choice.view_negatives[place].tolist()) & set(own)

    # Without the check, twins are told apart.
    everything["miner"] = HardestNegatives(negatives=11)
    choice = mined(tmp_path / "unchecked", **everything).data.choice
    place = choice.views.tolist().index(2)
    assert 14 in choice.view_negatives[place].tolist()
    assert choice.view_own[place].tolist() == [2]


@pytest.mark.usefixtures("twins")
@pytest.mark.parametrize("memory", [False, True])
def test_the_same_picture_is_masked_where_artworks_are_shared(tmp_path: Path, memory: bool) -> None:
    # In one batch: the pairs, and a view of every artwork, so that all artworks are candidates.
    matcher = tiny_matcher(in_batch_negatives=True, cross_batch_memory=memory)
    miner = HardestNegatives(negatives=2, near_duplicate_similarity=0.999999)
    experiment = mined(tmp_path, matcher=matcher, miner=miner, views=16, batch_size=99)
    tiny.as_process(experiment.data, 0, 1)
    [batch] = experiment.data.train_dataloader()
    matcher.__dict__["_trainer"] = SimpleNamespace(world_size=1)
    counted = matcher._terms(batch).counted
    rows = batch.artworks.flatten().tolist()
    if memory:  # everything is in the batch: no candidate comes from the memory
        assert counted.shape == (25, len(rows) + ARTWORKS)
        assert not counted[:, len(rows) :].any()
    for sample in range(25):
        mine = set(batch.own[sample].tolist())
        told_apart = {row for row, there in zip(rows, counted[sample], strict=False) if there}
        assert told_apart == set(range(ARTWORKS)) - mine
    twins = [set(own) & {2, 14} for own in batch.own.tolist()]
    assert twins.count({2, 14}) == 3  # the pair of drawing 2 and the views of both


def test_views_are_chosen_anew_each_epoch_and_never_told_apart_from_themselves(
    tmp_path: Path,
) -> None:
    look = Beside()
    experiment = mined(tmp_path, callbacks=[look], views=6, max_epochs=3)
    look.experiment = experiment
    experiment.fit(resume=False)
    choices: list[EpochChoice] = [*(made["choice"] for made in look.passes), experiment.data.choice]
    for epoch, choice in enumerate(choices):
        assert torch.equal(choice.views, experiment.data.choose_views(epoch))
        assert choice.view_negatives.shape == (6, 3)
        assert not (choice.view_negatives == choice.views[:, None]).any()
        assert (choice.view_negatives != NOTHING).all()
    assert len({tuple(choice.views.tolist()) for choice in choices}) == 4
    # the hardest to the artworks that are seen
    scores = experiment.evaluation.artworks @ experiment.evaluation.artworks.T
    scores.fill_diagonal_(-2)
    expected = scores[choices[-1].views].argsort(dim=1, descending=True)[:, :3]
    assert torch.equal(choices[-1].view_negatives, expected)
    samples = [spec for batch in sampler(experiment) for spec in batch]
    assert len(samples) == 9 + 6


def sampler(experiment: Experiment) -> Any:
    return experiment.data.train_dataloader().batch_sampler


def test_without_improvement_negatives_stay_and_views_do_not(tmp_path: Path) -> None:
    experiment = mined(tmp_path, views=6)
    before = experiment.data.choice
    evaluation = experiment.evaluation
    evaluation.drawings = evaluation.drawings[:, [1, 0, 2, 3, 4, 5]]  # as after another epoch
    experiment.mining.mine(1, pairs=False)
    after = experiment.data.choice
    assert torch.equal(after.negatives, before.negatives)
    assert torch.equal(after.own, before.own)
    assert torch.equal(after.views, experiment.data.choose_views(1))
    assert not torch.equal(after.views, before.views)
    tables = experiment.run.path / "triplets"
    assert [path.name for path in tables.iterdir()] == ["epoch_000.csv"]

    experiment.mining.mine(1)
    assert not torch.equal(experiment.data.choice.negatives, before.negatives)
    assert (tables / "epoch_001.csv").is_file()


@pytest.mark.parametrize("adapts", [False, True])
def test_the_memory_is_the_gallery_before_adaptation(tmp_path: Path, adapts: bool) -> None:
    adaptation = tiny_adaptation() if adapts else None
    matcher = tiny_matcher(in_batch_negatives=True, cross_batch_memory=True, adaptation=adaptation)
    experiment = mined(tmp_path, matcher=matcher)
    paths = [Path(path) for path in experiment.data.triplets.paths["artwork"]]
    images = torch.stack([experiment.data.images[row][0] for row in range(len(paths))])
    matcher.eval()
    with torch.no_grad():
        torch.testing.assert_close(matcher.cross_batch_memory, matcher(images))
    assert matcher.cross_batch_memory is not None
    held = experiment.evaluation.gallery.clone()
    matcher.cross_batch_memory[:] = 0  # training writes into it, evaluation must not see that
    assert torch.equal(experiment.evaluation.gallery, held)


@pytest.mark.parametrize("memory", [False, True])
@pytest.mark.parametrize("loss", [TripletCosineLoss(0.1, "mean"), ContrastiveLoss(0.3, "mean")])
def test_the_val_loss_by_hand(tmp_path: Path, memory: bool, loss: Any) -> None:
    matcher = tiny_matcher(loss=loss, in_batch_negatives=memory, cross_batch_memory=memory)
    experiment = mined(tmp_path, matcher=matcher)
    drawings, artworks = spread(DRAWINGS, 1), spread(ARTWORKS, 2)
    experiment.evaluation.drawings, experiment.evaluation.artworks = drawings, artworks
    negatives = experiment.data.choice.negatives.clone()
    negatives[7, 1:] = NOTHING  # one that has fewer
    experiment.data.choice = experiment.data.choice._replace(negatives=negatives)
    terms: list[float] = []
    for drawing, positive in ((7, 7), (8, 8), (8, 13)):
        rows = [row for row in negatives[drawing].tolist() if row != NOTHING]
        if memory:
            rows = [row for row in range(ARTWORKS) if row not in OWN[drawing]]
        far = [float(drawings[drawing] @ artworks[row]) for row in rows]
        near = float(drawings[drawing] @ artworks[positive])
        if isinstance(loss, TripletCosineLoss):
            terms += [max(0.0, cosine - near + 0.1) for cosine in far]
            continue
        others = [row for row in OWN[drawing] if row != positive]
        terms += [1 - near, *(1 - float(drawings[drawing] @ artworks[row]) for row in others)]
        terms += [max(0.0, cosine - 0.3) for cosine in far]
    assert experiment.mining.val_loss() == pytest.approx(np.mean(terms), abs=1e-6)


def spread(rows: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return normalize(torch.randn(rows, 6, generator=generator), dim=1)


EVERY_MINER: list[Miner] = [
    HardestNegatives(negatives=3, near_duplicate_similarity=0.999999),
    NoNegatives(near_duplicate_similarity=0.999999),
    ThesisNegatives(nearest=5),
    SemiHardNegatives(negatives=3, margin=0.2),
    RandomNegatives(negatives=3, seed=0, near_duplicate_similarity=0.999999),
    MixedNegatives(negatives=3, start=0, end=1, epochs=3, seed=0),
]


@pytest.mark.parametrize("views", [0, 4])
@pytest.mark.parametrize("miner", EVERY_MINER, ids=lambda miner: type(miner).__name__)
def test_every_miner_serves_pairs_and_views(tmp_path: Path, miner: Miner, views: int) -> None:
    experiment = tiny_experiment(tmp_path, tiny_matcher(), miner=miner, views=views)
    mining: Mining = experiment.mining
    mining.evaluation.drawings, mining.evaluation.artworks = (
        spread(DRAWINGS, 1),
        spread(ARTWORKS, 2),
    )
    mining.start(mining.evaluation.artworks)
    mining.mine(0)
    choice = experiment.data.choice
    assert choice.negatives.shape == (DRAWINGS, miner.negatives)
    assert choice.view_negatives.shape == (views, miner.negatives)
    assert choice.view_own.tolist() == [[row] for row in choice.views.tolist()]
    tiny.as_process(experiment.data, 0, 1)
    samples = [spec for batch in sampler(experiment) for spec in batch]
    assert len(samples) == 9 + views
    for spec in samples:
        assert not set(spec.negatives) & (set(spec.own) - {NOTHING})


def test_state_goes_on_where_it_was(tmp_path: Path) -> None:
    first = mined(tmp_path / "first")
    first.mining.best_loss, first.mining.last_recall = 0.25, 0.75
    second = tiny_experiment(tmp_path / "second", tiny_matcher())
    second.mining.load_state_dict(first.mining.state_dict())
    assert (second.mining.best_loss, second.mining.last_recall) == (0.25, 0.75)
