"""Writing files so that a killed process leaves the old version or the new, never half of one."""

from __future__ import annotations

import errno
import json
import math
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

from drawsim.common.errors import UserError
from drawsim.common.opening import CannotOpenError, read_regular

if TYPE_CHECKING:
    import pandas as pd

MOST_BYTES = 64 << 20
"""Of a file of texts that is read as a whole; drawsim's own are far smaller."""
DIGITS = 20
"""Of a whole number in a file: as many as 64 bits have."""


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it takes the place of `path`.

    The parent folder is made if it is missing. On any exception the temporary file is removed and
    `path` stays as it was. An OSError about the temporary file, or about none, then names `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # By chance: processes of several hosts may share a folder and have one number.
    temporary = path.with_name(f".{path.name}.{secrets.randbelow(10**12)}.part")
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        if error.filename in (None, str(temporary)) and error.errno is not None:
            error.filename, error.filename2 = str(path), None
        raise
    finally:
        with suppress(OSError):  # what hinders writing may hinder this; the first error counts
            temporary.unlink(missing_ok=True)


def writable(folder: Path, otherwise: Path) -> Path:
    """The folder, made if it is missing; the other where that may not be written.

    Raises OSError where neither may be.
    """
    try:
        _try_to_write(folder)
        return folder
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise
    _try_to_write(otherwise)
    return otherwise


def _try_to_write(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=folder, prefix=".drawsim-"):
        pass


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, data: Any) -> None:
    """Write JSON atomically, readable by people: indented, Unicode as it is."""
    write_text(path, json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_text(path: Path, most: int = MOST_BYTES) -> str:
    """The text of a file that somebody else may have written: a regular file of bounded size.

    Raises UserError for one that is missing, larger than `most` bytes or not UTF-8.
    """
    try:
        return read_regular(path, most).decode()
    except UnicodeDecodeError as error:
        raise CannotOpenError(path, f"is no text ({error})") from error


def read_json(path: Path, most: int = MOST_BYTES) -> dict[str, Any]:
    """The names and values of a JSON file. Raises UserError as `read_text` and `parse_json`."""
    return parse_json(read_text(path, most), path)


def parse_json(text: str, path: Path) -> dict[str, Any]:
    """The names and values of JSON that `write_json` may have written. path: for messages.

    Raises UserError for anything else: numbers that are none or that computing cannot hold, and
    texts that no file can hold, which Python's own reader takes.
    """
    try:
        found = json.loads(
            text, parse_constant=_no_number, parse_float=_finite, parse_int=_small_integer
        )
        if "\\u" in text:  # half of a pair of escapes is no text; encoding finds it
            json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: damaged ({' '.join(str(error).split())})") from error
    if not isinstance(found, dict):
        raise UserError(f"{path}: damaged (a {type(found).__name__}, not names and values)")
    return found


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number too large to be held")
    return number


def _small_integer(text: str) -> int:
    if len(text) > DIGITS:
        raise ValueError(f"a whole number of {len(text)} digits")
    return int(text)


def read_table(path: Path, required: Sequence[str] = (), **options: Any) -> pd.DataFrame:
    """A CSV table that drawsim wrote, every cell a text unless pandas' options say otherwise.

    Raises UserError if it cannot be read, or lacks one of the required columns.
    """
    import pandas as pd

    given: Any = {"dtype": str, "keep_default_na": False} | options
    try:
        table: pd.DataFrame = pd.read_csv(path, **given)
    except (OSError, ValueError) as error:  # pandas' own errors, and those of decoding, are these
        said = " ".join(str(error).split())
        raise UserError(f"{path}: not a table that drawsim wrote ({said})") from error
    if missing := [name for name in required if name not in table.columns]:
        raise UserError(f"{path}: not a table that drawsim wrote (no column {missing[0]})")
    return table


def user_cache() -> Path:
    """The folder of drawsim among the user's caches, where the system keeps them.

    Earlier versions took $XDG_CACHE_HOME or ~/.cache on every system: what is there is used on.
    """
    from platformdirs import user_cache_path

    folder = user_cache_path("drawsim", appauthor=False)
    former = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "drawsim"
    return former if former.is_dir() and not folder.exists() else folder


_FULL = ("No space left", "Disk quota exceeded", "File too large", "disk is full")


def disk_is_full(error: BaseException) -> bool:
    """Whether an error says that a disk or a quota is full, or a file too large, in whatever words.

    torch reports it as a failed write of its zip writer, safetensors as a text of the system's.
    """
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    text = str(error)
    return any(word in text for word in _FULL) or ("Writer" in text and "writ" in text)
