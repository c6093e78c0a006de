"""Who judges what next: queries in a wished order, each leased to as many annotators as wanted.

How every query was left is kept in memory, and caught up from the database at each claim: events
are only ever added, so that it is enough to look again at the queries of those that are new. The
claim itself and the leases are in the database, so that several servers may share one queue.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import ColumnElement, Connection, Engine, delete, func, insert, select, update

from drawsim.collection.kinds import Kind
from drawsim.common.errors import UserError
from drawsim.retrieval.index.filters import Condition, parse_filter, passing
from drawsim.web.events.database import time_of, writing
from drawsim.web.events.drafts import ANSWERING
from drawsim.web.events.tables import EventRow, LeaseRow
from drawsim.web.events.views import ANSWERS
from drawsim.web.queue.labels import COLUMN, Said
from drawsim.web.queue.measured import Values
from drawsim.web.queue.progress import KindProgress, original
from drawsim.web.queue.sheet import Mask, Sheet
from drawsim.web.queue.uncertainty import UNKNOWN

Order = Literal["unjudged", "id", "random", "uncertain", "likely", "tag"]
Places = npt.NDArray[np.int64]

AT_ONCE = 500
"""Queries that are looked at again one by one; if more are new, all are."""


@dataclass(frozen=True)
class Wish:
    """What an annotator wants to judge.

    order: `unjudged` (by chance; first what others have begun and not as many answered as wanted),
    `id`, `random`, `uncertain` (where the models are least sure first), or `likely` (where the
    first candidate is most likely a true match first, as far as that follows from how sure a
    calibrated model is), or `tag` (by the first tag, in order of the alphabet, untagged last).
    where: a filter of the metadata, as in `drawsim.retrieval.index.filters`, and of tags, as in
    `Said.passing`.
    """

    kind: Kind = "drawing"
    order: Order = "unjudged"
    where: str = ""


@dataclass(frozen=True)
class Claim:
    """A query that an annotator holds. audit: it belongs to the audit slice. until: in UTC."""

    kind: Kind
    id: str
    audit: bool
    until: datetime


@dataclass(frozen=True)
class Tally:
    """How far the work is, for whom it concerns: done and none count as answered, skip does not.

    mine: queries that this annotator answered. answered: by anyone. total: all there are.
    """

    mine: int
    answered: int
    total: int


class Queue:
    """Queries, claimed by annotators one at a time.

    tables: by kind, the metadata of the queries, as text, indexed by `id`. uncertainty: by kind,
    how unsure the models are of each row, (N,), larger is less sure; another array whenever more is
    known. overlap: how many annotators answer each query; what others have begun comes first, so
    that they have drawings in common from the start. lease: how long a claim holds, by the
    database's clock; one that would hold longer is of a wrong clock and cut. audit: share of
    the queries that makes up the audit slice, 0 to 1. seed: fixes the slice and the random order.
    copies: style copy -> original; what was answered of a copy, which earlier versions queued, is
    an answer to its original, the latest counts. said: the tags that drawings have; another object
    whenever they change.

    The audit slice is served apart: a claim comes from it with probability `audit`, in random
    order, and otherwise from the other queries. What was answered of it is thereby a random
    sample of the collection at any time, whichever orders annotators prefer.
    Raises UserError if overlap or audit make no sense.
    """

    def __init__(
        self,
        engine: Engine,
        tables: Mapping[Kind, pd.DataFrame],
        uncertainty: Callable[[Kind], Values],
        overlap: int = 1,
        lease: timedelta = timedelta(minutes=15),
        audit: float = 0.05,
        seed: int = 0,
        copies: Mapping[str, str] | None = None,
        said: Callable[[], Said] = Said,
    ) -> None:
        if overlap < 1:
            raise UserError(f"overlap={overlap}: at least 1 annotator must answer each query")
        if not 0 <= audit <= 1:
            raise UserError(f"audit={audit}: the share of the audit slice is 0 to 1")
        self.engine = engine
        self.overlap = overlap
        self.lease = lease
        self.audit = audit
        self._uncertainty = uncertainty
        self._copies = dict(copies or {})
        self._names: dict[str, list[str]] = {}
        for copy, own in self._copies.items():
            self._names.setdefault(own, [own]).append(copy)
        self._sheets = {kind: Sheet(kind, table, seed, audit) for kind, table in tables.items()}
        self._said = said
        self._orders: dict[tuple[Kind, Order], tuple[Values | Said | None, Places]] = {}
        self._passing = lru_cache(maxsize=64)(self._filtered)
        self._seen = 0
        self._ordering = threading.Lock()
        self._memory = threading.Lock()
        with self._memory, engine.connect() as connection:
            self._catch_up(connection)

    def claim(self, annotator: str, wish: Wish) -> Claim | None:
        """The next query for an annotator, leased to them; None: nothing is left for them.

        First of all the one that they hold already, if it is as wished. Never one that they left
        in any way, nor one that `overlap` others have answered or hold.
        Raises UserError for a filter that cannot be read or that nothing passes.
        """
        sheet = self._sheet(wish.kind)
        wished = self._wished(wish.kind, wish.where)
        order = self._order(wish.kind, wish.order)
        by_chance = self._order(wish.kind, "random")
        with self._memory, writing(self.engine) as connection:
            self._catch_up(connection)
            time = time_of(connection)
            connection.execute(delete(LeaseRow).where(LeaseRow.until <= time))
            longest = time + self.lease
            wrong = update(LeaseRow).where(LeaseRow.until > longest)
            connection.execute(wrong.values(until=longest))
            held = self._held(connection, wish.kind, time)
            open_to_them = wished & ~sheet.left[annotator]
            own = [place for place, holder in held if holder == annotator and open_to_them[place]]
            if own:
                return self._leased(connection, annotator, wish.kind, own[0], time)
            taken = sheet.answered.copy()
            for place, holder in held:
                taken[place] += holder != annotator and not sheet.has_answered(holder, place)
            free = open_to_them & (taken < self.overlap)
            if not free.any():
                return None
            audited, others = free & sheet.audited, free & ~sheet.audited
            if audited.any() and (random.random() < self.audit or not others.any()):
                place = _first(by_chance, audited, taken)
            else:
                place = _first(order, others, taken if wish.order == "unjudged" else None)
            return self._leased(connection, annotator, wish.kind, place, time)

    def take(self, annotator: str, kind: Kind, id: str) -> Claim:  # noqa: A002
        """A query opened by its id, leased to an annotator, whoever else has it or had it.

        Raises UserError if there is no such query.
        """
        place = self._sheet(kind).place.get(id)
        if place is None:
            raise UserError(f"there is no {kind} {id!r} in the index")
        with writing(self.engine) as connection:
            return self._leased(connection, annotator, kind, place, time_of(connection))

    def renew(self, annotator: str, kind: Kind, id: str) -> bool:  # noqa: A002
        """Hold a query for another lease; False if the annotator holds it no more."""
        own = self._lease_of(annotator, kind, id)
        with writing(self.engine) as connection:
            time = time_of(connection)
            longer = update(LeaseRow).where(*own, LeaseRow.until > time)
            return connection.execute(longer.values(until=time + self.lease)).rowcount > 0

    def release(self, annotator: str, kind: Kind, id: str) -> None:  # noqa: A002
        """Give a query back."""
        with writing(self.engine) as connection:
            connection.execute(delete(LeaseRow).where(*self._lease_of(annotator, kind, id)))

    def names(self, kind: Kind, id: str) -> list[str]:  # noqa: A002
        """A query and, of a drawing, its style copies."""
        return self._names.get(id, [id]) if kind == "drawing" else [id]

    def tally(self, annotator: str, kind: Kind) -> Tally:
        """How far the work is, told from memory and what is new: for every page and answer."""
        sheet = self._sheet(kind)
        with self._memory, self.engine.connect() as connection:
            self._catch_up(connection)
            answered = int((sheet.answered > 0).sum())
            return Tally(sheet.finished[annotator], answered, len(sheet.ids))

    def progress(self) -> tuple[KindProgress, ...]:
        """How far the queries of each kind are."""
        with self._memory, self.engine.connect() as connection:
            self._catch_up(connection)
            time = time_of(connection)
            return tuple(
                KindProgress(
                    kind,
                    len(sheet.ids),
                    int((sheet.answered > 0).sum()),
                    int((sheet.answered >= self.overlap).sum()),
                    len({place for place, _ in self._held(connection, kind, time)}),
                )
                for kind, sheet in self._sheets.items()
            )

    def _sheet(self, kind: Kind) -> Sheet:
        if kind not in self._sheets:
            raise UserError(f"there are no {kind}s in the index; index them first")
        return self._sheets[kind]

    def _wished(self, kind: Kind, where: str) -> Mask:
        """Which queries pass a filter, (N,)."""
        sheet = self._sheets[kind]
        conditions = parse_filter(where)
        of_tags = [
            each for each in conditions if each.column == COLUMN and COLUMN not in sheet.table
        ]
        mask = self._passing(kind, tuple(each for each in conditions if each not in of_tags))
        if not of_tags:
            return mask
        mask = mask & self._said().passing(of_tags, sheet.ids)
        if not mask.any():
            raise UserError(f"filter {where}: nothing in the index passes it; ask for less")
        return mask

    def _filtered(self, kind: Kind, conditions: tuple[Condition, ...]) -> Mask:
        """Which queries fulfil conditions on their metadata, (N,)."""
        return passing(conditions, self._sheets[kind].table).mask

    def _order(self, kind: Kind, order: Order) -> Places:
        """All places of a kind in an order, (N,)."""
        if order == "unjudged":  # what was begun is looked for at each claim
            order = "random"
        unsure = self._uncertainty(kind) if order in ("uncertain", "likely") else None
        made_of = self._said() if order == "tag" else unsure
        with self._ordering:
            made = self._orders.get((kind, order))
            if made is None or made[0] is not made_of:
                sheet = self._sheets[kind]
                if order == "id":
                    places = np.array(sorted(range(len(sheet.ids)), key=sheet.ids.__getitem__))
                elif isinstance(made_of, Said):
                    places = np.array(made_of.ordered(sheet.ids))
                elif unsure is None:
                    places = np.argsort(sheet.lots, kind="stable")
                else:
                    known = unsure != UNKNOWN  # what is not known comes last in either order
                    worst = np.where(known, unsure if order == "likely" else -unsure, np.inf)
                    places = np.lexsort((sheet.lots, worst))
                made = self._orders[kind, order] = made_of, places.astype(np.int64)
            return made[1]

    def _catch_up(self, connection: Connection) -> None:
        """Look again at the queries that were answered, or an answer undone, since last time."""
        newest = connection.execute(select(func.max(EventRow.id))).scalar() or 0
        if newest == self._seen:
            return
        since = select(EventRow.kind, EventRow.query_id).distinct()
        since = since.where(EventRow.id > self._seen, EventRow.action.in_((*ANSWERING, "undo")))
        touched = {original(self._copies, *query) for query in connection.execute(since)}
        answers: dict[tuple[str, str], dict[str, str]] = {query: {} for query in touched}
        query = select(ANSWERS.c.kind, ANSWERS.c.id, ANSWERS.c.annotator, ANSWERS.c.answer)
        if len(touched) <= AT_ONCE:
            names = {name for _, name in touched}
            names.update(*(self._names.get(name, ()) for name in names))
            query = query.where(ANSWERS.c.id.in_(names))
        for kind, name, annotator, answer in connection.execute(query.order_by(ANSWERS.c.at)):
            answers.setdefault(original(self._copies, kind, name), {})[annotator] = answer
        for (kind, name), given in answers.items():
            if kind in self._sheets:
                self._sheets[kind].note(name, given)
        self._seen = newest

    def _held(self, connection: Connection, kind: Kind, time: datetime) -> list[tuple[int, str]]:
        """Place and holder of the live leases of a kind, those that end first in front."""
        query = select(LeaseRow.query_id, LeaseRow.annotator).order_by(LeaseRow.until)
        rows = connection.execute(query.where(LeaseRow.kind == kind, LeaseRow.until > time))
        place = self._sheets[kind].place
        return [(place[name], holder) for name, holder in rows if name in place]

    def _leased(
        self, connection: Connection, annotator: str, kind: Kind, place: int, time: datetime
    ) -> Claim:
        sheet, until = self._sheets[kind], time + self.lease
        name = sheet.ids[place]
        connection.execute(delete(LeaseRow).where(*self._lease_of(annotator, kind, name)))
        row = {"kind": kind, "query_id": name, "annotator": annotator, "until": until}
        connection.execute(insert(LeaseRow), [row])
        return Claim(kind, name, bool(sheet.audited[place]), until)

    @staticmethod
    def _lease_of(annotator: str, kind: Kind, name: str) -> tuple[ColumnElement[bool], ...]:
        return (
            LeaseRow.annotator == annotator,
            LeaseRow.kind == kind,
            LeaseRow.query_id == name,
        )


def _first(order: Places, among: Mask, begun: npt.NDArray[np.int64] | None) -> int:
    """The first place in an order among some; with `begun`, among those where it is largest."""
    places = order[among[order]]
    return int(places[0] if begun is None else places[np.argmax(begun[places])])
