"""Images that a museum's table names by address: fetched into the collection, each once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from drawsim.collection.problems import Problems
from drawsim.collection.summary import Summary
from drawsim.common.progress import progress_bar
from drawsim.preparing.fetching.fetcher import Fetcher
from drawsim.preparing.fetching.log import FetchLog
from drawsim.preparing.fetching.manners import Manners
from drawsim.preparing.iiif.canvases import Painted
from drawsim.preparing.iiif.pictures import (
    Made,
    Pictures,
    Wanted,
    check_size,
    fetch_pictures,
)
from drawsim.preparing.museum_tables import Museum
from drawsim.preparing.not_fetched import list_failed
from drawsim.preparing.rewriting import RECORDS

LARGEST = 512 << 20
"""Bytes of an image."""
LONGEST = 56
"""Characters of a file's name."""


@dataclass(frozen=True)
class Fetched:
    """What fetching came to. files: by id."""

    source: str = ""
    files: dict[str, Path] = field(default_factory=dict)
    pictures: Pictures | None = None

    @property
    def failed(self) -> int:
        """How many images could not be had."""
        return len(self.pictures.failed) if self.pictures else 0

    def enter(self, summary: Summary, out: Path) -> None:
        """Enter it in the account of the step."""
        if self.pictures is None:
            return
        self.pictures.enter(summary)
        list_failed(summary, out, self.source, self.pictures.rows_of_failed)


def fetch_named(
    source: Path,
    out: Path,
    folder: str,
    museum: Museum,
    size: int,
    workers: int,
    manners: Mapping[str, Any],
) -> Fetched:
    """Fetch the images of a table's rows that name an address and no file that is there.

    size: pixels of the longer side, where addresses can say that. manners: settings of `Manners`.
    Raises UserError if none of them can be had.
    """
    if source.suffix.lower() not in museum.endings or not source.is_file():
        return Fetched()
    check_size(size)
    table = museum.read(source, Problems())
    wanted: dict[str, str] = {}
    for row in table.to_dict("records"):
        cells = {str(name): str(cell) for name, cell in row.items()}
        if cells.get("path") and (source.parent / cells["path"]).is_file():
            continue
        url = museum.url(cells, size)
        if url and cells.get("id"):
            wanted.setdefault(cells["id"], url)
    if not wanted:
        return Fetched()
    others = Made(out).others(out / folder)
    names = {_file_name(each, others): each for each in wanted}
    asked = [Wanted(f"{source} {i}", name, Painted(wanted[i])) for name, i in names.items()]
    fetcher = Fetcher(Manners(**manners), FetchLog(out / RECORDS / "fetched.csv"))
    with progress_bar("fetching images", len(asked), "images") as advance:
        pictures = fetch_pictures(asked, out, folder, size, LARGEST, fetcher, workers, advance)
    pictures.check_some(source)
    files = {names[name]: out / path for name, path in pictures.paths.items()}
    return Fetched(str(source), files, pictures)


def _file_name(name: str, others: set[str]) -> str:
    """An id as the name of a file; a few letters of a digest follow where it cannot be one, or is
    somebody else's."""
    plain = re.sub(r"[^\w.-]+", "_", name).strip("._")[:LONGEST]
    if plain == name and plain not in others:
        return plain
    return f"{plain}-{sha256(name.encode()).hexdigest()[:6]}".strip("-")
