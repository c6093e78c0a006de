"""The step `artworks`: from a folder per artist, one flat folder or a table to the gallery."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import pandas as pd

from drawsim.collection.names import display_name, names_artist
from drawsim.collection.summary import Summary
from drawsim.common.errors import UserError
from drawsim.common.words import counted, first_of, head
from drawsim.preparing.image_tables import columns_of_table
from drawsim.preparing.listing import (
    assign_ids,
    list_roots,
    notes_on_files,
    read_prepared,
    unpack,
)
from drawsim.preparing.renewal import count_rows, renew
from drawsim.preparing.sources import ImageFile, list_images

FOLDER = "artworks"
"""Where in the collection artworks from archives are unpacked."""
OWN_COLUMNS = ("id", "path", "artist", "artist_name")
SHOWN = 10


def prepare_artworks(
    source: Path,
    out: Path,
    workers: int,
    *,
    extract: bool,
    id_column: str | None = None,
    path_column: str | None = None,
    artist_column: str | None = None,
    title_column: str | None = None,
    year_column: str | None = None,
) -> Summary:
    """Write `artworks.csv`: id, path, and where known artist, artist_name and a table's columns.

    source: a folder or zip archive, in which the folder of an image is its artist, unless it is
    called `others` or the like; or a table with a column `id` or `path`. id_column and so on: what
    the table calls them. extract: unpack archived images into `out/artworks`. workers: not used, as
    reading names is not work that can be shared. `artist` is as found; `artist_name` is for people,
    its letters repaired. Raises UserError, with the table as it was, for a source that cannot be
    used.
    """
    prepared = read_prepared(out / "artworks.csv")
    named = {
        "id": id_column,
        "path": path_column,
        "artist": artist_column,
        "title": title_column,
        "year": year_column,
    }
    columns = columns_of_table(source, named)
    listing = list_images(source, out, FOLDER, columns)
    ids = assign_ids(listing.images, prepared, qualify=True)
    if not ids.of:
        path, reason = ids.refused[0]
        raise UserError(f"{source}: no artwork can be listed, e.g. {path} {reason}")
    summary = Summary(read={"files": listing.files, "images": len(listing.images)})
    summary.skipped |= dict(listing.skipped)
    refused = [*listing.refused, *ids.refused]
    wanted = {image.path for image in ids.of if image.archived}
    if extract and wanted:
        refused += unpack(source, out, FOLDER, wanted, summary)
    table = _table(ids.of)
    renewal = renew(out / "artworks.csv", table, prepared, OWN_COLUMNS)
    count_rows(summary, renewal, "artworks")
    list_roots(summary, out, table["path"], source)
    summary.notes += _no_artists(ids.of)
    if "artist" in table.columns:
        summary.made["artists"] = table["artist"][table["artist"] != ""].nunique()
        summary.notes += _repairs(table)
    if refused:
        summary.skipped["images that cannot be taken"] = len(refused)
        reasons = [f"{path}: {reason}" for path, reason in refused]
        summary.notes += head(reasons, "that cannot be taken", SHOWN)
    summary.notes += notes_on_files(list(ids.of), ids, source, out)
    return summary


def _table(ids: dict[ImageFile, str]) -> pd.DataFrame:
    """One row an artwork; columns without any value are left out."""
    rows = []
    for image, name in ids.items():
        row = {"id": name, "path": image.path}
        if image.cells is None:
            folder = PurePosixPath(image.name).parent.name
            row["artist"] = folder if names_artist(folder) else ""
        else:
            row |= image.cells
        if "artist" in row:
            row["artist_name"] = display_name(row["artist"])
        rows.append(row)
    columns = dict.fromkeys(["id", "path", "artist", "artist_name", *(c for r in rows for c in r)])
    table = pd.DataFrame(rows, columns=list(columns), dtype=str).fillna("")
    return table[[c for c in columns if c in ("id", "path") or (table[c] != "").any()]]


def _no_artists(images: Iterable[ImageFile]) -> list[str]:
    """A note on the folders that are not called by an artist."""
    folders = [PurePosixPath(image.name).parent.name for image in images if image.cells is None]
    found = Counter(folder for folder in folders if folder and not names_artist(folder))
    return [
        f"no artist is known of {counted(many, 'artwork')} in the folder {folder!r}"
        for folder, many in found.items()
    ]


def _repairs(table: pd.DataFrame) -> list[str]:
    """A note on the names that are more than their folders' without underscores."""
    artists = dict(zip(table["artist"], table["artist_name"], strict=True))
    changed = [
        f"{artist} → {name}"
        for artist, name in artists.items()
        if " ".join(artist.replace("_", " ").split()) != name
    ]
    if not changed:
        return []
    return [f"artists' names repaired in artist_name: {first_of(changed, SHOWN)}"]
