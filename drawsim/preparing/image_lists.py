"""What is to be embedded: the images of a collection's table, or of any folder."""

from __future__ import annotations

from pathlib import Path

from drawsim.collection.problems import Problem, raise_problems
from drawsim.collection.tables import read_images
from drawsim.common.errors import UserError
from drawsim.preparing.sources import list_images

Files = list[tuple[str, Path]]
"""Ids and files; of a folder, two files may have one id."""


def images_of_table(root: Path, kind: str) -> Files:
    """The drawings or artworks (kind) of a collection, by their own table alone.

    Raises UserError for a table that is missing or cannot be used.
    """
    if not root.is_dir():
        raise UserError(f"data.root={root}: no such folder")
    problems: list[Problem] = []
    table = read_images(root / f"{kind}.csv", problems)
    raise_problems(f"{root} cannot be used", problems)
    return [(str(name), root / path) for name, path in table["path"].items()]


def images_of_folder(folder: Path) -> tuple[Files, dict[str, str]]:
    """All images below a folder, and a reason by path for each that cannot be taken.

    An id is the path below the folder without the ending. Raises UserError if there are none.
    """
    if not folder.is_dir():
        raise UserError(f"images={folder}: no such folder")
    listing = list_images(folder, folder, "")
    refused = dict(listing.refused)
    refused |= {i.path: "is in an archive: unpack it" for i in listing.images if i.archived}
    return [(i.name, folder / i.path) for i in listing.images if not i.archived], refused
