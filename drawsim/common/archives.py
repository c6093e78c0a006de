"""Zip archives of anybody: names of members as they were meant, archives within archives."""

from __future__ import annotations

import io
import os
import re
import shutil
import struct
import tempfile
import zlib
from tempfile import TemporaryFile
from typing import IO
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from drawsim.common.opening import LARGEST

DAMAGED = (
    *(BadZipFile, EOFError, NotImplementedError, RuntimeError, struct.error, zlib.error),
    *(ValueError, OverflowError, MemoryError),
)
"""What zipfile raises for archives that are cut short, damaged, locked or oddly compressed."""

DEEPEST = 5
"""Archives within each other."""
MOST_MEMBERS = 1_000_000
"""Of an archive, with those in it."""
MOST_UNPACKED = 64 << 30
"""Bytes of archives within an archive that are unpacked to look into them."""
LONGEST_NAME, LONGEST_PATH = 255, 2000
"""Bytes of a name, as of most file systems, and of a path within an archive."""

_UTF8_NAME = 0x800  # flag bits of a member
_ENCRYPTED = 0x1
_LOCAL_HEADER = 30  # bytes before a member's name; the last four give the lengths of what follows
_LISTED = 46  # bytes, at least, that the table of contents has for a member
_END = struct.Struct("<4s8xI")  # of the end record: its mark and the size of the table of contents
_LOCATOR = struct.Struct("<4s4xQ")  # its mark, and where the end record for large archives is
_LARGE_END = struct.Struct("<4s36xQ")
_UNPACK_IT = "unpack it by hand, and look at what it holds"


class ArchiveError(Exception):
    """Why an archive is not read, and what to do about it."""

    def __init__(self, reason: str, cure: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.cure = cure


def open_archive(file: IO[bytes], *, members: int = MOST_MEMBERS, depth: int = 0) -> ZipFile:
    """An archive of so many members at most. depth: in how many others it lies.

    Raises ArchiveError for one that is damaged, locked with a password, or beyond the bounds.
    """
    if depth >= DEEPEST:
        raise ArchiveError(f"lies in {DEEPEST} archives, one in the other", _UNPACK_IT)
    try:
        listed = _most_listed(file)
        archive = ZipFile(file) if listed <= members else None
    except (*DAMAGED, OSError) as error:
        cure = "copy or download it again"
        raise ArchiveError("not a whole zip archive: cut short or damaged", cure) from error
    if archive is None:
        raise ArchiveError(f"lists more than {members:,} files", _UNPACK_IT)
    if any(member.flag_bits & _ENCRYPTED for member in archive.infolist()):
        archive.close()
        raise ArchiveError("is locked with a password", "unpack it by hand, with its password")
    return archive


def why_refused(member: ZipInfo, parts: list[str] | None) -> str | None:
    """Why a member cannot be taken, or None. parts: of its path, see `safe_parts`."""
    if "\0" in member.orig_filename:
        return "has a name with a NUL in it"
    if parts is None:
        return "its path leads out of the archive"
    lengths = [len(part.encode("utf-8", "replace")) for part in parts]
    if max(lengths) > LONGEST_NAME or sum(lengths) + len(parts) > LONGEST_PATH:
        return "has a name that is too long for a file"
    if member.file_size > LARGEST:
        return f"has {member.file_size:,} bytes, more than the {LARGEST:,} that are read"
    return None


def member_name(member: ZipInfo) -> str:
    """A member's name; UTF-8 that its archive does not declare (macOS) is not taken for cp437."""
    if member.flag_bits & _UTF8_NAME:
        return member.filename
    try:
        return member.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return member.filename


def safe_parts(name: str) -> list[str] | None:
    """A member's path, part by part; None if it leads out of the folder it is unpacked into.

    >>> safe_parts("1995/a.jpg"), safe_parts("1995/../../a.jpg"), safe_parts("/a.jpg")
    (['1995', 'a.jpg'], None, None)
    """
    path = name.replace("\\", "/")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    leads_out = path.startswith("/") or ".." in parts or re.match("[A-Za-z]:", path)
    return None if leads_out or not parts else parts


def inner_archive(
    archive: ZipFile, file: IO[bytes], member: ZipInfo, most: int = MOST_UNPACKED
) -> IO[bytes]:
    """An archive within an archive, as a file that can be searched.

    file: what `archive` was opened from. What is stored as it is, as archives mostly are, is read
    in place; the rest is unpacked to a temporary file, `most` bytes at most. Raises one of
    `DAMAGED`, and ArchiveError for one that is too large.
    """
    if member.compress_type == ZIP_STORED and not member.flag_bits & _ENCRYPTED:
        file.seek(member.header_offset)
        header = file.read(_LOCAL_HEADER)
        start = member.header_offset + _LOCAL_HEADER + sum(struct.unpack("<HH", header[26:]))
        return io.BufferedReader(_Window(file, start, member.file_size))
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if member.file_size > min(most, free):
        size, room = f"{member.file_size / 1e9:,.1f} GB", f"{min(most, free) / 1e9:,.1f} GB"
        raise ArchiveError(f"has {size} unpacked, and there is room for {room}", _UNPACK_IT)
    unpacked = TemporaryFile()  # noqa: SIM115  (the caller closes it)
    try:
        with archive.open(member) as packed:
            shutil.copyfileobj(packed, unpacked, 1 << 20)
    except BaseException:
        unpacked.close()
        raise
    return unpacked


def _most_listed(file: IO[bytes]) -> int:
    """How many members an archive can list at most, by the size of its table of contents.

    So that a small file cannot make zipfile hold millions (APPNOTE.TXT 4.3.14 to 4.3.16). 0 where
    there is no end record: zipfile then says what is wrong.
    """
    end = file.seek(0, os.SEEK_END)
    start = max(0, end - (1 << 16) - 22 - _LOCATOR.size - 4)
    file.seek(start)
    tail = file.read(end - start)
    at = tail.rfind(b"PK\5\6")
    if at < 0 or at + 22 > len(tail):
        return 0
    size = _END.unpack_from(tail, at)[1]
    if at >= 20 and tail[at - 20 : at - 16] == b"PK\6\7":
        named = _LOCATOR.unpack_from(tail, at - 20)[1]
        for place in (named, start + at - 20 - 56):  # zipfile looks where it usually is
            if not 0 <= place < end:
                continue
            file.seek(place)
            large = file.read(_LARGE_END.size)
            if len(large) == _LARGE_END.size and large.startswith(b"PK\6\6"):
                size = max(size if size < 0xFFFFFFFF else 0, _LARGE_END.unpack(large)[1])
    return min(size, end) // _LISTED


class _Window(io.RawIOBase):
    """A part of a file, as a file."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        self._file, self._start, self._size, self._at = file, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if self._at < 0:  # as of any file; zipfile tries it on files that are too short
            self._at = 0
            raise OSError("seek before the start")
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._file.seek(self._start + self._at)
        data = self._file.read(max(0, min(len(buffer), self._size - self._at)))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
