"""Annotators who write events, each under a key of its own, for tests of what is made of them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from drawsim.collection.grades import Grade
from drawsim.collection.tables import Collection
from drawsim.web.events.database import connect
from drawsim.web.events.drafts import Action, Draft, MadeWith
from drawsim.web.events.store import EventStore

MADE_WITH = MadeWith("lite", "ab" * 32)


class Judges:
    """A fresh event store in a folder, and who writes to it."""

    def __init__(self, folder: Path) -> None:
        self.store = EventStore(connect(f"sqlite:///{folder / 'judged.sqlite'}"))
        self.count = 0

    def do(self, who: str, action: Action, drawing: str, **more: Any) -> str:
        """Save one event about a drawing; returns its key."""
        self.count += 1
        key = f"event-{self.count:04}"
        draft = Draft(key, action, "drawing", drawing_id=drawing, **more)
        assert self.store.save(who, [draft], MADE_WITH) == [key]
        return key

    def grade(self, who: str, drawing: str, artwork: str, grade: Grade, **more: Any) -> str:
        return self.do(who, "grade", drawing, artwork_id=artwork, grade=grade, **more)

    def undo(self, who: str) -> None:
        self.count += 1
        assert self.store.undo(who, f"event-{self.count:04}", MADE_WITH)


def copied(collection: Collection, folder: Path) -> Collection:
    """The tables of a collection in a folder of their own, to be written to."""
    for name in ("drawings.csv", "artworks.csv", "pairs.csv"):
        shutil.copy(collection.root / name, folder / name)
    return Collection.open(folder)


def with_rows(collection: Collection, name: str, rows: Sequence[str]) -> Collection:
    """The same with further rows in a table."""
    with (collection.root / name).open("a", encoding="utf-8") as file:
        file.write("".join(f"{row}\n" for row in rows))
    return Collection.open(collection.root)
