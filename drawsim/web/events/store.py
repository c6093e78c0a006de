"""What annotators do, as events that are only ever added, and what holds now, read from them.

An undo is an event too: it names the one that it takes back, which then counts no more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    RowMapping,
    Table,
    func,
    insert,
    or_,
    select,
)

from drawsim.collection.grades import Grade
from drawsim.collection.kinds import Kind
from drawsim.common.errors import UserError
from drawsim.web.events.database import time_of, writing
from drawsim.web.events.drafts import Action, Draft, MadeWith
from drawsim.web.events.tables import EventRow
from drawsim.web.events.views import (
    ADJUDICATIONS,
    ANSWERS,
    BOXES,
    COUNTING,
    GROUP_ANSWERS,
    JUDGEMENTS,
    NAMES,
    NOTES,
    REMOVED,
    TAGS,
)

Name = str | Sequence[str]
"""The id of a picture, or several."""
_PAIR = ["annotator", "drawing_id", "artwork_id"]


@dataclass(frozen=True)
class Event:
    """A draft as saved.

    at: when, in UTC. undoes: key of the event that an undo takes back; the draft of an undo names
    the pictures of that event. undone: whether it was taken back itself.
    """

    id: int
    at: datetime
    annotator: str
    draft: Draft
    made_with: MadeWith
    undoes: str | None
    undone: bool = False


class EventStore:
    """Events in a database. What was saved is on the disk when the method returns."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def save(self, annotator: str, drafts: Sequence[Draft], made_with: MadeWith) -> list[str]:
        """Save what was not saved before, all of it or nothing; returns the keys saved now.

        A draft that was sent before, under the same key, is left out silently.
        Raises UserError if its key is known with other content or by another annotator, and for
        an undo, which has a method of its own.
        """
        fresh: dict[str, Draft] = {}
        with writing(self.engine) as connection:
            known = _known(connection, [draft.key for draft in drafts])
            for draft in drafts:
                if draft.action == "undo":
                    raise UserError(f"event {draft.key!r}: an undo is not saved, it is asked for")
                before = known.get(draft.key)
                if before is None:
                    before = fresh.setdefault(draft.key, draft), annotator
                if before != (draft, annotator):
                    raise UserError(f"event {draft.key!r}: this key was used for something else")
            if fresh:
                time = time_of(connection)
                rows = [_row(annotator, draft, made_with, time) for draft in fresh.values()]
                connection.execute(insert(EventRow), rows)
        return list(fresh)

    def undo(self, annotator: str, key: str, made_with: MadeWith) -> Event | None:
        """Take back the annotator's newest event that still counts, and return it; None: none left.

        Of a batch all events are taken back, each by an undo of its own, and the newest is
        returned. key: of the undo itself. An undo that was asked for before, under the same key,
        takes nothing more back and returns the same event.
        Raises UserError if the key is known for something else.
        """
        with writing(self.engine) as connection:
            found = _events(connection, EventRow.key == key)
            if found:
                if found[0].annotator != annotator or found[0].undoes is None:
                    raise UserError(f"event {key!r}: this key was used for something else")
                return _events(connection, EventRow.key == found[0].undoes)[0]
            taken = _newest_of(connection, annotator)
            if not taken:
                return None
            time = time_of(connection)
            rows = [
                _row(annotator, _undo_of(draft, undo), made_with, time) | {"undoes": draft.key}
                for draft, undo in zip(taken, _keys_of(key, len(taken)), strict=True)
            ]
            connection.execute(insert(EventRow), rows)
            return _events(connection, EventRow.key == taken[0].key)[0]

    def judgements(
        self,
        kind: Kind | None = None,
        id: Name | None = None,  # noqa: A002
        annotator: str | None = None,
    ) -> pd.DataFrame:
        """The grades that hold, one row for each annotator and pair.

        kind, id: those of one picture, or of some (a drawing and its style copies), from whichever
        side they were given; kind alone: those given while the query was of this kind.
        Columns: annotator, drawing_id, artwork_id, grade, kind (of the query), at, rank, score,
        shown, seconds, audit, model, index_sha256, and note, drawing_box, artwork_box, as this
        annotator left them for this pair (empty, None).
        """
        judgements = self._current(JUDGEMENTS, kind, id, annotator)
        notes = self._current(NOTES, kind if id else None, id, annotator).drop(columns="at")
        boxes = self._current(BOXES, kind if id else None, id, annotator).drop(columns="at")
        merged = judgements.merge(notes, "left", on=_PAIR).merge(boxes, "left", on=_PAIR)
        # A merge leaves nan where it finds nothing.
        merged["note"] = merged["note"].where(merged["note"].notna(), "")
        for side in ("drawing_box", "artwork_box"):
            merged[side] = merged[side].astype(object).where(merged[side].notna(), None)
        return merged

    def answers(
        self,
        kind: Kind | None = None,
        id: Name | None = None,  # noqa: A002
        annotator: str | None = None,
    ) -> pd.DataFrame:
        """How queries were left, one row for each annotator and query, filtered as asked.

        Columns: annotator, kind, id, answer (done, none or skip), at, shown, shown_ids, seconds,
        audit, model, index_sha256, note (this annotator's, of the query).
        """
        answers = self._current(ANSWERS, kind, id, annotator).drop(columns=["rank", "score"])
        notes = self._current(NOTES, kind if id else None, id, annotator)
        noted: dict[tuple[Any, ...], str] = {}
        for who, drawing, artwork, note in zip(
            *(notes[name] for name in (*_PAIR, "note")), strict=True
        ):
            if not (drawing and artwork):
                noted[who, "drawing" if drawing else "artwork", drawing or artwork] = note
        queries = zip(answers["annotator"], answers["kind"], answers["id"], strict=True)
        of_queries = [noted.get(query, "") for query in queries]
        answers["note"] = pd.Series(of_queries, answers.index, dtype=object)
        return answers

    def notes(self, kind: Kind, id: Name, annotator: str) -> pd.DataFrame:  # noqa: A002
        """An annotator's notes on a query (the other id is None) and on its pairs.

        Columns: annotator, drawing_id, artwork_id, note, at.
        """
        return self._current(NOTES, kind, id, annotator)

    def boxes(self, kind: Kind, id: Name, annotator: str) -> pd.DataFrame:  # noqa: A002
        """An annotator's boxes on the pairs of a query, graded or not.

        Columns: annotator, drawing_id, artwork_id, drawing_box, artwork_box (or None), at.
        """
        return self._current(BOXES, kind, id, annotator)

    def adjudications(self) -> pd.DataFrame:
        """The last word on each pair: drawing_id, artwork_id, grade, annotator, at, note."""
        return self._current(ADJUDICATIONS, None, None, None)

    def history(
        self,
        *,
        annotator: str | None = None,
        action: Action | None = None,
        grade: Grade | None = None,
        drawing_id: str | None = None,
        artwork_id: str | None = None,
        label: str | None = None,
        group_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        text: str | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> list[Event]:
        """Everything that happened, undone or not, newest first.

        label: a tag or a name. since, until: aware; until itself is left out. text: a part of a
        note, a label or an id, in capitals or not. before: id of an event, to go on from there.
        limit: how many at most.
        """
        own = EventRow
        conditions = [
            column == value
            for column, value in (
                (own.annotator, annotator),
                (own.action, action),
                (own.grade, grade),
                (own.drawing_id, drawing_id),
                (own.artwork_id, artwork_id),
                (own.label, label),
                (own.group_id, group_id),
            )
            if value is not None
        ]
        if since is not None:
            conditions.append(own.at >= since)
        if until is not None:
            conditions.append(own.at < until)
        if before is not None:
            conditions.append(own.id < before)
        if text:
            among = (own.note, own.label, own.drawing_id, own.artwork_id)
            conditions.append(or_(*(column.icontains(text, autoescape=True) for column in among)))
        with self.engine.connect() as connection:
            return _events(connection, *conditions, limit=limit)

    def tags(self) -> pd.DataFrame:
        """The tags that hold: drawing_id, group_id (None: the drawing's own), label, annotator, at,
        key (of the event)."""
        return self._current(TAGS, None, None, None)

    def names(self) -> pd.DataFrame:
        """The names that hold, in the columns of `tags`."""
        return self._current(NAMES, None, None, None)

    def removed(self) -> pd.DataFrame:
        """Drawings that do not belong to their group: group_id, drawing_id, annotator, at."""
        return self._current(REMOVED, None, None, None)

    def group_answers(self) -> pd.DataFrame:
        """How groups were left: annotator, group_id, answer (done or skip), at."""
        return self._current(GROUP_ANSWERS, None, None, None)

    def newest(self, actions: Sequence[Action] = ()) -> int:
        """The id of the newest event, of any action or of some; 0: there is none."""
        query = select(func.max(EventRow.id))
        if actions:
            query = query.where(EventRow.action.in_(actions))
        with self.engine.connect() as connection:
            return connection.execute(query).scalar() or 0

    def annotators(self) -> list[str]:
        """Everyone who ever did anything, by name."""
        with self.engine.connect() as connection:
            names = connection.execute(select(EventRow.annotator).distinct()).scalars()
            return sorted(names)

    def _current(
        self, view: Table, kind: Kind | None, own: Name | None, annotator: str | None
    ) -> pd.DataFrame:
        """The rows of a view, all or those of a kind, of a picture, of an annotator."""
        if own is not None and kind is None:
            raise ValueError("an id means nothing without its kind")
        query = select(view)
        if annotator is not None:
            query = query.where(view.c.annotator == annotator)
        if own is None and kind is not None:
            query = query.where(view.c.kind == kind)
        elif own is not None:
            names = [own] if isinstance(own, str) else list(own)
            if "id" in view.c:
                query = query.where(view.c.id.in_(names), view.c.kind == kind)
            else:
                query = query.where(view.c[f"{kind}_id"].in_(names))
        with self.engine.connect() as connection:
            rows = connection.execute(query).all()
        return _frame(rows, list(view.c.keys()))


def _newest_of(connection: Connection, annotator: str) -> list[Draft]:
    """An annotator's newest event that still counts, with those of its batch, newest first."""
    own = COUNTING.c
    counting = select(own.key, own.batch).where(own.annotator == annotator)
    newest = connection.execute(counting.order_by(own.id.desc()).limit(1)).one_or_none()
    if newest is None:
        return []
    keys = [newest.key]
    if newest.batch is not None:
        keys = list(connection.execute(counting.where(own.batch == newest.batch)).scalars())
    return [event.draft for event in _events(connection, EventRow.key.in_(keys))]


def _keys_of(key: str, count: int) -> list[str]:
    """The keys of the undos that one request makes; the first is its own."""
    further = (f"{key}\0{number}" for number in range(1, count))
    return [key, *(hashlib.sha256(each.encode()).hexdigest() for each in further)]


def _undo_of(draft: Draft, key: str) -> Draft:
    return Draft(
        key,
        "undo",
        draft.kind,
        drawing_id=draft.drawing_id,
        artwork_id=draft.artwork_id,
        group_id=draft.group_id,
        batch=draft.batch,
    )


def _known(connection: Connection, keys: Sequence[str]) -> dict[str, tuple[Draft, str]]:
    """Key -> draft and annotator of the events that are there already."""
    return {
        event.draft.key: (event.draft, event.annotator)
        for event in _events(connection, EventRow.key.in_(keys))
    }


def _events(
    connection: Connection, *conditions: ColumnElement[bool], limit: int | None = None
) -> list[Event]:
    """The events that fulfil all conditions, newest first."""
    undone = EventRow.key.in_(select(EventRow.undoes).where(EventRow.undoes.is_not(None)))
    query = (
        select(*EventRow.__table__.c, undone.label("undone"))
        .where(*conditions)
        .order_by(EventRow.id.desc())
        .limit(limit)
    )
    return [_event(row) for row in connection.execute(query).mappings()]


_DRAFTED = tuple(Draft.__dataclass_fields__)


def _event(row: RowMapping) -> Event:
    fields: dict[str, Any] = {name: row[name] for name in _DRAFTED}
    fields["shown_ids"] = tuple(row["shown_ids"])
    for name in ("drawing_box", "artwork_box"):
        fields[name] = tuple(row[name]) if row[name] is not None else None
    return Event(
        row["id"],
        row["at"],
        row["annotator"],
        Draft(**fields),
        MadeWith(row["model"], row["index_sha256"]),
        row["undoes"],
        bool(row["undone"]),
    )


def _row(annotator: str, draft: Draft, made_with: MadeWith, at: datetime) -> dict[str, Any]:
    return {
        **{name: getattr(draft, name) for name in _DRAFTED},
        "annotator": annotator,
        "at": at,
        "model": made_with.model,
        "index_sha256": made_with.index_sha256,
    }


def _frame(rows: Sequence[Any], columns: list[str]) -> pd.DataFrame:
    """Rows of a view as a table whose types do not depend on how many there are."""
    frame = pd.DataFrame([tuple(row) for row in rows], columns=columns, dtype=object)
    frame["at"] = pd.to_datetime(frame["at"], utc=True).astype("datetime64[us, UTC]")
    types: dict[str, Any] = {"rank": "Int64", "shown": "Int64", "score": float, "seconds": float}
    types["audit"] = bool
    frame = frame.astype({name: dtype for name, dtype in types.items() if name in columns})
    for name in ("drawing_box", "artwork_box", "shown_ids"):
        if name in columns:
            frame[name] = frame[name].map(tuple, na_action="ignore").astype(object)
    return frame
