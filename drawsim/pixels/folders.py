"""The images of a folder: one way through it for every command, and a count of what was left out.

A file is taken for an image if its name says so, or else if its first bytes do: `scan.jpg` that
holds something else is a damaged image that people should hear of, `scan` and `scan.dat` may be
good ones. Nothing is decoded here.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from drawsim.collection.spreadsheets import SAVE_AS, SPREADSHEETS
from drawsim.common.errors import UserError
from drawsim.common.opening import CannotOpenError, open_regular, printable, why_unreadable
from drawsim.common.words import counted
from drawsim.pixels.formats import ENDINGS, HEAD, NAMES, recognise

ARCHIVES = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar")
"""What may hold images that are not seen."""
SHOWN = 5
"""Endings that a note names."""

Head = Callable[[], bytes]
"""Reads the first bytes of a file, `HEAD` of them. Raises CannotOpenError."""


@dataclass
class Met:
    """What was met on the way through a folder beside the images that were taken.

    files: how many were looked at. skipped: how many for which reason. refused: path and reason of
    what may be an image and cannot be reached. closed: path and reason of folders that cannot be
    read.
    """

    files: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    refused: list[tuple[str, str]] = field(default_factory=list)
    closed: list[tuple[str, str]] = field(default_factory=list)

    def takes(self, path: str, head: Head) -> bool:
        """Whether a file is an image, by its name or else by its first bytes; says why not.

        path: how people find it.
        """
        ending = ending_of(path)
        if ending in ENDINGS:
            return True
        try:
            if recognise(head()):
                return True
        except CannotOpenError as error:
            self.refused.append((printable(path), error.reason))
            return False
        if ending in ARCHIVES:
            self.skipped[f"in an archive that is not read: unpack it ({ending})"] += 1
        elif ending in SPREADSHEETS:
            self.skipped[f"a spreadsheet, which is not read: {SAVE_AS} ({ending})"] += 1
        else:
            self.skipped[f"not an image ({ending or 'no ending'})"] += 1
        return False

    def lacks(self, path: str, reason: str) -> None:
        """Enter what is neither a file nor a folder; it counts as an image if it is called so."""
        if ending_of(path) in (*ENDINGS, *ARCHIVES):
            self.refused.append((path, reason))
        else:
            self.skipped[reason.removeprefix("is ")] += 1

    def hides(self, *parts: str) -> bool:
        """Whether a file or folder is hidden, by the parts of its path; counts it."""
        hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
        if hidden:
            self.skipped["hidden"] += 1
        return hidden

    def notes(self, *, refused: bool = True) -> list[str]:
        """Lines on what was left out, for people; with each that was refused, or without."""
        each = (*self.closed, *self.refused) if refused else ()
        notes = [f"left out: {path} {reason}" for path, reason in each]
        if self.skipped:
            often = [f"{count:,} {reason}" for reason, count in self.skipped.most_common(SHOWN)]
            rest = len(self.skipped) - SHOWN
            more = f" and {counted(rest, 'other kind')}" if rest > 0 else ""
            files = counted(self.files, "file")
            notes.append(f"left out of {files}: {', '.join(often)}{more}")
        return notes


def ending_of(name: str) -> str:
    """The ending of a name, in small letters, with its dot; empty if there is none."""
    return os.path.splitext(name)[1].lower()  # noqa: PTH122  (Path takes 5 times as long)


def head_of(path: Path) -> bytes:
    """The first bytes of a regular file. Raises CannotOpenError."""
    with open_regular(path, 1 << 62) as file:
        try:
            return file.read(HEAD)
        except OSError as error:
            raise CannotOpenError(path, why_unreadable(error, path)) from error


def files_below(folder: Path, met: Met, own: Collection[str] = ()) -> Iterator[tuple[str, Path]]:
    """Every visible file below a folder, by its name from there, folders in the order of names.

    Links are followed, each folder is entered once. Whatever is no file is entered in `met`. own:
    names of folders that drawsim keeps there, which are passed over.
    """
    entered: set[tuple[int, int]] = set()
    ways = [_entries(folder, "", entered, met)]
    while ways:
        entry = next(ways[-1], None)
        if entry is None:
            ways.pop()
            continue
        name, found = entry
        if not _is_unicode(found.name):
            met.refused.append((printable(found.path), "its name is not UTF-8: rename it"))
        elif _is(found.is_dir):
            if found.name not in own and not met.hides(found.name):
                ways.append(_entries(Path(found.path), f"{name}/", entered, met))
        else:
            met.files += 1
            if met.hides(found.name):
                continue
            if _is(found.is_file):
                yield name, Path(found.path)
            elif reason := _why_no_file(Path(found.path)):
                met.lacks(printable(found.path), reason)


def images_below(folder: Path) -> tuple[list[tuple[str, Path]], Met]:
    """The images below a folder, each by its name from there, and what else was met.

    Raises UserError if there are none, or no such folder.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder")
    met = Met()
    images = [
        (name, path)
        for name, path in files_below(folder, met)
        if met.takes(str(path), partial(head_of, path))
    ]
    if not images:
        why = f"; {met.notes()[0]}" if met.notes() else ""
        raise UserError(
            f"{folder}: no images among {counted(met.files, 'file')} ({NAMES} are read){why}"
        )
    return images, met


def _entries(
    folder: Path, below: str, entered: set[tuple[int, int]], met: Met
) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """What lies in a folder, by its name; nothing of one that was entered before."""
    try:
        status = folder.stat()
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        met.closed.append((printable(folder), why_unreadable(error, folder)))
        return
    if (status.st_dev, status.st_ino) in entered:  # a link to a folder that has been seen
        met.skipped["a link to a folder that was seen"] += 1
        return
    entered.add((status.st_dev, status.st_ino))
    yield from ((f"{below}{entry.name}", entry) for entry in entries)


def _is(kind: Callable[[], bool]) -> bool:
    try:
        return kind()
    except OSError:  # of a link in a circle
        return False


def _why_no_file(path: Path) -> str:
    """Why what is neither a folder nor a file cannot be opened."""
    try:
        open_regular(path, 0).close()
    except CannotOpenError as error:
        return error.reason
    return ""


def _is_unicode(name: str) -> bool:
    """False for a name on a disk whose bytes are not UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
