"""The database: how it is opened, what it refuses, and that its transactions come one at a time."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, insert, inspect, select, text, update
from sqlalchemy.exc import DBAPIError

from drawsim.common.errors import UserError
from drawsim.web.events.database import connect, writing
from drawsim.web.events.drafts import Draft, MadeWith
from drawsim.web.events.store import EventStore
from drawsim.web.events.tables import EventRow, LeaseRow, now
from drawsim.web.events.views import VIEWS

MADE_WITH = MadeWith("lite", "0" * 64)


def an_event(engine: Engine) -> None:
    EventStore(engine).save("ada", [Draft("key-0001", "none", "drawing", "d0")], MADE_WITH)


def test_a_new_database_has_tables_and_views(engine: Engine) -> None:
    found = inspect(engine)
    assert {"events", "leases", "sessions"} <= set(found.get_table_names())
    assert set(found.get_view_names()) == set(VIEWS)


def test_opened_again_it_holds_what_it_held(database_url: str) -> None:
    first = connect(database_url)
    an_event(first)
    first.dispose()
    second = connect(database_url)
    assert list(EventStore(second).answers()["id"]) == ["d0"]
    second.dispose()


@pytest.mark.parametrize("change", [update(EventRow).values(note="no"), delete(EventRow)])
def test_the_database_refuses_to_change_or_remove_an_event(engine: Engine, change: object) -> None:
    an_event(engine)
    before = EventStore(engine).history()
    with pytest.raises(DBAPIError, match="only ever added"), writing(engine) as connection:
        connection.execute(change)  # type: ignore[call-overload]
    assert EventStore(engine).history() == before


def test_sqlite_waits_for_the_disk(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path}/new/folder/annotations.sqlite")
    with engine.connect() as connection:
        told = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    engine.dispose()
    assert told == {
        "journal_mode": "wal",
        "synchronous": 2,  # FULL
        "foreign_keys": 1,
        "busy_timeout": 30_000,
    }


@pytest.mark.parametrize("new_database", ["postgresql"], indirect=True)
def test_postgresql_waits_for_the_disk_even_where_its_settings_do_not(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.execute(text("SET synchronous_commit TO off"))
        connection.commit()
    with writing(engine) as connection:
        assert connection.execute(text("SHOW synchronous_commit")).scalar() == "on"


def test_writers_come_one_at_a_time(engine: Engine) -> None:
    """Each reads a counter, and writes it back plus one: together they lose none."""
    row = {"kind": "drawing", "query_id": "0", "annotator": "ada", "until": now()}
    with writing(engine) as connection:
        connection.execute(insert(LeaseRow), [row])

    def count() -> None:
        for _ in range(5):
            with writing(engine) as connection:
                value = int(connection.execute(select(LeaseRow.query_id)).scalar_one())
                connection.execute(update(LeaseRow).values(query_id=str(value + 1)))

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with engine.connect() as connection:
        assert connection.execute(select(LeaseRow.query_id)).scalar_one() == "40"


def test_a_failure_undoes_a_transaction(engine: Engine) -> None:
    row = {"kind": "drawing", "query_id": "d0", "annotator": "ada", "until": now()}
    with pytest.raises(DBAPIError), writing(engine) as connection:
        connection.execute(insert(LeaseRow), [row, row])  # the second has the key of the first
    with engine.connect() as connection:
        assert connection.execute(select(LeaseRow.query_id)).all() == []


def test_times_are_aware_and_in_utc(engine: Engine) -> None:
    paris = timezone(timedelta(hours=2))
    time = datetime(2024, 5, 31, 1, 30, 0, 123456, tzinfo=paris)
    row = {"kind": "drawing", "query_id": "d0", "annotator": "ada", "until": time}
    with writing(engine) as connection:
        connection.execute(insert(LeaseRow), [row])
        read = connection.execute(select(LeaseRow.until)).scalar_one()
        assert (read, read.tzinfo) == (time, timezone.utc)
        assert connection.execute(select(LeaseRow).where(LeaseRow.until <= time)).all()
        with pytest.raises(Exception, match="without a time zone"):
            connection.execute(update(LeaseRow).values(until=time.replace(tzinfo=None)))


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("sqlite://", "SQLite needs a file"),
        ("sqlite:///:memory:", "SQLite needs a file"),
        ("annotations.sqlite", "no address"),
        ("mysql://host/name", "mysql is not supported"),
        ("postgresql://ada:secret@localhost:1/drawings", "cannot be opened"),
    ],
)
def test_a_url_that_cannot_be_opened_gives_one_clear_line(url: str, says: str) -> None:
    with pytest.raises(UserError, match=says) as caught:
        connect(url)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear Ada, " * 500, encoding="utf-8")
    with pytest.raises(UserError, match="cannot be opened"):
        connect(f"sqlite:///{path}")
    assert path.read_text(encoding="utf-8") == "Dear Ada, " * 500
