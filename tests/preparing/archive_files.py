"""Folders and archives of small images, for the tests of the steps that read them."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from PIL import Image

from drawsim.collection.csv_files import read_csv
from drawsim.collection.problems import Problems

Tree = Mapping[str, "bytes | Tree"]


def picture(width: int = 8, height: int = 6, orientation: int = 1) -> bytes:
    """A JPEG file."""
    file = BytesIO()
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (width, height), "teal").save(file, "JPEG", exif=exif)
    return file.getvalue()


def zipped(tree: Tree, compression: int = zipfile.ZIP_STORED) -> bytes:
    """A zip archive; a name that ends in .zip with a tree of its own is an archive within."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in tree.items():
            inner = content if isinstance(content, bytes) else zipped(content, compression)
            archive.writestr(name, inner)
    return file.getvalue()


def put(folder: Path, tree: Tree) -> Path:
    """Write files (and archives) into a folder; returns it."""
    for name, content in tree.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else zipped(content))
    return folder


def table(path: Path) -> dict[str, dict[str, str]]:
    """Rows of a table, by id."""
    rows = read_csv(path, ("id", "path"), Problems()).to_dict("records")
    return {str(row["id"]): {str(k): str(v) for k, v in row.items()} for row in rows}
