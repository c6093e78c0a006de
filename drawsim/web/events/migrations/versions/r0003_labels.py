"""Tags, names, groups, and what is undone together."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns; what is there has none of it."""
    op.add_column("events", sa.Column("label", sa.Text, nullable=False, server_default=""))
    op.add_column("events", sa.Column("group_id", sa.Text))
    op.add_column("events", sa.Column("batch", sa.Text))
    op.create_index("events_of_group", "events", ["group_id", "id"])
    op.create_index("events_of_batch", "events", ["batch"])
