"""The databases that the tests of the annotation app run on: SQLite, and PostgreSQL if it is here.

The fixtures reach the tests through conftest.py; the server, which others use too, is that of
tests/postgres.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

from drawsim.web.events.database import connect

SCHEMAS = count()


NewDatabase = Callable[[], str]


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NewDatabase]:
    """Makes the URL of an empty database at each call."""
    if request.param == "sqlite":
        numbers = count()
        yield lambda: f"sqlite:///{tmp_path}/annotations{next(numbers)}.sqlite"
        return
    server = create_engine(request.getfixturevalue("postgres_server"))

    def schema() -> str:
        name = f"test{next(SCHEMAS)}"
        with server.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA {name}"))
        url = server.url.update_query_dict({"options": f"-csearch_path={name}"})
        return url.render_as_string(hide_password=False)

    yield schema
    server.dispose()


@pytest.fixture
def database_url(new_database: NewDatabase) -> str:
    """The URL of an empty database, of SQLite and then of PostgreSQL."""
    return new_database()


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An empty database with its tables."""
    engine = connect(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Engine]:
    """An empty database of SQLite with its tables."""
    engine = connect(f"sqlite:///{tmp_path}/annotations.sqlite")
    yield engine
    engine.dispose()
