"""Who may annotate, and who is signed in.

Accounts are a small file of names, roles and password hashes; sessions are in the database, so
that they outlive a restart of the server.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

from argon2 import Parameters, PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION
from argon2.profiles import RFC_9106_LOW_MEMORY
from sqlalchemy import Engine, delete, insert, select

from drawsim.common.errors import UserError, nearest
from drawsim.common.files import atomic, read_json
from drawsim.web.events.database import fact, writing
from drawsim.web.events.tables import SessionRow, now

Role = Literal["annotator", "reviewer"]
ROLES: tuple[Role, ...] = get_args(Role)
LEAST_PASSWORD = 10
"""Characters that a password has at least."""
LONGEST_PASSWORD = 1000
_NAME = re.compile(r"[\w.-]{1,40}")


@dataclass(frozen=True)
class User:
    """Somebody who may annotate; a reviewer may adjudicate and export as well."""

    name: str
    role: Role


class Accounts:
    """The accounts in a JSON file: {name: {"password": argon2 hash, "role": role}}.

    The file is read anew each time, so that accounts can be added and removed while the server
    runs. A file that is not there holds nobody.
    cost: of the hash: time, memory and threads; by default those of RFC 9106, section 4, for
    machines that are short of memory.
    """

    def __init__(self, path: Path, cost: Parameters = RFC_9106_LOW_MEMORY) -> None:
        self.path = path
        self._cost = cost
        self._hasher = PasswordHasher.from_parameters(cost)

    @cached_property
    def _nobody(self) -> str:
        """Looks like the hash of a password, and is none; making one would tell by its time."""
        its = self._cost
        cost = f"$argon2id$v={ARGON2_VERSION}$m={its.memory_cost},t={its.time_cost},"
        salt, key = (_unpadded(secrets.token_bytes(n)) for n in (its.salt_len, its.hash_len))
        return f"{cost}p={its.parallelism}${salt}${key}"

    @property
    def names(self) -> list[str]:
        """The names of all who have an account, sorted."""
        return sorted(self._read())

    @property
    def users(self) -> list[User]:
        """All who have an account, by name."""
        return [User(name, _role(entry["role"])) for name, entry in sorted(self._read().items())]

    def find(self, name: str) -> User | None:
        """The user of a name, without a password: for those who are signed in already."""
        entry = self._read().get(_normal(name))
        return User(_normal(name), _role(entry["role"])) if entry else None

    def add(self, name: str, password: str, role: str = "annotator") -> None:
        """Add an account. Names that differ in capitals alone count as the same.

        Raises UserError if the name is taken or not 1 to 40 letters, digits, ., _ and -, if the
        password is too short or too long, or if there is no such role.
        """
        name = _normal(name)
        if not _NAME.fullmatch(name):
            raise UserError(f"user {name!r}: a name is 1 to 40 letters, digits, ., _ and -")
        entries = self._read()
        if name.casefold() in {taken.casefold() for taken in entries}:
            raise UserError(f"user {name}: this name is taken; choose another, or remove it first")
        if not LEAST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
            raise UserError(
                f"user {name}: a password is {LEAST_PASSWORD} to {LONGEST_PASSWORD} characters"
            )
        hashed = self._hasher.hash(_plain(password))
        self._write({**entries, name: {"password": hashed, "role": _role(role)}})

    def remove(self, name: str) -> None:
        """Remove an account. Raises UserError if there is none of that name."""
        entries = self._read()
        if _normal(name) not in entries:
            hint = nearest(name, entries) if entries else "there are no accounts"
            raise UserError(f"user {name}: there is no such account; {hint}")
        del entries[_normal(name)]
        self._write(entries)

    def check(self, name: str, password: str) -> User | None:
        """The user, if the password is theirs. It takes as long where there is no such name."""
        entry, hashed = self._read().get(_normal(name)), self._nobody
        if entry:
            hashed = entry["password"]
        try:
            self._hasher.verify(hashed, _plain(password[: LONGEST_PASSWORD + 1]))
        except (VerificationError, InvalidHashError):
            return None
        return User(_normal(name), _role(entry["role"])) if entry else None

    def mark(self, name: str, browser: str) -> str | None:
        """What only this app can say of a browser in which somebody logged in; None: no such name.

        It holds until the password is another one, and tells nothing of it: an HMAC whose key is
        the salted hash.
        """
        entry = self._read().get(_normal(name))
        if entry is None:
            return None
        text = browser.encode("utf-8", "surrogatepass")
        return hmac.new(entry["password"].encode(), b"browser\0" + text, "sha256").hexdigest()

    def _read(self) -> dict[str, dict[str, str]]:
        if not self.path.exists():
            return {}
        entries = read_json(self.path)
        sound = all(
            isinstance(entry, dict)
            and isinstance(entry.get("password"), str)
            and entry.get("role") in ROLES
            for entry in entries.values()
        )
        if not sound:
            raise UserError(
                f"{self.path}: this is no file of accounts; make one with "
                "`drawsim annotate user add NAME`"
            )
        return entries

    def _write(self, entries: dict[str, dict[str, str]]) -> None:
        with atomic(self.path) as temporary:
            temporary.touch(mode=0o600)  # hashes are nobody else's business
            text = json.dumps(entries, indent=2, ensure_ascii=False) + "\n"
            temporary.write_text(text, encoding="utf-8")


def _unpadded(data: bytes) -> str:
    """Base64 as Argon2's hashes have it."""
    return base64.b64encode(data).decode().rstrip("=")


def _normal(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _plain(password: str) -> bytes:
    """A password as bytes, the same from every keyboard (NFKC)."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


def _role(role: str) -> Role:
    for known in ROLES:
        if role == known:
            return known
    raise UserError(f"there is no role {role!r}, {nearest(role, ROLES)}")


@dataclass(frozen=True)
class Session:
    """Somebody signed in.

    token: what the cookie holds. csrf: what changing requests must carry besides. until: in UTC.
    """

    token: str
    csrf: str
    user: str
    role: Role
    until: datetime


class Sessions:
    """Sessions in the database, which knows only hashes of their tokens.

    cookie: the name of the cookie that holds a token. It is the database's own, for browsers send
    cookies to every port of a host: two apps on one host would take each other's away. All hosts
    on one database have the same, however each names it.
    """

    def __init__(self, engine: Engine, lifetime: timedelta = timedelta(hours=12)) -> None:
        self.engine = engine
        self.lifetime = lifetime
        with engine.connect() as connection:
            own = str(fact(connection, "id"))
        if engine.dialect.name == "sqlite":  # a copy of a file is another one
            own += str(Path(str(engine.url.database)).resolve())
        self.cookie = f"drawsim_{_hashed(own)[:12]}"

    def start(self, user: User) -> Session:
        """Sign somebody in. Sessions that are over are cleared away."""
        time = now()
        session = Session(
            secrets.token_urlsafe(32),
            secrets.token_urlsafe(32),
            user.name,
            user.role,
            time + self.lifetime,
        )
        row = {
            "token_sha256": _hashed(session.token),
            "csrf": session.csrf,
            "username": session.user,
            "role": session.role,
            "until": session.until,
        }
        with writing(self.engine) as connection:
            connection.execute(delete(SessionRow).where(SessionRow.until <= time))
            connection.execute(insert(SessionRow), [row])
        return session

    def find(self, token: str) -> Session | None:
        """The session of a token; None if there is none or it is over."""
        time = now()
        found = select(
            SessionRow.csrf, SessionRow.username, SessionRow.role, SessionRow.until
        ).where(
            SessionRow.token_sha256 == _hashed(token),
            SessionRow.until > time,
            SessionRow.until <= time + 2 * self.lifetime,  # later ones are of a wrong clock
        )
        with self.engine.connect() as connection:
            row = connection.execute(found).one_or_none()
        return Session(token, row[0], row[1], _role(row[2]), row[3]) if row else None

    def end(self, token: str) -> None:
        """Sign somebody out."""
        with writing(self.engine) as connection:
            gone = delete(SessionRow).where(SessionRow.token_sha256 == _hashed(token))
            connection.execute(gone)


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
