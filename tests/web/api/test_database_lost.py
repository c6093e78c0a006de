"""When the database goes away, pages say so, and what is sent again is saved once."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.engine import make_url

from drawsim.web.events.database import connect
from drawsim.web.events.store import EventStore
from drawsim.web.security.access import LOCAL
from drawsim.web.security.accounts import Sessions
from drawsim.web.services import Services
from tests.web.conftest import Browser
from tests.web.databases import NewDatabase

DECIDED = {
    "key": "decision-1",
    "action": "grade",
    "kind": "drawing",
    "drawing_id": "d7",
    "artwork_id": "a7",
    "grade": "same work",
}


class Relay:
    """Stands between the app and PostgreSQL, and can be cut.

    swallows: bytes of the app after which the answer never arrives, once.
    """

    def __init__(self, folder: Path, server: str) -> None:
        self.folder = folder
        self.server = server
        self.cut = False
        self.swallows: bytes | None = None
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(folder / ".s.PGSQL.5432"))
        self._listening.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def break_all(self) -> None:
        """End all connections; new ones are ended at once."""
        self.cut = True
        for pair in self._pairs:
            _end(*pair)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                app = self._listening.accept()[0]
                if self.cut:
                    app.close()
                    continue
                database = socket.socket(socket.AF_UNIX)
                database.connect(self.server)
                self._pairs.append((app, database))
                for ways in ((app, database), (database, app)):
                    threading.Thread(target=self._carry, args=ways, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                if self.swallows is not None and self.swallows in data:
                    self.swallows = None
                    source.shutdown(socket.SHUT_RDWR)  # the app hears nothing any more
                    target.sendall(data)
                    target.recv(1 << 16)
                    break
                target.sendall(data)
        _end(source, target)

    def close(self) -> None:
        self.break_all()
        self._listening.close()


def _end(*sockets: socket.socket) -> None:
    for each in sockets:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def relay(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    host = str(make_url(postgres_server).query["host"])
    relay = Relay(tmp_path_factory.mktemp("r"), f"{host}/.s.PGSQL.5432")
    yield relay
    relay.close()


@pytest.fixture
def client(
    new_database: NewDatabase, relay: Relay, services: Services, browser: Browser
) -> Iterator[TestClient]:
    """The only user of an app whose database is behind the relay."""
    url = make_url(new_database()).update_query_dict(
        {"host": relay._listening.getsockname().removesuffix("/.s.PGSQL.5432")}
    )
    engine = connect(url.render_as_string(hide_password=False))
    sessions = Sessions(engine)
    client = browser(replace(services, store=EventStore(engine), sessions=sessions))
    session = sessions.start(LOCAL)
    client.cookies[sessions.cookie] = session.token
    client.headers["X-CSRF-Token"] = session.csrf
    yield client
    engine.dispose()


@pytest.mark.parametrize("new_database", ["postgresql"], indirect=True)
def test_what_was_sent_while_it_was_away_is_saved_when_it_is_sent_again(
    client: TestClient, relay: Relay
) -> None:
    assert client.get("/health").text == "ok\n"
    relay.break_all()
    answer = client.post("/api/events", json={"events": [DECIDED]})
    assert answer.status_code == 503
    assert answer.json() == {"error": "the database does not answer; try again in a moment"}
    assert client.get("/health").status_code == 503
    page = client.get("/judge")
    assert page.status_code == 503
    relay.cut = False
    assert client.post("/api/events", json={"events": [DECIDED]}).json()["saved"] == ["decision-1"]
    assert client.get("/health").status_code == 200


@pytest.mark.parametrize("new_database", ["postgresql"], indirect=True)
def test_what_was_saved_though_the_answer_was_lost_is_not_saved_twice(
    client: TestClient, relay: Relay
) -> None:
    client.get("/health")
    relay.swallows = b"COMMIT"
    assert client.post("/api/events", json={"events": [DECIDED]}).status_code == 503
    told = client.post("/api/events", json={"events": [DECIDED]}).json()
    assert (told["saved"], told["known"]) == ([], ["decision-1"])
