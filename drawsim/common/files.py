"""Writing files so that a killed process leaves the old version or the new, never half of one."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it takes the place of `path`.

    The parent folder is made if it is missing. On any exception the temporary file is removed and
    `path` stays as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, data: Any) -> None:
    """Write JSON atomically, readable by people: indented, Unicode as it is."""
    write_text(path, json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def user_cache() -> Path:
    """The folder of drawsim among the user's caches, where the system keeps them.

    Earlier versions took $XDG_CACHE_HOME or ~/.cache on every system: what is there is used on.
    """
    from platformdirs import user_cache_path

    folder = user_cache_path("drawsim", appauthor=False)
    former = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "drawsim"
    return former if former.is_dir() and not folder.exists() else folder


def disk_is_full(error: BaseException) -> bool:
    """Whether an error says that a disk or a quota is full, in whatever words.

    torch reports it as a failed write of its zip writer, safetensors as a text of the system's.
    """
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    text = str(error)
    return "No space left" in text or ("Writer" in text and "writ" in text)
