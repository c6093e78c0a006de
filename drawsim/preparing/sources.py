"""Where images come from: folders, zip archives at any depth of both, or a table that names them.

Nothing is decoded here, and of archives only the tables of contents are read.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO
from zipfile import ZipFile

from drawsim.collection.ids import trimmed
from drawsim.collection.problems import Problem, raise_problems
from drawsim.common.errors import UserError
from drawsim.common.progress import Advance, progress_bar
from drawsim.preparing.archives import DAMAGED, inner_archive, member_name, safe_parts
from drawsim.preparing.image_tables import named_images
from drawsim.preparing.rewriting import RECORDS

IMAGE_ENDINGS = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif"}
)
"""The image files that drawsim looks for, in small letters."""

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

    files: how many files were looked at. images: those that are images, folders in the order of
    their names. skipped: how many others for which reason. refused: path and reason of images that
    cannot be taken.
    """

    files: int
    images: list[ImageFile]
    skipped: Counter[str]
    refused: list[tuple[str, str]]


def list_images(
    source: Path, out: Path, folder: str, columns: Mapping[str, str] | None = None
) -> Listing:
    """List the images of a folder, a zip archive, or a table (CSV with a column `id` or `path`).

    out: the collection, to which paths are relative. folder: of it, where archives are unpacked.
    columns: what a table calls its columns, as in `named_images`. Raises UserError that lists every
    folder and archive that cannot be read, or if there is no image at all: of a table, if none of
    the images that it names is there.
    """
    walk = Walk(source, out, folder, columns or {})
    with progress_bar("reading names", None) as advance:
        images = [image for image, _ in walk.images(advance)]
    raise_problems(f"{source} cannot be used", walk.problems)
    named = [image for image in images if image.cells is not None]
    if named and not any(image.size for image in named):
        raise UserError(
            f"{source}: none of the {len(named):,} images that it names is there, e.g. "
            f"{named[0].path}: put them below {source.parent}, each called as its id, or say which "
            "column has their paths, step.path_column"
        )
    to_come = {image.path for image in images if image.archived}
    listed = [image for image in images if image.archived or image.path not in to_come]
    if len(images) > len(listed):
        walk.skipped["unpacked from an archive before"] = len(images) - len(listed)
    if not listed:
        endings = " ".join(sorted(IMAGE_ENDINGS))
        raise UserError(f"{source}: no images among {walk.files:,} files (images are {endings})")
    return Listing(walk.files, listed, walk.skipped, walk.refused)


def without_ending(path: str) -> str:
    """A path without the ending of an image file, if it has one."""
    stem, dot, ending = path.rpartition(".")
    return stem if f"{dot}{ending}".lower() in IMAGE_ENDINGS else path


def relative_path(path: Path, start: Path) -> str:
    """A path as seen from a folder, with `/`; links are followed, as `..` behind a link leads."""
    return Path(os.path.relpath(path.resolve(), start.resolve())).as_posix()


@dataclass
class Walk:
    """One way through a source, image by image; everything else that is met is counted.

    columns: as in `list_images`. files, skipped, refused: as in `Listing`. problems: folders and
    archives that cannot be read.
    """

    source: Path
    out: Path
    folder: str
    columns: Mapping[str, str] = field(default_factory=dict)
    files: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    refused: list[tuple[str, str]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def images(self, advance: Advance) -> Iterator[tuple[ImageFile, Opener]]:
        """Each image and what opens it; `advance` counts the files.

        Raises UserError if the source is not there, or none of the three kinds.
        """
        self._advance = advance
        self._entered: set[tuple[int, int]] = set()
        ending = self.source.suffix.lower()
        if self.source.is_dir():
            yield from self._folder(self.source, "")
        elif not self.source.is_file():
            raise UserError(f"{self.source}: no such file or folder")
        elif ending == ".zip":
            yield from self._archive_file(self.source, "")
        elif ending == ".csv":
            yield from self._table()
        else:
            raise UserError(f"{self.source}: neither a folder nor a .zip archive nor a .csv table")

    def _folder(self, folder: Path, below: str) -> Iterator[tuple[ImageFile, Opener]]:
        """The images in a folder, which lies `below` ("a/b/") the source."""
        try:
            status = folder.stat()
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            self._cannot_read(folder, error)
            return
        if (status.st_dev, status.st_ino) in self._entered:  # a link to a folder that has been seen
            return
        self._entered.add((status.st_dev, status.st_ino))
        way = relative_path(folder, self.out)
        prefix = "" if way == "." else f"{way}/"
        for entry in entries:
            name, path = f"{below}{entry.name}", Path(entry.path)
            if not _is_unicode(entry.name):
                shown = entry.path.encode("utf-8", "backslashreplace").decode()
                self.refused.append((shown, "its name is not UTF-8: rename it"))
            elif entry.is_dir():
                if entry.name != RECORDS and self._is_visible(entry.name):
                    yield from self._folder(path, f"{name}/")
            elif not self._is_wanted(entry.name):
                continue
            elif not entry.is_file():
                self.refused.append((entry.path, "a link that leads nowhere"))
            elif entry.name.lower().endswith(".zip"):
                yield from self._archive_file(path, f"{name[:-4]}/")
            else:
                size = entry.stat().st_size
                yield _image(name, prefix + entry.name, size), _opener(path)

    def _archive_file(self, path: Path, below: str) -> Iterator[tuple[ImageFile, Opener]]:
        try:
            with path.open("rb") as file:
                yield from self._archive(file, str(path), below)
        except OSError as error:
            self._cannot_read(path, error)

    def _archive(
        self, file: IO[bytes], label: str, below: str
    ) -> Iterator[tuple[ImageFile, Opener]]:
        """The images in an archive; label: how people find it."""
        try:
            archive = ZipFile(file)
        except DAMAGED:
            self._damaged(label)
            return
        with archive:
            for member in archive.infolist():
                parts = safe_parts(member_name(member))
                if member.is_dir():
                    continue
                if parts is None:
                    self.files += 1
                    reason = "its path leads out of the archive"
                    self.refused.append((f"{label}/{member_name(member)}", reason))
                    continue
                if not self._is_wanted(*parts):
                    continue
                name = "/".join(parts)
                if not name.lower().endswith(".zip"):
                    place = f"{self.folder}/{below}{name}"
                    image = _image(below + name, place, member.file_size, archived=True)
                    yield image, partial(archive.open, member)
                    continue
                try:
                    inner = inner_archive(archive, file, member)
                except DAMAGED:
                    self._damaged(f"{label}/{name}")
                    continue
                with inner:
                    yield from self._archive(inner, f"{label}/{name}", f"{below}{name[:-4]}/")

    def _table(self) -> Iterator[tuple[ImageFile, Opener]]:
        """The images that a table names; files that are not there are taken at their names."""
        for row in named_images(self.source, self.columns):
            self.files += 1
            self._advance()
            if row.refused:
                self.refused.append((row.path, row.refused))
                continue
            size = row.file.stat().st_size if row.file else 0
            name = without_ending(row.path) if row.path else row.id
            place = relative_path(row.file, self.out) if row.file and size else row.path or row.id
            image_id = row.id or name.rpartition("/")[2]
            file = row.file or self.source.parent / row.path
            yield ImageFile(image_id, name, place, size, cells=row.cells), _opener(file)

    def _is_wanted(self, *parts: str) -> bool:
        """Whether a file, by its path, may be an image or an archive; counts it, and why not."""
        self.files += 1
        self._advance()
        ending = os.path.splitext(parts[-1])[1].lower()  # noqa: PTH122  (Path takes 5 times as long)
        if not self._is_visible(*parts):
            return False
        if ending in IMAGE_ENDINGS or ending == ".zip":
            return True
        self.skipped[f"not an image ({ending or 'no ending'})"] += 1
        return False

    def _is_visible(self, *parts: str) -> bool:
        hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
        if hidden:
            self.skipped["hidden"] += 1
        return not hidden

    def _cannot_read(self, path: Path, error: OSError) -> None:
        what = f"cannot be read: {error.strerror or error}"
        self.problems.append(Problem(str(path), None, what, "check the disk and its permissions"))

    def _damaged(self, label: str) -> None:
        what = "not a whole zip archive: cut short, damaged or locked"
        self.problems.append(Problem(label, None, what, "copy or download it again"))


def _image(name: str, path: str, size: int, *, archived: bool = False) -> ImageFile:
    stem = without_ending(name)
    return ImageFile(trimmed(stem.rpartition("/")[2]), stem, path, size, archived)


def _opener(path: Path) -> Opener:
    return lambda: path.open("rb")


def _is_unicode(name: str) -> bool:
    """False for a name on a disk whose bytes are not UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
