"""What people judged, in training: artworks that are negatives, and artworks that are not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import normalize

from drawsim.learning.losses.contrastive import ContrastiveLoss
from drawsim.learning.losses.triplet import TripletCosineLoss
from drawsim.learning.miners.base import NOTHING, Miner, Snapshot
from drawsim.learning.miners.hardest import HardestNegatives
from drawsim.learning.miners.mixed import MixedNegatives
from drawsim.learning.miners.none import NoNegatives
from drawsim.learning.miners.random import RandomNegatives
from drawsim.learning.miners.rejected import rejected_first
from drawsim.learning.miners.semi_hard import SemiHardNegatives
from drawsim.learning.miners.thesis import ThesisNegatives
from drawsim.learning.training.experiment import Experiment
from drawsim.retrieval.ranking import Relevance
from tests.learning import tiny
from tests.learning.tiny import ARTWORKS, DRAWINGS, tiny_experiment, tiny_matcher, tiny_task

REJECTED = {(0, 5), (0, 6), (0, 7), (11, 5), (3, 2), (7, 9), (9, 1)}
UNDECIDED = {(0, 8), (3, 4), (7, 11), (7, 12)}


def relevance(pairs: set[tuple[int, int]]) -> Relevance:
    columns = torch.tensor(sorted(pairs), dtype=torch.int64).view(-1, 2)
    return Relevance(columns[:, 0], columns[:, 1])


def unit(rows: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return normalize(torch.randn(rows, 6, generator=generator), dim=1)


@settings(max_examples=80)
@given(
    seed=st.integers(0, 1000),
    count=st.integers(0, 6),
    judged=st.sets(st.tuples(st.integers(0, 4), st.integers(0, 19)), max_size=25),
    kept=st.integers(0, 6),
)
def test_the_nearest_rejected_ones_come_first_in_half_of_the_places(
    seed: int, count: int, judged: set[tuple[int, int]], kept: int
) -> None:
    drawings, artworks = unit(5, seed), unit(20, seed + 1)
    order = torch.randperm(20, generator=torch.Generator().manual_seed(seed))
    mined = order[:count].repeat(5, 1)
    mined[:, kept:] = NOTHING
    before = mined.clone()
    found = rejected_first(mined, drawings, artworks, relevance(judged))
    assert torch.equal(mined, before)
    for drawing in range(5):
        cosines = artworks @ drawings[drawing]
        own = sorted((a for d, a in judged if d == drawing), key=lambda a: -float(cosines[a]))
        first = own[: (count + 1) // 2]
        rest = [a for a in before[drawing].tolist() if a != NOTHING and a not in first]
        expected = [*first, *rest][:count]
        assert found[drawing].tolist() == expected + [NOTHING] * (count - len(expected))


def judged(folder: Path, miner: Miner, monkeypatch: pytest.MonkeyPatch, **more: Any) -> Experiment:
    """An experiment after its baseline, on the tiny task with judgements."""
    task = replace(tiny_task(), rejected=relevance(REJECTED), undecided=relevance(UNDECIDED))
    monkeypatch.setattr(tiny, "tiny_task", lambda: task)
    experiment = tiny_experiment(
        folder, more.pop("matcher", None) or tiny_matcher(), miner=miner, **more
    )
    experiment.baseline(resume=False)
    return experiment


MINERS: list[Miner] = [
    HardestNegatives(negatives=5, near_duplicate_similarity=0.999999),
    NoNegatives(),
    ThesisNegatives(nearest=11),
    SemiHardNegatives(negatives=4, margin=0.2),
    RandomNegatives(negatives=6, seed=0),
    MixedNegatives(negatives=5, start=0.5, end=1, epochs=3, seed=0),
]


@pytest.mark.parametrize("miner", MINERS, ids=lambda miner: type(miner).__name__)
def test_every_miner_takes_rejected_artworks_and_ignores_undecided_ones(
    tmp_path: Path, miner: Miner, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = judged(tmp_path, miner, monkeypatch, views=4)
    choice = experiment.data.choice
    assert choice.negatives.shape[1] == miner.negatives
    places = (miner.negatives + 1) // 2
    for drawing in [*range(9), 11]:  # those of train and val; test drawings are not mined
        negatives = set(choice.negatives[drawing].tolist()) - {NOTHING}
        rejected = {a for d, a in REJECTED if d == drawing}
        undecided = {a for d, a in UNDECIDED if d == drawing}
        assert len(negatives & rejected) >= min(places, len(rejected))
        assert not negatives & undecided
        assert set(choice.undecided[drawing].tolist()) - {NOTHING} == undecided
        assert not set(choice.own[drawing].tolist()) & (rejected | undecided)


def test_people_know_better_which_pictures_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    miner = HardestNegatives(negatives=5)
    mining = judged(tmp_path, miner, monkeypatch).mining
    mining.near_duplicate_similarity = 0.5  # of pictures that do not look alike otherwise
    mining.untrained = torch.eye(ARTWORKS)
    for artwork in (5, 8, 10):  # all look like the artwork of drawing 0
        mining.untrained[artwork] = mining.untrained[0]
    mining.mine(0)
    choice = mining.data.choice
    assert [row for row in choice.own[0].tolist() if row != NOTHING] == [0, 10]
    assert 5 in choice.negatives[0].tolist()
    assert not {8, 10} & set(choice.negatives[0].tolist())


@pytest.mark.parametrize("memory", [False, True])
def test_undecided_artworks_are_not_told_apart_where_artworks_are_shared(
    tmp_path: Path, memory: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    matcher = tiny_matcher(
        in_batch_negatives=True, cross_batch_memory=memory, loss=ContrastiveLoss(0.3, "mean")
    )
    miner = HardestNegatives(negatives=2)
    # In one batch: the pairs, and a view of every artwork, so that all artworks are candidates.
    more: dict[str, Any] = {"matcher": matcher, "views": 16, "batch_size": 99}
    experiment = judged(tmp_path, miner, monkeypatch, **more)
    tiny.as_process(experiment.data, 0, 1)
    [batch] = experiment.data.train_dataloader()
    sampler: Any = experiment.data.train_dataloader().batch_sampler
    specs = [spec for specs in sampler for spec in specs]
    matcher.__dict__["_trainer"] = SimpleNamespace(world_size=1)
    given: list[Any] = []
    loss: Any = matcher.loss
    loss.register_forward_pre_hook(lambda _, cosines: given.append(cosines[0]))
    matcher._terms(batch)
    listed = batch.artworks.flatten().tolist()
    for sample, spec in enumerate(specs):
        told_apart = {
            row for row, there in zip(listed, given[0].valid[sample], strict=False) if there
        }
        undecided = {a for d, a in UNDECIDED if d == spec.drawing}
        assert set(batch.undecided[sample].tolist()) - {NOTHING} == undecided
        own = set(batch.own[sample].tolist()) - {NOTHING}
        assert told_apart == set(range(ARTWORKS)) - own - undecided
    if memory:  # and nothing pulls at them either
        assert int(given[0].has_other.sum()) == sum(
            len(set(spec.own) - {NOTHING, spec.positive}) for spec in specs
        )


def test_the_val_loss_ignores_them_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loss = TripletCosineLoss(0.1, "mean")
    matcher = tiny_matcher(loss=loss, in_batch_negatives=True, cross_batch_memory=True)
    experiment = judged(tmp_path, HardestNegatives(negatives=2), monkeypatch)
    experiment.mining.module = matcher
    matcher.cross_batch_memory = torch.empty(0)
    drawings, artworks = unit(DRAWINGS, 1), unit(ARTWORKS, 2)
    experiment.evaluation.drawings, experiment.evaluation.artworks = drawings, artworks
    terms: list[float] = []
    for drawing, positive, own in ((7, 7, {7}), (8, 8, {8, 13}), (8, 13, {8, 13})):
        ignored = own | {a for d, a in UNDECIDED if d == drawing}
        near = float(drawings[drawing] @ artworks[positive])
        others = [row for row in range(ARTWORKS) if row not in ignored]
        terms += [max(0.0, float(drawings[drawing] @ artworks[a]) - near + 0.1) for a in others]
    expected = sum(terms) / len(terms)
    assert experiment.mining.val_loss() == pytest.approx(expected, abs=1e-6)


def test_without_judgements_negatives_are_the_miner_s_own(tmp_path: Path) -> None:
    miner = HardestNegatives(negatives=4)
    experiment = tiny_experiment(tmp_path, tiny_matcher(), miner=miner)
    experiment.baseline(resume=False)
    task, evaluation = tiny_task(), experiment.evaluation
    rows = task.rows(("train", "val"))
    mined = miner.mine(
        Snapshot(evaluation.drawings[rows], evaluation.artworks, task.relevant_to(rows), None, 0)
    )
    assert torch.equal(experiment.data.choice.negatives[rows], mined)
    assert experiment.data.choice.undecided.shape == (DRAWINGS, 0)
    tiny.as_process(experiment.data, 0, 1)
    batch = next(iter(experiment.data.train_dataloader()))
    assert batch.undecided.shape == (len(batch.own), 0)
