"""How far the work is, by kind of query and by annotator."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import Engine, func, select

from drawsim.collection.grades import GRADES, Grade
from drawsim.collection.kinds import Kind
from drawsim.web.events.tables import now
from drawsim.web.events.views import ANSWERS, JUDGEMENTS

DAY = timedelta(hours=24)
Answered = tuple[str, float | None, datetime]
"""How a query was left, seconds spent on it, and when."""


@dataclass(frozen=True)
class KindProgress:
    """How far the queries of a kind are.

    answered: by at least one. complete: by as many as wanted. leased: held now.
    """

    kind: Kind
    total: int
    answered: int
    complete: int
    leased: int


@dataclass(frozen=True)
class AnnotatorProgress:
    """What one annotator did. All that was undone is left out.

    answered: queries left with done or none. none: of these, with none. skipped: left with skip.
    graded: pairs by their grade. seconds: median time on an answered query, None if it is not
    known. last_day: queries answered within the last 24 hours.
    """

    annotator: str
    answered: int
    none: int
    skipped: int
    graded: Mapping[Grade, int]
    seconds: float | None
    last_day: int


@dataclass(frozen=True)
class Progress:
    """How far the work is, by kind of query and by annotator."""

    kinds: tuple[KindProgress, ...]
    annotators: tuple[AnnotatorProgress, ...]


def original(copies: Mapping[str, str], kind: str, name: str) -> tuple[str, str]:
    """A query, with the original in place of its style copy."""
    return kind, copies.get(name, name) if kind == "drawing" else name


def by_annotator(engine: Engine, copies: Mapping[str, str]) -> tuple[AnnotatorProgress, ...]:
    """What each annotator did, by name. copies: style copy -> original, which count as one."""
    answers: dict[str, dict[tuple[str, str], Answered]] = defaultdict(dict)
    graded: dict[str, dict[Grade, int]] = defaultdict(dict)
    given = ANSWERS.c
    by_grade = select(JUDGEMENTS.c.annotator, JUDGEMENTS.c.grade, func.count())
    with engine.connect() as connection:
        how = select(given.annotator, given.kind, given.id, given.answer, given.seconds, given.at)
        for annotator, kind, name, *answer in connection.execute(how.order_by(given.at)):
            answers[annotator][original(copies, kind, name)] = tuple(answer)
        grouped = by_grade.group_by(JUDGEMENTS.c.annotator, JUDGEMENTS.c.grade)
        for annotator, grade, count in connection.execute(grouped):
            graded[annotator][grade] = count
    yesterday = now() - DAY
    found = []
    for annotator in sorted({*answers, *graded}):
        finished = [row for row in answers[annotator].values() if row[0] != "skip"]
        times = [seconds for _, seconds, _ in finished if seconds is not None]
        found.append(
            AnnotatorProgress(
                annotator,
                answered=len(finished),
                none=sum(answer == "none" for answer, _, _ in finished),
                skipped=len(answers[annotator]) - len(finished),
                graded={grade: graded[annotator].get(grade, 0) for grade in GRADES},
                seconds=float(np.median(times)) if times else None,
                last_day=sum(at >= yesterday for _, _, at in finished),
            )
        )
    return tuple(found)
