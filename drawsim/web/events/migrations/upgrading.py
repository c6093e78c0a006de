"""Bringing a database to the newest schema, once, with a copy of what was there before."""

from __future__ import annotations

import logging
import sqlite3
import threading
from contextlib import closing
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from drawsim.common.errors import UserError
from drawsim.common.files import atomic

log = logging.getLogger(__name__)

SCRIPTS = Path(__file__).parent
FIRST = "0001"
"""The schema of databases that were made before schemas had numbers."""
_alone = threading.Lock()
"""Alembic knows one migration at a time in a process."""


def upgrade(connection: Connection, scripts: Path = SCRIPTS) -> None:
    """Make the tables, or bring them from an earlier schema to the newest, if they are not.

    connection: in a transaction that keeps all other writers out, and is undone if this fails. Of
    an SQLite file that holds an earlier schema, a copy is made beside it first. scripts: the folder
    of Alembic's env.py and versions. Raises UserError for a schema that is not known here.
    """
    found = MigrationContext.configure(connection).get_current_revision()
    known = _known(scripts)
    if found == known[0]:
        return
    if found is not None and found not in known:
        raise UserError(
            f"{_name(connection)}: a newer drawsim wrote it (schema {found}; this one knows "
            f"up to {known[0]}); install the newer one"
        )
    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.attributes["connection"] = connection
    unnumbered = found is None and inspect(connection).has_table("events")
    with _alone:
        if unnumbered:
            command.stamp(config, FIRST)
        if (found or unnumbered) and connection.dialect.name == "sqlite":
            _copy(Path(str(connection.engine.url.database)), found or "0")
        command.upgrade(config, "head")
    if found or unnumbered:
        log.info("%s: brought from schema %s to %s", _name(connection), found or 0, known[0])


@cache
def _known(scripts: Path) -> tuple[str, ...]:
    """All schemas, the newest first."""
    found = ScriptDirectory(str(scripts)).walk_revisions()
    return tuple(script.revision for script in found)


def _name(connection: Connection) -> str:
    return f"database {connection.engine.url.render_as_string(hide_password=True)}"


def _copy(file: Path, schema: str) -> None:
    """Keep what is committed in an SQLite file, as FILE.schema-N.bak."""
    kept = file.with_name(f"{file.name}.schema-{schema}.bak")
    with (
        atomic(kept) as temporary,
        closing(sqlite3.connect(file)) as source,
        closing(sqlite3.connect(temporary)) as target,
    ):
        source.backup(target)
    log.info("%s: as it was before", kept)
