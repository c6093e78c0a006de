"""Local copies of remote files: fetched when they are opened, as many as there is room for.

A copy is whole or not there: it gets its name once all of it has come. Its time of change is that
of the file on its server, its time of access when it was last used. The longest unused give way
where the room is used up.
"""

from __future__ import annotations

import math
import os
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock

from drawsim.common.errors import UserError
from drawsim.common.files import atomic, disk_is_full
from drawsim.common.opening import LARGEST, CannotFetchError, CannotOpenError
from drawsim.common.refusals import why_full
from drawsim.common.remote import copies
from drawsim.common.servers import ServerError, facts_of, opened

ROOM = "DRAWSIM_REMOTE_GB"
"""The variable that sets the room, in GB (10^9 bytes)."""
DEFAULT_GB = 20.0
FRESH = 3600.0
"""Seconds since its last use for which a copy is taken without asking the server."""
TRIES = (0.5, 2.0)
"""Seconds before each further try where a network is to blame."""
SHARES = 64
"""Into how many parts the room is cut: each process takes one before it looks what is there."""
STALE = 86_400.0
"""Seconds after which a part of a copy is one of a process that has ended."""

GIVEN_UP = 3
"""Files of a host in a row that are slow in coming or break off, and no more are asked for."""

_troubles: dict[str, int] = {}
"""Such files by host, in this process."""
_taken = 0
"""Bytes that this process may still write."""


def room() -> int:
    """Bytes that all copies may take. Raises UserError for what is no number of GB."""
    text = os.environ.get(ROOM, "")
    try:
        size = float(text) if text else DEFAULT_GB
    except ValueError:
        size = math.nan
    if not 0 < size < math.inf:
        raise UserError(f"{ROOM}={text}: must be a number of GB above 0")
    return int(size * 1e9)


def fetch(path: Path, url: str, most: int, setting: str | None) -> None:
    """See to it that the copy of a file is at `path`, and is what the server has now.

    What was used within the hour is taken as it is, and so is what is there if the server does not
    answer. most, setting: as of `open_regular`. Raises CannotOpenError.
    """
    status = None
    with suppress(OSError):
        status = path.stat()
    if status and (time.time() - status.st_atime < FRESH or _is_current(url, status)):
        _use(path, status)
        return
    for wait in (*TRIES, None):
        try:
            _fetch(path, url, most, setting)
            _troubles.pop(urlsplit(url).netloc, None)
            return
        except ServerError as error:  # noqa: PERF203
            if not error.passing or wait is None:
                kind = CannotFetchError if _is_host_at_fault(url, error) else CannotOpenError
                raise kind(path, str(error)) from error
            time.sleep(wait)
        except OSError as error:
            if not disk_is_full(error):
                raise
            raise UserError(
                f"{copies()}: cannot be written, {why_full(error)}, or set {ROOM} lower"
            ) from error


def _is_host_at_fault(url: str, error: ServerError) -> bool:
    """Whether other files would fail likewise: it is away, or slow with several in a row."""
    if not error.passing:
        return False
    host = urlsplit(url).netloc
    _troubles[host] = _troubles.get(host, 0) + 1
    return error.away or _troubles[host] >= GIVEN_UP


def _is_current(url: str, status: os.stat_result) -> bool:
    try:
        facts = facts_of(url)
    except ServerError as error:
        return error.passing
    return facts.size in (None, status.st_size) and facts.changed == status.st_mtime_ns


def _use(path: Path, status: os.stat_result) -> None:
    with suppress(OSError):  # another's folder, or gone meanwhile
        os.utime(path, ns=(time.time_ns(), status.st_mtime_ns))


def _fetch(path: Path, url: str, most: int, setting: str | None) -> None:
    with opened(url) as (facts, parts):
        if facts.size is not None:
            _check(path, facts.size, most, setting)
        with atomic(path) as temporary:
            got = 0
            with temporary.open("wb") as file:
                for part in parts:
                    got += len(part)
                    _check(path, got, most, setting)
                    _make_room(len(part))
                    file.write(part)
            if facts.size not in (None, got):
                raise ServerError(f"broke off after {got:,} of {facts.size:,} bytes", passing=True)
            os.utime(temporary, ns=(time.time_ns(), facts.changed))


def _check(path: Path, size: int, most: int, setting: str | None) -> None:
    """Raise CannotOpenError for a file that is too large for those who want it, or for the room."""
    most = min(most, LARGEST)
    if size > most:
        how = f"that {setting} allows" if setting else "that are read"
        raise CannotOpenError(path, f"has {size:,} bytes or more, more than the {most:,} {how}")
    if size > room() // 2:
        raise CannotOpenError(
            path, f"has {size:,} bytes or more, more than half of the room for copies: raise {ROOM}"
        )


def _make_room(size: int) -> None:
    """Let so many bytes be written, the longest unused copies giving way where there is no room."""
    global _taken
    if size > _taken:
        folder, share = copies(), max(size, room() // SHARES)
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):
            _evict(folder, room() - share)
        _taken = share
    _taken -= size


def _evict(folder: Path, most: int) -> None:
    """Remove the longest unused copies until all others take `most` bytes at most."""
    found = []
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)  # noqa: PTH118
            with suppress(OSError):
                status = os.stat(path)  # noqa: PTH116
                stale = name.endswith(".part") and time.time() - status.st_mtime > STALE
                used = 0.0 if stale else status.st_atime
                found.append((used, status.st_size, path, name.endswith(".part") and not stale))
    total = sum(size for _, size, _, _ in found)
    for _, size, path, in_work in sorted(found):
        if total <= most:
            return
        if not in_work and not path.endswith(".lock"):
            with suppress(OSError):
                Path(path).unlink()
                total -= size
