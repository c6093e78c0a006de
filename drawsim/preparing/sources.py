"""Where images come from: folders, zip archives at any depth of both, or a table that names them.

Nothing is decoded here, and of archives only the tables of contents are read.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from drawsim.collection.ids import trimmed, without_image_ending
from drawsim.collection.problems import Problem, raise_problems
from drawsim.collection.spreadsheets import IS_ONE, SPREADSHEETS
from drawsim.common.archives import (
    DAMAGED,
    MOST_MEMBERS,
    MOST_UNPACKED,
    ArchiveError,
    inner_archive,
    member_name,
    open_archive,
    safe_parts,
    why_refused,
)
from drawsim.common.errors import UserError
from drawsim.common.opening import CannotOpenError, open_regular, printable, why_unreadable
from drawsim.common.progress import Advance, progress_bar
from drawsim.common.words import counted
from drawsim.pixels.folders import Met, ending_of, files_below, head_of
from drawsim.pixels.formats import HEAD, NAMES
from drawsim.preparing.image_tables import NamedColumns, TableForm, named_images
from drawsim.preparing.rewriting import RECORDS

Opener = Callable[[], IO[bytes]]
"""Opens an image; valid until the next one is asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class ImageFile:
    """An image of a source.

    id: what it is called: its name without the ending, or the id that a table gives it.
    name: path below the source without the ending; archives count as folders.
    path: where the collection has it, relative to its folder.
    size: in bytes; 0 where a table names it and there is no such file.
    archived: whether it is in an archive, and `path` is where unpacking would put it.
    cells: what a table says of it besides.
    """

    id: str
    name: str
    path: str
    size: int
    archived: bool = False
    cells: dict[str, str] | None = None


@dataclass(frozen=True)
class Listing:
    """What a source has.

    files: how many files, or rows of a table, were looked at. images: those that are images,
    folders in the order of their names. skipped: how many others for which reason. refused: path
    and reason of images that cannot be taken.
    """

    files: int
    images: list[ImageFile]
    skipped: Counter[str]
    refused: list[tuple[str, str]]

    @property
    def read(self) -> dict[str, int]:
        """What was read, for the account of a step; of a table, images that are there."""
        there = sum(1 for image in self.images if image.size or image.archived)
        is_table = any(image.cells is not None for image in self.images)
        return {"rows" if is_table else "files": self.files, "images": there}


def list_images(source: Path, out: Path, folder: str, form: TableForm | None = None) -> Listing:
    """List the images of a folder, a zip archive, or a table (CSV with a column `id` or `path`).

    out: the collection, to which paths are relative. folder: of it, where archives are unpacked.
    form: how a table is read, as in `named_images`. Raises UserError that lists every
    folder and archive that cannot be read, or if there is no image at all: of a table, if none of
    the images that it names is there.
    """
    walk = Walk(source, out, folder, form or NamedColumns())
    with progress_bar("reading names", None) as advance:
        images = [image for image, _ in walk.images(advance)]
    raise_problems(f"{source} cannot be used", walk.problems)
    named = [image for image in images if image.cells is not None]
    if named and not any(image.size for image in named):
        raise UserError(
            f"{source}: none of the {counted(len(named), 'image')} that it names is there, e.g. "
            f"{named[0].path}: put them below {source.parent}, each called as its id, or say which "
            "column has their paths, step.path_column"
        )
    to_come = {image.path for image in images if image.archived}
    listed = [image for image in images if image.archived or image.path not in to_come]
    if len(images) > len(listed):
        walk.met.skipped["unpacked from an archive before"] = len(images) - len(listed)
    if not listed:
        why = "".join(f"; {note}" for note in walk.met.notes()[:1])
        raise UserError(
            f"{source}: no images among {counted(walk.met.files, 'file')} ({NAMES} are read){why}"
        )
    return Listing(walk.met.files, listed, walk.met.skipped, walk.met.refused)


def relative_path(path: Path, start: Path) -> str:
    """A path as seen from a folder, with `/`; links are followed, as `..` behind a link leads."""
    return Path(os.path.relpath(path.resolve(), start.resolve())).as_posix()


@dataclass
class Walk:
    """One way through a source, image by image; everything else is in `met`.

    form: as in `list_images`. problems: folders and archives that cannot be read.
    """

    source: Path
    out: Path
    folder: str
    form: TableForm = field(default_factory=NamedColumns)
    met: Met = field(default_factory=Met)
    problems: list[Problem] = field(default_factory=list)

    def images(self, advance: Advance) -> Iterator[tuple[ImageFile, Opener]]:
        """Each image and what opens it; `advance` counts the files.

        Raises UserError if the source is not there, or none of the three kinds.
        """
        self._advance = advance
        ending = self.source.suffix.lower()
        if self.source.is_dir():
            yield from self._folder()
        elif not self.source.is_file():
            raise UserError(f"{self.source}: no such file or folder")
        elif ending == ".zip":
            yield from self._archive_file(self.source, "")
        elif ending in self.form.endings:
            yield from self._table()
        elif ending in SPREADSHEETS:
            raise UserError(f"{self.source}: {IS_ONE}")
        else:
            tables = " or ".join(self.form.endings)
            raise UserError(
                f"{self.source}: neither a folder nor a .zip archive nor a {tables} table"
            )

    def _folder(self) -> Iterator[tuple[ImageFile, Opener]]:
        """The images in the source, a folder."""
        ways: dict[Path, str] = {}
        for name, path in files_below(self.source, self.met, own=(RECORDS,)):
            self._advance()
            if ending_of(name) == ".zip":
                yield from self._archive_file(path, f"{name[:-4]}/")
            elif self.met.takes(str(path), partial(head_of, path)):
                if path.parent not in ways:
                    way = relative_path(path.parent, self.out)
                    ways = {path.parent: "" if way == "." else f"{way}/"}
                yield (
                    _image(name, ways[path.parent] + path.name, path.stat().st_size),
                    partial(open_regular, path),
                )
        cure = "check the disk and its permissions"
        self.problems += [Problem(folder, None, reason, cure) for folder, reason in self.met.closed]

    def _archive_file(self, path: Path, below: str) -> Iterator[tuple[ImageFile, Opener]]:
        self._members, self._unpacked = MOST_MEMBERS, MOST_UNPACKED
        try:
            with open_regular(path, 1 << 62) as file:
                yield from self._archive(file, str(path), below, 0)
        except (CannotOpenError, OSError) as error:
            self._cannot_read(path, error)

    def _archive(
        self, file: IO[bytes], label: str, below: str, depth: int
    ) -> Iterator[tuple[ImageFile, Opener]]:
        """The images in an archive; label: how people find it; depth: in how many others it is."""
        try:
            archive = open_archive(file, members=self._members, depth=depth)
        except ArchiveError as error:
            self.problems.append(Problem(printable(label), None, error.reason, error.cure))
            return
        with archive:
            self._members -= len(archive.infolist())
            for member in archive.infolist():
                if member.is_dir():
                    continue
                parts = safe_parts(member_name(member))
                self.met.files += 1
                self._advance()
                if reason := why_refused(member, parts):
                    self.met.refused.append((printable(f"{label}/{member_name(member)}"), reason))
                    continue
                if parts is None or self.met.hides(*parts):
                    continue
                name = "/".join(parts)
                if ending_of(name) == ".zip":
                    yield from self._inner(archive, file, member, f"{label}/{name}", below, depth)
                elif self.met.takes(f"{label}/{name}", partial(_head, archive, member)):
                    place = f"{self.folder}/{below}{name}"
                    image = _image(below + name, place, member.file_size, archived=True)
                    yield image, partial(archive.open, member)

    def _inner(
        self,
        archive: ZipFile,
        file: IO[bytes],
        member: ZipInfo,
        label: str,
        below: str,
        depth: int,
    ) -> Iterator[tuple[ImageFile, Opener]]:
        """The images in an archive within an archive."""
        try:
            inner = inner_archive(archive, file, member, self._unpacked)
        except ArchiveError as error:
            self.problems.append(Problem(printable(label), None, error.reason, error.cure))
            return
        except DAMAGED:
            what, cure = "not a whole zip archive: cut short or damaged", "copy it again"
            self.problems.append(Problem(printable(label), None, what, cure))
            return
        with inner:
            if member.compress_type != ZIP_STORED:
                self._unpacked -= member.file_size
            name = "/".join(safe_parts(member_name(member)) or [])
            yield from self._archive(inner, label, f"{below}{name[:-4]}/", depth + 1)

    def _table(self) -> Iterator[tuple[ImageFile, Opener]]:
        """The images that a table names; files that are not there are taken at their names."""
        for row in named_images(self.source, self.form):
            self.met.files += 1
            self._advance()
            if row.refused:
                self.met.refused.append((row.path, row.refused))
                continue
            size = row.file.stat().st_size if row.file else 0
            name = without_image_ending(row.path) if row.path else row.id
            place = relative_path(row.file, self.out) if row.file and size else row.path or row.id
            image_id = row.id or name.rpartition("/")[2]
            file = row.file or self.source.parent / row.path
            yield (
                ImageFile(image_id, name, place, size, cells=row.cells),
                partial(open_regular, file),
            )

    def _cannot_read(self, path: Path, error: Exception) -> None:
        reason = error.reason if isinstance(error, CannotOpenError) else why_unreadable(error, path)
        cure = "check the disk and its permissions"
        self.problems.append(Problem(printable(path), None, reason, cure))


def _image(name: str, path: str, size: int, *, archived: bool = False) -> ImageFile:
    stem = without_image_ending(name)
    return ImageFile(trimmed(stem.rpartition("/")[2]), stem, path, size, archived)


def _head(archive: ZipFile, member: ZipInfo) -> bytes:
    """The first bytes of a member. Raises CannotOpenError."""
    try:
        with archive.open(member) as file:
            return file.read(HEAD)
    except (*DAMAGED, OSError) as error:
        raise CannotOpenError(Path(member.filename), "is damaged in its archive") from error
