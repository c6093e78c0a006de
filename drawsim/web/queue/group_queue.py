"""Which group is looked at next, by whom. Names, tags and removals hold for all: one judges each.

What was done and who holds which group are in the database, so that several servers may share it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Engine, delete, insert, select

from drawsim.web.events.database import time_of, writing
from drawsim.web.events.tables import LeaseRow
from drawsim.web.events.views import GROUP_ANSWERS
from drawsim.web.queue.groups import Group, Groups

KIND = "group"
"""What leases call groups."""


@dataclass(frozen=True)
class GroupState:
    """How groups were left, by key. done: by whom, if by anyone. skipped: by this annotator."""

    done: dict[str, str]
    skipped: frozenset[str]


class GroupQueue:
    """Groups, claimed by annotators one at a time, in the order of `motifs.json`.

    lease: how long a claim keeps a group from others, by the database's clock.
    """

    def __init__(self, engine: Engine, groups: Groups, lease: timedelta) -> None:
        self.groups = groups
        self._engine = engine
        self._lease = lease

    def state(self, annotator: str) -> GroupState:
        """How the groups were left."""
        with self._engine.connect() as connection:
            return self._state(connection, annotator)

    def claim(self, annotator: str) -> Group | None:
        """The next group for an annotator, leased to them; None: nothing is left for them.

        First the one that they hold; never one that anybody has finished, that they skipped, or
        that another holds.
        """
        with writing(self._engine) as connection:
            state, time = self._state(connection, annotator), time_of(connection)
            holders = self._holders(connection, time)
            left = [
                group
                for group in self.groups.every
                if group.key not in state.done and group.key not in state.skipped
            ]
            own = [group for group in left if holders.get(group.key) == annotator]
            free = [group for group in left if group.key not in holders]
            for group in [*own, *free]:
                self._hold(connection, annotator, group.key, time)
                return group
        return None

    def take(self, annotator: str, key: str) -> Group:
        """A group that is opened by its key, leased to whoever opens it unless another holds it.

        Raises NoSuchGroup.
        """
        group = self.groups.get(key)
        with writing(self._engine) as connection:
            time = time_of(connection)
            if self._holders(connection, time).get(key, annotator) == annotator:
                self._hold(connection, annotator, key, time)
        return group

    def release(self, annotator: str, key: str) -> None:
        """Give a group back."""
        with writing(self._engine) as connection:
            own = (*_lease_of(key), LeaseRow.annotator == annotator)
            connection.execute(delete(LeaseRow).where(*own))

    def _state(self, connection: Connection, annotator: str) -> GroupState:
        own = GROUP_ANSWERS.c
        query = select(own.annotator, own.group_id, own.answer).order_by(own.at)
        done: dict[str, str] = {}
        skipped = set()
        for who, key, answer in connection.execute(query):
            if answer == "done":
                done[key] = who
            elif who == annotator:
                skipped.add(key)
        return GroupState(done, frozenset(skipped))

    def _holders(self, connection: Connection, time: datetime) -> dict[str, str]:
        """Who holds which group; a lease that ends later than one can is of a wrong clock."""
        held = select(LeaseRow.query_id, LeaseRow.annotator).where(
            LeaseRow.kind == KIND, LeaseRow.until > time, LeaseRow.until <= time + self._lease
        )
        return {row.query_id: row.annotator for row in connection.execute(held)}

    def _hold(self, connection: Connection, annotator: str, key: str, time: datetime) -> None:
        connection.execute(delete(LeaseRow).where(*_lease_of(key)))
        row = {"kind": KIND, "query_id": key, "annotator": annotator, "until": time + self._lease}
        connection.execute(insert(LeaseRow), [row])


def _lease_of(key: str) -> tuple[ColumnElement[bool], ...]:
    return LeaseRow.kind == KIND, LeaseRow.query_id == key
