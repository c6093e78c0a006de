"""What backends that keep vectors in a database have in common: the file that names them there.

An index's folder never leads to a database by itself: its file says by which name the vectors are
kept, and, for people, where that was; the address that is used is the user's own.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import socket
from dataclasses import asdict, dataclass
from pathlib import Path

from drawsim.common.errors import UserError, brief
from drawsim.common.files import parse_json, read_text, write_json
from drawsim.retrieval.index.base import Place

VARIABLE = "DRAWSIM_DATABASE"
"""Of the environment: the address, where the settings say none."""
AGAIN = "build the index again with drawsim index"
_NAME = re.compile(r"[0-9a-f]{16}")
_NOT_KEPT = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True)
class Named:
    """By which name vectors are kept in a database.

    address: where that was, without a password. owner: the index that may change them, the folder
    on its machine: a copy of it says the same name.
    """

    name: str
    address: str
    owner: str

    @classmethod
    def new(cls, address: str, place: Place) -> Named:
        """A name that nothing has yet."""
        return cls(secrets.token_hex(8), address, _owner(place.folder))

    @classmethod
    def read(cls, file: Path) -> Named:
        """What a file of an index says. Raises UserError for anything but names."""
        data = parse_json(read_text(file), file)
        if not isinstance(data, dict) or not _NAME.fullmatch(str(data.get("name"))):
            raise UserError(f"{file}: damaged; {AGAIN}")
        return cls(*(str(data.get(key, "")) for key in ("name", "address", "owner")))

    @property
    def table(self) -> str:
        """What it is called in the database: letters and digits alone."""
        return f"drawsim_{self.name}"

    def owned_by(self, folder: Path) -> bool:
        """Whether an index may change what it names."""
        return self.owner == _owner(folder)

    def check_owned(self, place: Place) -> None:
        """Raise UserError if the vectors are those of another folder."""
        if not self.owned_by(place.folder):
            raise UserError(
                f"{place.folder}: is a copy of {brief(self.owner)}, whose vectors in the database "
                f"it shares; change that one, or {AGAIN}"
            )

    def write(self, file: Path) -> None:
        """Write it, atomically."""
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, asdict(self))

    def elsewhere(self, file: Path) -> bool:
        """Whether another file of the same index, of another change, says the same name."""
        kind, _, ending = file.name.split(".")
        return any(
            other != file and f'"{self.name}"' in read_text(other)
            for other in file.parent.glob(f"{kind}.*.{ending}")
        )


def chosen_address(database: str | None, named: Named | None = None) -> str:
    """The address that the user gives, as a setting or in the environment.

    named: what the index says of it, for the message. Raises UserError where he gives none.
    """
    address = database or os.environ.get(VARIABLE, "")
    if address:
        return address
    said = f"; the index was built in {brief(named.address)}" if named and named.address else ""
    raise UserError(
        f"database: the vectors are kept in one, and nothing says which{said}: give "
        f"database=ADDRESS, or set {VARIABLE}"
    )


def key_of(name: str) -> bytes:
    """What an id is known by in a database, whatever signs are in it: 16 bytes of its SHA-256."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()[:16]


def storable(text: str) -> str:
    """A text as databases take it: NUL and half signs become U+FFFD.

    >>> storable("a\\0b")
    'a\\ufffdb'
    """
    return _NOT_KEPT.sub("\ufffd", text)


def _owner(folder: Path) -> str:
    return storable(f"{socket.gethostname()}:{folder.resolve()}")
