"""Zip archives of scans: names of members as they were meant, archives within archives."""

from __future__ import annotations

import io
import re
import shutil
import struct
import zlib
from tempfile import TemporaryFile
from typing import IO
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

DAMAGED = (BadZipFile, EOFError, NotImplementedError, RuntimeError, struct.error, zlib.error)
"""What zipfile raises for archives that are cut short, damaged, locked or oddly compressed."""

_UTF8_NAME = 0x800  # flag bits of a member
_ENCRYPTED = 0x1
_LOCAL_HEADER = 30  # bytes before a member's name; the last four give the lengths of what follows


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


def inner_archive(archive: ZipFile, file: IO[bytes], member: ZipInfo) -> IO[bytes]:
    """An archive within an archive, as a file that can be searched.

    file: what `archive` was opened from. What is stored as it is, as archives mostly are, is read
    in place; the rest is unpacked to a temporary file. Raises one of `DAMAGED`.
    """
    if member.compress_type == ZIP_STORED and not member.flag_bits & _ENCRYPTED:
        file.seek(member.header_offset)
        header = file.read(_LOCAL_HEADER)
        start = member.header_offset + _LOCAL_HEADER + sum(struct.unpack("<HH", header[26:]))
        return io.BufferedReader(_Window(file, start, member.file_size))
    unpacked = TemporaryFile()  # noqa: SIM115  (the caller closes it)
    try:
        with archive.open(member) as packed:
            shutil.copyfileobj(packed, unpacked, 1 << 20)
    except BaseException:
        unpacked.close()
        raise
    return unpacked


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
