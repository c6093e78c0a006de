"""Random samples of a collection's drawings, the same for the same seed."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pandas as pd

from drawsim.common.errors import UserError, nearest
from drawsim.reporting.collection.counts import country_codes, country_name, filled, natural_order

COLUMNS = ("age_group", "country", "year")


@dataclass(frozen=True)
class Sampling:
    """What to sample: a grid of `rows` x `cols` drawings for each value of the column `by`.

    With `by` None there is one grid of all drawings. Of many values only the `groups` with most
    drawings are sampled. Raises UserError for settings that make no sense.
    """

    by: str | None
    rows: int
    cols: int
    groups: int
    seed: int

    def __post_init__(self) -> None:
        if self.by is not None and self.by not in COLUMNS:
            raise UserError(f"explore.sample.by={self.by}: {nearest(self.by, (*COLUMNS, 'null'))}")
        for name in ("rows", "cols", "groups"):
            if getattr(self, name) < 1:
                raise UserError(f"explore.sample.{name}={getattr(self, name)}: must be at least 1")


@dataclass(frozen=True)
class Sample:
    """Some drawings of a group: what the group is called, how many it has, which were drawn."""

    label: str
    total: int
    ids: list[str]


def draw_samples(drawings: pd.DataFrame, sampling: Sampling) -> list[Sample]:
    """The samples, in natural order of their groups; one of all if the column is missing.

    drawings: indexed by id. Each group has its own stream of random numbers, so that its sample
    does not depend on the other groups, nor on the order of the rows.
    """
    if sampling.by is None or sampling.by not in drawings.columns:
        return [_draw("all", "all drawings", drawings.index, sampling)]
    column = sampling.by
    values = country_codes(drawings) if column == "country" else filled(drawings, column)
    chosen = values.value_counts().sort_index().nlargest(sampling.groups, keep="first").index
    labels = {country_name(value) if column == "country" else value: value for value in chosen}
    return [
        _draw(labels[label], label, drawings.index[values == labels[label]], sampling)
        for label in natural_order(labels)
    ]


def _draw(name: str, label: str, ids: pd.Index[str], sampling: Sampling) -> Sample:
    rng = random.Random(f"{sampling.seed} {name}")
    count = min(len(ids), sampling.rows * sampling.cols)
    return Sample(label, len(ids), rng.sample(sorted(ids), count))
