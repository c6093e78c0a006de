"""What a run measured, stage by stage: the plain network, adapted, re-ranked, trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Scores = Mapping[str, Mapping[str, float]]
"""Set -> metric -> value."""


@dataclass(frozen=True)
class Stage:
    """One stage: its name in `metrics.json`, what people call it, and set -> metric -> value."""

    name: str
    label: str
    scores: Scores


def stages(record: Mapping[str, Any]) -> list[Stage]:
    """The stages of a `metrics.json`, in the order in which each builds on the one before.

    `baseline`, `final`; where the record has `stages`, {stage: {set: metrics}} of the final model,
    these stand between: what they repeat of the other two is left out.
    """
    found = [Stage("baseline", "baseline", record.get("baseline") or {})]
    final = record.get("final") or {}
    for name, scores in (record.get("stages") or {}).items():
        if scores and scores not in (found[0].scores, final):
            found.append(Stage(name, name.replace("_", " "), scores))
    found.append(Stage("final", "final", final))
    return [stage for stage in found if stage.scores]
