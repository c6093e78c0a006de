"""What is to be embedded: the images of a collection's table, or of any folder."""

from __future__ import annotations

from pathlib import Path

from drawsim.collection.ids import without_image_ending
from drawsim.collection.kinds import Kind
from drawsim.collection.tables import Collection, tables_of
from drawsim.common.errors import UserError
from drawsim.common.opening import printable
from drawsim.common.remote import copy_of, folder_of, why_none
from drawsim.common.servers import files_below
from drawsim.common.words import counted
from drawsim.pixels.folders import Met, images_below

Files = list[tuple[str, Path]]
"""Ids and files; of a folder, two files may have one id."""


def images_of_table(root: Path, kind: str) -> Files:
    """The drawings, style copies left out, or the artworks (kind) of a collection.

    Raises UserError for a table that is missing or cannot be used.
    """
    one: Kind = "drawing" if kind == "drawings" else "artwork"
    collection = Collection.open(root, tables=tables_of(root, one))
    return list(collection.paths(one).items())


def images_of_address(folder: str) -> tuple[Files, dict[str, str], list[str]]:
    """The same of a folder of S3. What is no image by its name is left out, none being fetched."""
    address = folder_of(folder)
    met = Met()
    files = []
    for url in files_below(address):
        name = url[len(address) :]
        met.files += 1
        if met.hides(*name.split("/")):
            continue
        if why := why_none(url):
            met.lacks(printable(url), f"is not read ({why})")
        elif met.takes(name, bytes):
            files.append((without_image_ending(name), copy_of(url)))
    if not files:
        raise UserError(f"{address}: no images among {counted(met.files, 'file')}")
    return files, dict(met.refused), met.notes(refused=False)


def images_of_folder(folder: Path) -> tuple[Files, dict[str, str], list[str]]:
    """All images below a folder, a reason by path for each that cannot be taken, and notes.

    An id is the path below the folder without the ending. Raises UserError if there are none.
    """
    images, met = images_below(folder)
    refused = dict((*met.closed, *met.refused))
    files = [(without_image_ending(name), path) for name, path in images]
    return files, refused, met.notes(refused=False)
