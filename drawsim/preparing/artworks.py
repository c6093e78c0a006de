"""The step `artworks`: from a folder per artist, one flat folder or a table to the gallery."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from drawsim.collection.names import display_name, named_artist
from drawsim.collection.summary import Summary
from drawsim.common.errors import UserError
from drawsim.common.words import counted, first_of, head
from drawsim.preparing.image_tables import TableForm, columns_of_table
from drawsim.preparing.listing import (
    assign_ids,
    list_roots,
    notes_on_files,
    read_prepared,
    unpack,
)
from drawsim.preparing.museum_tables import Museum, load_museum
from drawsim.preparing.named_addresses import Fetched, fetch_named
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
    scheme: Mapping[str, Any] | None = None,
    fetch: Mapping[str, Any] | None = None,
    size: int = 1024,
    id_column: str | None = None,
    path_column: str | None = None,
    artist_column: str | None = None,
    title_column: str | None = None,
    year_column: str | None = None,
) -> Summary:
    """Write `artworks.csv`: id, path, and where known artist, artist_name and a table's columns.

    source: a folder or zip archive, in which the folder of an image is its artist, unless it is
    called `others` or the like; or a table with a column `id` or `path`. scheme: a museum's, `of:
    artworks`: what its table calls the columns, or how its files are named; others are for
    drawings, and not used. Images that such a table names by address are fetched into
    `out/artworks`, `size` pixels long where the museum can; fetch: settings of `Manners`. id_column
    and so on: what the table calls them. extract: unpack archived images into `out/artworks`.
    workers: hosts that are asked at a time. `artist` is as found; `artist_name` is for people, its
    letters repaired. Raises UserError, with the table as it was, for a source that cannot be used.
    """
    prepared = read_prepared(out / "artworks.csv")
    named = {
        "id": id_column,
        "path": path_column,
        "artist": artist_column,
        "title": title_column,
        "year": year_column,
    }
    museum = load_museum(scheme or {})
    form: TableForm
    pictures = Fetched()
    if museum is None:
        form = columns_of_table(source, named)
    else:
        museum = museum.with_columns(named)
        pictures = fetch_named(source, out, FOLDER, museum, size, workers, fetch or {})
        form = museum.with_files(pictures.files)
    listing = list_images(source, out, FOLDER, form)
    images = [i for i in listing.images if i.size or i.archived] if museum else listing.images
    ids = assign_ids(images, prepared, qualify=True)
    if not ids.of:
        path, reason = ids.refused[0]
        raise UserError(f"{source}: no artwork can be listed, e.g. {path} {reason}")
    summary = Summary(read=listing.read)
    summary.skipped |= dict(listing.skipped)
    if pictures.failed:
        summary.skipped["images that cannot be had"] = pictures.failed
    if absent := len(listing.images) - len(images) - pictures.failed:
        summary.skipped["rows without an image"] = absent
    refused = [*listing.refused, *ids.refused]
    wanted = {image.path for image in ids.of if image.archived}
    if extract and wanted:
        refused += unpack(source, out, FOLDER, wanted, summary)
    table = _table(ids.of, museum)
    renewal = renew(out / "artworks.csv", table, prepared, OWN_COLUMNS)
    count_rows(summary, renewal, "artworks")
    list_roots(summary, out, table["path"], source)
    summary.notes += _no_artists(ids.of, museum)
    if "artist" in table.columns:
        summary.made["artists"] = table["artist"][table["artist"] != ""].nunique()
        summary.notes += _repairs(table)
    if refused:
        summary.skipped["images that cannot be taken"] = len(refused)
        reasons = [f"{path}: {reason}" for path, reason in refused]
        summary.notes += head(reasons, "that cannot be taken", SHOWN)
    summary.notes += notes_on_files(list(ids.of), ids, source, out)
    pictures.enter(summary, out)
    if museum is not None and museum.pattern is not None:
        summary.notes += _unnamed(list(ids.of), museum)
    return summary


def _unnamed(images: Sequence[ImageFile], museum: Museum) -> list[str]:
    """A note on files that are not called as the scheme says."""
    odd = [image.path for image in images if museum.of_name(image.name) is None]
    if not odd:
        return []
    what = f"files that are not called as scheme {museum.name} says, their folder is their artist"
    return [f"{what}: {len(odd):,}, e.g. {odd[0]}"]


def _table(ids: dict[ImageFile, str], museum: Museum | None) -> pd.DataFrame:
    """One row an artwork; columns without any value are left out."""
    rows = []
    for image, name in ids.items():
        row = {"id": name, "path": image.path}
        told = _told(image, museum)
        row |= {"artist": _artist(image)} if told is None else told
        if "artist" in row:
            row["artist_name"] = display_name(row["artist"])
        rows.append(row)
    columns = dict.fromkeys(["id", "path", "artist", "artist_name", *(c for r in rows for c in r)])
    table = pd.DataFrame(rows, columns=list(columns), dtype=str).fillna("")
    return table[[c for c in columns if c in ("id", "path") or (table[c] != "").any()]]


def _told(image: ImageFile, museum: Museum | None) -> Mapping[str, str] | None:
    """What a table says of an image, or its name by the scheme of a museum; None: nothing does."""
    return museum.of_name(image.name) if museum and image.cells is None else image.cells


def _artist(image: ImageFile) -> str:
    """By the folder of an image, which may be called by no artist."""
    return named_artist(PurePosixPath(image.name).parent.name)


def _no_artists(images: Iterable[ImageFile], museum: Museum | None) -> list[str]:
    """A note on the folders that are called by no artist."""
    found = Counter(
        folder
        for image in images
        if (folder := PurePosixPath(image.name).parent.name)
        and not _artist(image)
        and _told(image, museum) is None
    )
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
