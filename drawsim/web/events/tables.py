"""The tables of the annotation app's database.

Events are only ever added; the database itself refuses to change or remove one. Whoever changes a
table adds a migration too: a file in `migrations/versions`.
"""

from __future__ import annotations

from datetime import datetime, timezone

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Computed,
    DateTime,
    Dialect,
    Double,
    Index,
    Integer,
    LargeBinary,
    Text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator


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
    label: a tag or a name. group_id: the group that it is done to. batch: what is undone together.
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
    label: Mapped[str] = mapped_column(Text, server_default="")
    group_id: Mapped[str | None] = mapped_column(Text)
    batch: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        Index("events_of_pair", "drawing_id", "artwork_id", "annotator", "id"),
        Index("events_of_artwork", "artwork_id", "annotator", "id"),
        Index("events_of_query", "query_id", "kind", "annotator", "id"),
        Index("events_of_annotator", "annotator", "id"),
        Index("events_of_action", "action", "id"),
        Index("events_of_group", "group_id", "id"),
        Index("events_of_batch", "batch"),
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


class FactRow(Base):
    """What holds of the database itself: `id`, its name; `views`, what its views were made of."""

    __tablename__ = "facts"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class FailureRow(Base):
    """Failed logins: how many, the last when. Of whom is told by a hash alone."""

    __tablename__ = "failures"

    what_sha256: Mapped[str] = mapped_column(Text, primary_key=True)
    count: Mapped[int] = mapped_column(Integer)
    last: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index("failures_by_time", "last"),)


class MeasuredRow(Base):
    """How unsure the models are of all queries of a kind, as far as it is known.

    made_of: a hash of what the values depend on. data: float64, little-endian. holder: the process
    that works them out, until when others leave that to it; empty: all are known.
    """

    __tablename__ = "measured"

    made_of: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    data: Mapped[bytes] = mapped_column(LargeBinary)
    holder: Mapped[str] = mapped_column(Text)
    until: Mapped[datetime] = mapped_column(UtcDateTime)
