"""The step `drawings`: from scans, by their names alone, to the table of drawings.

A scan shows a side of a sheet. The front (recto) is the drawing and gets a row; the back (verso)
is linked to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from drawsim.collection.names import AGE_GROUPS, STYLE_SUFFIXES, countries, original_id
from drawsim.collection.summary import Summary
from drawsim.common.errors import UserError
from drawsim.common.words import counted
from drawsim.preparing.image_tables import columns_of_table
from drawsim.preparing.listing import (
    assign_ids,
    list_roots,
    measure,
    notes_on_files,
    read_prepared,
    unpack,
)
from drawsim.preparing.pages import FOLDER as PAGES
from drawsim.preparing.pages import check_pages, of_several_pages, take_pages
from drawsim.preparing.renewal import count_rows, renew
from drawsim.preparing.rewriting import rewrite
from drawsim.preparing.schemes import OWN_COLUMNS, ScanName, Scheme, load_scheme
from drawsim.preparing.sources import ImageFile, list_images

FOLDER = "drawings"
"""Where in the collection scans from archives are unpacked."""
SIZES = ("width", "height", "bytes")


@dataclass(frozen=True, slots=True)
class Scan:
    """An image whose name follows the scheme; original: of a style copy, the id of the drawing."""

    image: ImageFile
    id: str
    name: ScanName
    original: str


def prepare_drawings(
    source: Path,
    out: Path,
    workers: int,
    *,
    scheme: Mapping[str, Any],
    config_folders: Sequence[Mapping[str, str]],
    extract: bool,
    sizes: bool,
    pages: str = "main",
    id_column: str | None = None,
    path_column: str | None = None,
    year_column: str | None = None,
    age_group_column: str | None = None,
    country_column: str | None = None,
) -> Summary:
    """Write `drawings.csv`, and `unparsed.csv` with what could not be taken and why.

    source: a folder, a zip archive, or a table with a column `id` or `path`, whose other columns
    are kept unless the scheme makes them; id_column and so on: what it calls them. scheme: what
    `load_scheme` takes, its tables lie in the folder `scheme` of a configuration folder;
    config_folders: these, as Hydra lists them. extract: unpack archived rectos into `out/drawings`.
    sizes: add width and height in pixels, and bytes. pages: of scans that hold several, `main`, or
    `all`, each a drawing of its own, see `take_pages`. workers: not used, as reading names is not
    work that can be shared.
    Raises UserError, with the table as it was, for a scheme or a source that cannot be used.
    """
    check_pages(pages)
    places = [Path(f["path"]) / "scheme" for f in config_folders if f["schema"] == "file"]
    rules = load_scheme(scheme, places)
    prepared = read_prepared(out / "drawings.csv")
    named = {
        "id": id_column,
        "path": path_column,
        "year": year_column,
        "age_group": age_group_column,
        "country": country_column,
    }
    form = columns_of_table(source, named)
    listing = list_images(source, out, FOLDER, form)
    images = [image for image in listing.images if not image.path.startswith(f"{PAGES}/")]
    ids = assign_ids(images, prepared, qualify=rules.qualify)
    scans, unparsed = parse_scans(ids.of, rules)
    versos = [scan for scan in scans if rules.verso and scan.name.fields["side"] == rules.verso]
    behind = {scan.id for scan in versos}
    rectos = [scan for scan in scans if scan.id not in behind]
    refused = {
        "images that cannot be reached": listing.refused,
        "images with the id of another": ids.refused,
        "names that cannot be parsed": unparsed,
    }
    if not rectos:
        _write_refused(refused, out)
        count = f"{source}: no drawing among {counted(len(listing.images), 'image')}"
        why = [": ".join(pair) for pairs in refused.values() for pair in pairs]
        cure = "; scheme=plain takes every image as a drawing" if unparsed else ""
        raise UserError(f"{count}, e.g. {why[0]}{cure}" if why else f"{count}, all are versos")

    summary = Summary(read=listing.read)
    summary.skipped |= dict(listing.skipped)
    wanted = {scan.image.path for scan in rectos if scan.image.archived}
    if extract and wanted:
        refused["images damaged in their archives"] = unpack(source, out, FOLDER, wanted, summary)
    verso_of, alone = link_versos(rectos, versos)
    table = _table(rectos, verso_of, rules)
    if sizes:
        table = table.merge(
            measure(source, out, FOLDER, set(table["path"]), form), "left", on="path"
        )
    several: dict[str, int] = {}
    if pages == "all":
        taken = take_pages(table, out)
        table = pd.concat([table, pd.DataFrame(taken.rows, columns=table.columns)])
        refused["pages that cannot be taken"] = taken.refused
        summary.made |= {"pages": taken.made} if taken.made else {}
        summary.skipped |= {"pages taken before": taken.there} if taken.there else {}
    else:
        several = of_several_pages(table["path"], out)
    own = OWN_COLUMNS if sizes else [c for c in OWN_COLUMNS if c not in SIZES]
    renewal = renew(out / "drawings.csv", table, prepared, [*own, *rules.columns])
    count_rows(summary, renewal, "drawings")
    list_roots(summary, out, table["path"], source)
    _count(summary, table, len(versos), alone)
    summary.files += _write_refused(refused, out)
    for what, rows in refused.items():
        if rows:
            summary.skipped[what] = len(rows)
            summary.notes.append(f"{what}: {len(rows):,}, e.g. {rows[0][0]}: {rows[0][1]}")
    if several:
        first, number = next(iter(several.items()))
        summary.notes.append(
            f"files of several pages, of which the main one is taken: {len(several):,}, e.g. "
            f"{first} ({number} pages); pages=all takes each as a drawing of its own"
        )
    summary.notes += _unknown_values(rectos, rules)
    summary.notes += notes_on_files([scan.image for scan in rectos], ids, source, out)
    return summary


def parse_scans(
    ids: Mapping[ImageFile, str], rules: Scheme
) -> tuple[list[Scan], list[tuple[str, str]]]:
    """What the names say; and path and reason of images whose names do not follow the scheme.

    A style copy of another image has what that image's name says.
    """
    images = {name: image for image, name in ids.items()}
    scans: list[Scan] = []
    unparsed: list[tuple[str, str]] = []
    for image, name in ids.items():
        original = original_id(name, images)
        parsed = rules.parse(images[original or name].name)
        if parsed is None:
            unparsed.append((image.path, _why_unparsed(image, original, rules)))
        else:
            scans.append(Scan(image, name, parsed, original or ""))
    return scans, unparsed


def _why_unparsed(image: ImageFile, original: str | None, rules: Scheme) -> str:
    if original is not None:
        return f"a style copy of {original}, which does not follow scheme {rules.name}"
    missing = [image.name.removesuffix(s) for s in STYLE_SUFFIXES if image.name.endswith(s)]
    if any(rules.parse(name) for name in missing):
        return f"a style copy of {missing[0].rpartition('/')[2]}, which is not there"
    corrected = rules.corrected(image.name)
    if corrected != image.name.rpartition("/")[2]:
        return f"is corrected to {corrected}, which does not follow scheme {rules.name}"
    return f"does not follow scheme {rules.name}"


def link_versos(
    rectos: Sequence[Scan], versos: Sequence[Scan]
) -> tuple[dict[str, str], list[Scan]]:
    """The path of the verso by the id of its recto, and the versos that have no recto.

    The two sides of a sheet have the same name but for the side; where a sheet was scanned in two
    qualities, each recto gets the verso of its own quality if there is one. In a series that is
    numbered scan by scan, the verso is the scan that follows the recto.
    """
    by_sheet: dict[str, list[Scan]] = {}
    for verso in versos:
        by_sheet.setdefault(verso.name.sheet, []).append(verso)
    by_place = {verso.name.place: verso for verso in versos if verso.name.place}
    verso_of: dict[str, str] = {}
    linked: set[str] = set()
    for recto in rectos:
        if recto.original:
            continue
        behind = by_sheet.get(recto.name.sheet, [])
        if not behind and recto.name.place:
            series, number = recto.name.place
            behind = [v for v in [by_place.get((series, number + 1))] if v]
        if behind:
            quality = recto.name.fields.get("quality")
            best = next((v for v in behind if v.name.fields.get("quality") == quality), behind[0])
            verso_of[recto.id] = best.image.path
            linked |= {verso.id for verso in behind}
    return verso_of, [verso for verso in versos if verso.id not in linked]


def _table(rectos: Sequence[Scan], verso_of: Mapping[str, str], rules: Scheme) -> pd.DataFrame:
    columns: dict[str, list[str]] = {
        "id": [scan.id for scan in rectos],
        "path": [scan.image.path for scan in rectos],
    }
    columns |= {c: [scan.name.fields[c] for scan in rectos] for c in rules.columns}
    if rules.verso:
        columns["verso"] = [verso_of.get(scan.id, "") for scan in rectos]
    columns["parent"] = [scan.original for scan in rectos]
    table = pd.DataFrame(columns, dtype=str)
    told = pd.DataFrame([scan.image.cells or {} for scan in rectos], dtype=str).fillna("")
    own = {*table.columns, *OWN_COLUMNS}
    return table.join(told[[name for name in told.columns if name not in own]])


def _write_refused(refused: Mapping[str, list[tuple[str, str]]], out: Path) -> list[Path]:
    """Write `unparsed.csv`, if there is anything to write; the one of an earlier run goes."""
    path = out / "unparsed.csv"
    rows = [row for rows in refused.values() for row in rows]
    if not rows:
        path.unlink(missing_ok=True)
        return []
    rewrite(pd.DataFrame(rows, columns=["path", "reason"]), path)
    return [path]


def _count(summary: Summary, table: pd.DataFrame, versos: int, alone: Sequence[Scan]) -> None:
    """Count what has become of the scans."""
    for column, what in (("verso", "of these with a verso"), ("parent", "of these style copies")):
        if column in table.columns and (count := int((table[column] != "").sum())):
            summary.made[what] = count
    if versos > len(alone):
        summary.skipped["versos, linked to their rectos"] = versos - len(alone)
    if alone:
        summary.skipped["versos without a recto"] = len(alone)
        summary.notes.append(f"versos without a recto: {len(alone):,}, e.g. {alone[0].image.path}")


def _unknown_values(rectos: Sequence[Scan], rules: Scheme) -> list[str]:
    """Notes on countries and age groups that nobody knows; the rows have them as found."""
    notes = []
    for field, table, known, what in (
        ("country", rules.country_codes, countries(), "country codes of no country (ISO 3166)"),
        (
            "age_group",
            rules.age_groups,
            AGE_GROUPS,
            f"age groups other than {', '.join(AGE_GROUPS)}",
        ),
    ):
        if not table or field not in rules.columns:
            continue  # a scheme that corrects nothing has its own ideas of what is right
        found: dict[str, list[str]] = {}
        for scan in rectos:
            if (value := scan.name.fields[field]) and value not in known:
                found.setdefault(value, []).append(scan.id)
        if found:
            often = sorted(found.items(), key=lambda item: -len(item[1]))
            each = [f"{value} ({len(ids):,}, e.g. {ids[0]})" for value, ids in often]
            notes.append(f"{what}, kept as found: {', '.join(each)}")
    return notes
