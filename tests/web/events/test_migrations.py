"""Stores of earlier versions open, once upgraded; those of newer ones are refused."""

from __future__ import annotations

import logging
import shutil
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

from drawsim.common.errors import UserError
from drawsim.web.events.database import connect, writing
from drawsim.web.events.drafts import MadeWith
from drawsim.web.events.migrations.upgrading import SCRIPTS, upgrade
from drawsim.web.events.store import EventStore
from drawsim.web.events.tables import Base

STORES = Path(__file__).parent / "stores"
"""What `sqlite3 .dump` and pg_dump said of a store of the version before migrations."""
NEXT = """
import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade():
    op.create_table("upgrades", sa.Column("number", sa.Integer))
    op.execute("INSERT INTO upgrades SELECT count(*) FROM events")
"""


@pytest.fixture
def old_store(database_url: str) -> str:
    """The URL of a store that the version before migrations wrote."""
    engine = create_engine(database_url)
    dump = STORES / f"before_migrations.{engine.dialect.name}.sql"
    connection = engine.raw_connection()
    with closing(connection):
        cursor = connection.cursor()
        script = dump.read_text(encoding="utf-8")
        getattr(cursor, "executescript", cursor.execute)(script)
        connection.commit()
    engine.dispose()
    return database_url


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """The migrations of a version to come, which has one more."""
    folder = tmp_path / "migrations"
    shutil.copytree(SCRIPTS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "r0004_upgrades.py").write_text(NEXT, encoding="utf-8")
    return folder


@pytest.fixture
def opened(old_store: str) -> Iterator[Engine]:
    engine = connect(old_store)
    yield engine
    engine.dispose()


def copies(url: str) -> list[Path]:
    """The copies that were made of a database."""
    file = create_engine(url).url.database
    return sorted(Path(str(file)).parent.glob("*.bak")) if url.startswith("sqlite") else []


def schema(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def test_migrations_make_what_the_tables_say(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    assert schema(engine) == "0003"


def test_an_old_store_opens_with_all_that_is_in_it(opened: Engine) -> None:
    store = EventStore(opened)
    judged = store.judgements().set_index(["annotator", "drawing_id", "artwork_id"])
    assert judged["grade"].to_dict() == {
        ("ada", "d0", "a0"): "same work",
        ("ben", "d0", "a0"): "different",
        ("ben", "d4", "a4"): "style only",
    }
    note = judged.loc[("ada", "d0", "a0"), "note"]
    assert note == "das Boot, mit „Segel“; d'après Monet"
    assert judged.loc[("ada", "d0", "a0"), "drawing_box"] == (0.1, 0.2, 0.3, 0.4)
    answers = store.answers().set_index(["annotator", "id"])
    assert answers["answer"].to_dict() == {
        ("ada", "d0"): "done",
        ("ben", "d0"): "none",
        ("ben", "d3"): "skip",
    }
    assert answers.loc[("ada", "d0"), "note"] == "line one\nline two"
    assert store.adjudications()["annotator"].tolist() == ["rosa"]
    assert len(store.history()) == 13
    assert schema(opened) == "0003"
    # And it goes on: a further event, under the next id.
    undone = store.undo("ada", "undo-0002", MadeWith("lite", "0" * 64))
    assert undone is not None
    assert undone.draft.action == "done"
    assert store.history(limit=1)[0].id == 14
    with pytest.raises(DBAPIError, match="only ever added"), writing(opened) as connection:
        connection.execute(text("DELETE FROM events"))


def test_an_upgrade_happens_once_and_keeps_a_copy(
    old_store: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="drawsim")
    with ThreadPoolExecutor(8) as pool:
        for engine in pool.map(lambda _: connect(old_store), range(8)):
            engine.dispose()
    assert sum("brought from schema 0 to 0003" in line for line in caplog.messages) == 1
    kept = copies(old_store)
    assert len(kept) == old_store.startswith("sqlite")
    for copy in kept:
        assert copy.name.endswith(".sqlite.schema-0.bak")
        with closing(sqlite3.connect(copy)) as before:
            assert before.execute("SELECT count(*) FROM events").fetchone() == (13,)
            tables = {row[0] for row in before.execute("SELECT name FROM sqlite_master")}
            assert "alembic_version" not in tables


def test_a_new_store_needs_no_copy(database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="drawsim")
    connect(database_url).dispose()
    connect(database_url).dispose()
    assert copies(database_url) == []
    assert not [line for line in caplog.messages if "schema" in line]


def test_a_further_schema(opened: Engine, old_store: str, newer: Path) -> None:
    """From any schema to the newest, whoever comes first; then this version refuses it."""

    def one(_: int) -> None:
        with writing(opened) as connection:
            upgrade(connection, newer)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(one, range(6)))
    with opened.connect() as connection:
        assert connection.execute(text("SELECT number FROM upgrades")).scalars().all() == [13]
    assert schema(opened) == "0004"
    assert [path.name.split(".sqlite.")[1] for path in copies(old_store)] == (
        ["schema-0.bak", "schema-0003.bak"] if copies(old_store) else []
    )
    with pytest.raises(UserError) as refused:
        connect(old_store)
    assert "a newer drawsim wrote it (schema 0004; this one knows up to 0003)" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(EventStore(opened).history()) == 13


def test_a_migration_that_fails_leaves_everything_as_it_was(opened: Engine, newer: Path) -> None:
    file = newer / "versions" / "r0004_upgrades.py"
    broken = NEXT + "    op.execute('DELETE FROM leases')\n    raise RuntimeError('power cut')\n"
    file.write_text(broken, encoding="utf-8")
    with pytest.raises(RuntimeError, match="power cut"), writing(opened) as connection:
        upgrade(connection, newer)
    assert schema(opened) == "0003"
    assert not inspect(opened).has_table("upgrades")
    with opened.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM leases")).scalar() == 1
