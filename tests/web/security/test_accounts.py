"""Accounts in a file, and sessions in the database."""

from __future__ import annotations

import json
import stat
import unicodedata
from datetime import timedelta
from pathlib import Path

import pytest
from argon2 import Type
from argon2.profiles import CHEAPEST
from sqlalchemy import Engine, select

from drawsim.common.errors import UserError
from drawsim.web.events.tables import SessionRow
from drawsim.web.security.accounts import Accounts, Sessions, User

PASSWORD = "correct horse"


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    accounts = Accounts(tmp_path / "store" / "users.json", CHEAPEST)
    accounts.add("ada", PASSWORD)
    accounts.add("Zoë.B-1", PASSWORD + "2", "reviewer")
    return accounts


def test_only_the_right_password_opens(accounts: Accounts) -> None:
    assert accounts.check("ada", PASSWORD) == User("ada", "annotator")
    assert accounts.check("Zoë.B-1", PASSWORD + "2") == User("Zoë.B-1", "reviewer")
    for name, password in (
        ("ada", PASSWORD + "2"),
        ("ada", ""),
        ("ada", PASSWORD.upper()),
        ("Ada", PASSWORD),
        ("nobody", PASSWORD),
        ("", ""),
        ("ada", "\ud800"),  # half a character, as a hostile client may send
        ("ada", PASSWORD * 1000),
    ):
        assert accounts.check(name, password) is None


def test_a_name_that_is_not_there_costs_the_same_work(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One hash is worked out, at the same cost, whoever is asked for."""
    verified: list[str] = []

    class Noting:
        def hash(self, password: str) -> str:
            return hasher.hash(password)

        def verify(self, hashed: str, password: bytes) -> bool:
            verified.append(hashed)
            return False

    stored = json.loads(accounts.path.read_text(encoding="utf-8"))["ada"]["password"]
    hasher = accounts._hasher
    monkeypatch.setattr(accounts, "_hasher", Noting())
    accounts.check("ada", "x")
    accounts.check("nobody", "x")
    assert verified[0] == stored
    cost = [hashed.split("$")[1:4] for hashed in verified]  # kind, version, parameters
    assert len(cost) == 2
    assert cost[0] == cost[1]


def test_the_default_cost_is_that_of_rfc_9106() -> None:
    """Section 4, second recommended option: 3 iterations, 4 lanes, 64 MiB."""
    hasher = Accounts(Path("users.json"))._hasher
    cost = (hasher.type, hasher.time_cost, hasher.parallelism, hasher.memory_cost)
    assert cost == (Type.ID, 3, 4, 64 * 1024)


def test_the_file_holds_no_password_and_is_for_its_owner_alone(accounts: Accounts) -> None:
    text = accounts.path.read_text(encoding="utf-8")
    assert PASSWORD not in text
    assert {name: entry["role"] for name, entry in json.loads(text).items()} == {
        "ada": "annotator",
        "Zoë.B-1": "reviewer",
    }
    assert all(entry["password"].startswith("$argon2id$") for entry in json.loads(text).values())
    assert stat.S_IMODE(accounts.path.stat().st_mode) == 0o600
    assert [path.name for path in accounts.path.parent.iterdir()] == ["users.json"]


def test_two_of_one_password_have_two_hashes(accounts: Accounts) -> None:
    accounts.add("eve", PASSWORD)
    entries = json.loads(accounts.path.read_text(encoding="utf-8"))
    assert entries["eve"]["password"] != entries["ada"]["password"]


def test_the_same_letters_in_other_bytes_are_the_same(accounts: Accounts) -> None:
    accounts.add("René", "Ångström and more")
    name = unicodedata.normalize("NFD", "René")
    assert accounts.check(name, unicodedata.normalize("NFD", "Ångström and more")) == User(
        "René", "annotator"
    )


@pytest.mark.parametrize(
    ("name", "password", "role", "says"),
    [
        ("ada", PASSWORD, "annotator", "taken"),
        ("ADA", PASSWORD, "annotator", "taken"),
        ("", PASSWORD, "annotator", "a name is"),
        ("a" * 41, PASSWORD, "annotator", "a name is"),
        ("ada eve", PASSWORD, "annotator", "a name is"),
        ("ada\n", PASSWORD, "annotator", "a name is"),
        ("<b>", PASSWORD, "annotator", "a name is"),
        ("eve", "123456789", "annotator", "10 to 1000"),
        ("eve", "1" * 1001, "annotator", "10 to 1000"),
        ("eve", PASSWORD, "revewer", "did you mean reviewer"),
    ],
)
def test_what_makes_no_account(
    accounts: Accounts, name: str, password: str, role: str, says: str
) -> None:
    before = accounts.path.read_bytes()
    with pytest.raises(UserError, match=says):
        accounts.add(name, password, role)
    assert accounts.path.read_bytes() == before


def test_who_is_removed_is_gone_at_once(accounts: Accounts) -> None:
    other = Accounts(accounts.path, CHEAPEST)  # the running server
    assert other.names == ["Zoë.B-1", "ada"]
    accounts.remove("ada")
    assert other.names == ["Zoë.B-1"]
    assert other.check("ada", PASSWORD) is None
    assert other.find("ada") is None
    assert other.find("Zoë.B-1") == User("Zoë.B-1", "reviewer")
    with pytest.raises(UserError, match="no such account; choose from Zoë"):
        accounts.remove("ada")


def test_without_a_file_there_is_nobody(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path / "users.json", CHEAPEST)
    assert accounts.names == []
    assert accounts.check("ada", PASSWORD) is None
    with pytest.raises(UserError, match="there are no accounts"):
        accounts.remove("ada")


@pytest.mark.parametrize("text", ["{", "[]", '{"ada": {"role": "annotator"}}', '{"ada": null}'])
def test_a_damaged_file_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "users.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"users\.json"):
        Accounts(path, CHEAPEST).check("ada", PASSWORD)


def test_a_session_is_found_by_its_token_until_it_ends(engine: Engine) -> None:
    sessions = Sessions(engine)
    ada = sessions.start(User("ada", "annotator"))
    rosa = sessions.start(User("rosa", "reviewer"))
    assert len({ada.token, ada.csrf, rosa.token, rosa.csrf}) == 4
    assert sessions.find(ada.token) == ada
    assert Sessions(engine).find(rosa.token) == rosa  # after a restart
    for wrong in ("", "x", ada.csrf, ada.token + "x", "\ud800"):
        assert sessions.find(wrong) is None
    sessions.end(ada.token)
    sessions.end(ada.token)
    assert sessions.find(ada.token) is None
    assert sessions.find(rosa.token) == rosa


def test_a_session_is_over_after_its_lifetime(engine: Engine) -> None:
    short, long = Sessions(engine, timedelta(0)), Sessions(engine)
    over = short.start(User("ada", "annotator"))
    assert long.find(over.token) is None
    long.start(User("ada", "annotator"))
    with engine.connect() as connection:
        assert len(connection.execute(select(SessionRow.token_sha256)).all()) == 1


def test_the_database_does_not_know_the_token(engine: Engine) -> None:
    session = Sessions(engine).start(User("ada", "annotator"))
    with engine.connect() as connection:
        row = connection.execute(select(*SessionRow.__table__.c)).one()
    assert session.token not in [str(cell) for cell in row]
