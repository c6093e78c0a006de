"""A layout that loses is left out, and all that follows is of the plain network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from drawsim.learning.losses.triplet import TripletCosineLoss
from drawsim.learning.training import decisions
from drawsim.learning.training.decisions import Decision, Judge, judge
from drawsim.learning.training.experiment import Experiment
from drawsim.learning.training.module import Matcher
from drawsim.learning.training.schedules import Constant
from drawsim.models.adaptation import Adaptation
from drawsim.models.backbones.timm_models import from_timm
from drawsim.models.loading import load_checkpoint, stages_left_out
from drawsim.retrieval.embeddings import kind_path, load_embeddings
from drawsim.retrieval.metrics.functions import query_metrics
from drawsim.runs.folder import read_record
from tests.learning.tiny import tiny_experiment, tiny_model, tiny_task

SIZE, PARTS = 64, [[-2, 4], [-1, 2]]


def matcher(layout: bool) -> Matcher:
    torch.manual_seed(0)
    backbone = from_timm("small", "test_efficientnet", "avg", True, SIZE, pretrained=False)
    if layout:
        backbone.read_layout(PARTS, SIZE)
    settings: Any = {"axes": "own", "keep": None, "power": 0.5, "neighbours": 2, "learn": "none"}
    shape: Any = {"decorrelate": 0.5, "parts": backbone.channels}
    return Matcher(
        model=tiny_model(backbone, adaptation=Adaptation(backbone.dimensions, **settings, **shape)),
        loss=TripletCosineLoss(0.2, "mean"),
        optimizer=lambda parameters: torch.optim.SGD(parameters, lr=0.05),
        schedule=Constant(),
        in_batch_negatives=True,
        cross_batch_memory=True,
        layer_decay=1,
        seed=0,
    )


def run(folder: Path, *, layout: bool, resume: bool = False, epochs: int = 1) -> Experiment:
    record = read_record(folder / "run") if resume else {}
    one = tiny_experiment(
        folder, matcher(layout), keep="last", decide="validation", max_epochs=epochs
    )
    one.run.record |= record
    baseline = one.baseline(resume=resume)
    one.fit(resume=resume)
    one.final(baseline)
    return one


def mrr(queries: Tensor, vectors: tuple[Tensor, Tensor]) -> float:
    return float(query_metrics(tiny_task().rank(queries, *vectors))["mrr"].double().mean())


@pytest.fixture
def losing(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The stages that lose, whatever the figures."""
    stages: list[str] = []

    def told(task: Any, stage: str, *rest: Any) -> Decision:
        found = judge(task, stage, *rest)
        return Decision(**{**vars(found), "kept": stage not in stages})

    monkeypatch.setattr(decisions, "judge", told)
    return stages


def test_without_it_a_run_is_that_of_the_plain_network(tmp_path: Path, losing: list[str]) -> None:
    losing.append("layout")
    found = run(tmp_path / "off", layout=True)
    plain = run(tmp_path / "plain", layout=False)
    assert found.judge.decisions[0]["stage"] == "layout"
    assert found.judge.decisions[1:] == plain.judge.decisions
    assert list(found.run.record["stages"]) == ["untrained", "adapted", "learnt"]
    assert stages_left_out(found.checkpoints.best) == ["layout"]
    for stage in ("baseline", "final", "unadapted"):
        for kind in ("drawing", "artwork"):
            ours, theirs = (
                load_embeddings(kind_path(one.run.path / "embeddings" / stage, kind))
                for one in (found, plain)
            )
            assert ours.ids == theirs.ids
            torch.testing.assert_close(ours.vectors, theirs.vectors, atol=1e-4, rtol=1e-3)
    load_checkpoint(matcher(layout=False), found.checkpoints.best)
    assert found.module.model.describe()["transform"] == plain.module.model.describe()["transform"]

    losing.clear()  # what was decided before training stays as it is
    further = run(tmp_path / "off", layout=True, resume=True, epochs=2)
    assert further.run.record["epochs"] == 2
    assert stages_left_out(further.checkpoints.best) == ["layout"]


def test_it_is_judged_as_it_is_used(tmp_path: Path) -> None:
    one = tiny_experiment(tmp_path, matcher(layout=True), decide="validation")
    one.module.plain_too = True
    vectors = one._embed("baseline")
    ways = one.evaluation.without_layout(one.module)
    queries = torch.cat([one.data.task.queries["train"], one.data.task.queries["val"]])
    without = max(mrr(queries, way) for way in ways)
    with_it = max(mrr(queries, way) for way in (one.evaluation.raw, vectors))
    one._decide_layout(vectors)
    [decision] = one.judge.decisions
    assert decision["without"] == pytest.approx(without)
    assert decision["with"] == pytest.approx(with_it)
    assert decision["kept"] == (with_it >= without)
    assert (decision["queries"], decision["before_training"]) == (9, True)
    assert decision["kept"] == bool(one.module.backbone.parts)


def test_the_best_of_several_ways_is_the_last_where_nobody_judges() -> None:
    none = tiny_task()
    none.queries.update({"train": torch.arange(0), "val": torch.arange(0)})
    first, last = ((torch.eye(12, 6), torch.eye(16, 6)) for _ in range(2))
    assert Judge(none, "validation").best([first, last]) is last
