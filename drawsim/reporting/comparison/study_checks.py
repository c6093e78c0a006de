"""What a run must be for a study's archive: what the comparison of others is computed from.

So that nobody has to believe a score: those that ranks decide are computed from them again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeGuard

from drawsim.reporting.comparison.results import query_scores
from drawsim.reporting.comparison.study_format import LONGEST
from drawsim.reporting.run.finished import STAGES, Run
from drawsim.reporting.run.reading import Ranking
from drawsim.retrieval.metrics import registry
from drawsim.retrieval.metrics.metric import Unit
from drawsim.retrieval.metrics.thesis_protocol import NOT_FOUND

STRANGE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What values of another kind than they should be raise where they are used."""
SAME = 1e-6
"""By which a score may differ from what its ranks come to; of one above 1, relative to it."""


def check_run(run: Run, record: Mapping[str, Any]) -> None:
    """Raise ValueError for what a comparison could not compute with, or what its ranks belie.

    Settings and scores of another kind than they should be raise others of STRANGE.
    """
    numbers = [
        value for sets in run.scores.values() for own in sets.values() for value in own.values()
    ]
    rankings = [
        ranking
        for queries in run.queries.values()
        for query in queries
        for ranking in (query.baseline, query.final, *query.stages.values())
        if ranking is not None
    ]
    for what, holds in {
        "it is not finished": record.get("status") == "finished",
        "its name": is_name(run.name) and is_name(run.settings["split"]["name"]),
        "its seed": _is_number(run.settings["seed"]),
        "its backbone": is_name(run.settings["backbone"]["name"]),
        "its gallery": run.gallery_size is not None and 0 < run.gallery_size < 1 << 40,
        "its epoch": run.best_epoch is None or _is_number(run.best_epoch),
        "its scores": bool(numbers) and all(map(_is_number, numbers)),
        "its ranks": all(_is_ranking(one, run.gallery_size or 0) for one in rankings),
    }.items():
        if not holds:
            raise ValueError(what)
    for stage in STAGES:
        for name, told in run.scores[stage].items():
            _check_scores(run, stage, name, told)


def _check_scores(run: Run, stage: str, name: str, told: Mapping[str, float]) -> None:
    """Raise ValueError if the scores of a set are not those of its ranks, or of no such ranks."""
    gallery = run.gallery_size or 0
    ranks = run.rankings(stage, name)
    computed = query_scores(ranks, gallery).drop(columns="drawing_id") if ranks else None
    for key, value in told.items():
        metric = registry.find(key)
        lowest, highest = _bounds(metric.unit, gallery)
        if not lowest - SAME <= value <= highest + SAME:
            raise ValueError(f"its {name} {key} is {value:g}")
        if computed is not None and key in computed:
            own = float(metric.centre(computed[key].to_numpy()))
            if abs(value - own) > SAME * max(1.0, abs(own)):
                raise ValueError(f"its {name} {key} is {value:.6g}, of its ranks {own:.6g}")


def _bounds(unit: Unit, gallery: int) -> tuple[float, float]:
    """Between which numbers a score of this unit lies."""
    return {
        "share": (0.0, 1.0),
        "percent": (0.0, 100.0),
        "rank": (1.0, float(gallery)),
        "position": (0.0, float(max(gallery, NOT_FOUND))),
        "number": (-math.inf, math.inf),
    }[unit]


def is_name(value: object) -> TypeGuard[str]:
    """Whether this can be shown as what something is called."""
    return isinstance(value, str) and 0 < len(value) <= LONGEST and value.isprintable()


def _is_ranking(one: Ranking, gallery: int) -> bool:
    ranks = one.ranks.values()
    ids = [*one.ranks, *one.top_ids]
    return (
        bool(one.ranks)
        and all(_is_number(rank) and 1 <= rank <= gallery for rank in ranks)
        and isinstance(one.top_ids, list)
        and all(isinstance(name, str) for name in ids)
    )


def _is_number(value: object) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value)  # type: ignore[arg-type]
