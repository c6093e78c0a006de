"""Values of queries that one process works out for all, kept in the database."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Engine, delete, insert, select, update

from drawsim.collection.kinds import Kind
from drawsim.web.events.database import MEASURING_LOCK, time_of, writing
from drawsim.web.events.tables import MeasuredRow

Values = npt.NDArray[np.float64]

HOLD = timedelta(seconds=60)
"""How long whoever works them out may be silent before another goes on."""
_STORED = "<f8"


class _Row(NamedTuple):
    data: bytes
    holder: str
    until: datetime


class Measured:
    """The values of one kind of queries, (N,); for the use of one thread.

    made_of: a hash of what the values depend on. unknown: (N,), what they are at first. holder: the
    name of this process, which no other has.
    """

    def __init__(
        self, engine: Engine, kind: Kind, made_of: str, unknown: Values, holder: str
    ) -> None:
        self._engine = engine
        self._kind = kind
        self._made_of = made_of
        self._unknown = unknown
        self._holder = holder

    def take(self) -> tuple[Values, bool, bool]:
        """What is known; whether that is all; and, if not, whether this process is to go on.

        It is where nobody does, or who did is silent.
        """
        with self._engine.connect() as connection:
            time = time_of(connection)
            row = self._row(connection)
        if row is not None and (not row.holder or row.until > time):
            return self._read(row.data), not row.holder, row.holder == self._holder
        with writing(self._engine, MEASURING_LOCK) as connection:
            time = time_of(connection)
            row = self._row(connection)
            values = self._unknown if row is None else self._read(row.data)
            if row is not None and (not row.holder or row.until > time):  # another came first
                return values, not row.holder, row.holder == self._holder
            old = delete(MeasuredRow).where(
                MeasuredRow.kind == self._kind, MeasuredRow.until <= time
            )
            connection.execute(old)
            new: dict[str, Any] = {"made_of": self._made_of, "kind": self._kind}
            new |= {"holder": self._holder, "until": time + HOLD}
            new["data"] = values.astype(_STORED).tobytes()
            connection.execute(insert(MeasuredRow), [new])
        return values, False, True

    def keep(self, values: Values | None, *, over: bool = False, done: bool = False) -> bool:
        """Tell the others, and hold it for longer; False: another has it by now.

        values: all that is known; None: nothing new. over: hold it no longer. done: these are all.
        """
        with writing(self._engine, MEASURING_LOCK) as connection:
            time = time_of(connection)
            told: dict[str, Any] = {"until": time if over or done else time + HOLD}
            if values is not None:
                told["data"] = values.astype(_STORED).tobytes()
            if done:
                told["holder"] = ""
            own = update(MeasuredRow).where(
                MeasuredRow.made_of == self._made_of, MeasuredRow.holder == self._holder
            )
            return connection.execute(own.values(told)).rowcount > 0

    def _row(self, connection: Connection) -> _Row | None:
        columns = select(MeasuredRow.data, MeasuredRow.holder, MeasuredRow.until)
        found = connection.execute(
            columns.where(MeasuredRow.made_of == self._made_of)
        ).one_or_none()
        return None if found is None else _Row(*found)

    def _read(self, data: bytes) -> Values:
        values = np.frombuffer(data, _STORED).astype(np.float64)
        return values if values.shape == self._unknown.shape else self._unknown
