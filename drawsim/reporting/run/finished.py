"""A finished run, and what its models are called among other runs.

A model is what a run's name says without its split and seed; its runs over splits and seeds are its
replicates. The untrained network that each run measured first is a model too, the baseline.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from drawsim.reporting.run.reading import Query, Ranking

STAGES = ("baseline", "final")


@dataclass(frozen=True)
class Run:
    """A finished run.

    origin: the parts of its study's place, innermost last. folder: where its files are, if it has
    any. scores: baseline (the plain untrained
    network), final -> set -> metric -> value. epochs: the rows of `metrics.csv`. queries: set ->
    ranked drawings; empty where only scores are known. called: what its model is called in place of
    what the run's name says. model, untrained: what it and its untrained network are called among
    other runs.
    """

    origin: tuple[str, ...]
    name: str
    settings: Mapping[str, Any]
    scores: Mapping[str, Mapping[str, Mapping[str, float]]]
    protocol: str
    gallery_size: int | None
    best_epoch: int | None
    epochs: Sequence[Mapping[str, float]]
    queries: Mapping[str, Sequence[Query]] = field(default_factory=dict)
    called: str = ""
    folder: Path | None = None
    model: str = ""
    untrained: str = ""

    @property
    def place(self) -> str:
        """The run's folder, or where else it is."""
        return str(Path(*self.origin, self.name))

    @property
    def split(self) -> str:
        """The name of its split."""
        return str(self.settings["split"]["name"])

    @property
    def seed(self) -> int:
        """Its seed."""
        return int(self.settings["seed"])

    @property
    def stem(self) -> str:
        """The name without split and seed, or what it is called."""
        if self.called:
            return self.called
        rest = self.name
        for part in (self.split, f"seed{self.seed}"):
            rest = re.sub(rf"(^|-){re.escape(part)}(?=-|$)", "", rest)
        return rest.strip("-") or self.name

    def rankings(self, stage: str, set_name: str) -> dict[str, Ranking]:
        """drawing id -> how one stage's model ranked the gallery for it."""
        found = {
            query.drawing_id: query.untrained if stage == "baseline" else query.final
            for query in self.queries.get(set_name, ())
        }
        return {drawing: ranking for drawing, ranking in found.items() if ranking is not None}


def with_labels(runs: Sequence[Run]) -> list[Run]:
    """The runs with names for their models: the stem, and the study where stems repeat."""
    studies: dict[str, set[tuple[str, ...]]] = {}
    for run in runs:
        studies.setdefault(run.stem, set()).add(run.origin)
    untrained = _untrained_labels(runs)
    labelled = []
    for run in runs:
        model = run.stem
        if len(studies[run.stem]) > 1:
            model = f"{tails(studies[run.stem])[run.origin]}/{run.stem}"
        labelled.append(replace(run, model=model, untrained=untrained[_untrained(run)]))
    return labelled


def tails(paths: Iterable[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """The last parts of each path, as many as tell them apart."""
    paths = list(paths)
    parts = 1
    while len({path[-parts:] for path in paths}) < len(paths):
        parts += 1
    return {path: "/".join(path[-parts:]) for path in paths}


def _untrained(run: Run) -> str:
    """What an untrained network's scores depend on besides the split."""
    settings = run.settings
    backbone = {k: v for k, v in settings["backbone"].items() if k != "freeze_norm"}
    how = [settings.get("image_size"), _reading(run)]
    return repr((backbone, how, settings.get("batch", {}).get("flip", False)))


def _reading(run: Run) -> str:
    """How images were read to be embedded; runs of before say it in `aug`."""
    exact = bool(run.settings.get("aug", {}).get("exact", False))
    return str(run.settings.get("reading") or ("thesis" if exact else "areas"))


def _untrained_labels(runs: Sequence[Run]) -> dict[str, str]:
    """`baseline` if all runs start from one network, else with its name, size, number."""
    first: dict[str, Run] = {}
    for run in runs:
        first.setdefault(_untrained(run), run)
    names = [str(run.settings["backbone"]["name"]) for run in first.values()]
    sized = [
        f"{name} {run.settings.get('image_size')} px"
        for name, run in zip(names, first.values(), strict=True)
    ]
    numbered = [f"{name} ({number})" for number, name in enumerate(sized, start=1)]
    if len(first) == 1:
        return dict.fromkeys(first, "baseline")
    chosen = next(c for c in (names, sized, numbered) if len(set(c)) == len(first))
    return {key: f"baseline {name}" for key, name in zip(first, chosen, strict=True)}


def natural(value: object) -> list[tuple[bool, int, str]]:
    """A key that sorts v2 before v10.

    >>> sorted(["v10", "v2", "a"], key=natural)
    ['a', 'v2', 'v10']
    """
    parts = re.findall("[0-9]+|[^0-9]+", str(value))
    return [(False, int(p), "") if p.isdecimal() else (True, 0, p) for p in parts]
