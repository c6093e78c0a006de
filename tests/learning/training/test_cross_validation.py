"""How much of a head is kept: pairs that it did not see decide."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from drawsim.learning.losses.infonce import InfoNCELoss
from drawsim.learning.miners.base import listed
from drawsim.learning.training.cross_validation import STRENGTHS, HeldOut, cross_validate
from drawsim.learning.training.experiment import Experiment
from drawsim.learning.training.samples import nothing_chosen
from drawsim.retrieval.ranking import Relevance
from drawsim.retrieval.task import RetrievalTask
from tests.learning.tiny import axis_weights, tiny_adaptation, tiny_experiment, tiny_matcher

DRAWINGS, ARTWORKS = 36, 80


def few_pairs() -> RetrievalTask:
    """Drawing i echoes artwork i; 24 train, 6 are val, 6 are test."""
    rows = torch.arange(DRAWINGS)
    return RetrievalTask(
        drawings=[f"d{i}" for i in range(DRAWINGS)],
        artworks=[f"a{i}" for i in range(ARTWORKS)],
        queries={"train": rows[:24], "val": rows[24:30], "test": rows[30:]},
        train_pairs=torch.stack([rows[:24], rows[:24]], dim=1),
        positives=Relevance(rows, rows),
    )


def embedded(related: bool) -> tuple[Tensor, Tensor]:
    """Drawings and artworks that agree in the first two of six axes, if they are related."""
    generator = torch.Generator().manual_seed(0)
    drawings = 2 * torch.randn(DRAWINGS, 6, generator=generator)
    artworks = 2 * torch.randn(ARTWORKS, 6, generator=generator)
    if related:
        drawings[:, :2] = artworks[:DRAWINGS, :2]
    return normalize(drawings, dim=1), normalize(artworks, dim=1)


def judged(related: bool, memory: bool = False) -> tuple[HeldOut | None, Any]:
    torch.manual_seed(0)
    matcher = tiny_matcher(
        lr=2.0,
        in_batch_negatives=True,
        cross_batch_memory=memory,
        adaptation=tiny_adaptation(axes="own", keep=None, neighbours=None, learn="axes"),
        loss=InfoNCELoss(0.2),
    )
    matcher.backbone.freeze()
    matcher.__dict__["_trainer"] = SimpleNamespace(world_size=1)
    task = few_pairs()
    choice = nothing_chosen(DRAWINGS)._replace(own=listed(task.positives, DRAWINGS))
    data: Any = SimpleNamespace(
        task=task, choice=choice, batch_size=12, grouped=True, passes=1, seed=0
    )
    assert matcher.adaptation is not None
    with torch.no_grad():
        axis_weights(matcher.adaptation).fill_(0.5)
    return cross_validate(matcher, data, embedded(related), epochs=10), matcher


@pytest.mark.parametrize("memory", [False, True])
def test_a_head_that_helps_those_it_did_not_see_is_kept_whole(memory: bool) -> None:
    found, matcher = judged(related=True, memory=memory)
    assert found is not None
    assert found.strength == 1
    assert found.groups == len(found.mrr[0.0]) == 30  # no test drawing among them
    assert float((found.mrr[1.0] - found.mrr[0.0]).mean()) > 0.1
    said = found.decision("learnt")
    assert said.kept
    assert said.queries == 30
    assert said.with_it - said.without == pytest.approx(found.test.difference)
    assert said.why.startswith("at strength 1, cross-validated over 30 groups of pairs, p ")
    assert torch.equal(axis_weights(matcher.adaptation).detach(), torch.full((6,), 0.5))


def test_what_is_noise_is_not_kept() -> None:
    found, _ = judged(related=False)
    assert found is not None
    assert found.strength == 0
    said = found.decision("learnt")
    assert not said.kept
    assert said.why.startswith("so few pairs teach nothing that is surely better: cross-validated")


def test_a_gain_that_may_be_luck_is_none() -> None:
    base, rows = torch.full((8,), 0.5, dtype=torch.float64), torch.arange(8)
    sure = base + torch.tensor([0.1, 0.1, 0.1, 0.2, 0.1, 0.1, 0.0, 0.1])
    lucky = base + torch.tensor([0.5, -0.1, 0.4, 0.0, 0.3, -0.2, 0.0, -0.1])
    assert lucky.mean() > base.mean()
    assert HeldOut({0.0: base, 0.5: sure, 1.0: base}, rows).strength == 0.5
    assert HeldOut({0.0: base, 0.5: base, 1.0: lucky}, rows).strength == 0.0
    assert HeldOut({0.0: base, 0.5: sure, 1.0: base}, rows // 4).strength == 0.0  # of two groups


def with_a_head(folder: Path) -> Experiment:
    """An experiment on two validation drawings whose network is frozen."""
    adaptation = tiny_adaptation(learn="axes")
    matcher = tiny_matcher(lr=0.3, in_batch_negatives=True, adaptation=adaptation)
    matcher.backbone.freeze()
    return tiny_experiment(folder, matcher, keep="auto", decide="validation")


def test_too_few_groups_decide_nothing(tmp_path: Path) -> None:
    matcher = tiny_matcher(
        lr=0.3, in_batch_negatives=True, adaptation=tiny_adaptation(learn="axes")
    )
    matcher.backbone.freeze()
    experiment = tiny_experiment(tmp_path, matcher, keep="auto", decide="validation")
    baseline = experiment.baseline(resume=False)
    experiment.fit(resume=False)
    experiment.final(baseline)  # nine groups
    learnt = experiment.run.record["decisions"][-1]
    assert learnt["stage"] == "learnt"
    assert learnt["why"].startswith("as selected")
    assert experiment.run.record["best_epoch"] == 2


@pytest.mark.parametrize("strength", [0.0, 0.5])
def test_the_model_of_the_run_has_the_strength(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strength: float
) -> None:
    matcher = tiny_matcher(
        lr=0.3, in_batch_negatives=True, adaptation=tiny_adaptation(learn="axes")
    )
    matcher.backbone.freeze()
    experiment = tiny_experiment(tmp_path, matcher, keep="auto", decide="validation")
    better = torch.linspace(0.4, 0.9, 12, dtype=torch.float64)
    worse = better - 0.2
    own = {each: better if each == strength else worse for each in STRENGTHS}
    monkeypatch.setattr(
        "drawsim.learning.training.cross_validation.cross_validate",
        lambda *_: HeldOut(own, torch.arange(12)),
    )
    baseline = experiment.baseline(resume=False)
    experiment.fit(resume=False)
    last, best = experiment.checkpoints.last, experiment.checkpoints.best
    trained = torch.load(last, weights_only=True)["state_dict"]["adaptation.head.weights"]
    experiment.final(baseline)
    kept = torch.load(best, weights_only=True)["state_dict"]["adaptation.head.weights"]
    assert trained.any()
    torch.testing.assert_close(kept, strength * trained)
    record = experiment.run.record
    (learnt,) = [one for one in record["decisions"] if one["stage"] == "learnt"]
    assert learnt["kept"] == bool(strength)
    assert record["best_epoch"] == (2 if strength else 0)
    assert ("learnt" in record["stages"]) == bool(strength)
    assert (record["final"] == record["baseline"]) == (not strength)
