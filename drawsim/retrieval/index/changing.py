"""One process at a time changes an index; the others wait for it, and change what it made."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from drawsim.common.errors import UserError

log = logging.getLogger(__name__)

LOCK = ".index.lock"


@contextmanager
def changing(folder: Path) -> Iterator[None]:
    """Hold the folder of an index, which is made if it is missing, against whoever changes it.

    The lock is the system's: it goes with its process, however that ends. Raises UserError if the
    folder may not be written.
    """
    from filelock import FileLock, Timeout

    file = folder / LOCK
    lock = FileLock(file)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            log.warning("%s: something else changes this index; waiting for its end", folder)
            lock.acquire()
    except OSError as error:
        raise UserError(f"{folder}: cannot be changed ({error.strerror or error})") from error
    try:
        yield
    finally:
        with suppress(OSError):  # some systems do not let go of a file that is open
            file.unlink(missing_ok=True)
        lock.release()
