"""Opening files that somebody else named: regular files of bounded size, and nothing else.

A table, a folder or an archive may name anything: a pipe that never ends, a device, a link that
leads in a circle, a file larger than memory. Whoever reads such a name opens it here.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from pathlib import Path
from typing import BinaryIO

from drawsim.common.errors import UserError

LARGEST = 8 << 30
"""Bytes of a file that is opened where no setting says otherwise: 700 megapixels of 48 bits are
half of that."""
REMOTE = "remote"
"""The folder of copies of remote files, among the user's caches (`drawsim.common.remote`)."""
LONGEST_PATH = 4096
"""Characters of a path that systems take."""


class CannotOpenError(UserError):
    """A name that cannot be opened as a file; the text is `<path>: <reason>`."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{printable(url_of_copy(path) or path)}: {reason}")
        self.reason = reason


class CannotFetchError(CannotOpenError):
    """A remote file whose server is not heard of: it is not about this one file."""


def is_there(path: Path | str) -> bool:
    """Whether a name is that of a regular file; one too long, or with a NUL in it, is of none."""
    return os.path.isfile(path)  # noqa: PTH113  (Path's raises for these)


def path_in_file(text: object) -> Path:
    """What a file of somebody's says a path is. Raises ValueError for what names no file."""
    if not isinstance(text, str) or not 0 < len(text) <= LONGEST_PATH or "\0" in text:
        raise ValueError("a path that is the name of no file")
    return Path(text)


def open_regular(path: Path, most: int = LARGEST, setting: str | None = None) -> BinaryIO:
    """Open a regular file, or a link to one, of `most` bytes at most, for reading.

    setting: what sets that limit, for the message. The copy of a remote file is fetched first.
    Raises CannotOpenError, at once, for anything else: nothing waits for a pipe, and no device is
    opened. What takes the place of the file while it is opened is refused likewise.
    """
    if url := url_of_copy(path):
        from drawsim.common.copies import fetch

        fetch(path, url, most, setting)
    try:
        _check(path, path.stat(), most, setting)  # first: to open some devices is to use them
        file = open(path, "rb", opener=_at_once)  # noqa: SIM115  (the caller closes it)
    except (OSError, ValueError) as error:
        raise CannotOpenError(path, why_unreadable(error, path)) from error
    try:
        _check(path, os.fstat(file.fileno()), most, setting)
    except BaseException:
        file.close()
        raise
    return file


def status_of(path: Path) -> os.stat_result:
    """What the system says of a regular file. Raises CannotOpenError as `open_regular`."""
    with open_regular(path, 1 << 62) as file:
        return os.fstat(file.fileno())


def url_of_copy(path: Path) -> str | None:
    """The address of the remote file that a path is the copy of; None for most paths."""
    if REMOTE not in path.parts:  # which takes less time than to find the user's caches
        return None
    from drawsim.common.remote import url_of

    return url_of(path)


def read_regular(path: Path, most: int = LARGEST) -> bytes:
    """The bytes of a regular file. Raises CannotOpenError as `open_regular`, or if reading fails.

    A file that grows meanwhile is read up to the size that it had.
    """
    with open_regular(path, most) as file:
        try:
            return file.read(os.fstat(file.fileno()).st_size)
        except (OSError, MemoryError) as error:
            raise CannotOpenError(path, why_unreadable(error, path)) from error


def copy_regular(path: Path, target: Path, most: int = LARGEST) -> None:
    """Copy a regular file with its time, in place of `target`. Raises CannotOpenError likewise."""
    with open_regular(path, most) as file, target.open("wb") as copy:
        status = os.fstat(file.fileno())
        shutil.copyfileobj(file, copy, 1 << 20)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def why_unreadable(error: Exception, path: Path) -> str:
    """In words, why a file cannot be opened or read."""
    if isinstance(error, MemoryError):
        return "needs more memory than there is"
    if isinstance(error, UnicodeEncodeError):
        return "has a name that this system cannot write; start Python with PYTHONUTF8=1"
    if isinstance(error, ValueError):  # a NUL in it
        return "is no name of a file"
    code = error.errno if isinstance(error, OSError) else None
    if code in (errno.ENOENT, errno.ENOTDIR):
        return "is a link that leads nowhere" if path.is_symlink() else "is not there"
    reasons = {
        errno.ELOOP: "is a link that leads in a circle",
        errno.EACCES: "may not be read (permission denied)",
        errno.EPERM: "may not be read (permission denied)",
        errno.ENAMETOOLONG: "has a name that is too long for a file",
    }
    said = error.strerror if isinstance(error, OSError) else None
    return reasons.get(code or 0, f"cannot be read ({said or error})")


def printable(path: Path | str) -> str:
    """A path as it can be printed: letters that are none, and line ends, as escapes."""
    text = str(path).encode("utf-8", "backslashreplace").decode()
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def _at_once(path: str, flags: int) -> int:
    """Open a file without waiting, should it have become a pipe since it was looked at."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))


def _check(path: Path, status: os.stat_result, most: int, setting: str | None) -> None:
    mode = status.st_mode
    if stat.S_ISDIR(mode):
        raise CannotOpenError(path, "is a folder, not a file")
    if not stat.S_ISREG(mode):
        kinds = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
        raise CannotOpenError(path, f"is {kinds.get(stat.S_IFMT(mode), 'a device')}, not a file")
    if status.st_size > most:
        how = f"that {setting} allows" if setting else "that are read"
        raise CannotOpenError(path, f"has {status.st_size:,} bytes, more than the {most:,} {how}")
