"""How the annotation app's database is opened and written to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    create_engine,
    delete,
    event,
    insert,
    select,
    text,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionError

from drawsim.common.errors import UserError
from drawsim.web.events.migrations.upgrading import upgrade
from drawsim.web.events.tables import FactRow, now
from drawsim.web.events.views import VIEWS

WRITERS_LOCK = 7_208_375
"""Name of the advisory lock that PostgreSQL gives to one writer at a time: any fixed number."""
LOGINS_LOCK, MEASURING_LOCK = WRITERS_LOCK + 1, WRITERS_LOCK + 2
"""Of those who count failed logins, and who keep measured values: they keep no writer waiting."""
BUSY_SECONDS = 30
"""How long a writer waits for another before it gives up."""
IDLE_SECONDS = 60
"""How long PostgreSQL lets a transaction be that does nothing: its process may be frozen, or its
host gone."""
CONNECTIONS = 40
"""Connections of an engine at a time: as many as threads that answer requests."""
REACHING: Mapping[str, int] = {
    **{"connect_timeout": 10, "tcp_user_timeout": 30_000},
    **{"keepalives_idle": 20, "keepalives_interval": 5, "keepalives_count": 3},
}
"""How soon a server of PostgreSQL that is gone is noticed (libpq), unless the URL says it."""

AWAY = (OperationalError, InterfaceError, NoConnectionError)
"""What it comes to when a database does not answer: at once, in the middle, or with no connection
free."""
AWAY_TEXT = "the database does not answer; try again in a moment"


def connect(url: str, connections: int = CONNECTIONS) -> Engine:
    """Open the database of a URL, and bring its tables and views to what this version needs.

    url: `sqlite:///FILE` (its folder is made) or `postgresql+psycopg://USER@HOST/NAME`.
    connections: at a time; who wants one more waits.
    SQLite keeps a write-ahead log and waits for the disk at each commit, so that what was saved
    outlives a killed process and a power cut; PostgreSQL does so by itself.
    Raises UserError if it cannot be opened, or a newer version of drawsim wrote it.
    """
    where = parsed(url)
    shown = where.render_as_string(hide_password=True)
    try:
        if where.get_backend_name() == "sqlite":
            Path(str(where.database)).parent.mkdir(parents=True, exist_ok=True)
            engine = create_engine(where, pool_size=connections, max_overflow=0)
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        else:
            reaching = {name: value for name, value in REACHING.items() if name not in where.query}
            engine = create_engine(
                where,
                pool_size=connections,
                max_overflow=0,
                pool_pre_ping=True,
                connect_args=reaching,
            )
            event.listen(engine, "connect", _prepare_postgresql)
        with writing(engine) as connection:
            upgrade(connection)
            _renew_views(connection)
    except (SQLAlchemyError, OSError, ImportError) as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise UserError(
            f"database {shown} cannot be opened: {reason}; is the address right, the server "
            "running, and may you write there?"
        ) from error
    return engine


def _renew_views(connection: Connection) -> None:
    """Make the views, unless they are those of this version: others may be reading them."""
    made_of = hashlib.sha256(repr(VIEWS).encode()).hexdigest()
    if fact(connection, "views") == made_of:
        return
    for name in reversed(VIEWS):
        connection.execute(text(f"DROP VIEW IF EXISTS {name}"))
    for name, query in VIEWS.items():
        connection.execute(text(f"CREATE VIEW {name} AS {query}"))
    connection.execute(delete(FactRow).where(FactRow.name == "views"))
    connection.execute(insert(FactRow), [{"name": "views", "value": made_of}])


def fact(connection: Connection, name: str) -> str | None:
    """What holds of the database itself, by its name; see `FactRow`."""
    return connection.execute(select(FactRow.value).where(FactRow.name == name)).scalar()


def parsed(url: str) -> URL:
    """The parts of a database URL, with the driver that is installed. Raises UserError."""
    cure = "write sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/NAME"
    try:
        found = make_url(url)
    except SQLAlchemyError as error:
        raise UserError(f"database: what was given is no address of one; {cure}") from error
    if found.drivername in ("postgres", "postgresql"):
        found = found.set(drivername="postgresql+psycopg")
    if found.drivername not in ("sqlite", "postgresql+psycopg"):
        raise UserError(f"database: {found.drivername} is not supported; {cure}")
    if found.drivername == "sqlite" and found.database in (None, "", ":memory:"):
        raise UserError(f"database: SQLite needs a file, so that nothing is lost; {cure}")
    return found


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin where _begin_sqlite says
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        f"busy_timeout={BUSY_SECONDS * 1000}",
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _prepare_postgresql(connection: Any, _record: Any) -> None:
    connection.execute(f"SET lock_timeout = '{BUSY_SECONDS}s'")
    connection.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'")
    connection.commit()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("drawsim_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def time_of(connection: Connection) -> datetime:
    """The time by the clock that all servers on this database have in common, in UTC.

    PostgreSQL's own; an SQLite file is on one machine, whose clock it is.
    """
    if connection.dialect.name == "postgresql":
        found: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        return found.astimezone(timezone.utc)
    return now()


@contextmanager
def writing(engine: Engine, lock: int = WRITERS_LOCK) -> Iterator[Connection]:
    """A transaction that may write, one at a time among all threads and processes.

    It sees all that earlier ones wrote, so that what it read still holds when it writes, and ids
    grow in the order of commits. It is on the disk when the block is left; an exception undoes it.
    lock: those of one lock come one at a time; SQLite has one for all.
    """
    with engine.connect().execution_options(drawsim_writes=True) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(
                text(
                    "SELECT set_config('synchronous_commit', 'on', true), "
                    f"pg_advisory_xact_lock({lock})"
                )
            )
        yield connection
