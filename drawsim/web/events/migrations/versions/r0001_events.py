"""Events that are only ever added, leases and sessions: the first schema with a number."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

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
OF_QUERY = "CASE WHEN kind = 'drawing' THEN drawing_id ELSE artwork_id END"


def upgrade() -> None:
    """Make everything."""
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("annotator", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("drawing_id", sa.Text),
        sa.Column("artwork_id", sa.Text),
        sa.Column("query_id", sa.Text, sa.Computed(OF_QUERY, persisted=True), nullable=False),
        sa.Column("grade", sa.Text),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("drawing_box", sa.JSON),
        sa.Column("artwork_box", sa.JSON),
        sa.Column("rank", sa.Integer),
        sa.Column("score", sa.Double),
        sa.Column("shown", sa.Integer),
        sa.Column("shown_ids", sa.JSON, nullable=False),
        sa.Column("seconds", sa.Double),
        sa.Column("audit", sa.Boolean, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("index_sha256", sa.Text, nullable=False),
        sa.Column("undoes", sa.Text, unique=True),
    )
    for name, columns in (
        ("events_of_pair", ["drawing_id", "artwork_id", "annotator", "id"]),
        ("events_of_artwork", ["artwork_id", "annotator", "id"]),
        ("events_of_query", ["query_id", "kind", "annotator", "id"]),
        ("events_of_annotator", ["annotator", "id"]),
        ("events_of_action", ["action", "id"]),
    ):
        op.create_index(name, "events", columns)
    op.create_table(
        "leases",
        *(sa.Column(name, sa.Text, primary_key=True) for name in ("kind", "query_id", "annotator")),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "sessions",
        sa.Column("token_sha256", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("csrf", "username", "role")),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
    )
    for statement in APPEND_ONLY[op.get_context().dialect.name]:
        op.execute(statement)
