"""Looks at image files, kept between commands: one SQLite file in the user's cache folder.

A look is found by the path of the file, its size and the times of its last change: of the content,
and of anything about it, which no program can set back. So a file is read again where it may have
changed, and only there. An image takes about 1.4 kB.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from drawsim.common.files import user_cache
from drawsim.pixels.look import SIDE, Look

log = logging.getLogger("drawsim.pixels")

State = tuple[bytes, str]
"""A file's absolute path, and what it is now; the latter is empty where there is no file."""

MOST = 500_000
"""Looks that are kept, about 700 MB: then the oldest go."""

_TABLE = """
create table if not exists looks_2 (
  path blob primary key, state text, width integer, height integer, colour integer,
  bytes integer, digest text, small blob, notes text
)
"""  # another number where a look would say something else of the same file
_WAIT = 5.0  # seconds for another process to finish its writing
_seen: dict[State, Look] = {}  # by this process, where nothing can be kept


class LookStore:
    """What was seen of files: where it cannot be kept, for as long as this process lives."""

    BATCH = 256  # looks that are written at once: what a kill can cost

    def __init__(self, file: Path) -> None:
        self.file = file
        self._open: sqlite3.Connection | None = None
        with self._or_without():
            file.parent.mkdir(parents=True, exist_ok=True)
            self._open = sqlite3.connect(file, timeout=_WAIT)
            self._open.execute(_TABLE)

    @classmethod
    def of_user(cls) -> LookStore:
        """The one in the user's cache folder."""
        return cls(user_cache() / "looks.sqlite")

    def __enter__(self) -> LookStore:
        return self

    def __exit__(self, *_: object) -> None:
        if self._open is not None:
            with self._or_without():
                self._open.execute(
                    "delete from looks_2 where rowid <= (select max(rowid) from looks_2) - ?",
                    (MOST,),
                )
                self._open.commit()
        if self._open is not None:
            self._open.close()
            self._open = None

    def get(self, states: Sequence[State]) -> dict[int, Look]:
        """The looks that are there, by the place of the file's state."""
        found = {place: _seen[state] for place, state in enumerate(states) if state in _seen}
        if self._open is None:
            return found
        wanted = "select * from looks_2 where path = ?"
        with self._or_without():
            for place, (path, state) in enumerate(states):
                row = self._open.execute(wanted, (path,)).fetchone()
                if state and row and row[1] == state and len(row[7]) == SIDE * SIDE:
                    width, height, colour, size, digest = row[2:7]
                    small = np.frombuffer(row[7], np.uint8).reshape(SIDE, SIDE)
                    look = Look(None, width, height, bool(colour), size, digest, small)
                    found[place] = replace(look, notes=tuple(row[8].splitlines()))
        return found

    def put(self, states: Sequence[State], looks: Mapping[int, Look]) -> None:
        """Keep looks at usable images, by the place of the file's state."""
        usable = {
            states[place]: look
            for place, look in looks.items()
            if look.small is not None and states[place][1]
        }
        with self._or_without():
            if self._open is not None:
                self._open.executemany(
                    "insert or replace into looks_2 values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    [
                        (
                            *state,
                            *(look.width, look.height, look.colour, look.bytes, look.digest),
                            look.small.tobytes() if look.small is not None else b"",
                            "\n".join(look.notes),
                        )
                        for state, look in usable.items()
                    ],
                )
                self._open.commit()
        if self._open is None:
            _seen.update(usable)

    @contextmanager
    def _or_without(self) -> Iterator[None]:
        """Go on without a file that cannot be used; a damaged one is removed."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            log.debug("%s is not used: %s", self.file, error)
            if self._open is not None:
                self._open.close()
                self._open = None
            damaged = isinstance(error, sqlite3.DatabaseError)
            if damaged and not isinstance(error, sqlite3.OperationalError):
                with contextlib.suppress(OSError):
                    self.file.unlink()


def state_of(path: Path) -> State:
    """What tells a file, and whether it has changed."""
    name = os.fsencode(path.absolute())
    try:
        now = path.stat()
    except (OSError, ValueError):
        return name, ""
    return name, f"{now.st_size} {now.st_mtime_ns} {now.st_ctime_ns} {now.st_ino}"
