"""What the annotation app acknowledged is kept, and once, however often the server is killed."""

from __future__ import annotations

import sys
from pathlib import Path

from drawsim.web.events.database import connect
from drawsim.web.events.drafts import Draft, MadeWith
from drawsim.web.events.store import EventStore
from tests.acceptance.annotators import (
    Annotator,
    Browser,
    Server,
    Work,
    compare,
    kill_test,
    make_accounts,
    make_world,
)
from tests.web.databases import database_url as database_url
from tests.web.databases import new_database as new_database


def test_nothing_acknowledged_is_lost_and_nothing_is_doubled(
    tmp_path: Path, database_url: str
) -> None:
    world, users = tmp_path / "world", tmp_path / "users.json"
    make_world(world, drawings=120, artworks=40)
    names = make_accounts(users, 3)
    settings = [
        *(f"collection={world}", f"index={world / 'index'}", f"store={tmp_path / 'store'}"),
        *(f"users={users}", f"database={database_url}"),
    ]
    # One process on SQLite, several on PostgreSQL.
    workers = 1 if database_url.startswith("sqlite") or sys.platform != "linux" else 2
    kills = 2 if workers == 1 else 1  # a worker takes seconds to begin
    with Server(settings, workers) as server:
        found = kill_test(server, database_url, names, decisions=150, kills=kills)
    assert found.kills == kills
    assert found.decisions >= 150
    assert server.process is not None
    told, complained = server.process.written()
    if workers == 1:
        assert found.sent_again > 0
    else:
        assert told.count("was ended by SIGKILL; another is started") == kills
    assert told.rstrip().endswith("stopped; all that was saved is kept")
    assert "Traceback" not in complained
    assert (found.lost, found.doubled, found.strange, found.shared) == ([], [], [], [])


def test_what_is_lost_or_too_much_is_told(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/events.sqlite"
    store = EventStore(connect(url))
    answers = [
        ("ada", "key-none", "none"),
        ("ben", "key-done", "done"),
        ("ada", "key-skip", "skip"),
    ]
    for who, key, answer in answers:
        store.save(who, [Draft(key, answer, "drawing", drawing_id="d0")], MadeWith("", ""))  # type: ignore[arg-type]
    ada = Annotator(Browser("http://127.0.0.1:1", "ada"), Work(9), seed=0)
    ada.acknowledged = {
        "key-none": {"action": "none", "drawing_id": "d0"},
        "key-done": {"action": "done", "drawing_id": "d0"},  # was saved as another's
        "key-skip": {"action": "done", "drawing_id": "d0"},  # was saved as something else
        "key-gone": {"action": "done", "drawing_id": "d1"},
    }
    found = compare(url, [ada], kills=0, seconds=1)
    assert found.lost == ["key-done", "key-skip", "key-gone"]
    assert found.shared == ["d0"]
    del ada.acknowledged["key-done"]
    assert compare(url, [ada], kills=0, seconds=1).strange == ["key-done"]
