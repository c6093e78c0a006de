"""Who said "none of these" of a drawing or an artwork, although a pair of it stands as true."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pandas as pd

from drawsim.collection.kinds import Kind
from drawsim.collection.tables import Collection
from drawsim.web.events.store import EventStore
from drawsim.web.review.originals import of_originals


class Nones:
    """The answers "none of these" that hold, by what they are about, and who graded which pair.

    What was said of a style copy is told of its original.
    """

    def __init__(self, store: EventStore, collection: Collection) -> None:
        self._store = store
        answers = of_originals(store.answers(), collection)
        self._said: dict[tuple[str, str], list[Any]] = defaultdict(list)
        for row in answers[answers["answer"] == "none"].sort_values("at").itertuples(index=False):
            self._said[str(row.kind), str(row.id)].append(row)
        graded = of_originals(store.judgements(), collection)
        names = (graded[name] for name in ("annotator", "drawing_id", "artwork_id"))
        self._graded = set(zip(*names, strict=True))

    def against(self, drawing: str, artwork: str) -> str:
        """Who found none, and where the other was shown to them: `ben (shown at 3)`; "": nobody.

        Several are joined by "; ". Who graded this very pair has said what they think of it.
        """
        ends: tuple[tuple[Kind, str, str], ...] = (
            ("drawing", drawing, artwork),
            ("artwork", artwork, drawing),
        )
        told: dict[str, str] = {}
        for kind, own, other in ends:
            for row in self._said.get((kind, own), ()):
                if (row.annotator, drawing, artwork) not in self._graded:
                    seen = row.shown_ids.index(other) + 1 if other in row.shown_ids else None
                    how = "not shown" if seen is None else f"shown at {seen}"
                    told.setdefault(row.annotator, f"{row.annotator} ({how})")
        return "; ".join(told.values())

    def ever(self, drawing: str, artwork: str) -> bool:
        """Whether this store ever had such an answer; an export may be another store's."""
        about_drawing = self._store.history(action="none", drawing_id=drawing, limit=1)
        return bool(
            about_drawing or self._store.history(action="none", artwork_id=artwork, limit=1)
        )


def contradicted(pairs: pd.DataFrame) -> pd.DataFrame:
    """The true pairs of `pair_table` that somebody found none for."""
    return pairs[pairs["pair"] & (pairs["none_by"] != "")]
