"""Stages that lose are left out: judged on the right drawings, and everywhere the same after."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import normalize

from drawsim.common.errors import UserError
from drawsim.learning.training import decisions
from drawsim.learning.training.callbacks.checkpoints import SELECTED
from drawsim.learning.training.decisions import Decision, Judge, judge
from drawsim.learning.training.experiment import Experiment
from drawsim.learning.training.results import SecondLook
from drawsim.models.loading import stages_left_out
from drawsim.retrieval.embeddings import kind_path, load_embeddings
from drawsim.retrieval.reranking.base import Lists, Pictures
from drawsim.retrieval.reranking.chain import Chain
from drawsim.runs.folder import read_record
from tests.learning.tiny import (
    ARTWORKS,
    DRAWINGS,
    TinyNet,
    tiny_adaptation,
    tiny_experiment,
    tiny_matcher,
    tiny_task,
)

Way = tuple[tuple[Tensor, Tensor], SecondLook]


def way(seed: int) -> Way:
    """Random embeddings of the tiny task."""
    generator = torch.Generator().manual_seed(seed)
    drawings, artworks = (
        normalize(torch.randn(count, 6, generator=generator), dim=1)
        for count in (DRAWINGS, ARTWORKS)
    )
    return (drawings, artworks), SecondLook()


def plain_mrr(queries: list[int], vectors: tuple[Tensor, Tensor]) -> float:
    task, total = tiny_task(), 0.0
    for query in queries:
        own = set(task.positives.gallery[task.positives.query == query].tolist())
        order = (vectors[1] @ vectors[0][query]).argsort(descending=True).tolist()
        total += 1 / (1 + min(order.index(row) for row in own))
    return total / len(queries)


@given(first=st.integers(0, 500), second=st.integers(0, 500))
def test_a_stage_is_off_where_the_mean_is_lower(first: int, second: int) -> None:
    queries = [0, 3, 7, 8]
    before, after = way(first), way(second)
    found = judge(tiny_task(), "s", before, after, torch.tensor(queries), "these", False)
    without, with_it = plain_mrr(queries, before[0]), plain_mrr(queries, after[0])
    assert found.without == pytest.approx(without)
    assert found.with_it == pytest.approx(with_it)
    assert found.kept == (with_it >= without - 1e-9)
    assert found.low - 1e-9 <= with_it - without <= found.high + 1e-9
    assert found.queries == 4


def test_what_changes_nothing_is_kept() -> None:
    found = judge(tiny_task(), "s", way(1), way(1), torch.arange(7), "these", True)
    assert found.kept
    assert (found.low, found.high) == (0, 0)
    nothing = judge(tiny_task(), "s", way(1), way(2), torch.arange(0), "these", True)
    assert nothing.kept
    assert math.isnan(nothing.without)
    record = nothing.record()
    assert (record["without"], record["low"], record["why"]) == (
        None,
        None,
        "no drawing to judge it by",
    )


def test_what_surely_loses_on_few_drawings_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of these drawings fall from the first place: no interval of them reaches zero."""
    few = {**tiny_task().queries, "val": torch.arange(7)}
    task = dataclasses.replace(tiny_task(), queries=few)
    right = task.positives.gallery[
        [int((task.positives.query == q).nonzero()[0]) for q in range(7)]
    ]
    drawings, artworks = way(1)[0]
    best = drawings.clone()
    best[:7] = artworks[right]
    worst = drawings.clone()
    worst[:7] = -artworks[right]
    one = Judge(task, "validation")
    assert not one.enough
    assert one.keeps_learnt(
        "learnt", ((worst, artworks), SecondLook()), ((best, artworks), SecondLook())
    )
    assert not one.keeps_learnt(
        "learnt", ((best, artworks), SecondLook()), ((worst, artworks), SecondLook())
    )
    assert "below zero" in one.decisions[-1]["why"]
    assert one.left_out == ["learnt"]


@pytest.mark.parametrize(("enough", "on", "queries"), [(2, "validation", 2), (3, "training", 9)])
def test_validation_judges_alone_where_it_is_large_enough(
    enough: int, on: str, queries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "FEWEST", enough)
    one = Judge(tiny_task(), "validation")
    kept = one.keeps("adapted", way(1), way(2), trained=on == "validation")
    learnt = one.keeps_learnt("learnt", way(2), way(3))
    first, second = one.decisions
    assert first["judged_on"].startswith(on)
    assert (first["queries"], first["kept"]) == (queries, kept)
    assert first["before_training"] == (on == "training")
    assert (second["judged_on"], second["queries"]) == ("validation", 2)
    assert second["kept"] == learnt
    if on == "training":
        assert learnt == ("too few" in second["why"])
    again = Judge(tiny_task(), "validation")
    again.resume(one.decisions)
    assert again.decisions == [each for each in one.decisions if each["before_training"]]


def test_a_rule_that_is_none_is_refused() -> None:
    with pytest.raises(UserError, match="decide=test"):
        Judge(tiny_task(), "test")  # type: ignore[arg-type]
    assert not Judge(tiny_task(), "none").active


class Same:
    """A way that changes nothing."""

    looks = False
    says = "the same"

    def __init__(self, name: str) -> None:
        self.name = name
        self.depth = 5

    def scores(self, lists: Lists, pictures: Pictures | None = None) -> Tensor:
        return lists.scores


@pytest.fixture
def off(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The stages that lose, whatever the figures."""
    losing: list[str] = []
    own = judge

    def told(task: Any, stage: str, *rest: Any) -> Decision:
        found = own(task, stage, *rest)
        return Decision(**{**vars(found), "kept": stage not in losing})

    monkeypatch.setattr(decisions, "judge", told)
    return losing


def experiment(folder: Path, **changes: Any) -> Experiment:
    matcher = tiny_matcher(adaptation=tiny_adaptation())
    matcher.leave_out([])
    model = matcher.model
    links = Chain((Same("first"), Same("second")))
    matcher.model = type(model)(model.backbone, model.reading, model.flip, model.adaptation, links)
    return tiny_experiment(folder, matcher, decide="validation", **changes)


def done(one: Experiment, *, resume: bool = False) -> dict[str, Any]:
    baseline = one.baseline(resume=resume)
    one.fit(resume=resume)
    one.final(baseline)
    return read_record(one.run.path)


@pytest.mark.parametrize("enough", [2, 30])
def test_what_loses_is_left_out_of_model_files_and_figures(
    enough: int, off: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "FEWEST", enough)
    off += ["adapted", "second"]
    one = experiment(tmp_path, keep="last", max_epochs=1)
    record = done(one)
    told = {each["stage"]: each["kept"] for each in record["decisions"]}
    assert told == {"adapted": False, "learnt": True, "first": True, "second": False}
    early = [each["stage"] for each in record["decisions"] if each["before_training"]]
    assert early == ["adapted", *(["first", "second"] if enough == 30 else [])]
    model = one.module.model
    assert model.adaptation is None
    assert model.rerank is not None
    assert model.rerank.name == "first"
    assert stages_left_out(one.checkpoints.best) == ["adapted", "second"]
    assert list(record["stages"]) == ["untrained", "learnt", "first"]
    for stage in ("baseline", "final"):
        file = kind_path(one.run.path / "embeddings" / stage, "artwork")
        assert load_embeddings(file).vectors.shape[1] == TinyNet.num_features

    further = experiment(tmp_path, keep="last", max_epochs=2)
    further.run.record = record
    off.clear()  # what was decided before training stays as it is
    again = done(further, resume=True)
    now = {each["stage"]: each["kept"] for each in again["decisions"]}
    assert now["adapted"] is False
    assert now["second"] is (enough == 2)
    assert further.module.adaptation is None


def test_what_was_learnt_can_be_left_out(
    off: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "FEWEST", 2)
    off.append("learnt")
    one = experiment(tmp_path, keep="last", max_epochs=1)
    record = done(one)
    assert record["best_epoch"] == 0
    assert record["final"]["test"] == pytest.approx(record["baseline"]["test"])
    assert (one.checkpoints.folder / SELECTED).is_file()
    trained = torch.load(one.checkpoints.folder / SELECTED, weights_only=True)["state_dict"]
    kept = torch.load(one.checkpoints.best, weights_only=True)["state_dict"]
    assert any(not torch.equal(kept[name], trained[name]) for name in kept)

    off.clear()
    further = experiment(tmp_path, keep="last", max_epochs=2)
    further.run.record = record
    assert done(further, resume=True)["best_epoch"] == 2
    assert not (further.checkpoints.folder / SELECTED).exists()


def test_nothing_is_trained_where_all_that_would_be_is_left_out(
    off: list[str], tmp_path: Path
) -> None:
    off.append("adapted")
    matcher = tiny_matcher(adaptation=tiny_adaptation(learn="axes"))
    matcher.backbone.freeze()
    one = tiny_experiment(tmp_path, matcher, decide="validation")
    record = done(one)
    assert record["epochs"] == 0
    assert record["final"]["test"] == pytest.approx(record["baseline"]["test"])
