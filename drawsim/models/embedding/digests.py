"""SHA-256 of image files, kept between commands: what has not changed is not read again.

One SQLite file in the store. A digest is found by the path of the file, its size and the times of
its last change (`pixels.look_store.state_of`).
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from drawsim.common.opening import CannotOpenError
from drawsim.models.embedding.store import file_sha256
from drawsim.pixels.look_store import State, state_of

_TABLE = "create table if not exists digests (path blob primary key, state text, digest blob)"
_WAIT = 5.0  # seconds for another process to finish its writing


class Digests:
    """What is known of files; where nothing can be kept, every file is read each time."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "digests.sqlite"

    def of(self, paths: Sequence[Path], threads: int) -> list[bytes | None]:
        """The digests of files in their order; None for those that cannot be read."""
        states = [state_of(path) for path in paths]
        with self._opened() as known:
            found = [self._kept(known, state) for state in states]
            new = [place for place, digest in enumerate(found) if digest is None]
            if not new:
                return found
            with ThreadPoolExecutor(threads) as pool:
                read = pool.map(_digest, [paths[place] for place in new])
                for place, digest in zip(new, read, strict=True):
                    found[place] = digest
            self._keep(known, {states[place]: found[place] for place in new})
        return found

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection | None]:
        known = None
        with contextlib.suppress(sqlite3.Error, OSError):
            self.file.parent.mkdir(parents=True, exist_ok=True)
            known = sqlite3.connect(self.file, timeout=_WAIT)
            known.execute(_TABLE)
        try:
            yield known
        finally:
            if known is not None:
                known.close()

    def _kept(self, known: sqlite3.Connection | None, state: State) -> bytes | None:
        if known is None or not state[1]:
            return None
        with contextlib.suppress(sqlite3.Error):
            wanted = "select digest from digests where path = ? and state = ?"
            row = known.execute(wanted, state).fetchone()
            return row[0] if row and _is_digest(row[0]) else None
        return None

    def _keep(self, known: sqlite3.Connection | None, digests: dict[State, bytes | None]) -> None:
        if known is None:
            return
        rows = [(*state, digest) for state, digest in digests.items() if state[1] and digest]
        try:
            known.executemany("insert or replace into digests values (?, ?, ?)", rows)
            known.commit()
        except sqlite3.OperationalError:  # locked, or there is no room
            return
        except sqlite3.DatabaseError:  # damaged: the next command begins a new one
            with contextlib.suppress(OSError):
                self.file.unlink()


def _is_digest(value: object) -> bool:
    """Whether a value of the file can be a digest; what is none is made again."""
    return isinstance(value, bytes) and len(value) == hashlib.sha256().digest_size


def _digest(path: Path) -> bytes | None:
    try:
        return file_sha256(path)
    except (CannotOpenError, OSError):
        return None
