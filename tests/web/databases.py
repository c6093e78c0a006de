"""The databases that the tests of the annotation app run on: SQLite, and PostgreSQL if it is here.

The fixtures reach the tests through conftest.py.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

from drawsim.web.events.database import connect

SCHEMAS = count()


def postgres_programs() -> Path | None:
    """The folder of initdb and pg_ctl: Debian's newest, or one of PATH."""
    debian = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(debian, key=lambda path: float(path.parts[-3]), default=None)
    found = newest or shutil.which("initdb")
    return Path(found).resolve().parent if found else None


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a throw-away PostgreSQL server, reached by a socket in a folder of its own."""
    programs = postgres_programs()
    if programs is None:
        pytest.skip("no PostgreSQL: neither /usr/lib/postgresql/*/bin nor PATH has initdb")
    user = None
    if os.getuid() == 0:  # which PostgreSQL refuses to run as
        user = "postgres"
        if user not in {entry.pw_name for entry in pwd.getpwall()}:
            pytest.skip("no PostgreSQL: it does not run as root, and there is no user postgres")
    # In /tmp whatever TMPDIR says: the path of a socket is short, and any user gets there.
    folder = Path(tempfile.mkdtemp(prefix="drawsim-postgres-", dir="/tmp"))
    group = None
    if user:
        group = pwd.getpwnam(user).pw_gid
        shutil.chown(folder, user, group)

    def do(program: str, *arguments: str) -> None:
        command = [str(programs / program), *arguments]
        run = subprocess.run(
            command,
            cwd=folder,
            stdout=subprocess.DEVNULL,  # a pipe would stay open as long as the server runs
            stderr=subprocess.DEVNULL,
            user=user,
            group=group,
            extra_groups=[] if user else None,
        )
        assert run.returncode == 0, f"{' '.join(command)} failed"

    data, log = str(folder / "data"), str(folder / "log.txt")
    options = f"-k {folder} -c listen_addresses='' -c fsync=off -c max_connections=200"
    try:
        do(
            "initdb",
            "-D",
            data,
            "-U",
            "drawsim",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale",
            "C",
            "--no-sync",
        )
        do("pg_ctl", "-D", data, "-l", log, "-w", "-o", options, "start")
        try:
            yield f"postgresql+psycopg://drawsim@/postgres?host={folder}"
        finally:
            do("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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
