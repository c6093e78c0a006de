"""A PostgreSQL with pgvector as an index meets it: what is wrong with it is one line."""

from __future__ import annotations

import importlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from drawsim.common.errors import UserError

REGISTRY = "drawsim_indexes"
"""The table that says of which folder and model the vectors of each index are."""
REGISTRY_LOCK = 7_208_376
"""Name of the advisory lock under which the table of indexes is made: any fixed number."""
OLDEST = (0, 8)
"""Version of pgvector: earlier ones stop at the first candidates that a filter refuses."""
SECONDS = 10
"""How long a server may take to answer that it is there."""


class Server:
    """A PostgreSQL. address: as the user gives it. Raises UserError where it cannot be reached."""

    def __init__(self, address: str) -> None:
        try:
            self.psycopg = importlib.import_module("psycopg")
            self.types = importlib.import_module("pgvector.psycopg")
        except ImportError as error:
            raise UserError(
                f"ann=pgvector: needs more ({error}): pip install 'drawsim[pgvector]'"
            ) from error
        self.lock = threading.Lock()
        self.address = re.sub(r"^postgres(ql)?(\+psycopg)?://", "postgresql://", address)
        try:
            parts = self.psycopg.conninfo.conninfo_to_dict(self.address)
        except self.psycopg.Error as error:
            raise UserError(
                "database: what was given is no address of a PostgreSQL; write "
                "postgresql://USER@HOST/NAME"
            ) from error
        user, host = (parts.get(key) or "" for key in ("user", "host"))
        port = f":{parts['port']}" if parts.get("port") else ""
        who = f"{user}@" if user else ""
        self.shown = f"postgresql://{who}{host}{port}/{parts.get('dbname') or ''}"
        self._open()

    def _open(self) -> None:
        try:
            self.connection = self.psycopg.connect(
                self.address, connect_timeout=SECONDS, prepare_threshold=None
            )
        except self.psycopg.Error as error:
            raise UserError(
                f"database {self.shown} cannot be opened: {_first(error)}; is the address right, "
                "the server running, and the password in PGPASSWORD or ~/.pgpass?"
            ) from error
        with self.failing("cannot be used"):
            self._check_extension()

    def _check_extension(self) -> None:
        """pgvector is there and new enough; it is switched on where the user may do so."""
        asked = "SELECT extversion FROM pg_extension WHERE extname = 'vector'"
        found = self.connection.execute(asked).fetchone()
        if found is None:
            try:
                self.connection.execute("CREATE EXTENSION vector")
            except self.psycopg.Error as error:
                raise UserError(
                    f"database {self.shown} has no pgvector: {_first(error)}; install it on the "
                    "server (Debian: postgresql-17-pgvector) and let the database's owner run "
                    "CREATE EXTENSION vector"
                ) from error
            found = self.connection.execute(asked).fetchone()
        version = tuple(int(part) for part in re.findall(r"\d+", found[0])[:2])
        if version < OLDEST:
            raise UserError(
                f"database {self.shown} has pgvector {found[0]}, which is too old: "
                f"{'.'.join(map(str, OLDEST))} or newer is needed; install it on the server and "
                "run ALTER EXTENSION vector UPDATE"
            )
        self.types.register_vector(self.connection)
        self.connection.commit()

    def prepare(self) -> None:
        """The table of indexes, if it is not there yet."""
        with self.failing("cannot be written to"), self.transaction() as run:
            run.execute("SELECT pg_advisory_xact_lock(%s)", [REGISTRY_LOCK])
            run.execute(
                f"CREATE TABLE IF NOT EXISTS {REGISTRY} (name text PRIMARY KEY, kind text NOT "
                "NULL, owner text NOT NULL, model text NOT NULL, "
                "made timestamptz NOT NULL DEFAULT now())"
            )

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        """The connection in a transaction of its own, or inside of the one that is under way."""
        with self.connection.transaction():
            yield self.connection

    @contextmanager
    def awake(self) -> Iterator[Any]:
        """Likewise; a server that has let go, as after its restart, is connected to again."""
        try:
            with self.transaction() as run:
                run.execute("SELECT 1")
        except self.psycopg.OperationalError:
            self._open()
        with self.transaction() as run:
            yield run

    @contextmanager
    def failing(self, what: str) -> Iterator[None]:
        """What the server refuses becomes a line, and the transaction is undone."""
        try:
            yield
        except self.psycopg.Error as error:
            with suppress(self.psycopg.Error):
                self.connection.rollback()
            raise UserError(f"database {self.shown} {what}: {_first(error)}") from error

    def jsonb(self, value: object, text: str) -> Any:
        """A value as the type jsonb."""
        return self.psycopg.types.json.Jsonb(value, dumps=lambda _: text)

    def close(self) -> None:
        """Let go of the server; what is not saved is undone."""
        self.connection.close()


def _first(error: BaseException) -> str:
    """The first line of what a server says."""
    return str(error).strip().partition("\n")[0].strip() or type(error).__name__
