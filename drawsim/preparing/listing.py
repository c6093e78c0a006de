"""From images found to a table: their ids, their files, and what the table had before."""

from __future__ import annotations

import errno
import shutil
from collections import Counter, defaultdict
from collections.abc import Collection as Names
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from drawsim.collection.csv_files import read_csv
from drawsim.collection.paths import SETTINGS, allow_roots, outside
from drawsim.collection.problems import Problems, raise_problems
from drawsim.collection.summary import Summary
from drawsim.common.archives import DAMAGED
from drawsim.common.errors import UserError
from drawsim.common.files import atomic, disk_is_full
from drawsim.common.opening import why_unreadable
from drawsim.common.progress import progress_bar
from drawsim.common.refusals import why_full
from drawsim.common.words import first_of
from drawsim.preparing.image_tables import TableForm
from drawsim.preparing.sources import ImageFile, Opener, Walk

SHOWN = 5
"""Roots that a note names."""


def read_prepared(path: Path) -> pd.DataFrame:
    """The table of an earlier run, empty if there was none.

    Raises UserError if it is broken, or if the collection is no folder.
    """
    if path.parent.is_file():
        raise UserError(f"{path.parent} is a file: say where the collection is to be, out=FOLDER")
    if not path.is_file():
        return pd.DataFrame(columns=["id", "path"], dtype=str)
    problems = Problems()
    table = read_csv(path, ("id", "path"), problems)
    raise_problems(f"{path.parent} cannot be prepared", problems)
    return table.drop_duplicates("id")


@dataclass(frozen=True)
class AssignedIds:
    """The images that have an id, and why the others have none.

    of: id by image. qualified: ids with the folder in them, as the names alone are not unique.
    refused: path and reason.
    """

    of: dict[ImageFile, str]
    qualified: set[str]
    refused: list[tuple[str, str]]


def assign_ids(
    images: Sequence[ImageFile], prepared: pd.DataFrame, *, qualify: bool
) -> AssignedIds:
    """Give each image an id of its own.

    An image that the table of an earlier run has, by its path, keeps its id. Of several new images
    that are called the same, each gets its path below the source as its id (`qualify`), or none
    gets one: which of them is meant is for people to say.
    """
    before = dict(zip(prepared["path"], prepared["id"], strict=True))
    owner: dict[str, ImageFile] = {}
    called: dict[str, list[ImageFile]] = defaultdict(list)
    for image in images:
        known = before.get(image.path)
        if known is None or known in owner:
            called[image.id].append(image)
        else:
            owner[known] = image
    qualified: set[str] = set()
    refused: list[tuple[str, str]] = []
    for name, alike in called.items():
        alone = len(alike) == 1 and name not in owner
        namesakes = Counter(image.name for image in alike)
        for image in alike:
            if alone:
                owner[name] = image
            elif qualify and namesakes[image.name] == 1 and image.name not in owner:
                owner[image.name] = image
                qualified.add(image.name)
            else:
                other = next(i for i in (owner.get(name), *alike) if i not in (None, image))
                refused.append((image.path, f"has the same id as {other.path}"))
    of = {image: name for name, image in owner.items()}
    return AssignedIds({i: of[i] for i in images if i in of}, qualified, refused)


def unpack(
    source: Path, out: Path, folder: str, wanted: Names[str], summary: Summary
) -> list[tuple[str, str]]:
    """Unpack the archived images of these paths, those that are missing or of another size.

    Each file is there whole or not at all. How many were unpacked, now and before, is entered in
    `summary`; path and reason of what could not be are returned. Raises UserError if the disk
    refuses one.
    """
    made = there = 0
    damaged: dict[str, str] = {}
    with progress_bar("unpacking", len(wanted)) as advance:
        for image, read in Walk(source, out, folder).images(lambda: None):
            if not image.archived or image.path not in wanted:
                continue
            advance()
            target = out / image.path
            if target.is_file() and target.stat().st_size == image.size:
                there += 1
                continue
            try:
                with read() as packed, atomic(target) as temporary, temporary.open("wb") as file:
                    shutil.copyfileobj(packed, file, 1 << 20)
                made += 1
            except DAMAGED as error:
                damaged[image.path] = f"damaged in its archive: {error}"
            except OSError as error:
                if error.errno == errno.ENAMETOOLONG:
                    damaged[image.path] = why_unreadable(error, target)
                    continue
                why = why_full(error) if disk_is_full(error) else error.strerror
                raise UserError(f"{target}: cannot be unpacked: {why or error}") from error
    summary.made["images unpacked"] = made
    if there:
        summary.skipped["images unpacked before"] = there
    return list(damaged.items())


def measure(
    source: Path, out: Path, folder: str, wanted: Names[str], form: TableForm
) -> pd.DataFrame:
    """Width and height in pixels, upright, and bytes of the images of these paths.

    form: as in `list_images`. Only headers are read. Returns the columns path, width, height,
    bytes, all text; an image that cannot be read has no width and height.
    """
    sizes: dict[str, tuple[str, str, str]] = {}
    with progress_bar("reading sizes", len(wanted), "images") as advance:
        for image, read in Walk(source, out, folder, form).images(lambda: None):
            if image.path in wanted and image.size and image.path not in sizes:
                sizes[image.path] = (*_pixels(read), str(image.size))
                advance()
    rows = [(path, *size) for path, size in sizes.items()]
    return pd.DataFrame(rows, columns=["path", "width", "height", "bytes"], dtype=str)


def _pixels(read: Opener) -> tuple[str, str]:
    from drawsim.pixels.decode import read_header

    try:
        with read() as file:
            header = read_header(file)
    except Exception:  # decoders raise many kinds for damaged files
        return "", ""
    return str(header.width), str(header.height)


def list_roots(summary: Summary, out: Path, paths: Iterable[str], source: Path) -> None:
    """List the folders of images that lie outside the collection as its roots.

    source: what the user named: a folder, or a file in one. Other folders, to which links lead,
    are noted.
    """
    folder = source if source.is_dir() else source.parent
    roots = outside(out, (out / path for path in paths), folder)
    if not roots:
        return
    allow_roots(out, roots)
    if out / SETTINGS not in summary.files:
        summary.files.append(out / SETTINGS)
    if others := [root for root in roots if root != folder.resolve()]:
        shown = first_of(list(map(str, others)), SHOWN)
        summary.notes.append(f"images lie in other folders, listed in {SETTINGS}: {shown}")


def notes_on_files(
    images: Sequence[ImageFile], assigned: AssignedIds, source: Path, out: Path
) -> list[str]:
    """Notes on images that wait in archives, are named but not there, or have long ids."""
    notes = []
    waiting = [i.size for i in images if i.archived and not (out / i.path).is_file()]
    if waiting:
        notes.append(
            f"images that wait in archives: {len(waiting):,} ({sum(waiting) / 1e9:,.1f} GB); "
            f"step.extract=true unpacks them into {out}"
        )
    if absent := [image for image in images if not image.size and image.cells is not None]:
        notes.append(
            f"images that {source.name} names and that are not there: {len(absent):,}, "
            f"e.g. {absent[0].path}"
        )
    if long := [assigned.of[i] for i in images if assigned.of[i] in assigned.qualified]:
        notes.append(
            f"files that share their names with others: {len(long):,}, their ids have the folder "
            f"in them, e.g. {long[0]}"
        )
    return notes
