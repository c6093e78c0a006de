"""One process at a time works on a run; the others are told which one does."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from drawsim.common.errors import UserError
from drawsim.common.files import read_json, write_json


@contextmanager
def locked(run: Path) -> Iterator[None]:
    """Hold a run folder, which need not be there yet, against every other process.

    The lock lies beside the folder, `.NAME.lock`, with a note of who holds it. It is the system's:
    it goes with its process, however that ends, and readers that outlive a killed one do not keep
    it. Raises UserError if another process holds it.
    """
    from filelock import FileLock, Timeout

    run.parent.mkdir(parents=True, exist_ok=True)
    file = run.with_name(f".{run.name}.lock")
    note = run.with_name(f".{run.name}.lock.json")
    lock = FileLock(file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UserError(
            f"{run}: running{_holder(note)}. Wait for its end, or give this run another name=…"
        ) from None
    try:
        since = f"{datetime.now():%Y-%m-%d %H:%M:%S}"
        write_json(note, {"host": socket.gethostname(), "process": os.getpid(), "since": since})
        yield
    finally:
        note.unlink(missing_ok=True)
        file.unlink(missing_ok=True)
        lock.release()


def is_held(run: Path) -> bool:
    """Whether a process works on a run folder; nothing is changed."""
    from filelock import FileLock, Timeout

    file = run.with_name(f".{run.name}.lock")
    if not file.is_file():
        return False
    lock = FileLock(file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except OSError:  # a folder of somebody else's
        return False
    lock.release()
    return False


def _holder(note: Path) -> str:
    with suppress(UserError, KeyError):
        told = read_json(note)
        return f" since {told['since']}, process {told['process']} on {told['host']}"
    return " in another process"
