"""A queue of made-up queries, and annotators who work on it."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Engine

from drawsim.collection.kinds import Kind
from drawsim.web.events.drafts import Draft, MadeWith
from drawsim.web.events.store import EventStore
from drawsim.web.queue.queue import Claim, Queue, Wish
from drawsim.web.queue.uncertainty import UNKNOWN

LITE = MadeWith("lite", "0" * 64)
NUMBERS = count()
NOBODY: timedelta = timedelta(0)
"""A lease that is over as soon as it begins."""


def table(letter: str, rows: int) -> pd.DataFrame:
    """Queries, with a country and a year."""
    names = pd.Index([f"{letter}{i:03d}" for i in range(rows)], name="id")
    countries = [("FRA", "ITA")[i % 2] for i in range(rows)]
    return pd.DataFrame({"country": countries, "year": [str(2000 + i) for i in range(rows)]}, names)


def queue(engine: Engine, drawings: int = 12, **more: Any) -> Queue:
    tables: dict[Kind, pd.DataFrame] = {"drawing": table("d", drawings), "artwork": table("a", 3)}
    more.setdefault("audit", 0)
    nothing = {kind: np.full(len(rows), UNKNOWN) for kind, rows in tables.items()}
    return Queue(engine, tables, more.pop("uncertainty", nothing.__getitem__), **more)


def answer(engine: Engine, annotator: str, name: str, how: str = "done", **more: Any) -> None:
    """Leave a drawing, as the page does: save the answer, then give the drawing back."""
    draft = Draft(f"key-{next(NUMBERS):06d}", how, "drawing", name, **more)  # type: ignore[arg-type]
    EventStore(engine).save(annotator, [draft], LITE)


def undo(engine: Engine, annotator: str) -> None:
    EventStore(engine).undo(annotator, f"undo-{next(NUMBERS):06d}", LITE)


def work(queue: Queue, annotator: str, wish: Wish = Wish(), most: int = 1000) -> list[str]:  # noqa: B008
    """Claim and answer until nothing is left: the ids, in order."""
    done: list[str] = []
    while len(done) < most and (claim := queue.claim(annotator, wish)):
        answer(queue.engine, annotator, claim.id)
        queue.release(annotator, claim.kind, claim.id)
        done.append(claim.id)
    return done


def held(claim: Claim | None) -> str:
    assert claim is not None
    return claim.id


ALL = [f"d{i:03d}" for i in range(12)]


# Orders and filters
