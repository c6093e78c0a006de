"""What a run measured, stage by stage, from the untrained network to the final model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drawsim.common.words import counted

Scores = Mapping[str, Mapping[str, float]]
"""Set -> metric -> value."""

LABELS = {"baseline": "untrained", "final": "trained"}
"""What people call the two models of a run that has no further stages."""
MEANINGS = {
    "untrained": "the plain network",
    "layout": "it reads what is where in a picture",
    "adapted": "drawings and artworks are brought nearer to each other, without any pair",
    "transferred": "it begins with what another run has learnt (init)",
    "learnt": "from the training pairs",
    "re-ranked": "the first of each list are looked at again",  # as runs of before call it
    "spatial": "the first of each list, picture by picture: do their parts agree on a place",
    "expansion": "the first of each list by a query moved towards what it found first",
    "k_reciprocal": "the first of each list by the neighbours that they share with the query",
}
"""What each stage adds to those before it."""


@dataclass(frozen=True)
class Stage:
    """One stage: its name in `metrics.json`, what people call it, and set -> metric -> value."""

    name: str
    label: str
    scores: Scores

    @property
    def meaning(self) -> str:
        """What it adds to the stages before it; empty where the label says it all."""
        return MEANINGS.get(self.name, "")


def stages(record: Mapping[str, Any]) -> list[Stage]:
    """The stages of a `metrics.json`, in the order in which each builds on the one before.

    Those of its `stages`, {stage: {set: metrics}}, from the plain network to the final model; where
    it has none, `baseline` and `final`, as far as they are there.
    """
    chain = record.get("stages") or {name: record.get(name) for name in ("baseline", "final")}
    found = [Stage(name, LABELS.get(name, name), scores or {}) for name, scores in chain.items()]
    return [stage for stage in found if stage.scores]


def measured(record: Mapping[str, Any]) -> dict[str, Scores]:
    """All that a `metrics.json` has scores of, by name: `baseline` and `final`, and its stages."""
    named = {name: record.get(name) for name in ("baseline", "final")}
    every = {**named, **(record.get("stages") or {})}
    return {name: scores for name, scores in every.items() if scores}


def learnt_nothing(record: Mapping[str, Any]) -> tuple[str, str] | None:
    """That nothing was learnt in a run, and why, in two sentences; None where it is not so."""
    few = record.get("too_few_pairs")
    if few is not None and not record.get("epochs"):
        few_pairs = counted(int(few), "training pair").capitalize()
        before = "what it began with" if "init" in record else "as it was published"
        if not few:
            return "No pair is confirmed.", f"The network stayed {before}."
        return (
            "The network learnt nothing from pairs.",
            f"{few_pairs} would teach it less than it forgets (freeze_below), so it stayed "
            f"{before}.",
        )
    if record.get("best_epoch") != 0 or record.get("epochs") == 0 or "keep" in record:
        return None
    first = "model it began with" if "init" in record else "untrained model"
    return (
        "Nothing was learnt that is better.",
        f"No epoch beat the {first} on {record.get('monitor')}: it was kept.",
    )
