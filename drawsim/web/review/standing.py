"""What everybody did, how far they agree, and how good the model is: all that takes time to count.

With many answers it takes seconds, so that it is counted when something new was done, by one
request at a time, and not again before it is worth it; others get what was counted last.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Collection as AnyOf
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from drawsim.collection.grades import CONFIRMED, GRADES, Grade
from drawsim.collection.tables import Collection
from drawsim.web.events.store import EventStore
from drawsim.web.events.tables import now
from drawsim.web.review.agreement import Alpha, Kappa, alpha, kappas, ratings
from drawsim.web.review.audit import Audit, audits
from drawsim.web.review.export import pair_table
from drawsim.web.review.originals import of_originals

DAY = timedelta(hours=24)
QUICK = 3.0
"""Seconds of a processor that are always worth it; a busy machine counts like an idle one."""
SHARE = 20
"""Beyond that, counting again is worth it after so many times as long as it took."""


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
class Standing:
    """How it stood at a time. event: the newest that is counted."""

    at: datetime
    event: int
    annotators: tuple[AnnotatorProgress, ...]
    kappas: tuple[Kappa, ...]
    alphas: tuple[Alpha, ...]
    audits: tuple[Audit, ...]


class Standings:
    """Counts, and remembers the last one; may be used by several threads.

    confirmed: grades that make a pair true. k: candidates shown at first.
    """

    def __init__(
        self,
        store: EventStore,
        collection: Collection,
        confirmed: AnyOf[Grade] = CONFIRMED,
        k: int = 20,
    ) -> None:
        self._store = store
        self._collection = collection
        self._confirmed = confirmed
        self._k = k
        self._last: Standing | None = None
        self._again = 0.0
        self._counting = threading.Lock()

    def latest(self) -> Standing:
        """How it stands; where that took long, how it stood a while ago."""
        if self._last is not None and not self._due():
            return self._last
        # Only the very first must be waited for.
        if not self._counting.acquire(blocking=self._last is None):
            return self._last  # type: ignore[return-value]  # there is one, so nobody waited
        try:
            if self._last is None or self._due():
                began = time.thread_time()
                self._last = self._count()
                took = time.thread_time() - began
                self._again = time.monotonic() + (SHARE * took if took > QUICK else 0)
            return self._last
        finally:
            self._counting.release()

    def _due(self) -> bool:
        assert self._last is not None
        return time.monotonic() >= self._again and self._store.newest() != self._last.event

    def _count(self) -> Standing:
        store, collection = self._store, self._collection
        at, event = now(), store.newest()  # of what is saved meanwhile, more may be counted
        answers = of_originals(store.answers(), collection)
        judgements = of_originals(store.judgements(), collection)
        rated = ratings(judgements, answers)
        matches = pair_table(store, collection, self._confirmed).query("pair")
        of_drawings = judgements[judgements["kind"] == "drawing"]
        return Standing(
            at,
            event,
            by_annotator(answers, judgements),
            tuple(kappas(rated)),
            tuple(alpha(rated, scale) for scale in ("nominal", "ordinal")),
            tuple(audits(answers, of_drawings, matches, self._k)),
        )


def by_annotator(answers: pd.DataFrame, judgements: pd.DataFrame) -> tuple[AnnotatorProgress, ...]:
    """What each annotator did, by name; tables of EventStore, of originals."""
    yesterday = now() - DAY
    graded = Counter(zip(judgements["annotator"], judgements["grade"], strict=True))
    found = []
    for annotator in sorted({*answers["annotator"], *judgements["annotator"]}):
        own = answers[answers["annotator"] == annotator]
        finished = own[own["answer"] != "skip"]
        seconds = finished["seconds"].median()
        found.append(
            AnnotatorProgress(
                annotator,
                answered=len(finished),
                none=int((finished["answer"] == "none").sum()),
                skipped=len(own) - len(finished),
                graded={grade: graded[annotator, grade] for grade in GRADES},
                seconds=None if pd.isna(seconds) else float(seconds),
                last_day=int((finished["at"] >= yesterday).sum()),
            )
        )
    return tuple(found)
