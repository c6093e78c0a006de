"""How the annotation app's database is opened and written to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    create_engine,
    event,
    text,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from drawsim.common.errors import UserError
from drawsim.web.events.migrations.upgrading import upgrade
from drawsim.web.events.tables import now
from drawsim.web.events.views import VIEWS

WRITERS_LOCK = 7_208_375
"""Name of the advisory lock that PostgreSQL gives to one writer at a time: any fixed number."""
BUSY_SECONDS = 30
"""How long a writer waits for another before it gives up."""


def connect(url: str) -> Engine:
    """Open the database of a URL, and bring its tables and views to what this version needs.

    url: `sqlite:///FILE` (its folder is made) or `postgresql+psycopg://USER@HOST/NAME`.
    SQLite keeps a write-ahead log and waits for the disk at each commit, so that what was saved
    outlives a killed process and a power cut; PostgreSQL does so by itself.
    Raises UserError if it cannot be opened, or a newer version of drawsim wrote it.
    """
    parsed = _parsed(url)
    shown = parsed.render_as_string(hide_password=True)
    try:
        if parsed.get_backend_name() == "sqlite":
            Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
            engine = create_engine(parsed, pool_size=20, max_overflow=30)
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        else:
            engine = create_engine(parsed, pool_size=20, max_overflow=30, pool_pre_ping=True)
        with writing(engine) as connection:
            upgrade(connection)
            # Views hold nothing: they are made anew, so that those of an older version go.
            for name in reversed(VIEWS):
                connection.execute(text(f"DROP VIEW IF EXISTS {name}"))
            for name, query in VIEWS.items():
                connection.execute(text(f"CREATE VIEW {name} AS {query}"))
    except (SQLAlchemyError, OSError, ImportError) as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise UserError(
            f"database {shown} cannot be opened: {reason}; is the address right, the server "
            "running, and may you write there?"
        ) from error
    return engine


def _parsed(url: str) -> URL:
    """The parts of a database URL, with the driver that is installed."""
    cure = "write sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/NAME"
    try:
        parsed = make_url(url)
    except SQLAlchemyError as error:
        raise UserError(f"database: what was given is no address of one; {cure}") from error
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in ("sqlite", "postgresql+psycopg"):
        raise UserError(f"database: {parsed.drivername} is not supported; {cure}")
    if parsed.drivername == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise UserError(f"database: SQLite needs a file, so that nothing is lost; {cure}")
    return parsed


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin where _begin_sqlite says
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        f"busy_timeout={BUSY_SECONDS * 1000}",
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


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
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that may write, one at a time among all threads and processes.

    It sees all that earlier ones wrote, so that what it read still holds when it writes, and ids
    grow in the order of commits. It is on the disk when the block is left; an exception undoes it.
    """
    with engine.connect().execution_options(drawsim_writes=True) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(
                text(
                    "SELECT set_config('synchronous_commit', 'on', true), "
                    f"pg_advisory_xact_lock({WRITERS_LOCK})"
                )
            )
        yield connection
