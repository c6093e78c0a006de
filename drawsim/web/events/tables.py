"""The database of the annotation app: its tables, its views, and how it is opened and written to.

Events are only ever added; the database itself refuses to change or remove one. What holds now is
read through SQL views over them. SQLite and PostgreSQL serve alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Computed,
    Connection,
    DateTime,
    Dialect,
    Double,
    Engine,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    create_engine,
    event,
    inspect,
    text,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from drawsim.common.errors import UserError

WRITERS_LOCK = 7_208_375
"""Name of the advisory lock that PostgreSQL gives to one writer at a time: any fixed number."""
BUSY_SECONDS = 30
"""How long a writer waits for another before it gives up."""


def now() -> datetime:
    """The time, aware, in UTC."""
    return datetime.now(timezone.utc)


class UtcDateTime(TypeDecorator[datetime]):
    """Aware times in UTC, also in SQLite, which knows no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a time zone: {value}")
        return value.astimezone(timezone.utc)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return (value if value.tzinfo else value.replace(tzinfo=timezone.utc)).astimezone(
            timezone.utc
        )


class Base(DeclarativeBase):
    """What the tables have in common."""


class EventRow(Base):
    """What an annotator did, once and for all; see `drawsim.web.events.store` for the columns.

    query_id: the id of the picture that was judged from, derived from `kind`.
    undoes: key of the event that an undo takes back; nothing is taken back twice.
    """

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    annotator: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text, unique=True)
    action: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    drawing_id: Mapped[str | None] = mapped_column(Text)
    artwork_id: Mapped[str | None] = mapped_column(Text)
    query_id: Mapped[str] = mapped_column(
        Text,
        Computed("CASE WHEN kind = 'drawing' THEN drawing_id ELSE artwork_id END", persisted=True),
    )
    grade: Mapped[str | None] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text)
    drawing_box: Mapped[list[float] | None] = mapped_column(JSON(none_as_null=True))
    artwork_box: Mapped[list[float] | None] = mapped_column(JSON(none_as_null=True))
    rank: Mapped[int | None] = mapped_column(Integer)
    score: Mapped[float | None] = mapped_column(Double)
    shown: Mapped[int | None] = mapped_column(Integer)
    shown_ids: Mapped[list[str]] = mapped_column(JSON)
    seconds: Mapped[float | None] = mapped_column(Double)
    audit: Mapped[bool] = mapped_column(Boolean)
    model: Mapped[str] = mapped_column(Text)
    index_sha256: Mapped[str] = mapped_column(Text)
    undoes: Mapped[str | None] = mapped_column(Text, unique=True)

    __table_args__ = (
        Index("events_of_pair", "drawing_id", "artwork_id", "annotator", "id"),
        Index("events_of_artwork", "artwork_id", "annotator", "id"),
        Index("events_of_query", "query_id", "kind", "annotator", "id"),
        Index("events_of_annotator", "annotator", "id"),
        Index("events_of_action", "action", "id"),
    )


class LeaseRow(Base):
    """Who holds which query, and until when."""

    __tablename__ = "leases"

    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    query_id: Mapped[str] = mapped_column(Text, primary_key=True)
    annotator: Mapped[str] = mapped_column(Text, primary_key=True)
    until: Mapped[datetime] = mapped_column(UtcDateTime)


class SessionRow(Base):
    """Who is signed in. The token itself is known to the browser alone."""

    __tablename__ = "sessions"

    token_sha256: Mapped[str] = mapped_column(Text, primary_key=True)
    csrf: Mapped[str] = mapped_column(Text)
    username: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    until: Mapped[datetime] = mapped_column(UtcDateTime)


APPEND_ONLY = {
    "sqlite": (
        "CREATE TRIGGER events_never_change BEFORE UPDATE ON events "
        "BEGIN SELECT RAISE(ABORT, 'events are only ever added'); END",
        "CREATE TRIGGER events_never_go BEFORE DELETE ON events "
        "BEGIN SELECT RAISE(ABORT, 'events are only ever added'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION events_only_added() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'events are only ever added'; END $$",
        "CREATE TRIGGER events_never_change BEFORE UPDATE OR DELETE OR TRUNCATE ON events "
        "FOR EACH STATEMENT EXECUTE FUNCTION events_only_added()",
    ),
}
"""What makes the database itself refuse to change or remove an event, for each dialect."""

VIEWS = {
    "counting": "SELECT * FROM events AS e WHERE action <> 'undo' "
    "AND NOT EXISTS (SELECT 1 FROM events AS u WHERE u.undoes = e.key)"
}
"""The current state, in SQL. The events that still count come first; the others stand on them."""
_views = MetaData()  # apart from the tables, so that nobody creates a view as a table


def _newest(name: str, columns: str, each: str, among: str, keep: str = "") -> Table:
    """Add a view: for each of something, the newest counting event among some, if it is to keep."""
    VIEWS[name] = (
        f"SELECT {columns} FROM (SELECT *, row_number() OVER (PARTITION BY {each} ORDER BY id DESC)"
        f" AS newest FROM counting WHERE {among}) AS latest WHERE newest = 1 {keep}"
    )
    of_events = EventRow.__table__.c
    parts = [part.split(" AS ") for part in columns.split(", ")]
    return Table(name, _views, *(Column(part[-1], of_events[part[0]].type) for part in parts))


COUNTING = Table("counting", _views, *(Column(c.name, c.type) for c in EventRow.__table__.c))


_PAIR = "annotator, drawing_id, artwork_id"
_HOW = "kind, at, rank, score, shown, seconds, audit, model, index_sha256"

NOTES = _newest(
    "notes",
    f"{_PAIR}, note, at",
    each=_PAIR,
    among="action <> 'adjudicate' AND (action = 'note' OR note <> '')",
    keep="AND note <> ''",
)
"""What each annotator noted last on each pair (both ids) and on each query (its id alone)."""
BOXES = _newest(
    "boxes",
    f"{_PAIR}, drawing_box, artwork_box, at",
    each=_PAIR,
    among="action = 'box'",
    keep="AND (drawing_box IS NOT NULL OR artwork_box IS NOT NULL)",
)
"""The boxes that each annotator drew last on each pair."""
JUDGEMENTS = _newest(
    "judgements",
    f"{_PAIR}, grade, {_HOW}",
    each=_PAIR,
    among="action IN ('grade', 'clear')",
    keep="AND action = 'grade'",
)
"""The grade that each annotator gave each pair last, unless it was taken away."""
ANSWERS = _newest(
    "answers",
    f"annotator, query_id AS id, action AS answer, shown_ids, {_HOW}",
    each="annotator, kind, query_id",
    among="action IN ('done', 'none', 'skip')",
)
"""How each annotator left each query."""
ADJUDICATIONS = _newest(
    "adjudications",
    "drawing_id, artwork_id, grade, annotator, at, note",
    each="drawing_id, artwork_id",
    among="action = 'adjudicate'",
)
"""The last word of a reviewer on each pair."""


def connect(url: str) -> Engine:
    """Open the database of a URL, and make its tables and views where they are missing.

    url: `sqlite:///FILE` (its folder is made) or `postgresql+psycopg://USER@HOST/NAME`.
    SQLite keeps a write-ahead log and waits for the disk at each commit, so that what was saved
    outlives a killed process and a power cut; PostgreSQL does so by itself.
    Raises UserError if it cannot be opened.
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
            if not inspect(connection).has_table(EventRow.__tablename__):
                Base.metadata.create_all(connection)
                for statement in APPEND_ONLY[connection.dialect.name]:
                    connection.execute(text(statement))
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
