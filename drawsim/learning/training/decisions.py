"""Which stages of ranking a model keeps: those that do not lose on drawings they are judged by.

With FEWEST drawings of validation or more, a stage is off where their mean reciprocal rank is lower
with it than without. With fewer, what looks at no pair (layout, adaptation, re-ranking) is judged
on drawings of training and validation together, and before training, which would know the former by
heart; what was learnt from pairs is then kept as it was selected, unless all of the interval of the
difference on the few is below zero. The layout is what an adaptation works on: with it and without,
it is judged by the better of both, adapted or not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from drawsim.common.errors import UserError, nearest
from drawsim.learning.training.callbacks.checkpoints import FEWEST
from drawsim.learning.training.results import SecondLook, Vectors
from drawsim.retrieval.analysis.statistics import paired_test
from drawsim.retrieval.metrics.functions import query_metrics
from drawsim.retrieval.task import RetrievalTask

Decide = Literal["validation", "none"]
METRIC = "mrr"
ROUNDING = 1e-9
"""Means that differ by less are equal."""


@dataclass(frozen=True)
class Decision:
    """Whether a stage is kept, and the figures that say so.

    without, with_it: mean reciprocal rank of the drawings that it was judged on, queries of them;
    low, high: 95 % interval of the difference. before: whether it was judged before training. why:
    what there is to say beside the figures. Figures are NaN where there was nothing to judge on.
    """

    stage: str
    kept: bool
    judged_on: str
    queries: int
    before: bool
    without: float = math.nan
    with_it: float = math.nan
    low: float = math.nan
    high: float = math.nan
    why: str = ""

    def record(self) -> dict[str, Any]:
        """As `decisions` of `metrics.json` has it: plain values, null where nothing is known."""
        figures = {
            "without": self.without,
            "with": self.with_it,
            "difference": self.with_it - self.without,
            "low": self.low,
            "high": self.high,
        }
        return {
            "stage": self.stage,
            "kept": self.kept,
            "metric": METRIC,
            **{name: None if math.isnan(value) else value for name, value in figures.items()},
            "queries": self.queries,
            "judged_on": self.judged_on,
            "before_training": self.before,
            "why": self.why,
        }


@dataclass
class Judge:
    """Decides about the stages of a run, one after the other; each is compared with those kept.

    decide: `none` keeps all that the settings name. decisions: those made so far, as records.
    """

    task: RetrievalTask
    decide: Decide
    decisions: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.decide not in get_args(Decide):
            raise UserError(f"decide={self.decide}: {nearest(self.decide, get_args(Decide))}")

    @property
    def active(self) -> bool:
        """Whether anything is judged."""
        return self.decide != "none"

    @property
    def enough(self) -> bool:
        """Whether there are drawings of validation enough to judge all stages by them."""
        return len(self.task.queries["val"]) >= FEWEST

    @property
    def left_out(self) -> list[str]:
        """The stages that are off."""
        return [str(one["stage"]) for one in self.decisions if not one["kept"]]

    def resume(self, decisions: Any) -> None:
        """Take up what was decided before training, from the record of the run."""
        self.decisions = [one for one in decisions or () if one["before_training"]]

    def keeps(
        self,
        stage: str,
        before: tuple[Vectors, SecondLook],
        after: tuple[Vectors, SecondLook],
        *,
        trained: bool,
    ) -> bool:
        """Decide about a stage, and note it. before, after: how lists are made without and with it.

        trained: whether by vectors after training: not with few drawings of validation.
        """
        queries = self._judges
        judged_on = "validation" if self.enough else "training and validation"
        one = judge(self.task, stage, before, after, queries, judged_on, not trained)
        self.decisions.append(one.record())
        return one.kept

    def best(self, ways: Sequence[Vectors]) -> Vectors:
        """Of several ways to embed, the one that ranks best for the drawings that judge."""
        if not len(self._judges):
            return ways[-1]
        plainly = SecondLook()
        of = [reciprocal_ranks(self.task, self._judges, way, plainly).mean() for way in ways]
        return ways[int(torch.stack(of).argmax())]

    @property
    def _judges(self) -> Tensor:
        """Rows of the drawings that judge what looks at no pair."""
        sets: tuple[Literal["train", "val"], ...] = ("val",) if self.enough else ("train", "val")
        return torch.cat([self.task.queries[name] for name in sets])

    def keeps_learnt(
        self, stage: str, before: tuple[Vectors, SecondLook], after: tuple[Vectors, SecondLook]
    ) -> bool:
        """Decide about what was learnt from pairs, which drawings of validation alone can judge."""
        if self.enough:
            return self.keeps(stage, before, after, trained=True)
        queries = self.task.queries["val"]
        one = judge(self.task, stage, before, after, queries, "validation", False)
        kept = not one.high < -ROUNDING  # nor is it lower where nothing is known
        few = f"as selected: too few drawings to judge what was learnt by, {FEWEST} are enough"
        why = few if kept else "few drawings, but all of the interval is below zero"
        self.decisions.append({**one.record(), "kept": kept, "why": why})
        return kept


def judge(
    task: RetrievalTask,
    stage: str,
    before: tuple[Vectors, SecondLook],
    after: tuple[Vectors, SecondLook],
    queries: Tensor,
    judged_on: str,
    before_training: bool,
) -> Decision:
    """Whether the mean reciprocal rank of queries, (Q,) rows of drawings, is no lower with a stage.

    judged_on: what the queries are, for people. A stage without queries is kept.
    """
    if not len(queries):
        why = "no drawing to judge it by"
        return Decision(stage, True, judged_on, 0, before_training, why=why)
    without, with_it = (reciprocal_ranks(task, queries, *way) for way in (before, after))
    test = paired_test((with_it - without).numpy())
    return Decision(
        stage,
        test.difference >= -ROUNDING,
        judged_on,
        len(without),
        before_training,
        float(without.mean()),
        float(with_it.mean()),
        test.low,
        test.high,
    )


def reciprocal_ranks(
    task: RetrievalTask, queries: Tensor, vectors: Vectors, look: SecondLook
) -> Tensor:
    """Of the first true artwork of each query that has one, float64."""
    ranking = task.rank(queries, *vectors, look.reranker, look.pictures)
    return query_metrics(ranking)[METRIC].double()
