"""Where the decisions about a collection are kept, and what goes in and out of there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.engine import URL

from drawsim.collection.grades import CONFIRMED, GRADES, Grade
from drawsim.collection.summary import Summary
from drawsim.collection.tables import TABLES, Collection, held_tables
from drawsim.common.errors import UserError, nearest
from drawsim.common.files import read_text
from drawsim.web.events.database import CONNECTIONS, connect, parsed
from drawsim.web.events.store import EventStore
from drawsim.web.review.account import Account
from drawsim.web.review.export import export_all
from drawsim.web.review.thesis_annotations import Imported, import_thesis
from drawsim.web.security.accounts import Accounts
from drawsim.workflows.annotate.groups import export_group, groups_of


@dataclass(frozen=True)
class Workplace:
    """A collection, and where what is decided about it lies; nothing is opened or made at first.

    collection: its folder; None will do for accounts that lie elsewhere. store: the folder of
    decisions, None: `annotations` in the collection. users: the file of accounts, None:
    `users.json` in the store. database: the URL of another database than SQLite in the store.
    database_password: the file whose first line is the password for it.
    """

    collection: Path | None
    store: Path | None = None
    users: Path | None = None
    database: str | None = None
    database_password: Path | None = None

    @property
    def root(self) -> Path:
        """The folder of the collection. Raises UserError if there is none."""
        if self.collection is None:
            raise UserError("collection must be given: collection=…")
        if not self.collection.is_dir():
            raise UserError(f"collection={self.collection}: no such folder")
        return self.collection

    @property
    def folder(self) -> Path:
        """The store. Raises UserError if it would be in a collection that is not there."""
        return self.root / "annotations" if self.store is None else self.store

    @property
    def sqlite(self) -> Path:
        """The file of decisions where no other database is given."""
        return self.folder / "annotations.sqlite"

    @property
    def begun(self) -> bool:
        """Whether anything may have been decided: there is a database."""
        return self.database is not None or self.sqlite.is_file()

    def read(self) -> Collection:
        """The collection; pairs it may not have yet. Raises UserError if it cannot be used."""
        lacking = "pairs" not in held_tables(self.root)
        return Collection.open(self.root, tables=TABLES[:2] if lacking else TABLES)

    def accounts(self) -> Accounts:
        """Who may log in."""
        return Accounts(self.folder / "users.json" if self.users is None else self.users)

    def connect(self, connections: int = CONNECTIONS) -> Engine:
        """Open the database, and bring it up to date. Raises UserError.

        connections: at a time.
        """
        own = URL.create("sqlite", database=str(self.sqlite)).render_as_string()
        return connect(self.database_url or own, connections)

    @property
    def database_url(self) -> str | None:
        """The URL of the database that was given, with its password. Raises UserError."""
        if self.database is None or self.database_password is None:
            return self.database
        lines = read_text(self.database_password).splitlines()
        if not lines or not lines[0]:
            raise UserError(
                f"database_password={self.database_password}: its first line is empty, where the "
                "password of the database should be"
            )
        whole = parsed(self.database).set(password=lines[0])
        return whole.render_as_string(hide_password=False)


def export(
    place: Workplace,
    out: Path | None = None,
    confirmed: Sequence[Grade] = CONFIRMED,
    motifs: Path | None = None,
    group: str | None = None,
) -> Account | Summary:
    """Write what was decided, and tell what that changes.

    out: the folder that is written; None: the collection, whose pairs.csv becomes pairs.csv.bak.
    confirmed: grades that make a pair true. motifs: a folder of groups whose names and tags are
    told. group: one of them, by its id there: its drawings alone are written, as a collection.
    Raises UserError if nothing was ever decided there.
    """
    collection = place.read()
    groups = None if motifs is None else groups_of(motifs, collection)
    if group is not None:
        if groups is None or out is None:
            raise UserError("group: goes with motifs=FOLDER and out=DIR, the collection it becomes")
        store = EventStore(place.connect()) if place.begun else None
        return export_group(collection, store, groups, group, out, confirmed)
    if not place.begun:
        raise UserError(f"{place.sqlite}: no such file; nothing was annotated there yet")
    return export_all(EventStore(place.connect()), collection, out, confirmed, groups)


def import_annotations(place: Workplace, source: Path) -> Imported:
    """Save the annotations of the thesis's app, a table of pairs, as grades. Raises UserError."""
    collection = place.read()
    return import_thesis(EventStore(place.connect()), collection, source)


def grades_named(names: Sequence[str]) -> tuple[Grade, ...]:
    """The grades that a setting names; none: those that make a pair true by their own meaning.

    Raises UserError for a name that no grade has.
    """
    known: dict[str, Grade] = {str(grade): grade for grade in GRADES}
    for name in names:
        if name not in known:
            raise UserError(f"confirmed: no grade is {name!r}, {nearest(name, known)}")
    return tuple(known[name] for name in names) or CONFIRMED
