"""Pages of scans that hold several, recto and verso in one file: each a drawing of its own.

The main page keeps the file and its id. Every other one is written as a picture of its own into the
collection, and has the number of the page in its id.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from drawsim.common.errors import UserError, nearest
from drawsim.common.files import atomic
from drawsim.common.opening import open_regular
from drawsim.common.progress import progress_bar
from drawsim.pixels.decode import Header, ImageReadError, read_header, read_image
from drawsim.pixels.formats import TIFF

Pages = Literal["main", "all"]
FOLDER = "drawings/pages"
"""Where in the collection pages are written."""
_NAME = 80  # letters of an id that its file is called by


@dataclass
class TakenPages:
    """rows: of the table, in its columns. made, there: how many were written now, and before.
    refused: path and reason of pages that cannot be taken."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    made: int = 0
    there: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)


def check_pages(pages: str) -> None:
    """Raise UserError for what is neither main nor all."""
    if pages not in get_args(Pages):
        raise UserError(f"pages={pages}: {nearest(str(pages), get_args(Pages))}")


def take_pages(table: pd.DataFrame, out: Path) -> TakenPages:
    """Write all pages but the main one of each file of a table of drawings, as PNG.

    out: the collection. A page that was written after its file had last changed stays. Style
    copies, and files that are not there or are no images, have no pages. Raises OSError if the disk
    refuses one.
    """
    taken = TakenPages()
    ids = set(table["id"])
    with progress_bar("looking for pages", len(table), "images") as advance:
        for cells in table.to_dict("records"):
            advance()
            row = {str(column): cell for column, cell in cells.items()}
            header = None if row.get("parent") else _header(_place(out, row["path"]))
            if header is not None and header.pages > 1:
                _take(row, header, out, ids, taken)
    return taken


def of_several_pages(paths: Iterable[str], out: Path) -> dict[str, int]:
    """How many pages files have that have more than one, of those that are called TIFF."""
    tiffs = [path for path in paths if path.lower().endswith(TIFF.endings)]
    if not tiffs:
        return {}
    found = {}
    with progress_bar("looking for pages", len(tiffs), "images") as advance:
        for path in tiffs:
            header = _header(_place(out, path))
            if header is not None and header.pages > 1:
                found[path] = header.pages
            advance()
    return found


def _place(out: Path, path: str) -> Path:
    """A file by its path as the table has it; the folder of the collection may not be there yet."""
    return Path(os.path.normpath(out.resolve() / path))


def _header(file: Path) -> Header | None:
    try:
        with open_regular(file) as opened:
            return read_header(opened)
    except Exception:  # decoders raise many kinds; who reads the picture says what is wrong with it
        return None


def _take(row: dict[str, Any], header: Header, out: Path, ids: set[str], taken: TakenPages) -> None:
    source = _place(out, row["path"])
    for number in range(header.pages):
        name = f"{row['id']}_p{number + 1}"
        shown = f"{row['path']}, page {number + 1}"
        if number == header.main:
            continue
        if name in ids:
            taken.refused.append((shown, f"its id would be {name}, which is another's"))
            continue
        target = out / FOLDER / _file_name(name)
        if target.is_file() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns:
            taken.there += 1
        else:
            try:
                pixels = read_image(source, page=number)
            except ImageReadError as error:
                taken.refused.append((shown, str(error).removeprefix(f"{source}: ")))
                continue
            _write(target, pixels)
            taken.made += 1
        ids.add(name)
        new = row | {"id": name, "path": target.relative_to(out).as_posix()}
        if "verso" in row:
            new["verso"] = ""
        if "width" in row and (own := _header(target)) is not None:
            size = {"width": own.width, "height": own.height, "bytes": target.stat().st_size}
            new |= {column: str(value) for column, value in size.items()}
        taken.rows.append(new)


def _write(target: Path, pixels: np.ndarray) -> None:
    from PIL import Image

    with atomic(target) as temporary:
        Image.fromarray(pixels).save(temporary, "PNG")


def _file_name(name: str) -> str:
    """A name for a file of its own, whatever letters an id has."""
    plain = re.sub(r"[^\w.-]+", "_", name)[-_NAME:]
    return f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}.png"
